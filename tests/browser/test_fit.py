"""Every main page on a phone and on a desk: nothing sticks out sideways, the browser's console stays silent."""

import re

import pytest
from playwright.async_api import expect
from tests.browser.conftest import OWNER_EMAIL, Enter
from tests.durability.running import RunningShop

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

SHOP_PAGES = (
    "/",
    "/c/pantry",
    "/search?q=ice",
    "/search?q=nothing+like+this",
    "/stores",
    "/help",
    "/account",
)
SHOP_PAGES += ("/account/register", "/no-such-page")
CONSOLE_PAGES = (
    "",
    "/orders",
    "/products",
    "/products/new",
    "/stock",
    "/staff",
    "/keys",
    "/audit",
    "/password",
)


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
@pytest.mark.parametrize("width", [390, 1280])
async def test_the_shops_pages_fit(enter: Enter, running: RunningShop, width: int, locale: str) -> None:
    guest = await enter(width=width, locale=locale)
    guest.language = "zh_Hans" if locale == "zh-CN" else "en"
    for path in SHOP_PAGES:
        await guest.page.goto(path)
        await expect(guest.page.get_by_role("heading", level=1)).to_have_count(1)
        await guest.assert_fits()
    await guest.page.goto("/cart")
    await expect(guest.heading("Your cart is empty")).to_be_visible()
    await guest.assert_fits()
    await guest.find_product("crushed ice", "Ice, crushed, 22 lb")
    await guest.assert_fits()
    await guest.put_in_cart(2)
    await guest.assert_fits()
    await guest.fill_checkout("ada@example.org")
    await guest.assert_fits()
    await guest.order()
    await guest.page.wait_for_url("**/pay/*")
    await guest.assert_fits()
    guest.assert_calm("status of 404")


@pytest.mark.parametrize("width", [390, 1280])
async def test_an_account_with_its_first_order_fits(enter: Enter, width: int) -> None:
    member = await enter(width=width)
    page = member.page
    await page.goto("/account/register")
    await page.get_by_label("Full name").fill("Ada Lovelace")
    await page.get_by_label("E-mail").fill(f"ada-{width}@example.org")
    await page.get_by_label("Password").fill("ten ordinary characters")
    await page.get_by_role("button", name="Open the account").click()
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    await member.find_product("whole milk", "Milk, whole, 1 gal")
    await member.put_in_cart(1)
    await member.fill_checkout(f"ada-{width}@example.org")
    await member.order()
    await member.decide(re.compile(r"^Pay \$"))
    await expect(member.heading("Thank you. Your order is placed.")).to_be_visible()
    await member.assert_fits()
    number = await member.read_number()
    await page.goto("/account")
    await member.assert_fits()
    await page.get_by_role("link", name=number).first.click()
    await expect(page.get_by_role("heading", name="Your order is being prepared")).to_be_visible()
    await member.assert_fits()
    await page.goto("/account/profile")
    await member.assert_fits()
    member.assert_calm()


@pytest.mark.parametrize("width", [390, 1280])
async def test_the_consoles_pages_fit(
    enter: Enter, running: RunningShop, owner_password: str, width: int
) -> None:
    sku_id = await running.shop.add_product("Soap, for washing floors in large houses, 12 bars", stock=10)
    order_id = await running.place((sku_id, 2))
    order = await running.load_order(order_id)
    owner = await enter(width=width)
    await owner.sign_in(OWNER_EMAIL, owner_password)
    pages = [*CONSOLE_PAGES, f"/orders/{order.number}", f"/stock/{sku_id}"]
    product = f"/products/{order.lines[0].product_id}"
    pages += [product, *(f"{product}/{tab}" for tab in ("facts", "bundle", "prices"))]
    pages += ["/attributes", "/attributes/new", "/search-words?q=soap", "/parked", "/settings", "/passkeys"]
    for path in pages:
        answer = await owner.page.goto(f"/console{path}")
        assert answer is not None
        assert answer.status == 200, path
        await owner.assert_fits()
    owner.assert_calm()
