"""Narrowing lists by what goods are like: any of several values, all kinds together, the address tells all of it."""

import re
from collections.abc import Sequence
from typing import Any

import pytest
from tests.commerce.indexing.work import work
from tests.console.shop import Shop
from tests.storefront.shopper import Shopper, text_of
from tests.storefront.test_search import titles_of

from serai.commerce.catalogue import api as catalogue
from serai.commerce.catalogue.types import Attribute, NewProduct
from serai.foundation.database import Database
from serai.foundation.ids import derive_id

ATTRIBUTES = (
    Attribute(
        "glass",
        "choice",
        "Glass",
        {"zh_Hans": "瓶型"},
        "",
        {
            "round": {"en": "Round", "zh_Hans": "圆瓶"},
            "square": {"en": "Square", "zh_Hans": "方瓶"},
            "tall": {"en": "Tall", "zh_Hans": "高瓶"},
        },
        0,
        True,
    ),
    Attribute("weight", "number", "Weight", {"zh_Hans": "重量"}, "g", {}, 1, True),
    Attribute("organic", "boolean", "Organic", {"zh_Hans": "有机"}, "", {}, 2, True),
    Attribute("origin", "text", "Origin", {"zh_Hans": "产地"}, "", {}, 3, False),
)
GOODS: Sequence[tuple[str, str, dict[str, Any]]] = (
    ("Fig jam", "Meadow", {"glass": "round", "weight": 250, "organic": True, "origin": "Ohio"}),
    ("Plum jam", "Meadow", {"glass": "square", "weight": 1000, "organic": False, "origin": "Iowa"}),
    ("Pear jam", "Orchard", {"glass": "square", "weight": 250, "origin": "Ohio"}),
    ("Apple jam", "Orchard", {"glass": "tall", "weight": 30}),
)


@pytest.fixture
async def filled(shop: Shop, owner: Database) -> Shop:
    products = [
        NewProduct(
            title=title,
            sku=f"FACET-{number}",
            product_id=derive_id(shop.merchant_id, title),
            category_id=shop.category.category_id,
            price_minor=100 + number,
            currency="USD",
            brand=brand,
        )
        for number, (title, brand, _facts) in enumerate(GOODS)
    ]
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await catalogue.add_products(tx, products=products, by="test", reason="test")
        for attribute in ATTRIBUTES:
            await catalogue.save_attribute(tx, attribute=attribute, by="test")
        for title, _brand, facts in GOODS:
            await catalogue.set_facts(
                tx,
                product_id=derive_id(shop.merchant_id, title),
                version=1,
                attributes=facts,
                tags=None,
                by="test",
            )
    await work(shop, owner)
    return shop


def boxes_of(page: Any) -> dict[str, dict[str, tuple[str, int, bool]]]:
    """Per name of the address and value: the label, the number, whether it is checked."""
    found: dict[str, dict[str, tuple[str, int, bool]]] = {}
    for name, value, checked, label, number in re.findall(
        r'type="checkbox" name="([^"]*)" value="([^"]*)"( checked)?><span>([^<]*)</span>'
        r'(?:<span class="filter-count figure muted">([^<]*)</span>)?',
        page.text,
    ):
        found.setdefault(name, {})[value] = (label, int(number or 0), bool(checked))
    return found


async def test_a_search_offers_the_values_of_what_it_found_with_their_numbers(
    shopper: Shopper, filled: Shop
) -> None:
    boxes = boxes_of(await shopper.get("/search?q=jam"))
    assert list(boxes) == ["brand", "f.glass", "f.weight", "f.organic"]
    assert boxes["f.glass"] == {
        "round": ("Round", 1, False),
        "square": ("Square", 2, False),
        "tall": ("Tall", 1, False),
    }
    # By size, not by spelling.
    assert list(boxes["f.weight"]) == ["30", "250", "1000"]
    assert boxes["f.weight"]["250"] == ("250 g", 2, False)
    assert boxes["f.organic"]["true"] == ("Yes", 1, False)
    assert boxes["brand"] == {"Meadow": ("Meadow", 2, False), "Orchard": ("Orchard", 2, False)}


@pytest.mark.parametrize(
    ("chosen", "titles"),
    [
        ("f.glass=square", {"Plum jam", "Pear jam"}),
        ("f.glass=square&f.glass=round", {"Plum jam", "Pear jam", "Fig jam"}),
        ("f.glass=square&f.weight=250", {"Pear jam"}),
        ("f.glass=square&f.glass=round&f.weight=250", {"Pear jam", "Fig jam"}),
        ("f.organic=true", {"Fig jam"}),
        ("brand=Meadow&brand=Orchard&f.glass=tall", {"Apple jam"}),
        ("brand=Meadow&f.glass=tall", set()),
        ("f.glass=square&max=1.01", {"Plum jam"}),
        # Nobody filters by these, or they are none: they are left out.
        ("f.origin=Ohio&f.glass=tall", {"Apple jam"}),
        ("f.nothing=x&f.=y&f.%00=z&f.glass=tall", {"Apple jam"}),
        ("f.glass=%00&f.glass=tall", {"Apple jam"}),
        ("f.glass=', ) | !*&f.glass=tall", {"Apple jam"}),
    ],
)
@pytest.mark.parametrize("place", ["/search?q=jam&", "/search?", "/c/grocery?"])
async def test_any_value_of_one_kind_and_all_kinds_together(
    shopper: Shopper, filled: Shop, chosen: str, titles: set[str], place: str
) -> None:
    page = await shopper.get(place + chosen)
    assert set(titles_of(page)) & {title for title, _b, _f in GOODS} == titles
    if "jam" in place:
        assert set(titles_of(page)) == titles


async def test_each_kind_counts_as_if_nothing_of_it_were_chosen(shopper: Shopper, filled: Shop) -> None:
    boxes = boxes_of(await shopper.get("/search?q=jam&f.glass=square&brand=Orchard"))
    assert {value: box[1:] for value, box in boxes["f.glass"].items()} == {
        "square": (1, True),
        "tall": (1, False),
    }
    assert {value: box[1:] for value, box in boxes["brand"].items()} == {
        "Meadow": (1, False),
        "Orchard": (1, True),
    }


async def test_every_choice_has_a_chip_that_takes_it_back(shopper: Shopper, filled: Shop) -> None:
    page = await shopper.get("/search?q=jam&f.glass=square&f.glass=round&brand=Meadow&sort=price")
    chips = dict(
        re.findall(r'class="chip chip-on" href="([^"]*)" aria-label="Remove the filter: ([^"]*)"', page.text)
    )
    assert set(chips.values()) == {"Glass: Round", "Glass: Square", "Meadow"}
    for address, label in chips.items():
        rest = boxes_of(await shopper.get(address.replace("&amp;", "&")))
        checked = {box[0] for group in rest.values() for box in group.values() if box[2]}
        assert checked == {"Round", "Square", "Meadow"} - {label.removeprefix("Glass: ")}
        assert "sort=price" in address


async def test_values_are_named_in_the_readers_language(enter: Any, filled: Shop) -> None:
    reader = await enter("zh-CN,zh;q=0.9")
    page = await reader.get("/search?q=jam&f.glass=square")
    assert boxes_of(page)["f.glass"]["round"][0] == "圆瓶"
    assert "瓶型: 方瓶" in page.text.replace("：", ": ")


async def test_a_phone_gets_the_number_of_choices_on_its_fold(shopper: Shopper, filled: Shop) -> None:
    page = await shopper.get("/search?q=jam&f.glass=square&f.glass=round&min=1")
    assert '<span class="badge-count figure">3</span>' in page.text


async def test_a_search_in_vain_shows_what_is_near(shopper: Shopper, filled: Shop) -> None:
    said = text_of(await shopper.get("/search?q=fig+zzzzqq"))
    assert "We found nothing" in said
    assert "Close to that" in said
    page = await shopper.get("/search?q=fig+zzzzqq")
    assert 'href="/search?q=fig"' in page.text
    assert 'href="/c/grocery"' in page.text.split("Close to that")[1].split("Look in a department")[0]


async def test_recent_searches_are_kept_in_the_browser_and_can_be_forgotten(
    shopper: Shopper, filled: Shop
) -> None:
    for words in ("fig", "plum jam", "Fig", "zzzzqq"):
        await shopper.get(f"/search?q={words}")
    said = (await shopper.get("/suggest?q=", hx_request="true")).text
    assert re.findall(r'href="/search\?q=([^"]*)"', said) == ["Fig", "plum%20jam"]
    assert "Searched lately" not in (await shopper.get("/suggest?q=fi", hx_request="true")).text
    await shopper.post("/search/forget", next="/search?q=fig")
    assert "Searched lately" not in (await shopper.get("/suggest?q=", hx_request="true")).text


@pytest.mark.parametrize("value", ["x", "W10=", "bnVsbA==", "eyJhIjoxfQ==", "A" * 5000, "WyJcdTAwMDAiXQ=="])
async def test_a_forged_cookie_of_searches_is_none(shopper: Shopper, filled: Shop, value: str) -> None:
    shopper.client.cookies.set("recent", value)
    answer = await shopper.get("/suggest?q=")
    assert answer.status_code == 200
    assert "Searched lately" not in answer.text
