"""The merchant's settings at the console: the shop's name and zone, delivery of its own, and days counted where it is."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from tests.console.conftest import MakeShop, Visit
from tests.console.shop import Shop, find_form, read

from serai.commerce.cart.api import add_line
from serai.commerce.checkout.api import quote_cart
from serai.commerce.order.api import load_board
from serai.foundation import clock
from serai.foundation.database import Database
from serai.foundation.ids import MerchantId, new_id
from serai.identity.merchant.api import MerchantRegistry

PAGE = "/console/settings"
SHOP, DELIVERY = f"{PAGE}/shop", f"{PAGE}/delivery"


async def quote_shipping(shop: Shop, quantity: int) -> int:
    owner = f"web:{new_id()}"
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await add_line(tx, owner=owner, sku_id=shop.sku_id, quantity=quantity)
        return (await quote_cart(tx, settings=shop.commerce.settings, owner=owner)).shipping_minor


async def test_settings_are_saved_with_a_trace_and_reach_every_page(
    visit: Visit, shop: Shop, registry: MerchantRegistry
) -> None:
    owner = await visit("owner")
    fields = {"name": "Tea & Co", "support_email": "hi@tea.example", "time_zone": "Asia/Shanghai"}
    assert (await owner.submit(PAGE, SHOP, **fields)).status_code == 303
    await registry.refresh()
    page = (await owner.get("/console")).text
    assert "Tea &amp; Co" in page
    assert "Hours in Asia/Shanghai" in page
    entry = (await shop.list_audit("merchant.changed"))[0]
    assert entry["actor"] == shop.email("owner")
    assert entry["after"] == {
        "name": "Tea & Co",
        "support_email": "hi@tea.example",
        "time_zone": "Asia/Shanghai",
    }


async def test_settings_that_make_no_sense_are_refused_at_their_field(visit: Visit, shop: Shop) -> None:
    owner = await visit("owner")
    for fields, text in (
        ({"name": " "}, "Please give a name"),
        ({"name": "x" * 81}, "Please give a name"),
        ({"support_email": "nobody"}, "valid e-mail address"),
        ({"time_zone": "Moon/Sea"}, "no such time zone"),
        ({"time_zone": "../../etc/passwd"}, "no such time zone"),
    ):
        answer = await owner.submit(PAGE, SHOP, **fields)
        assert (answer.status_code, text in answer.text) == (422, True), fields
    for fields in (
        {"shipping": ""},
        {"shipping": "-1"},
        {"shipping": "1.234"},
        {"free_from": "0"},
        {"free_from": "x"},
    ):
        assert (await owner.submit(PAGE, DELIVERY, **fields)).status_code == 422, fields
    assert not await shop.list_audit("merchant.changed")


async def test_of_two_owners_the_second_is_told(visit: Visit, shop: Shop) -> None:
    first, second = await visit("owner"), await visit("owner")
    for action, mine, theirs, text in (
        (SHOP, {"name": "Mine"}, {"name": "Theirs"}, "It reads now: Theirs."),
        (DELIVERY, {"shipping": "1"}, {"shipping": "2"}, "It reads now: 2."),
    ):
        form = find_form(await second.get(PAGE), action)
        assert (await first.submit(PAGE, action, **theirs)).status_code == 303
        answer = await second.send(form, **mine)
        assert answer.status_code == 409
        assert text in answer.text
        assert (await second.send(find_form(answer, action))).status_code == 303, "sending again decides"


@pytest.mark.parametrize("role", ["manager", "clerk"])
async def test_settings_are_for_owners(visit: Visit, shop: Shop, role: str) -> None:
    visitor = await visit(role)
    assert (await visitor.get(PAGE)).status_code == 403
    for path in (SHOP, DELIVERY):
        assert (await visitor.post_plain(path, name="x", shipping="0", version="1")).status_code == 403


async def test_each_merchant_asks_for_delivery_what_it_says(
    visit: Visit, shop: Shop, make_shop: MakeShop
) -> None:
    owner, other = await visit("owner"), await make_shop()
    assert (await quote_shipping(shop, 1), await quote_shipping(shop, 8)) == (599, 0), (
        "the house's own so far"
    )
    fields = {"shipping": "3.50", "free_from": "", "returns_policy": "Within\r\n30 days"}
    assert (await owner.submit(PAGE, DELIVERY, **fields)).status_code == 303
    assert (await quote_shipping(shop, 1), await quote_shipping(shop, 8)) == (350, 350)
    assert (await owner.submit(PAGE, DELIVERY, free_from="10")).status_code == 303
    assert (await quote_shipping(shop, 2), await quote_shipping(shop, 3)) == (350, 0)
    assert await quote_shipping(other, 1) == 599, "another merchant's prices are its own"
    order = await shop.place_order(1)
    assert order.shipping_minor == 350
    assert (await owner.submit(PAGE, DELIVERY, shipping="0")).status_code == 303
    assert (await shop.load_order(order.order_id)).shipping_minor == 350, "what was placed stays"


async def test_a_merchant_changes_no_other_merchants_row(
    shop: Shop, make_shop: MakeShop, db: Database
) -> None:
    other = await make_shop()
    async with db.transaction(MerchantId(shop.merchant.merchant_id)) as tx:
        done = await tx.execute(
            "UPDATE identity.merchant SET name = 'Stolen' WHERE merchant_id = $1", other.merchant.merchant_id
        )
    assert done.endswith(" 0")


async def test_the_board_counts_the_day_of_the_merchants_zone(
    visit: Visit, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shop.place_order(1)
    placed = (await shop.fetch("SELECT placed_at FROM commerce.sales_order"))[0]["placed_at"]
    zone = ZoneInfo("Asia/Kolkata")
    local = placed.astimezone(zone)
    midnight = (local + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)
    for now, orders in ((midnight - timedelta(minutes=1), 1), (midnight + timedelta(minutes=1), 0)):
        monkeypatch.setattr(clock, "now", lambda now=now: now)
        async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
            board = await load_board(tx, zone=zone)
        assert board.orders == orders
        assert [bar.hour.hour for bar in board.hourly] == list(range(now.astimezone(zone).hour + 1))
        sold = {bar.hour.hour: bar.orders for bar in board.hourly if bar.orders}
        assert sold == ({local.hour: 1} if orders else {}), "hours of a zone of half hours are its own"


async def test_moments_are_typed_and_shown_in_the_merchants_zone(
    visit: Visit, shop: Shop, registry: MerchantRegistry
) -> None:
    owner = await visit("owner")
    assert (await owner.submit(PAGE, SHOP, time_zone="America/New_York")).status_code == 303
    await registry.refresh()
    page = f"/console/products/{shop.product.product_id}/prices"
    offers = f"/console/products/{shop.product.product_id}/offers"
    year = clock.now().year + 2
    fields = {"kind": "sale", "amount": "1.00", "valid_from": f"{year}-07-01T08:00", "reason": "summer"}
    answer = await owner.submit(page, offers, **fields)
    assert answer.status_code == 303, answer.text
    row = (await shop.fetch("SELECT valid_from FROM commerce.price_offer WHERE valid_from > now()"))[0]
    assert row["valid_from"] == datetime(year, 7, 1, 12, 0, tzinfo=UTC)
    said = " ".join(read(await owner.get(page)).text.split())
    assert f"1 Jul {year}, 08:00" in said
