"""Buying in a real browser: by search, as a guest, paid at the provider's page, then fulfilled at the console."""

import re
from uuid import UUID

import pytest
from playwright.async_api import Page, expect
from tests.browser.conftest import OWNER_EMAIL, Enter
from tests.browser.visitor import Visitor
from tests.durability.running import RunningShop, find_breaches

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

PAY = re.compile(r"^Pay \$")


async def buy(visitor: Visitor, title: str, words: str, quantity: int) -> None:
    """Up to the provider's page."""
    await visitor.find_product(words, title)
    await visitor.put_in_cart(quantity)
    await visitor.fill_checkout("ada@example.org")
    await visitor.order()


async def read_levels(page: Page, sku_id: UUID) -> list[str]:
    """On hand, reserved and available at the warehouse, as the stock page shows them."""
    await page.goto(f"/console/stock/{sku_id}")
    row = page.get_by_role("region", name="By place").get_by_role("row", name="Warehouse")
    return await row.get_by_role("cell").all_inner_texts()


async def test_a_guest_buys_and_the_owner_fulfils_and_the_stock_moves(
    enter: Enter, running: RunningShop, owner_password: str
) -> None:
    title = "Tea, jasmine, 250 g"
    sku_id = await running.shop.add_product(title, price_minor=799, stock=10)
    guest, owner = await enter(), await enter()

    await buy(guest, title, "jasmine tea", 2)
    await guest.decide(PAY)
    await expect(guest.heading("Thank you. Your order is placed.")).to_be_visible()
    number = await guest.read_number()

    await owner.sign_in(OWNER_EMAIL, owner_password)
    assert await read_levels(owner.page, sku_id) == ["10", "2", "8"]
    await owner.page.get_by_role("link", name="Orders", exact=True).first.click()
    await owner.page.get_by_role("link", name=number).click()
    await expect(owner.page.get_by_role("heading", name=f"{number} To fulfil")).to_be_visible()
    await owner.page.get_by_text("Fulfil", exact=True).click()
    await owner.page.get_by_label("Tracking number").fill("SF 1234 5678")
    await owner.page.get_by_role("button", name="Mark as fulfilled").click()
    await expect(owner.page.get_by_role("heading", name=f"{number} Fulfilled")).to_be_visible()
    assert await read_levels(owner.page, sku_id) == ["8", "0", "8"]

    await guest.page.reload()
    await expect(guest.heading("Your order is on its way")).to_be_visible()
    for visitor in (guest, owner):
        visitor.assert_calm()
    assert not await find_breaches(running.platform.owner)


async def test_on_a_phone_in_chinese_without_scripts(enter: Enter, running: RunningShop) -> None:
    title = "Rice, long grain, 5 kg"
    await running.shop.add_product(title, price_minor=1499, stock=10)
    guest = await enter(width=390, locale="zh-CN", java_script_enabled=False)
    guest.language = "zh_Hans"
    await buy(guest, title, "long grain rice", 1)
    await guest.decide(re.compile("^支付"))
    await expect(guest.heading("Thank you. Your order is placed.")).to_be_visible()
    assert await guest.page.locator("html").get_attribute("lang") == "zh-Hans"
    guest.assert_calm()


@pytest.mark.parametrize(
    ("width", "words", "scripts"),
    [(1280, "大米", True), (390, "changlixiang", True), (390, "長粒香", False)],
    ids=["desk-segment", "phone-pinyin", "phone-traditional-no-scripts"],
)
async def test_a_search_in_chinese_leads_to_an_order(
    enter: Enter, running: RunningShop, width: int, words: str, scripts: bool
) -> None:
    title = f"长粒香大米 5 千克 {width}{'甲' if scripts else '乙'}"
    sku_id = await running.shop.add_product(title, price_minor=1499, stock=10)
    guest = await enter(width=width, locale="zh-CN", java_script_enabled=scripts)
    guest.language = "zh_Hans"
    await buy(guest, title, words, 2)
    await guest.decide(re.compile("^支付"))
    await expect(guest.heading("Thank you. Your order is placed.")).to_be_visible()
    guest.assert_calm()
    order_id = UUID(re.search("/orders/([0-9a-f-]{36})", guest.page.url)[1])  # type: ignore[index]
    order = await running.assert_true(order_id, "paid")
    assert [(line.sku_id, line.quantity) for line in order.lines] == [(sku_id, 2)]


async def test_after_a_decline_the_guest_pays_again_and_is_charged_once(
    enter: Enter, running: RunningShop
) -> None:
    title = "Coffee, ground, 1 lb"
    await running.shop.add_product(title, price_minor=1299, stock=10)
    guest = await enter()
    await buy(guest, title, "ground coffee", 1)
    await guest.decide(re.compile("^Decline"))
    await expect(guest.heading("The payment did not go through")).to_be_visible()
    await guest.page.get_by_role("button", name=PAY).click()
    await guest.decide(PAY)
    await expect(guest.heading("Thank you. Your order is placed.")).to_be_visible()
    guest.assert_calm()
    order_id = UUID(re.search("/orders/([0-9a-f-]{36})", guest.page.url)[1])  # type: ignore[index]
    order = await running.assert_true(order_id, "paid")
    assert order.paid_minor == order.total_minor


async def test_whoever_comes_second_for_the_last_piece_is_told_politely_and_charged_nothing(
    enter: Enter, running: RunningShop
) -> None:
    title = "Honey, acacia, the last jar"
    await running.shop.add_product(title, price_minor=999, stock=1)
    first, second = await enter(), await enter()
    for guest in (first, second):
        await guest.find_product("acacia honey", title)
        await guest.put_in_cart(1)
        await guest.fill_checkout("ada@example.org")
    await first.order()
    await first.decide(PAY)
    await expect(first.heading("Thank you. Your order is placed.")).to_be_visible()
    await second.order()
    alert = second.page.get_by_role("alert")
    await expect(alert).to_contain_text("Not everything is there any more. Nothing was ordered or charged.")
    await expect(second.page.get_by_label("Full name")).to_have_value("Ada Lovelace")
    await expect(second.page.get_by_text(f"{title}: you want 1, there are 0.")).to_be_visible()
    first.assert_calm()
    second.assert_calm("status of 409")
