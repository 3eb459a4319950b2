"""The demo merchant from the real data set."""

import re
from collections import Counter

import numpy as np

from serai.main.demo.prepare import DemoData, prepare_demo
from serai.main.demo.price import PriceOrigin
from serai.main.demo.stock import BUSIEST_STORES


def test_the_whole_chain_is_there(demo: DemoData) -> None:
    assert len(demo.products.sku) == len(set(demo.products.sku)) == 92_331
    assert len(demo.departments) == 32
    assert len(demo.places.code) == len(set(demo.places.code)) == 1 + 457
    assert len(demo.members.code) == len(set(demo.members.code)) == 2_469
    assert sum(bool(profile) for profile in demo.members.profile) == 801
    assert len(demo.baskets.basket_id) == 1_469_307
    assert len(np.unique(demo.baskets.basket_id)) == 155_848


def test_every_pair_of_store_and_product_is_stocked_but_for_products_that_do_not_exist(
    demo: DemoData,
) -> None:
    baskets = demo.baskets
    pairs = len(np.unique(np.stack([baskets.place, baskets.product_id]), axis=1).T)
    unknown = baskets.product < 0
    missing = len(np.unique(np.stack([baskets.place[unknown], baskets.product_id[unknown]]), axis=1).T)
    assert (pairs, missing) == (631_479, 278)
    assert int((demo.stock.place > 0).sum()) == pairs - missing
    assert int((demo.stock.place == 0).sum()) == len(demo.products.sku)
    assert demo.stock.quantity.min() >= 1


def test_no_pair_is_stocked_twice(demo: DemoData) -> None:
    keys = demo.stock.place * len(demo.products.sku) + demo.stock.product
    assert len(np.unique(keys)) == len(keys)


def test_every_product_has_a_price_and_says_where_it_comes_from(demo: DemoData) -> None:
    products = demo.products
    assert products.price_minor.min() >= 1
    origins = Counter(products.price_origin.tolist())
    assert origins[PriceOrigin.OBSERVED] == 68_246
    assert sum(origins.values()) == len(products.sku)
    sold = products.sold_pieces > 0
    assert (products.price_origin[~sold] != PriceOrigin.OBSERVED).mean() > 0.99


def test_titles_read_like_a_shop(demo: DemoData) -> None:
    products = demo.products
    for title in products.title:
        assert title.en[0].isupper() or title.en[0].isdigit()
        assert not re.search(r"[a-zA-Z ]/|/[a-zA-Z ]|:|_", title.en), title.en
        assert 3 <= len(title.en) <= 80
        assert title.zh
    at = dict(zip(products.sku, range(len(products.sku)), strict=True))
    assert products.title[at["25671"]].en == "Ice, crushed or cubed, 22 lb"
    assert products.title[at["1082185"]].en == "Bananas"
    assert products.title[at["1082185"]].zh == "香蕉"


def test_what_no_shopper_can_buy_is_not_published(demo: DemoData) -> None:
    products = demo.products
    shown = [
        (demo.departments[department].code, demo.categories[category].aisle)
        for department, category, published in zip(
            products.department, products.category, products.published, strict=True
        )
        if published
    ]
    departments, aisles = {department for department, _ in shown}, {aisle for _, aisle in shown}
    assert not departments & {
        "COUPON",
        "FUEL",
        "CNTRL/STORE SUP",
        "PROD-WHS SALES",
        "POSTAL CENTER",
        "CHARITABLE CONT",
    }
    assert aisles == {aisle.code for aisle in demo.aisles if aisle.published}
    assert len(shown) > 90_000


def test_sizes_are_read_for_nearly_all_products_that_have_one(demo: DemoData) -> None:
    read = sum(size is not None for size in demo.products.size)
    assert read > 59_000


def test_the_year_of_the_baskets_is_2017_in_the_chains_own_time(demo: DemoData) -> None:
    eastern_us = -5 * 3600 * 1_000_000
    days = (demo.baskets.sold_at_us + eastern_us).astype("datetime64[us]").astype("datetime64[D]")
    assert (str(days.min()), str(days.max())) == ("2017-01-01", "2017-12-31")
    assert (np.diff(demo.baskets.sold_at_us) >= 0).all()


def test_money_of_the_baskets_adds_up_to_the_cent(demo: DemoData) -> None:
    assert int(demo.baskets.sales_minor.sum()) == int(demo.places.sales_minor.sum())


def test_preparing_twice_gives_the_same(demo: DemoData) -> None:
    again = prepare_demo(full=False)
    assert again.products.title == demo.products.title
    assert (again.products.price_minor == demo.products.price_minor).all()
    some = demo.places.rank[demo.stock.place] <= BUSIEST_STORES
    assert (again.stock.quantity == demo.stock.quantity[some]).all()
    assert len(again.stock.place) == 92_331 + 108_921 - 30
