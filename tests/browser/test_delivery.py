"""Delivery in a real browser: the owner writes options at the console, shoppers choose one on a desk and on a phone."""

import os
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect
from tests.browser.conftest import OWNER_EMAIL, Enter
from tests.browser.visitor import Visitor
from tests.durability.running import RunningShop, find_breaches

from serai.commerce.delivery import api

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


@pytest.fixture(autouse=True)
async def leave_nothing(running: RunningShop) -> AsyncIterator[None]:
    """The shop is shared by all tests of the browser: its options are switched off again."""
    yield
    async with running.platform.db.transaction(running.shop.merchant_id) as tx:
        for row in await api.list_rows(tx):
            if row.active:
                await api.edit_option(
                    tx, option_id=row.option_id, version=row.version, active=False, by="test"
                )


async def look(page: Page, name: str) -> None:
    """Leave a picture where SERAI_LOOK_DIR asks for them."""
    if folder := os.environ.get("SERAI_LOOK_DIR"):
        await page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


async def write_option(page: Page, code: str, name: str, chinese: str, price: str, days: str) -> None:
    """Fill the form of a new option, for the United States and China."""
    await page.goto("/console/delivery/new")
    await page.get_by_label("Name", exact=True).fill(name)
    await page.get_by_label("Name in Chinese").fill(chinese)
    await page.get_by_label("Code", exact=True).fill(code)
    await page.get_by_label("Carrier").fill("UPS")
    await page.get_by_label("Costs", exact=True).first.fill(price)
    await page.get_by_label("Countries").fill("US, CN")
    await page.get_by_label("On the way at least").fill(days)
    await page.get_by_label("At most").fill(days)
    await look(page, f"console-form-{code}")
    await page.get_by_role("button", name="Add option").click()
    await expect(page.get_by_text("Added. The shop offers it from now on.")).to_be_visible()


async def write_options(owner: Visitor, password: str, mark: str) -> None:
    await owner.sign_in(OWNER_EMAIL, password)
    await owner.page.goto("/console/delivery")
    await look(owner.page, "console-empty")
    await write_option(owner.page, f"standard{mark}", "Standard", "标准快递", "5.99", "4")
    await write_option(owner.page, f"express{mark}", "Express", "次日达", "12.90", "1")


async def test_an_owner_writes_options_and_a_shopper_chooses_express(
    enter: Enter, running: RunningShop, owner_password: str
) -> None:
    title = "Lamp, oil, brass"
    await running.shop.add_product(title, price_minor=2000, stock=10)
    owner, guest = await enter(width=1440), await enter(width=1440)
    await write_options(owner, owner_password, "-desk")
    page = owner.page
    await page.get_by_label("Country", exact=True).fill("DE")
    await page.get_by_role("button", name="Try it").click()
    await expect(page.get_by_text("No option goes there.")).to_be_visible()
    await page.get_by_label("Country", exact=True).fill("US")
    await page.get_by_label("Weight").fill("3")
    await page.get_by_role("button", name="Try it").click()
    await expect(page.get_by_role("cell", name="$12.90")).to_be_visible()
    await look(page, "console-list")

    await guest.find_product("brass lamp", title)
    await expect(guest.page.get_by_text(re.compile("^Arrives "))).to_be_visible()
    await look(guest.page, "product")
    await guest.put_in_cart(1)
    await look(guest.page, "cart")
    await guest.fill_checkout("ada@example.org")
    await expect(guest.page.get_by_role("radio", name="Standard")).to_be_checked()
    await expect(guest.page.get_by_role("button", name="Order and pay $25.99")).to_be_visible()
    await guest.page.get_by_role("radio", name="Express").check()
    await expect(guest.page.get_by_role("button", name="Order and pay $32.90")).to_be_visible()
    await look(guest.page, "checkout")
    await guest.order()
    await guest.decide(re.compile(r"^Pay \$"))
    await expect(guest.heading("Thank you. Your order is placed.")).to_be_visible()
    await expect(guest.page.get_by_text(re.compile("^Arrives ")).first).to_be_visible()
    await look(guest.page, "order")
    for visitor in (guest, owner):
        visitor.assert_calm()
    assert not await find_breaches(running.platform.owner)


async def test_on_a_phone_in_chinese(enter: Enter, running: RunningShop, owner_password: str) -> None:
    title = "Umbrella, paper"
    await running.shop.add_product(title, price_minor=2000, stock=10)
    owner = await enter(width=390)
    await write_options(owner, owner_password, "-phone")
    await owner.page.goto("/console/delivery?country=CN&weight=3&worth=40")
    await look(owner.page, "console-list-phone")
    await owner.assert_fits()
    guest = await enter(width=390, locale="zh-CN")
    guest.language = "zh_Hans"
    await guest.find_product("umbrella", title)
    await expect(guest.page.get_by_text(re.compile("^预计.*送达$"))).to_be_visible()
    await look(guest.page, "product-phone")
    await guest.put_in_cart(1)
    await guest.fill_checkout("ada@example.org")
    await guest.page.get_by_role("radio", name="次日达").check()
    await expect(guest.page.get_by_role("button", name=re.compile("32.90"))).to_be_visible()
    await look(guest.page, "checkout-phone")
    await guest.assert_fits()
    await guest.order()
    await guest.decide(re.compile("^支付"))
    await expect(guest.heading("Thank you. Your order is placed.")).to_be_visible()
    await expect(guest.page.get_by_text(re.compile("预计.*送达")).first).to_be_visible()
    await look(guest.page, "order-phone")
    guest.assert_calm()
