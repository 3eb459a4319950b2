"""Returns in a real browser: a refund on a phone in Chinese, an exchange at a desk, both decided at the console."""

import os
import re
from pathlib import Path

import pytest
from playwright.async_api import expect
from tests.browser.conftest import OWNER_EMAIL, Enter
from tests.browser.visitor import Visitor
from tests.durability.running import RunningShop, find_breaches

from serai.commerce.order.api import find_order, fulfil_order

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
# A folder for pictures of every page on the way, for somebody who wants to look at them.
PICTURES = os.environ.get("SERAI_PICTURES", "")


async def keep_picture(visitor: Visitor, name: str) -> None:
    await visitor.assert_fits()
    if PICTURES:
        await visitor.page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)


async def buy(visitor: Visitor, running: RunningShop, title: str, quantity: int) -> str:
    """A paid order that has been handed over; its number. The visitor is left on its page."""
    await visitor.find_product(title, title)
    await visitor.put_in_cart(quantity)
    await visitor.fill_checkout("ada@example.org")
    await visitor.order()
    await visitor.decide(re.compile(r"^(Pay \$|支付)"))
    await expect(visitor.heading("Thank you. Your order is placed.")).to_be_visible()
    number = await visitor.read_number()
    commerce, merchant_id = running.platform.commerce, running.shop.merchant_id
    async with running.platform.db.transaction(merchant_id, "read") as tx:
        order = await find_order(tx, number=number)
    assert order is not None
    await fulfil_order(commerce, merchant_id, order_id=order.order_id, by="test")
    await visitor.page.reload()
    return number


async def open_return(owner: Visitor, number: str) -> None:
    """From the console's list to one return."""
    await owner.page.goto("/console/returns")
    await keep_picture(owner, "console-list")
    await owner.page.get_by_role("link", name=number, exact=True).click()


@pytest.mark.parametrize(("width", "language", "locale"), [(390, "zh_Hans", "zh-CN"), (1440, "en", "en-US")])
async def test_a_shopper_sends_goods_back_and_gets_the_money(
    enter: Enter, running: RunningShop, owner_password: str, width: int, language: str, locale: str
) -> None:
    shopper = await enter(width=width, locale=locale)
    shopper.language = language
    order_number = await buy(shopper, running, "Oats", 2)
    await keep_picture(shopper, f"order-{width}")
    await shopper.link("Return or exchange").click()
    page = shopper.page
    await page.get_by_role("button", name=shopper.say("Ask for the return")).click()
    await expect(page.get_by_role("alert")).to_contain_text(
        shopper.say("Please choose what you want to send back.")
    )
    await page.get_by_label(shopper.say("How many come back")).select_option("1")
    await page.get_by_label(shopper.say("Why")).select_option(label=shopper.say("I have changed my mind"))
    await keep_picture(shopper, f"form-{width}")
    await page.get_by_role("button", name=shopper.say("Ask for the return")).click()
    await expect(shopper.heading("Thank you. We look at your return.")).to_be_visible()
    await keep_picture(shopper, f"asked-{width}")
    found = re.search(r"[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5}", await page.title())
    assert found

    owner = await enter(width=width)
    await owner.sign_in(OWNER_EMAIL, owner_password)
    await open_return(owner, found[0])
    await keep_picture(owner, f"console-{width}")
    await owner.button("Approve").click()
    await owner.page.get_by_text("Book goods in", exact=True).click()
    await keep_picture(owner, f"console-receive-{width}")
    await owner.button("Book in").click()
    await expect(owner.page.get_by_text("The goods are booked in. Now it can be settled.")).to_be_visible()
    await owner.page.locator("summary", has_text="Refund").click()
    await owner.button("Refund").click()
    await expect(owner.page.get_by_text("$19.99").first).to_be_visible()
    await keep_picture(owner, f"console-settled-{width}")
    await owner.page.goto(f"/console/orders/{order_number}")
    await keep_picture(owner, f"console-order-{width}")
    await page.reload()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("19.99")
    await keep_picture(shopper, f"done-{width}")
    # A form that comes back refused is told by the browser too.
    assert not [each for each in shopper.complaints if "422" not in each]
    assert not owner.complaints
    assert not await find_breaches(running.platform.owner)


async def test_a_shopper_exchanges_goods(enter: Enter, running: RunningShop, owner_password: str) -> None:
    shopper = await enter(width=1440)
    await buy(shopper, running, "Milk, whole, 1 gal", 1)
    await shopper.link("Return or exchange").click()
    page = shopper.page
    await page.get_by_label("How many come back").select_option("1")
    await page.get_by_label("Why").select_option(label="Arrived damaged")
    await page.get_by_role("radio", name=re.compile("An exchange")).check()
    await expect(page.get_by_label("In exchange for")).to_be_visible()
    await keep_picture(shopper, "exchange-form")
    await page.get_by_role("button", name="Ask for the return").click()
    await expect(page.get_by_text("In exchange for: Milk, whole, 1 gal, $2.99 each")).to_be_visible()
    found = re.search(r"[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5}", await page.title())
    assert found

    owner = await enter(width=1440)
    await owner.sign_in(OWNER_EMAIL, owner_password)
    await open_return(owner, found[0])
    await owner.button("Approve").click()
    await owner.page.get_by_text("Book goods in", exact=True).click()
    await owner.button("Book in").click()
    await owner.page.get_by_text("Send the exchange", exact=True).click()
    await owner.button("Place the exchange").click()
    await expect(owner.page.get_by_text(f"Return {found[0]} is exchanged.")).to_be_visible()
    await keep_picture(owner, "console-exchanged")
    await owner.page.goto("/console/returns/terms")
    await keep_picture(owner, "console-terms")

    await page.reload()
    await expect(shopper.heading("Your exchange is on its way")).to_be_visible()
    await keep_picture(shopper, "exchange-done")
    await page.get_by_role("link", name=re.compile("^See order")).click()
    await expect(shopper.heading("Your order is being prepared")).to_be_visible()
    await keep_picture(shopper, "exchange-order")
    # A form that comes back refused is told by the browser too.
    assert not [each for each in shopper.complaints if "422" not in each]
    assert not owner.complaints
    assert not await find_breaches(running.platform.owner)
