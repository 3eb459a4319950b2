"""The tax page of the console: rates with their history, home and classes, for owners only."""

from typing import Any

import pytest
from tests.console.conftest import Visit
from tests.console.shop import Shop, Visitor, read

PAGE = "/console/taxes"
RATE = {"country": "DE", "name": "MwSt.", "rate": "19", "included": "1"}


@pytest.fixture
async def owner_at(visit: Visit) -> Visitor:
    return await visit("owner")


async def rates(shop: Shop) -> list[tuple[Any, ...]]:
    rows = await shop.fetch(
        "SELECT country, region, tax_class, rate_ppm, included FROM commerce.tax_rate ORDER BY valid_from, tax_class"
    )
    return [tuple(row.values()) for row in rows]


async def test_a_rate_is_added_and_the_one_before_stays_in_the_history(shop: Shop, owner_at: Visitor) -> None:
    for percent in ("19", "16,5", ""):
        answer = await owner_at.submit(PAGE, f"{PAGE}/rates", **RATE | {"rate": percent})
        assert answer.status_code == 303, read(answer).text
    assert await rates(shop) == [
        ("DE", "", "standard", 190_000, True),
        ("DE", "", "standard", 165_000, True),
        ("DE", "", "standard", None, True),
    ]
    text = " ".join(read(await owner_at.get(PAGE)).text.split())
    assert "19 %" in text
    assert "16.5 %" in text
    assert len(await shop.list_audit("tax.rate_added")) == 3


@pytest.mark.parametrize(
    "change",
    [
        {"rate": "101"},
        {"rate": "-1"},
        {"rate": "NaN"},
        {"rate": "1.23456"},
        {"rate": "a lot"},
        {"country": "Germany"},
        {"tax_class": "two words"},
        {"name": ""},
        {"valid_from": "soon"},
        {"valid_from": "2001-01-01"},
    ],
)
async def test_a_wrong_rate_comes_back_as_typed(
    shop: Shop, owner_at: Visitor, change: dict[str, str]
) -> None:
    answer = await owner_at.submit(PAGE, f"{PAGE}/rates", **RATE | change)
    assert answer.status_code == 422
    assert "field-error" in answer.text
    assert await rates(shop) == []


async def test_home_and_classes_are_kept(shop: Shop, owner_at: Visitor) -> None:
    answer = await owner_at.submit(PAGE, f"{PAGE}/home", country="us", region="oh", shipping="")
    assert answer.status_code == 303, read(answer).text
    [home] = await shop.fetch("SELECT country, region, shipping_taxed FROM commerce.tax_profile")
    assert tuple(home.values()) == ("US", "OH", False)
    field = {f"class-{shop.category.category_id}": "food"}
    assert (await owner_at.submit(PAGE, f"{PAGE}/classes", **field)).status_code == 303
    assert [
        r["tax_class"] for r in await shop.fetch("SELECT tax_class FROM commerce.category_tax_class")
    ] == ["food"]
    assert (await owner_at.submit(PAGE, f"{PAGE}/classes", **dict.fromkeys(field, ""))).status_code == 303
    assert await shop.fetch("SELECT tax_class FROM commerce.category_tax_class") == []


@pytest.mark.parametrize("role", ["manager", "clerk"])
async def test_only_owners_see_and_change_taxes(shop: Shop, visit: Visit, role: str) -> None:
    visitor = await visit(role)
    assert (await visitor.get(PAGE)).status_code == 403
    assert (await visitor.post_plain(f"{PAGE}/rates", **RATE, tax_class="standard")).status_code == 403
    assert (await visitor.post_plain(f"{PAGE}/home", country="DE")).status_code == 403
    assert (await visitor.post_plain(f"{PAGE}/classes")).status_code == 403
    assert await rates(shop) == []
