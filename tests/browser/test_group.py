"""Buying together in real browsers: two people make a group, one alone gets the money back, a flash price sells out."""

import os
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from playwright.async_api import expect
from tests.browser.conftest import Enter
from tests.browser.test_buying import PAY
from tests.browser.visitor import ADDRESSES, Visitor
from tests.durability.running import RunningShop, find_breaches
from tests.promotion.conftest import Desk

from serai.commerce.aftersale.jobs import ask_refunds, settle_groups
from serai.commerce.order.types import Order
from serai.commerce.promotion.types import SkuPrice, Terms, UnitPrice
from serai.foundation import clock

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


async def offer(running: RunningShop, title: str, source: Any, price_minor: int, **how: Any) -> UUID:
    """Goods at $20.00 with a live price of a promotion."""
    sku_id = await running.shop.add_product(title, price_minor=2000, stock=20)
    limits = {name: how.pop(name) for name in ("quota", "ends_at") if name in how}
    benefit = UnitPrice(source, (SkuPrice(sku_id, price_minor),), **how)
    await Desk(running.shop).go_live(Terms(name=f"{title} {source}", layer=1, benefit=benefit, **limits))
    return sku_id


async def check_out(visitor: Visitor, email: str, name: str) -> None:
    """From the checkout of something bought in a group to the provider's page."""
    page = visitor.page
    await expect(visitor.heading("Checkout")).to_be_visible()
    await page.get_by_label(visitor.say("E-mail")).fill(email)
    await page.get_by_label(visitor.say("Full name")).fill(name)
    await page.get_by_label(visitor.say("Street and number")).fill("1 Vine Street")
    await page.get_by_label(visitor.say("City")).fill("Cincinnati")
    await page.get_by_label(visitor.say("State or territory")).select_option(label="Ohio")
    await page.get_by_label(visitor.say("ZIP code")).fill("45202")
    await visitor.order()
    await visitor.decide(PAY)


async def read_order(visitor: Visitor) -> Order:
    found = re.search("/orders/([0-9a-f-]{36})", visitor.page.url)
    assert found
    return await visitor.running.load_order(UUID(found[1]))


@pytest.mark.parametrize("width", [1440, 390])
async def test_two_people_make_a_group(
    enter: Enter, running: RunningShop, width: int, picture: Callable[..., Any]
) -> None:
    title = f"Espresso pot, six cups, {width}"
    await offer(running, title, "group", 1200, people=2, hours=24)
    ada, wu = await enter(width=width), await enter(width=width)

    await ada.find_product("espresso pot six cups", title)
    await expect(ada.page.get_by_text("2 people buy within 24 hours.")).to_be_visible()
    await picture(ada, "offer")
    await ada.button("Open a group at %(price)s", price="$12.00").click()
    await expect(ada.page.get_by_text("You open a group of 2.")).to_be_visible()
    await picture(ada, "checkout")
    await check_out(ada, "ada@example.org", "Ada Lovelace")
    await expect(ada.heading("Thank you. Your seat is yours.")).to_be_visible()
    await expect(ada.page.get_by_text(re.compile(r"^23:5\d:\d\d$")).first).to_be_visible()
    await picture(ada, "waiting")
    await ada.assert_fits()
    share = await ada.page.get_by_label("Send this link to whoever may want it too").input_value()
    await ada.button("Copy").click()
    await expect(ada.button("Copied")).to_be_visible()

    await wu.find_product("espresso pot six cups", title)
    await expect(wu.button("Join the group of %(initials)s", initials="A.L.")).to_be_visible()
    await picture(wu, "join")
    await wu.page.goto(share)
    await expect(wu.page.get_by_role("heading", name="1 person is missing")).to_be_visible()
    await picture(wu, "group")
    await wu.assert_fits()
    await wu.button("Join at %(price)s", price="$12.00").click()
    await check_out(wu, "wu@example.org", "武 松")
    await settle_groups(running.platform.commerce, running.platform.owner)
    for visitor in (ada, wu):
        await visitor.page.reload()
        await expect(visitor.heading("Your group is complete")).to_be_visible()
        order = await read_order(visitor)
        assert (order.state, order.items_minor - order.discount_minor) == ("paid", 1200)
        assert order.group is not None
        assert order.group.outcome == "grouped"
        visitor.assert_calm()
    await picture(wu, "complete")
    assert not await find_breaches(running.platform.owner)


async def test_a_member_follows_a_group_on_a_phone_in_chinese_without_scripts(
    enter: Enter, running: RunningShop, picture: Callable[..., Any]
) -> None:
    title = "Bamboo steamer, two tiers"
    await offer(running, title, "group", 1100, people=3, hours=2)
    li = await enter(width=390, locale="zh-CN", java_script_enabled=False)
    li.language = "zh_Hans"
    page = li.page
    await page.goto("/account/register?next=/")
    await page.get_by_label(li.say("Full name")).fill("李 雷")
    await page.get_by_label(li.say("E-mail")).fill("li@example.org")
    await page.get_by_label(li.say("Password"), exact=True).fill("a long enough password")
    await li.button("Open the account").click()
    await li.find_product("bamboo steamer", title)
    await picture(li, "offer")
    await page.get_by_role("button", name=re.compile("发起拼团")).click()
    await expect(page.get_by_text("您将发起一个 3 人团。")).to_be_visible()
    for label, value in ADDRESSES["zh_Hans"].items():
        field = page.get_by_label(li.say(label))
        if await field.evaluate("element => element.tagName") == "SELECT":
            await field.select_option(label=value)
        else:
            await field.fill(value)
    await page.get_by_label(li.say("Phone")).fill("+86 138 0013 8000")
    await li.order()
    await li.decide(re.compile("^支付"))
    await expect(li.heading("Thank you. Your seat is yours.")).to_be_visible()
    # Without scripts the moment itself stands where the countdown would run, and there is nothing to press for copying.
    await expect(page.get_by_text(re.compile("^截至")).first).to_be_visible()
    await expect(li.button("Copy")).to_be_hidden()
    await picture(li, "waiting")
    await page.goto("/account/groups")
    await expect(page.get_by_text("还差 2 人成团")).to_be_visible()
    await picture(li, "account")
    await li.assert_fits()
    await page.goto("/account")
    await expect(page.get_by_text(li.say("Waits for its group"))).to_be_visible()
    li.assert_calm()


async def test_one_alone_gets_everything_back(
    enter: Enter, running: RunningShop, picture: Callable[..., Any]
) -> None:
    title = "Milk frother, by hand"
    await offer(running, title, "group", 1500, people=3, hours=1)
    ada = await enter(width=390)
    await ada.find_product("milk frother by hand", title)
    await ada.button("Open a group at %(price)s", price="$15.00").click()
    await check_out(ada, "ada@example.org", "Ada Lovelace")
    await expect(ada.page.get_by_text("2 people are missing").first).to_be_visible()
    placed = await read_order(ada)
    assert placed.group is not None
    with clock.clock_at(placed.group.deadline + timedelta(seconds=1)):
        await settle_groups(running.platform.commerce, running.platform.owner)
        await ask_refunds(running.platform.commerce, running.platform.owner)
    await ada.page.reload()
    await expect(
        ada.page.get_by_role("heading", name="Your group did not come together").first
    ).to_be_visible()
    await expect(ada.page.get_by_text("goes back the way it came").first).to_be_visible()
    await picture(ada, "failed")
    await ada.assert_fits()
    order = await running.assert_true(placed.order_id, "cancelled")
    assert (order.refunded_minor, [refund.state for refund in order.refunds]) == (order.paid_minor, ["done"])
    ada.assert_calm()
    assert not await find_breaches(running.platform.owner)


@pytest.mark.parametrize("width", [1440, 390])
async def test_a_flash_price_sells_its_quota_and_no_more(
    enter: Enter, running: RunningShop, width: int, picture: Callable[..., Any]
) -> None:
    title = f"Kettle, copper, {width}"
    ends_at = datetime.now(UTC) + timedelta(hours=2)
    await offer(running, title, "flash", 900, quota=2, ends_at=ends_at)
    for number, left in ((1, "2 are left at this price."), (2, "1 is left at this price.")):
        guest = await enter(width=width)
        await guest.find_product("copper kettle", title)
        await expect(guest.page.get_by_text(left)).to_be_visible()
        if number == 1:
            await picture(guest, "flash")
            await guest.page.goto("/search?q=copper+kettle")
            await expect(guest.page.get_by_text("$9.00").first).to_be_visible()
            await picture(guest, "cards")
            await guest.assert_fits()
            await guest.page.go_back()
        await guest.put_in_cart(1)
        await expect(guest.page.get_by_text("$9.00").first).to_be_visible()
        await guest.fill_checkout(f"g{number}@example.org")
        await guest.order()
        await guest.decide(PAY)
        await expect(guest.heading("Thank you. Your order is placed.")).to_be_visible()
        order = await read_order(guest)
        assert order.items_minor - order.discount_minor == 900
        guest.assert_calm()
    late = await enter(width=width)
    await late.find_product("copper kettle", title)
    await expect(late.page.get_by_text("at this price")).to_have_count(0)
    await late.put_in_cart(1)
    await expect(late.page.get_by_text("$20.00").first).to_be_visible()
    late.assert_calm()
    assert not await find_breaches(running.platform.owner)


@pytest.fixture
def picture(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Keeps pictures of the pages where the one who runs the tests wants to look at them: SERAI_TEST_PICTURES."""
    folder = os.environ.get("SERAI_TEST_PICTURES")

    async def take(visitor: Visitor, name: str) -> None:
        if folder:
            size = visitor.page.viewport_size
            path = Path(folder) / f"{request.node.originalname}-{name}-{size['width'] if size else 0}.png"
            await visitor.page.screenshot(path=path, full_page=True)

    return take
