"""Finding products by words: the reference's cases, from other shops' wounds."""

from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from tests.shop import Shop, open_shop

from serai.commerce.catalogue import api as catalogue
from serai.commerce.catalogue.types import Found, NewProduct
from serai.commerce.search import api as search_api
from serai.commerce.search import count_facets, refresh_lists
from serai.commerce.search.refresh_words import refresh_words
from serai.commerce.types import Commerce
from serai.foundation.database import Database
from serai.foundation.errors import Invalid
from serai.foundation.ids import MerchantId, new_id

TITLES = (
    "带根毛芹 500克",
    "芹菜 新鲜",
    "小化妆包 女士",
    "大容量化妆包",
    "可口可乐 12罐",
    "长粒香大米 5千克",
    "长袖衬衫",
    "Ice, crushed, 22 lb",
    "Dark Chocolate Bars",
    "Milk chocolate with crushed hazelnuts",
    "Café noir, ground, 1.5 kg",
    "Brown rice",
)


@pytest.fixture
async def full_shop(shop: Shop) -> Shop:
    for title in TITLES:
        await shop.add_product(title, stock=0)
    return shop


async def find(shop: Shop, query: str, **narrowed: object) -> list[str]:
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        page = await catalogue.list_products(tx, query=query, **narrowed)
    return [card.title for card in page.items]


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("毛芹", {"带根毛芹 500克"}),
        ("芹", {"带根毛芹 500克", "芹菜 新鲜"}),
        ("包", {"小化妆包 女士", "大容量化妆包"}),
        ("化妆包", {"小化妆包 女士", "大容量化妆包"}),
        ("女士化妆包", {"小化妆包 女士"}),
        ("化妝包", {"小化妆包 女士", "大容量化妆包"}),
        ("帶根毛芹", {"带根毛芹 500克"}),
        ("maoqin", {"带根毛芹 500克"}),
        ("máo qín", {"带根毛芹 500克"}),
        ("huazhuangbao", {"小化妆包 女士", "大容量化妆包"}),
        ("huazhuangb", {"小化妆包 女士", "大容量化妆包"}),
        ("hua zhuang bao ", {"小化妆包 女士", "大容量化妆包"}),
        ("hzb", {"小化妆包 女士", "大容量化妆包"}),
        ("可樂", {"可口可乐 12罐"}),
        ("changlixiang", {"长粒香大米 5千克"}),
        ("zhanglixiang", {"长粒香大米 5千克"}),
        ("clxdm", {"长粒香大米 5千克"}),
        ("changxiu", {"长袖衬衫"}),
        ("zhangxiu", set()),
        ("chocolates", {"Dark Chocolate Bars", "Milk chocolate with crushed hazelnuts"}),
        ("chocola", {"Dark Chocolate Bars", "Milk chocolate with crushed hazelnuts"}),
        ("hazelnut milk", {"Milk chocolate with crushed hazelnuts"}),
        ("crushed chocolate ", {"Milk chocolate with crushed hazelnuts"}),
        ("22lb", {"Ice, crushed, 22 lb"}),
        ("22 pounds ice", {"Ice, crushed, 22 lb"}),
        ("cafe", {"Café noir, ground, 1.5 kg"}),
        ("CAFÉ NOIR 1.5kg", {"Café noir, ground, 1.5 kg"}),
        ("５００克", {"带根毛芹 500克"}),
        ("ice chocolate", set()),
        ("可乐 12", {"可口可乐 12罐"}),
        ("毛芹 500g", {"带根毛芹 500克"}),
        ("化妆包 huazhuang", {"小化妆包 女士", "大容量化妆包"}),
        ("毛芹qincai", set()),
    ],
)
async def test_words_find_what_people_mean(full_shop: Shop, query: str, titles: set[str]) -> None:
    assert set(await find(full_shop, query)) == titles


async def count_in(shop: Shop) -> None:
    """What the worker does every few seconds."""
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        assert await refresh_words(tx) > 0


async def search(shop: Shop, query: str, **narrowed: Any) -> Found:
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        return await catalogue.search_products(tx, query=query, **narrowed)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("choclate", "chocolate"),
        ("chocolaate", "chocolate"),
        ("chokolate bars", "chocolate bars"),
        ("hcocolate", "chocolate"),
        ("maoqn", "maoqin"),
        ("huazhuangbo", "huazhuangbao"),
    ],
)
async def test_one_typo_is_mended_and_told(full_shop: Shop, typed: str, meant: str) -> None:
    await count_in(full_shop)
    found = await search(full_shop, typed)
    assert (found.instead_of, found.query) == (typed, meant)
    assert {card.title for card in found.page.items} == set(await find(full_shop, meant))
    assert found.page.items


@pytest.mark.parametrize("typed", ["xyzzyx", "chklte", "cfe", "ca1fe", "qqqq"])
async def test_what_is_further_away_is_left_alone(full_shop: Shop, typed: str) -> None:
    await count_in(full_shop)
    found = await search(full_shop, typed)
    assert (found.instead_of, found.meant, found.page.items) == (None, None, ())


async def test_words_that_exist_are_never_mended(full_shop: Shop) -> None:
    await full_shop.add_product("Chocolat noir", stock=0)
    await count_in(full_shop)
    found = await search(full_shop, "chocolat noir ")
    assert found.instead_of is None
    assert [card.title for card in found.page.items] == ["Chocolat noir"]


HOSTILE = (
    "a & !b | (c <-> d):*A",
    "'; DROP TABLE commerce.product; --",
    "\\'\\",
    "''''",
    "!!!???...",
    "😀😀😀",
    "\0",
    "ice\0ice",
    "\ud800",
    "%_%",
    "~mao-qin",
    "#00000000",
    "^hzb",
    "=s0",
    "x" * 10_000,
    "包" * 10_000,
    "xian" * 2_500,
    "a " * 5_000,
    "\u202e\u200b\ufeff",
    "٣٤٥ ①②③ ½",
    "1/2/3/4/5/6 ... 7.8.9",
    "İstanbul ǅ ﬁ ß",
)


@pytest.mark.parametrize("query", HOSTILE)
async def test_no_query_is_an_error(full_shop: Shop, query: str) -> None:
    await count_in(full_shop)
    async with full_shop.commerce.db.transaction(full_shop.merchant_id, "read") as tx:
        page = await catalogue.list_products(tx, query=query)
        by_price = await catalogue.list_products(tx, query=query, sort="price")
        counted = await catalogue.count_products(tx, query=query)
    found = await search(full_shop, query)
    assert {card.title for card in page.items} == {card.title for card in by_price.items}
    assert len(page.items) == counted
    if not any(c.isalnum() for c in query):
        assert not found.page.items


async def test_titles_that_begin_so_come_first_then_phrases_then_the_rest(shop: Shop) -> None:
    for title in (
        "Vanilla sauce with green tea",
        "Green tea",
        "Organic green tea bags",
        "Tea, black and green",
    ):
        await shop.add_product(title, stock=0)
    titles = await find(shop, "green tea")
    assert titles[0] == "Green tea"
    assert set(titles[1:3]) == {"Vanilla sauce with green tea", "Organic green tea bags"}
    assert titles[3] == "Tea, black and green"


async def list_pages(shop: Shop, query: str, limit: int) -> list[str]:
    """Titles of all pages in order."""
    seen: list[str] = []
    cursor = None
    for _page in range(30):
        async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
            page = await catalogue.list_products(tx, query=query, limit=limit, cursor=cursor)
        seen += [card.title for card in page.items]
        cursor = page.next_cursor
        if cursor is None:
            return seen
    raise AssertionError("the pages do not end")


async def test_pages_by_relevance_follow_each_other_without_gap_or_repeat(shop: Shop) -> None:
    for n in range(25):
        await shop.add_product(f"Jam {n}", stock=0)
    seen = await list_pages(shop, "jam", 4)
    assert len(seen) == 25
    assert set(seen) == {f"Jam {n}" for n in range(25)}


@pytest.mark.parametrize("sizes", [(6,), (6, 12)])
async def test_a_broad_search_ranks_best_sellers_and_then_lists_all_others(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, sizes: tuple[int, ...]
) -> None:
    products = [
        NewProduct(
            title=f"Jam {n}" if n % 5 else f"Fine jam {n}",
            sku=f"JAM-{n}",
            category_id=shop.category.category_id,
            price_minor=100,
            currency="USD",
            rank=n,
        )
        for n in range(30)
    ]
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await catalogue.add_products(tx, products=products, by="test", reason="test")
        monkeypatch.setattr(refresh_lists, "LEVELS", sizes)
        await refresh_lists.refresh_lists(tx, make=1)
    monkeypatch.setattr(search_api, "BROAD_FROM", 6 if len(sizes) == 1 else 8)
    seen = await list_pages(shop, "jam", 4)
    assert len(seen) == 30
    assert set(seen) == {p.title for p in products}
    best = sizes[-1]
    ranked = [p.title for p in reversed(products[-best:])]
    assert set(seen[:best]) == set(ranked)
    assert [t for t in seen[:best] if t.startswith("Jam")] == [t for t in ranked if t.startswith("Jam")]
    assert seen[best:] == [p.title for p in reversed(products[:-best])]
    # Too few among the best sellers: everything is ranked, so titles that begin so come first.
    monkeypatch.setattr(search_api, "BROAD_FROM", 100)
    assert all(title.startswith("Jam") for title in (await list_pages(shop, "jam", 4))[:24])


async def test_a_forged_cursor_is_refused(full_shop: Shop) -> None:
    async with full_shop.commerce.db.transaction(full_shop.merchant_id, "read") as tx:
        with pytest.raises(Invalid):
            await catalogue.list_products(tx, query="ice", cursor="forged")


async def test_facets_count_what_another_choice_would_bring(shop: Shop) -> None:
    for n, price in enumerate((99, 150, 450, 450, 2_500, 9_900)):
        await shop.add_product(f"Jam {n}", price_minor=price, stock=0)
    whole = await search(shop, "jam")
    cheap = await search(shop, "jam", max_minor=450)
    assert whole.facets.total == whole.facets.seen == 6
    assert not whole.facets.is_estimated
    assert whole.facets.categories == ((shop.category.category_id, 6),)
    assert whole.facets.brands == (("Own brand", 6),)
    assert sum(band.products or 0 for band in whole.facets.bands) == 6
    edges = [(band.min_minor, band.max_minor) for band in whole.facets.bands]
    assert edges[0][0] is None
    assert edges[-1][1] is None
    assert all(high is not None and high + 1 == low for (_l, high), (low, _h) in pairwise(edges))
    assert (cheap.facets.total, cheap.facets.seen) == (4, 6)
    assert cheap.facets.bands == whole.facets.bands


async def test_codes_are_found_whole_and_by_their_beginning(shop: Shop) -> None:
    sku_id = await shop.add_product("Rice", stock=0)
    await shop.add_product("Beans", stock=0)
    code = f"S{sku_id.hex[-12:]}"
    assert await find(shop, code) == ["Rice"]
    assert await find(shop, code.lower()[:10]) == ["Rice"]


async def test_an_edit_is_found_at_once_and_the_old_words_no_more(full_shop: Shop) -> None:
    async with full_shop.commerce.db.transaction(full_shop.merchant_id) as tx:
        card = (await catalogue.list_products(tx, query="brown rice")).items[0]
        product = await catalogue.load_product(tx, product_id=card.product_id)
        await catalogue.edit_product(
            tx, product_id=card.product_id, version=product.version, by="test", title="糙米"
        )
    assert await find(full_shop, "brown rice") == []
    assert await find(full_shop, "caomi") == ["糙米"]


async def test_other_merchants_goods_are_not_found(
    full_shop: Shop, owner: Database, commerce: Commerce
) -> None:
    other = await open_shop(owner, commerce, MerchantId(new_id()), f"other-{new_id().hex[-8:]}")
    await other.add_product("Other chocolate", stock=0)
    assert await find(other, "chocolate") == ["Other chocolate"]
    assert "Other chocolate" not in await find(full_shop, "chocolate")
    assert (await search(other, "chocolate")).facets.seen == 1


async def test_a_synonym_finds_what_it_stands_for_one_way(full_shop: Shop) -> None:
    async with full_shop.commerce.db.transaction(full_shop.merchant_id) as tx:
        await search_api.set_synonyms(tx, term="Kakao", also_means=["chocolate bars", "可樂"], by="test")
    assert set(await find(full_shop, "kakao")) == {"Dark Chocolate Bars", "可口可乐 12罐"}
    assert await find(full_shop, "dark kakao ") == ["Dark Chocolate Bars"]
    async with full_shop.commerce.db.transaction(full_shop.merchant_id) as tx:
        await search_api.set_synonyms(tx, term="kakao", also_means=[], by="test")
    assert await find(full_shop, "kakao") == []


@pytest.mark.parametrize(
    ("term", "also_means"),
    [
        ("two words", ["x"]),
        ("", ["x"]),
        ("'|", ["x"]),
        ("x", ["!!"]),
        ("x", ["y" * 61]),
        ("x", list("abcdefghijk")),
    ],
)
async def test_a_synonym_that_makes_no_sense_is_refused(shop: Shop, term: str, also_means: list[str]) -> None:
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        with pytest.raises(Invalid):
            await search_api.set_synonyms(tx, term=term, also_means=also_means, by="test")
        assert (
            await tx.fetchval(
                "SELECT count(*) FROM commerce.search_synonym WHERE merchant_id = $1", shop.merchant_id
            )
            == 0
        )


async def test_whole_words_come_before_beginnings_of_words(shop: Shop) -> None:
    for title in ("Iced tea, sweetened", "Vanilla ice cream", "Ice, crushed", "Rice"):
        await shop.add_product(title, stock=0)
    assert await find(shop, "ice") == ["Ice, crushed", "Vanilla ice cream", "Iced tea, sweetened"]


async def test_what_is_too_much_to_count_is_estimated_and_said_to_be(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(count_facets, "COUNT_LIMIT", 20)
    # One of sixteen is sampled: those whose ids end with 7.
    products = [
        NewProduct(
            title=f"Jam {number}",
            sku=f"JAM-{number}",
            product_id=UUID(int=new_id().int // 16 * 16 + number % 16),
            category_id=shop.category.category_id,
            price_minor=100 * (1 + number % 3),
            currency="USD",
            brand=("Fig", "Plum")[number // 16 % 2],
        )
        for number in range(160)
    ]
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await catalogue.add_products(tx, products=products, by="test", reason="test")
    found = (await search(shop, "jam")).facets
    assert found.is_estimated
    assert (found.total, found.seen) == (160, 160)
    assert found.brands == (("Fig", 80), ("Plum", 80))
    # What is left after narrowing is little enough to be counted again.
    narrowed = (await search(shop, "jam 15")).facets
    assert not narrowed.is_estimated
    assert narrowed.total == 11


@pytest.mark.parametrize(
    ("sampled", "factor", "number"),
    [(7, 1, 7), (1234, 1, 1234), (313, 16, 5000), (7, 16, 110), (0, 16, 0), (99_999, 16, 1_600_000)],
)
def test_estimates_have_two_significant_digits(sampled: int, factor: int, number: int) -> None:
    assert count_facets.estimate(sampled, factor) == number
