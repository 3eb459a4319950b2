"""A presale in a real browser, at a desk and on a phone: written at the console, reserved with a deposit, paid in the end."""

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from playwright.async_api import expect
from tests.browser.conftest import OWNER_EMAIL, Enter
from tests.browser.visitor import Visitor
from tests.durability.running import RunningShop, find_breaches

from serai.commerce.checkout.jobs import close_presales, tend_balances
from serai.commerce.presale.api import list_presales
from serai.foundation import clock

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

PAY = re.compile(r"^Pay \$")
WINDOWS = ("deposit_from", "deposit_until", "balance_from", "balance_until")


async def write_presale(owner: Visitor, sku: str) -> None:
    """Write a presale at the console and publish it: 20.00, a deposit of 1.00 that counts as 2.00, half price from two on."""
    page, now = owner.page, clock.now()
    await page.goto("/console/presales/new")
    texts = {
        "Name": "Early bird",
        "SKUs": sku,
        "Price": "20",
        "Pieces in all": "10",
        "Deposit": "1",
        "Counts as": "2",
        "From pieces": "2",
        "Of the price": "50",
    }
    for label, value in texts.items():
        await page.get_by_role("textbox", name=re.compile(f"^{label}( optional)?$")).fill(value)
    for label, hours in (
        ("Deposits from", -2),
        ("Deposits until", 2),
        ("Balances from", 3),
        ("Balances until", 72),
    ):
        moment = (now + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M")
        await page.get_by_label(label).fill(moment)
    await page.get_by_role("button", name="Count the preview").click()
    await expect(page.get_by_role("row", name=re.compile("From 2 .*9.00"))).to_be_visible()
    await owner.assert_fits()
    await page.get_by_role("button", name="Keep as a draft").click()
    await page.get_by_text("Publish…", exact=True).click()
    await page.get_by_role("button", name="Publish this presale").click()
    await expect(page.get_by_text("Takes deposits", exact=True)).to_be_visible()


async def reserve(visitor: Visitor, title: str) -> None:
    """From the search to the paid deposit."""
    await visitor.find_product(title, title)
    await visitor.assert_fits()
    await visitor.button("Reserve with a deposit").click()
    await expect(visitor.heading("Checkout")).to_be_visible()
    await visitor.fill_address("ada@example.org")
    start = visitor.page.get_by_role("button", name=re.compile("^Reserve and pay"))
    await start.click()
    await expect(visitor.page.get_by_role("alert")).to_contain_text(
        "Please agree to the terms of the presale"
    )
    await visitor.assert_fits()
    await visitor.page.get_by_role(
        "checkbox", name=re.compile("I agree: if I do not pay the balance")
    ).check()
    await start.click()
    await visitor.decide(PAY)
    await expect(visitor.heading("Thank you. Your place is reserved.")).to_be_visible()
    await visitor.assert_fits()


async def let_hours_pass(running: RunningShop, presale_id: UUID, hours: int) -> None:
    """Move a presale and its orders into the past, since the server's clock cannot be turned; then what the worker does."""
    shift, owner = timedelta(hours=hours), running.platform.owner
    for name in WINDOWS:
        await owner.execute(
            "UPDATE commerce.presale SET terms = jsonb_set(terms, ARRAY[$2],"
            " to_jsonb((terms->>$2)::timestamptz - $3::interval)) WHERE presale_id = $1",
            presale_id,
            name,
            shift,
        )
    await owner.execute(
        "UPDATE commerce.presale SET deposit_until = deposit_until - $2::interval WHERE presale_id = $1",
        presale_id,
        shift,
    )
    await owner.execute(
        "UPDATE commerce.presale_order SET deposit_until = deposit_until - $2::interval,"
        " balance_from = balance_from - $2::interval, balance_until = balance_until - $2::interval"
        " WHERE presale_id = $1",
        presale_id,
        shift,
    )
    await close_presales(running.platform.commerce, owner)
    await tend_balances(running.platform.commerce, owner)


@pytest.mark.parametrize(
    ("device", "window"),
    [("desk", {"width": 1440}), ("phone", {"width": 390, "has_touch": True, "is_mobile": True})],
)
async def test_a_presale_from_the_console_to_the_paid_balance(
    enter: Enter, running: RunningShop, owner_password: str, device: str, window: dict[str, Any]
) -> None:
    title = f"Coat for a {device}"
    sku_id = await running.shop.add_product(title, price_minor=2000, stock=10)
    owner = await enter()
    await owner.sign_in(OWNER_EMAIL, owner_password)
    await write_presale(owner, f"S{sku_id.hex[-12:]}")
    async with running.platform.db.transaction(running.shop.merchant_id, "read") as tx:
        presale = (await list_presales(tx)).items[0]

    first, second = await enter(**window), await enter(**window)
    for visitor in (first, second):
        await reserve(visitor, title)
    await let_hours_pass(running, presale.presale_id, 4)

    page = first.page
    await page.reload()
    await expect(first.heading("Your balance can be paid")).to_be_visible()
    # Two at half price: 10.00 less the 2.00 that the deposit counts for, and the delivery.
    await expect(page.get_by_role("heading", name="Balance: $13.99")).to_be_visible()
    await first.assert_fits()
    await page.get_by_role("button", name="Pay the balance of $13.99").click()
    await first.decide(PAY)
    await expect(first.heading("Thank you. Your order is placed.")).to_be_visible()

    await second.page.reload()
    await second.page.get_by_text("Cancel this order").click()
    await expect(second.page.get_by_text("the deposit of $1.00 is not given back")).to_be_visible()
    await second.button("Yes, cancel it").click()
    await expect(second.heading("This order is cancelled")).to_be_visible()

    await owner.page.reload()
    await expect(owner.page.get_by_text("Balances open", exact=True)).to_be_visible()
    await expect(owner.page.get_by_text("Counted: 2 pieces")).to_be_visible()
    for visitor in (first, second):
        visitor.assert_calm("422")
    owner.assert_calm()
    assert not await find_breaches(running.platform.owner)
