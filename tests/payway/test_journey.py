"""A browser pays with each simulated provider: on a desk by a code, a page, a cashier; on a phone by a link."""

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect
from tests.browser.visitor import CHROMIUM, FLAGS
from tests.payway.world import World

from serai.foundation.ids import new_id

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("payway")]
LIMIT_MS = 20_000
PHONE = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/130.0 Mobile Safari/537.36"


@pytest.fixture
async def browser(world: World) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield launched
        await launched.close()


async def shop_for(world: World, browser: Browser, provider: str, **options: Any) -> Page:
    """A guest with something in the cart, at the filled checkout of the provider's shop."""
    shop = world.shop(provider)
    title = f"Tea {new_id().hex[-8:]}"
    await shop.add_product(title, price_minor=4000, stock=5)
    port = world.web.url.rsplit(":", 1)[1]
    context = await browser.new_context(
        base_url=f"http://{shop.host}:{port}",
        locale="en-US",
        viewport={"width": 1280, "height": 900},
        **options,
    )
    page = await context.new_page()
    await page.goto("/search?q=" + title.replace(" ", "+"))
    await page.get_by_role("main").get_by_role("link", name=title, exact=True).click()
    await page.get_by_role("button", name="Add to cart", exact=True).click()
    await page.get_by_role("link", name="View cart", exact=True).click()
    await page.get_by_role("link", name="Go to checkout", exact=True).click()
    await page.get_by_label("E-mail").fill("ada@example.org")
    await page.get_by_label("Full name").fill("Ada Lovelace")
    await page.get_by_role("textbox", name="Phone").fill("+86 138 0013 8000")
    for label, value in (
        ("Street and number", "1 Vine Street"),
        ("City", "Cincinnati"),
        ("ZIP code", "45202"),
    ):
        await page.get_by_label(label).fill(value)
    await page.get_by_label("State or territory").select_option(label="Ohio")
    return page


async def order(page: Page, way: str) -> None:
    await page.get_by_role("radio", name=way).check()
    await page.get_by_role("button", name=re.compile("^Order and pay")).click()


async def expect_thanks(page: Page) -> None:
    thanks = page.get_by_role("heading", name="Thank you. Your order is placed.", exact=True)
    await expect(thanks).to_be_visible(timeout=LIMIT_MS)


async def test_a_card_is_paid_on_stripes_page(world: World, browser: Browser) -> None:
    page = await shop_for(world, browser, "stripe")
    await order(page, "Card")
    await expect(page).to_have_url(re.compile(re.escape(world.sim.url) + "/stripe/pay/cs_test_"))
    await page.get_by_role("button", name="Pay", exact=True).click()
    await expect_thanks(page)


async def test_wechat_is_paid_by_a_code_that_the_page_watches(world: World, browser: Browser) -> None:
    page = await shop_for(world, browser, "wechat")
    await order(page, "WeChat Pay")
    await expect(page.get_by_role("img", name="QR code for WeChat Pay")).to_be_visible(timeout=LIMIT_MS)
    phone = await browser.new_page()
    await phone.goto(world.sim.url)
    await phone.get_by_role("link", name=re.compile("WeChat")).first.click()
    await phone.get_by_role("button", name="Pay now").click()
    await expect(phone.get_by_text("Paid")).to_be_visible()
    # Nobody touches the shop's page: it notices by itself.
    await expect_thanks(page)


async def test_without_scripts_the_page_with_the_code_is_asked_by_hand(
    world: World, browser: Browser
) -> None:
    page = await shop_for(world, browser, "wechat", java_script_enabled=False)
    await order(page, "WeChat Pay")
    await expect(page.get_by_role("heading", name="Scan to pay")).to_be_visible(timeout=LIMIT_MS)
    phone = await browser.new_page()
    await phone.goto(world.sim.url)
    await phone.get_by_role("link", name=re.compile("WeChat")).first.click()
    await phone.get_by_role("button", name="Pay now").click()
    await expect(phone.get_by_text("Paid")).to_be_visible()
    await page.get_by_role("link", name="I have paid").click()
    await expect_thanks(page)


async def test_alipay_is_paid_at_its_cashier_after_a_change_of_mind(world: World, browser: Browser) -> None:
    page = await shop_for(world, browser, "alipay")
    await order(page, "WeChat Pay")
    await page.get_by_role("link", name="Pay in another way").click(timeout=LIMIT_MS)
    await page.get_by_role("radio", name="Alipay").check()
    await page.get_by_role("button", name=re.compile("^Pay ")).click()
    await expect(page).to_have_url(re.compile(re.escape(world.sim.url) + "/alipay/pay/"))
    await page.get_by_role("button", name="Pay now").click()
    await expect_thanks(page)


async def test_on_a_phone_wechat_opens_by_a_link_and_the_choice_is_remembered(
    world: World, browser: Browser
) -> None:
    page = await shop_for(world, browser, "wechat", user_agent=PHONE)
    await order(page, "WeChat Pay")
    await expect(page).to_have_url(re.compile(re.escape(world.sim.url) + "/wechat/pay/"))
    await page.get_by_role("button", name="Pay now").click()
    await expect_thanks(page)
    cookies = {cookie["name"]: cookie["value"] for cookie in await page.context.cookies()}
    assert cookies["pay"] == "wechat"
