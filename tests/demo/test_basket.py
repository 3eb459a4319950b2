"""The year's baskets and members."""

from tests.demo.lines import make_lines

from serai.main.demo.basket import arrange_baskets, iterate_rows
from serai.main.demo.member import list_members
from serai.main.demo.place import rank_places


def test_baskets_are_in_order_of_time_with_their_lines_numbered() -> None:
    lines = make_lines(
        product=[0, 1, -1, 0],
        product_id=[11, 12, 99, 11],
        basket_id=[7, 8, 7, 8],
        household_id=[3, 2, 3, 2],
        store_id=[5, 6, 5, 6],
        sold_at_us=[20, 10, 20, 10],
        sales_minor=[1, 5, 1, 1],
    )
    members = list_members(lines, demographics={2: {"age": "25-34"}})
    baskets = arrange_baskets(lines, rank_places(lines), members)
    assert baskets.basket_id.tolist() == [8, 8, 7, 7]
    assert baskets.line.tolist() == [1, 2, 1, 2]
    assert baskets.product.tolist() == [1, 0, 0, -1]
    assert baskets.product_id.tolist() == [12, 11, 11, 99]
    assert baskets.place.tolist() == [1, 1, 2, 2]
    assert [members.household_id[row] for row in baskets.member] == [2, 2, 3, 3]


def test_members_are_the_households_with_what_is_known_of_them() -> None:
    lines = make_lines(product=[0, 0], household_id=[40, 2], sold_at_us=[9, 5])
    members = list_members(lines, demographics={2: {"age": "65+"}, 77: {"age": "19-24"}})
    assert members.code == ["household-2", "household-40"]
    assert members.profile == [{"age": "65+"}, {}]
    assert members.first_sold_at_us.tolist() == [5, 9]


def test_rows_come_in_batches_of_plain_numbers() -> None:
    lines = make_lines(product=[0, 0, 0])
    baskets = arrange_baskets(lines, rank_places(lines), list_members(lines, demographics={}))
    batches = list(iterate_rows(baskets, batch=2))
    assert [len(batch) for batch in batches] == [2, 1]
    assert all(type(value) is int for batch in batches for row in batch for value in row)
