"""The delivery page of the console: options, their order, the calendar and what a parcel would cost, for owners only."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from tests.console.conftest import Visit
from tests.console.shop import Shop, Visitor, find_form, read

from serai.commerce.delivery import api
from serai.commerce.delivery.types import DeliveryOptionRow, PriceStep
from serai.commerce.order.api import fulfil_order
from serai.foundation import clock

PAGE = "/console/delivery"
NEW = f"{PAGE}/new"
OPTION = {
    "code": "express",
    "title": "Express",
    "title_zh": "次日达",
    "carrier": "UPS",
    "countries": "us, CA",
    "basis": "weight",
    "least_1": "0",
    "price_1": "5.00",
    "least_2": "2.5",
    "price_2": "8",
    "per_kg": "0.5",
    "free_from": "100",
    "remote": "20",
    "remote_regions": "AK, HI",
    "transit_low": "1",
    "transit_high": "2",
}


@pytest.fixture
async def owner_at(visit: Visit) -> Visitor:
    return await visit("owner")


async def rows(shop: Shop) -> list[DeliveryOptionRow]:
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        return await api.list_rows(tx)


def text_of(answer: Any) -> str:
    return " ".join(read(answer).text.split())


async def test_an_option_is_written_as_typed_and_shown_again(shop: Shop, owner_at: Visitor) -> None:
    assert "One price for every parcel" in text_of(await owner_at.get(PAGE))
    answer = await owner_at.submit(NEW, NEW, **OPTION, excluded_skus=shop.product.variants[0].sku)
    assert answer.status_code == 303, read(answer).text
    [row] = await rows(shop)
    terms = row.terms
    assert (row.code, terms.title, terms.translations) == ("express", "Express", {"zh_Hans": "次日达"})
    assert terms.price.steps == (PriceStep(0, 500), PriceStep(2_500, 800))
    assert (terms.price.per_kg_minor, terms.price.free_from_minor) == (50, 10_000)
    assert (terms.price.remote_minor, terms.price.remote_regions) == (2_000, ("AK", "HI"))
    assert terms.zone.countries == ("US", "CA")
    assert terms.excluded_sku_ids == (shop.sku_id,)
    page = await owner_at.get(f"{PAGE}/{row.option_id}")
    form = find_form(page, f"{PAGE}/{row.option_id}")
    assert (form.values["least_2"], form.values["price_2"]) == ("2.5", "8")
    # Sent as it came, it changes nothing.
    assert (await owner_at.send(form)).status_code == 303
    assert (await rows(shop))[0].version == 1
    said = text_of(await owner_at.get(PAGE))
    assert "from $5.00" in said
    assert "free from $100.00" in said
    assert len(await shop.list_audit("delivery.option_added")) == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"title": ""}, "title"),
        ({"code": "two words"}, "code"),
        ({"code": ""}, "code"),
        ({"countries": "Germany"}, "countries"),
        ({"countries": "XX"}, "countries"),
        ({"price_1": ""}, "price_1"),
        ({"price_1": "-1"}, "price_1"),
        ({"price_1": "NaN"}, "price_1"),
        ({"price_1": "5.001"}, "price_1"),
        ({"least_2": "much"}, "least_2"),
        ({"least_2": "1e400"}, "least_2"),
        ({"least_2": "NaN"}, "least_2"),
        ({"least_2": "0"}, "price_1"),
        ({"remote": "", "remote_regions": "AK"}, "remote"),
        ({"handling_days": "-1"}, "handling_days"),
        ({"handling_days": "²"}, "handling_days"),
        ({"transit_low": "9", "transit_high": "3"}, "transit_high"),
        ({"cutoff": "25:00"}, "cutoff"),
        ({"cutoff": "٢٣:٠٠"}, "cutoff"),
        ({"excluded_skus": "NO-SUCH"}, "excluded_skus"),
        ({"most_weight": "0"}, "most_weight"),
        ({f"day_{day}": "" for day in range(7)}, "days"),
        ({"postcodes": ",".join(str(n) for n in range(501))}, "postcodes"),
    ],
)
async def test_what_is_wrong_is_told_at_its_field_and_nothing_is_kept(
    shop: Shop, owner_at: Visitor, change: dict[str, str], field: str
) -> None:
    answer = await owner_at.submit(NEW, NEW, **OPTION | change)
    assert answer.status_code == 422
    assert f'id="option-{field}-error"' in answer.text
    assert await rows(shop) == []


async def test_two_presses_of_the_button_add_one_option(shop: Shop, owner_at: Visitor) -> None:
    form = find_form(await owner_at.get(NEW), NEW)
    answers = await asyncio.gather(*(owner_at.send(form, **OPTION) for _press in range(3)))
    assert {answer.status_code for answer in answers} == {303}
    assert len(await rows(shop)) == 1


async def test_options_are_moved_switched_off_and_offered_again(shop: Shop, owner_at: Visitor) -> None:
    for code in ("a", "b"):
        await owner_at.submit(NEW, NEW, **OPTION | {"code": code, "title": code.upper()})
    first, second = await rows(shop)
    await owner_at.post_plain(f"{PAGE}/order", option_id=str(second.option_id), to="up")
    assert [row.code for row in await rows(shop)] == ["b", "a"]
    await owner_at.post_plain(f"{PAGE}/{first.option_id}", version="1", do="off")
    assert [(row.code, row.active) for row in await rows(shop)] == [("b", True), ("a", False)]
    assert "Not offered" in text_of(await owner_at.get(PAGE))
    # An old page does not switch it on by mistake.
    late = await owner_at.post_plain(f"{PAGE}/{first.option_id}", version="1", do="on")
    assert late.status_code == 303
    assert not (await rows(shop))[1].active
    await owner_at.post_plain(f"{PAGE}/{first.option_id}", version="2", do="on")
    assert all(row.active for row in await rows(shop))
    for wrong in ("", "nothing", str(shop.sku_id)):
        answer = await owner_at.post_plain(f"{PAGE}/order", option_id=wrong, to="up")
        assert answer.status_code == 404


async def test_two_who_edit_one_option_do_not_overwrite_each_other(shop: Shop, owner_at: Visitor) -> None:
    await owner_at.submit(NEW, NEW, **OPTION)
    [row] = await rows(shop)
    path = f"{PAGE}/{row.option_id}"
    form = find_form(await owner_at.get(path), path)
    other = find_form(await owner_at.get(path), path)
    assert (await owner_at.send(form, title="Overnight")).status_code == 303
    late = await owner_at.send(other, title="Fast")
    assert late.status_code == 409
    assert "Somebody else has changed this option meanwhile." in text_of(late)
    assert (await rows(shop))[0].terms.title == "Overnight"


async def test_a_parcel_is_tried_before_anybody_orders(shop: Shop, owner_at: Visitor) -> None:
    await owner_at.submit(NEW, NEW, **OPTION)
    with clock.clock_at(datetime(2026, 6, 2, 9, 0, tzinfo=UTC)):
        said = text_of(await owner_at.get(f"{PAGE}?country=us&weight=3&worth=40"))
    # 2.5 kg cost 8.00, and the kilogram begun above it 0.50.
    assert "$8.50" in said
    assert "Thu, Jun 4 – Fri, Jun 5" in said
    assert "$28.50" in text_of(await owner_at.get(f"{PAGE}?country=US&region=AK&weight=3"))
    assert "free" in text_of(await owner_at.get(f"{PAGE}?country=US&weight=3&worth=100"))
    assert "No option goes there." in text_of(await owner_at.get(f"{PAGE}?country=DE"))


@pytest.mark.parametrize(
    "query",
    ["country=USA", "country=US&weight=heavy", "country=US&weight=-1", "country=US&weight=1e999",
     "country=US&weight=nan", "country=US&worth=much", "weight=3"],
)  # fmt: skip
async def test_a_parcel_that_cannot_be_is_told_at_its_field(owner_at: Visitor, query: str) -> None:
    answer = await owner_at.get(f"{PAGE}?{query}")
    assert answer.status_code == 200
    assert "field-error" in answer.text


async def test_the_calendar_is_kept_and_a_wrong_one_comes_back(shop: Shop, owner_at: Visitor) -> None:
    path = f"{PAGE}/calendar"
    good = {
        "time_zone": "Asia/Shanghai",
        "cutoff": "24:00",
        "country": "cn",
        "day_5": "1",
        "closed": "2026-12-24\n2026-12-24, 2026-12-31",
    }
    assert (await owner_at.submit(PAGE, path, **good)).status_code == 303
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        kept = await api.load_calendar(tx)
    assert (kept.time_zone, kept.cutoff_minute, kept.country) == ("Asia/Shanghai", 1440, "CN")
    assert kept.weekdays == (0, 1, 2, 3, 4, 5)
    assert kept.closed == (date(2026, 12, 24), date(2026, 12, 31))
    for change in (
        {"time_zone": "Mars/Olympus"},
        {"time_zone": "../etc/passwd"},
        {"cutoff": "noon"},
        {"country": "ZZZ"},
        {"country": "XQ"},
        {"closed": "2026-02-30"},
        {f"day_{day}": "" for day in range(7)},
    ):
        answer = await owner_at.submit(PAGE, path, **good | change)
        assert answer.status_code == 422, change
        assert "field-error" in answer.text
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        assert await api.load_calendar(tx) == kept


@pytest.mark.parametrize("role", ["manager", "clerk"])
async def test_only_owners_write_options(visit: Visit, role: str, shop: Shop) -> None:
    visitor = await visit(role)
    assert (await visitor.get(PAGE)).status_code == 403
    assert (await visitor.post_plain(NEW, **OPTION)).status_code == 403
    assert await rows(shop) == []


async def test_orders_that_should_have_left_are_listed_until_they_do(shop: Shop, owner_at: Visitor) -> None:
    await owner_at.submit(NEW, NEW, **OPTION | {"countries": ""})
    ordered_at = datetime(2026, 6, 2, 9, 0, tzinfo=UTC)
    late = "/console/orders?state=late"
    with clock.clock_at(ordered_at):
        order = await shop.place_order()
        assert order.number not in text_of(await owner_at.get(late))
        assert "state=late" not in (await owner_at.get("/console/orders")).text
    with clock.clock_at(ordered_at + timedelta(days=10)):
        assert order.number in text_of(await owner_at.get(late))
        assert "Late 1" in text_of(await owner_at.get("/console/orders"))
        await fulfil_order(shop.commerce, shop.merchant_id, order_id=order.order_id, by="test")
        assert order.number not in text_of(await owner_at.get(late))
