"""What a merchant says of goods in a real browser, and what the shop makes of it: attributes, and a bundle of parts."""

import os
from pathlib import Path

import pytest
from playwright.async_api import expect
from tests.browser.conftest import OWNER_EMAIL, Enter
from tests.browser.visitor import Visitor
from tests.durability.running import RunningShop

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


async def define_roast(owner: Visitor) -> None:
    """An attribute to choose from, in the set of the pantry."""
    page = owner.page
    await page.get_by_role("link", name="Products", exact=True).first.click()
    await page.get_by_role("link", name="Attributes", exact=True).click()
    await page.get_by_role("link", name="New attribute").first.click()
    await page.get_by_label("Code", exact=True).fill("roast")
    await page.get_by_label("Name", exact=True).fill("Roast")
    await page.get_by_label("Name in Chinese optional").fill("烘焙度")
    await page.get_by_label("Kind").select_option("choice")
    await page.get_by_label("Values to choose from optional").fill("light = 浅烘\ndark = 深烘")
    await page.get_by_label("Shoppers can filter by it").check()
    await page.get_by_role("button", name="Save attribute").click()
    await expect(page.get_by_text("The attribute “Roast” is saved.")).to_be_visible()
    await page.get_by_label("Category", exact=True).select_option("pantry")
    await page.get_by_role("button", name="Show").click()
    await page.get_by_label("Roast").check()
    await page.get_by_role("button", name="Save the set").click()
    await expect(page.get_by_text("The attributes of “Pantry” are saved.")).to_be_visible()


async def open_product(owner: Visitor, title: str, tab: str) -> None:
    await owner.page.goto(f"/console/products?q={title.partition(',')[0]}")
    await owner.page.get_by_role("link", name=title, exact=True).click()
    await owner.page.get_by_role("link", name=tab, exact=True).click()


async def keep_picture(visitor: Visitor, name: str) -> None:
    """A picture of the page for whoever asks for pictures (``SERAI_TEST_PICTURES`` names a folder)."""
    if folder := os.environ.get("SERAI_TEST_PICTURES"):
        await visitor.page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


async def test_attributes_and_a_bundle_go_from_the_console_to_the_shop(
    enter: Enter, running: RunningShop, owner_password: str
) -> None:
    beans, mug, present = "Beans, roasted, 1 lb", "Mug, stoneware", "Coffee present"
    for title, price_minor, stock in ((beans, 1200, 9), (mug, 800, 4), (present, 1900, 0)):
        await running.shop.add_product(title, price_minor=price_minor, stock=stock)
    owner, guest = await enter(), await enter()
    page = owner.page
    await owner.sign_in(OWNER_EMAIL, owner_password)
    await define_roast(owner)
    await keep_picture(owner, "attribute-list")

    await open_product(owner, beans, "Attributes and channels")
    await page.get_by_label("Roast optional").select_option(label="dark")
    await page.get_by_label("Tags optional").fill("breakfast")
    await keep_picture(owner, "facts")
    await page.get_by_role("button", name="Save attributes").click()
    await expect(page.get_by_text("Saved.")).to_be_visible()

    await open_product(owner, present, "Bundle")
    for words, title in (("beans", beans), ("mug", mug)):
        await page.get_by_label("Look for goods optional").fill(words)
        await page.get_by_role("button", name="Search", exact=True).click()
        await page.get_by_role("button", name=f"Take {title}").click()
    await page.get_by_label(f"How much of {mug} is in one bundle").fill("2")
    await page.get_by_role("button", name="Work it out").click()
    await expect(page.get_by_role("row", name="All parts")).to_contain_text("$28.00")
    await page.get_by_label("Amount optional").fill("24")
    await keep_picture(owner, "bundle")
    await page.get_by_role("button", name="Save bundle").click()
    await expect(page.get_by_text("The bundle has 2 parts now.")).to_be_visible()
    await expect(page.get_by_role("region", name="How many there are")).to_contain_text("2")

    await guest.find_product("coffee present", present)
    contents = guest.page.get_by_role("region", name="In this bundle")
    await expect(contents).to_contain_text("$4.00 less than apart")
    await expect(contents.get_by_role("listitem").filter(has_text=mug)).to_contain_text("× 2")
    await keep_picture(guest, "shop-bundle")
    await contents.get_by_role("link", name=beans).click()
    await expect(guest.page.get_by_role("definition").filter(has_text="dark")).to_be_visible()
    await expect(guest.page.get_by_text("Roast", exact=True)).to_be_visible()
    await guest.page.go_back()
    await guest.put_in_cart(1)
    await expect(guest.page.get_by_role("main")).to_contain_text("$24.00")
    guest.assert_calm()
    owner.assert_calm()


async def test_whoever_leaves_a_form_half_filled_in_is_asked_first(
    enter: Enter, running: RunningShop, owner_password: str
) -> None:
    title = "Salt, coarse"
    await running.shop.add_product(title)
    owner = await enter()
    await owner.sign_in(OWNER_EMAIL, owner_password)
    await open_product(owner, title, "Details")
    asked: list[str] = []

    async def stay(dialog: object) -> None:
        asked.append(dialog.type)  # type: ignore[attr-defined]  # Playwright's dialog
        await dialog.dismiss()  # type: ignore[attr-defined]  # Playwright's dialog

    owner.page.on("dialog", stay)
    field = owner.page.get_by_label("Brand optional")
    await field.fill("Half a brand")
    await owner.page.get_by_role("link", name="Orders", exact=True).first.click()
    await expect(field).to_have_value("Half a brand")
    assert asked == ["beforeunload"]
    await owner.page.get_by_role("button", name="Save details").click()
    await expect(owner.page.get_by_text("Saved.")).to_be_visible()
    await owner.page.get_by_role("link", name="Orders", exact=True).first.click()
    await expect(owner.page.get_by_role("heading", name="Orders", level=1)).to_be_visible()
    assert asked == ["beforeunload"], "a form that was saved asks nothing"
