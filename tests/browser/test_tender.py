"""A gift card in a real browser: the owner issues it, a member pays with it and with points, and both come back."""

import re

import pytest
from playwright.async_api import expect
from tests.browser.conftest import OWNER_EMAIL, Enter
from tests.browser.visitor import Visitor
from tests.durability.running import RunningShop, find_breaches

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


async def issue_card(owner: Visitor) -> str:
    """Terms of points, and one card of $3 whose code is read off the page."""
    page = owner.page
    await page.goto("/console/gift-cards")
    await page.get_by_text("Terms of points", exact=True).click()
    await expect(page.get_by_label("Points", exact=True)).to_be_focused()
    for label, text in (("They pay at most", "50"), ("Points earned", "10")):
        await page.get_by_label(label, exact=True).fill(text)
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.get_by_text("Saved. What was earned before keeps its end.")).to_be_visible()
    await page.get_by_text("Issue gift cards", exact=True).click()
    await expect(page.get_by_label("How many", exact=True)).to_be_focused()
    await page.get_by_label("Amount on each", exact=True).fill("3")
    await page.get_by_role("button", name="Issue and show").click()
    return (await page.get_by_label("Gift card codes").input_value()).strip()


async def give_points(owner: Visitor, email: str) -> None:
    """400 points with a reason, on the member's page."""
    page = owner.page
    await page.goto(f"/console/members?q={email}")
    await page.get_by_role("link", name="Ada Li").click()
    await page.get_by_text("Give or take", exact=True).click()
    await page.get_by_label("How much", exact=True).fill("400")
    await page.get_by_label("Reason", exact=True).fill("Thank you for waiting")
    await page.get_by_role("button", name="Book it").click()
    await expect(page.get_by_text("Booked, and noted in the audit log.")).to_be_visible()


@pytest.mark.parametrize("width", [1440, 390])
async def test_a_gift_card_and_points_pay_and_come_back(
    enter: Enter, running: RunningShop, owner_password: str, width: int
) -> None:
    title = f"Quinces, {width} g"
    await running.shop.add_product(title, price_minor=4000, stock=10)
    email = f"ada{width}@example.org"
    owner, ada = await enter(), await enter(width=width)
    page = ada.page
    await page.goto("/account/register")
    await page.get_by_label("Name").fill("Ada Li")
    await page.get_by_label("E-mail").fill(email)
    await page.get_by_label("Password").fill("a calm sentence")
    await page.get_by_role("button", name="Open the account").click()
    await expect(page.get_by_role("heading", name="Hello, Ada Li")).to_be_visible()
    await owner.sign_in(OWNER_EMAIL, owner_password)
    code = await issue_card(owner)
    await give_points(owner, email)
    owner.assert_calm()

    await page.goto("/gift-card")
    await page.get_by_label("Gift card code").fill(code.lower())
    await ada.button("Look it up").click()
    await expect(page.get_by_text("$3.00", exact=True).first).to_be_visible()
    await ada.find_product("quinces", title)
    await ada.put_in_cart(1)
    await ada.fill_checkout(email)
    await page.get_by_text("Pay with a gift card").click()
    await expect(page.get_by_label("Gift card code")).to_be_visible()
    await ada.button("Use points").click()
    # The offer names the points as well; that they are used is told by the way to leave them again.
    await expect(page.get_by_role("button", name="Do not use 400 points")).to_be_visible()
    # The answer to the points brings the checkout anew and leaves the fold open.
    await page.get_by_label("Gift card code").fill(code)
    await ada.button("Use it").click()
    await expect(page.get_by_text("Left to pay")).to_be_visible()
    await expect(page.get_by_role("button", name="Order and pay $33.00")).to_be_visible()
    await ada.assert_fits()
    ada.assert_calm()
    await ada.order()
    await ada.decide(re.compile(r"^Pay \$33"))
    await expect(ada.heading("Thank you. Your order is placed.")).to_be_visible()
    await expect(page.get_by_text("−$4.00").first).to_be_visible()

    await page.goto("/account/wallet")
    await ada.assert_fits()
    await expect(page.get_by_text("Paid an order")).to_be_visible()
    await expect(page.get_by_text("+360")).to_be_visible()
    await page.get_by_role("link", name=re.compile(r"^[0-9A-Z]{5}-[0-9A-Z]{5}$")).first.click()
    await page.get_by_text("Cancel this order").click()
    await ada.button("Yes, cancel it").click()
    await expect(ada.heading("This order is cancelled")).to_be_visible()
    await expect(page.get_by_text("$40.00 goes back the way it came.")).to_be_visible()
    await page.goto("/account/wallet")
    await expect(page.locator(".purse-points")).to_contain_text("400")
    ada.assert_calm()
    assert not await find_breaches(running.platform.owner)
