"""A coupon in a real browser: the owner writes and issues it, the shopper reads why it waits, then what it saves."""

import re

import pytest
from playwright.async_api import expect
from tests.browser.conftest import OWNER_EMAIL, Enter
from tests.browser.visitor import Visitor
from tests.durability.running import RunningShop, find_breaches

from serai.commerce.catalogue.api import load_variant

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

CODE = "PLUMS-24"


async def write_coupon(owner: Visitor, sku: str) -> None:
    """$3 off from $10 of one SKU, live, with a code of its own for nine uses."""
    page = owner.page
    await page.get_by_role("link", name="Promotions", exact=True).first.click()
    await page.get_by_role("link", name="New promotion").first.click()
    await page.get_by_role("link", name=re.compile("^Coupon: amount off")).click()
    await page.get_by_label("Name", exact=True).fill("Plum season")
    await page.get_by_label("From", exact=True).fill("10")
    await page.get_by_label("Takes off", exact=True).fill("3")
    await page.get_by_label("What is chosen here: any of these").check()
    await page.get_by_label("SKUs optional", exact=True).fill(sku)
    await page.get_by_role("button", name="Save the draft").click()
    await page.get_by_text("Publish…").click()
    await page.get_by_role("button", name="Publish this version").click()
    await page.get_by_text("Issue coupons…").click()
    # Opening the fold moves the cursor into its first field, a moment later; who types before that types there.
    await expect(page.get_by_label("How many")).to_be_focused()
    await page.get_by_label("Uses of each").fill("9")
    await page.get_by_label("A code of your own optional").fill(CODE)
    await page.get_by_role("button", name="Issue and show").click()
    await expect(page.get_by_label("Coupon codes")).to_have_value(re.compile(CODE))


async def test_a_coupon_is_written_explained_and_saves_what_it_says(
    enter: Enter, running: RunningShop, owner_password: str
) -> None:
    title = "Plums, damson, 1 lb"
    sku_id = await running.shop.add_product(title, price_minor=600, stock=10)
    owner, guest = await enter(), await enter()
    await owner.sign_in(OWNER_EMAIL, owner_password)
    async with running.platform.db.transaction(running.shop.merchant_id, "read") as tx:
        sku = (await load_variant(tx, sku_id=sku_id)).sku
    await write_coupon(owner, sku)

    await guest.find_product("damson plums", title)
    await guest.put_in_cart(1)
    code = guest.page.get_by_label("Coupon code")
    await code.fill(CODE.lower())
    await guest.button("Redeem").click()
    await expect(guest.page.get_by_text("It needs $4.00 more of these goods.")).to_be_visible()
    await guest.button("One more of %(title)s", title=title).click()
    await expect(guest.page.get_by_text("−$3.00").first).to_be_visible()
    guest.assert_calm()
    await code.fill("NOBODY")
    await guest.button("Redeem").click()
    await expect(guest.page.get_by_text("This code is not known.")).to_be_visible()

    await guest.fill_checkout("ada@example.org")
    await expect(guest.page.get_by_role("complementary").get_by_text("Plum season").first).to_be_visible()
    await guest.order()
    await guest.decide(re.compile(r"^Pay \$"))
    await expect(guest.heading("Thank you. Your order is placed.")).to_be_visible()
    await expect(guest.page.get_by_text("Plum season").first).to_be_visible()
    await expect(guest.page.get_by_text("−$3.00").first).to_be_visible()

    await owner.page.goto("/console/promotions")
    row = owner.page.get_by_role("row", name=re.compile("Plum season"))
    await expect(row.get_by_text("$3.00", exact=True)).to_be_visible()
    await row.get_by_role("link").click()
    await owner.page.get_by_text("Stop…").click()
    await owner.page.get_by_role("button", name="Stop this promotion").click()
    await expect(owner.page.get_by_text("“Plum season” is stopped.")).to_be_visible()
    owner.assert_calm()
    assert not await find_breaches(running.platform.owner)
