"""Opening stock and places from a year of sales."""

from tests.demo.lines import make_lines, make_products

from serai.main.demo.place import rank_places
from serai.main.demo.stock import (
    BUSIEST_STORES,
    ONLINE_FLOOR_PIECES,
    STORE_FLOOR_PIECES,
    derive_stock,
)

PRODUCTS = make_products([(1, "GROCERY", "SOUP", "BROTH", "8 OZ"), (2, "GROCERY", "SOUP", "BROTH", "9 OZ")])


def test_the_warehouse_stocks_every_product_and_a_store_what_it_sold() -> None:
    lines = make_lines(product=[0, 0], store_id=[5, 6], quantity=[1, 520], sales_minor=[100, 900])
    places = rank_places(lines)
    stock = derive_stock(PRODUCTS, lines, places, full=False)
    rows = list(zip(stock.place.tolist(), stock.product.tolist(), stock.quantity.tolist(), strict=True))
    # 521 pieces a year are 41 in four weeks, rounded up; 520 are 40; the rest falls to the floors.
    assert rows == [(0, 0, 41), (0, 1, ONLINE_FLOOR_PIECES), (1, 0, 40), (2, 0, STORE_FLOOR_PIECES)]
    assert places.code == ["online", "store-6", "store-5"]


def test_only_the_busiest_stores_are_stocked_unless_all_are_asked_for() -> None:
    count = BUSIEST_STORES + 3
    lines = make_lines(
        product=[0] * count, store_id=list(range(1, count + 1)), sales_minor=list(range(count))
    )
    places = rank_places(lines)
    some, every = (derive_stock(PRODUCTS, lines, places, full=full) for full in (False, True))
    assert len(some.place) == len(PRODUCTS.product_id) + BUSIEST_STORES
    assert len(every.place) == len(PRODUCTS.product_id) + count
    assert max(places.rank[some.place]) == BUSIEST_STORES


def test_lines_of_unknown_products_stock_nothing() -> None:
    lines = make_lines(product=[-1], store_id=[5], quantity=[9])
    stock = derive_stock(PRODUCTS, lines, rank_places(lines), full=True)
    assert stock.place.tolist() == [0, 0]
    assert stock.quantity.tolist() == [ONLINE_FLOOR_PIECES] * 2


def test_equal_stores_are_ranked_by_number_and_baskets_are_counted_once() -> None:
    lines = make_lines(product=[0, 0, 0], store_id=[9, 4, 4], basket_id=[1, 2, 2], sales_minor=[20, 10, 10])
    places = rank_places(lines)
    assert places.store_id.tolist() == [0, 4, 9]
    assert places.baskets.tolist() == [0, 1, 1]
    assert places.lines.tolist() == [0, 2, 1]
