"""Papers in a real browser: the owner says who sells, a guest asks for an invoice and takes it home, staff find it."""

import re

import pytest
from playwright.async_api import Download, expect
from pypdf import PdfReader
from tests.browser.conftest import OWNER_EMAIL, Enter
from tests.browser.visitor import Visitor
from tests.durability.running import RunningShop, find_breaches

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


async def read_download(download: Download) -> str:
    """The text of a PDF that the browser has saved."""
    return "\n".join(page.extract_text() for page in PdfReader(await download.path()).pages)


async def say_who_sells(owner: Visitor) -> None:
    """Fill in what stands on papers, with a slip that is told at its field."""
    page = owner.page
    await page.goto("/console/papers/seller")
    for label, text in (
        ("Legal name", "Corner Shop Ltd"),
        ("Street and number", "1 Vine Street"),
        ("City", "Cincinnati"),
        ("Country", "US"),
        ("Tax number", "31-1234567"),
        ("IBAN", "DE89 3704 0044 0532 0130 01"),
    ):
        await page.get_by_label(re.compile(f"^{label}")).fill(text)
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.get_by_text("its check digits differ").first).to_be_visible()
    await page.get_by_label(re.compile("^IBAN")).fill("DE89 3704 0044 0532 0130 00")
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.get_by_text("Papers that were issued before stay")).to_be_visible()


@pytest.mark.parametrize("width", [1440, 390])
async def test_a_guest_asks_for_an_invoice_and_staff_find_it(
    enter: Enter, running: RunningShop, owner_password: str, width: int
) -> None:
    title = f"Medlars, {width} g"
    await running.shop.add_product(title, price_minor=4000, stock=10)
    owner, ada = await enter(width=width), await enter(width=width, accept_downloads=True)
    await owner.sign_in(OWNER_EMAIL, owner_password)
    await say_who_sells(owner)
    page = ada.page
    await ada.find_product("medlars", title)
    await ada.put_in_cart(1)
    await ada.fill_checkout("ada@example.org")
    await ada.order()
    await ada.decide(re.compile(r"^Pay \$"))
    await expect(ada.heading("Thank you. Your order is placed.")).to_be_visible()
    number = await ada.read_number()
    await ada.link("Invoice and receipts").click()
    await expect(ada.heading("Invoice and receipts")).to_be_visible()
    await ada.assert_fits()
    async with page.expect_download() as receipt:
        await page.get_by_role("link", name="PDF").first.click()
    assert title in await read_download(await receipt.value)
    await page.get_by_text("For a company").click()
    await page.get_by_label("Company").fill("Analytical Engines AG")
    await page.get_by_label("VAT number").fill("x")
    await ada.button("Make the invoice").click()
    await expect(page.get_by_text("A VAT number begins with its country").first).to_be_visible()
    await ada.assert_fits()
    await page.get_by_label("VAT number").fill("")
    await ada.button("Make the invoice").click()
    await expect(page.get_by_text("Your invoice is ready.")).to_be_visible()
    await ada.assert_fits()
    async with page.expect_download() as invoice:
        await page.get_by_role("link", name="PDF").first.click()
    text = await read_download(await invoice.value)
    assert "Analytical Engines AG" in text
    assert "Corner Shop Ltd" in text

    desk = owner.page
    await desk.goto(f"/console/orders/{number}")
    await expect(desk.get_by_role("link", name=re.compile("^Invoice INV-"))).to_be_visible()
    await owner.assert_fits()
    await desk.goto("/console/papers")
    await expect(desk.get_by_role("rowheader", name=re.compile("^INV-")).first).to_be_visible()
    await owner.assert_fits()
    owner.assert_calm("422")
    ada.assert_calm("422")
    assert not await find_breaches(running.platform.owner)
