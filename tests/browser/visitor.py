"""A person in front of a browser, who finds everything by its role and its label, in the language of the page."""

import re
from typing import Any

from playwright.async_api import ConsoleMessage, Page, expect
from tests.durability.running import RunningShop

from serai.foundation.i18n import translate

CHROMIUM = "/usr/bin/chromium"
# Without these the browser calls home at every start.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NUMBER = re.compile(r"\b[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5}\b")
ADDRESSES = {
    "en": {
        "Street and number": "1 Vine Street",
        "City": "Cincinnati",
        "State or territory": "Ohio",
        "ZIP code": "45202",
    },
    "zh_Hans": {
        "Province": "四川省",
        "City": "成都市",
        "District or county": "武侯区",
        "Street, building and flat": "人民南路 1 号",
    },
}


class Visitor:
    """One window. ``complaints`` are what the browser's console said in anger, and requests that failed."""

    def __init__(self, page: Page, running: RunningShop, language: str = "en") -> None:
        self.page = page
        self.running = running
        self.language = language
        self.complaints: list[str] = []
        page.on("console", self._listen)
        page.on("pageerror", lambda error: self.complaints.append(f"{page.url}: {error}"))

    def _listen(self, message: ConsoleMessage) -> None:
        # Who presses Enter while suggestions are on their way leaves the page, and htmx says so. An answer that failed
        # is told in other words (responseError, sendError) and by the browser itself.
        left_behind = message.text.startswith(("htmx:sendAbort", "htmx:afterRequest"))
        if message.type in ("error", "warning") and not left_behind:
            self.complaints.append(f"{self.page.url}: {message.text}")

    def say(self, message: str, **data: Any) -> str:
        """A text of the shop as this visitor reads it."""
        return translate(message, self.language, data)

    def button(self, message: str, **data: Any) -> Any:
        return self.page.get_by_role("button", name=self.say(message, **data), exact=True)

    def link(self, message: str) -> Any:
        return self.page.get_by_role("link", name=self.say(message), exact=True)

    def heading(self, message: str) -> Any:
        return self.page.get_by_role("heading", name=self.say(message), exact=True)

    async def find_product(self, words: str, title: str) -> None:
        """From the home page to a product, by search."""
        await self.page.goto("/")
        search = self.page.get_by_role("searchbox", name=self.say("Search the shop"))
        await search.fill(words)
        await search.press("Enter")
        await self.page.get_by_role("main").get_by_role("link", name=title, exact=True).click()
        await expect(self.page.get_by_role("heading", name=title, level=1)).to_be_visible()

    async def put_in_cart(self, quantity: int) -> None:
        await self.page.get_by_label(self.say("Quantity"), exact=True).fill(str(quantity))
        await self.button("Add to cart").click()
        await self.link("View cart").click()
        await expect(self.heading("Your cart")).to_be_visible()

    async def fill_checkout(self, email: str) -> None:
        """From the cart to the filled checkout, as a guest."""
        await self.link("Go to checkout").click()
        await expect(self.heading("Checkout")).to_be_visible()
        await self.fill_address(email)

    async def fill_address(self, email: str) -> None:
        """Fill the checkout's form."""
        page = self.page
        await page.get_by_label(self.say("E-mail")).fill(email)
        await page.get_by_label(self.say("Full name")).fill("Ada Lovelace")
        await page.get_by_label(self.say("Phone")).fill("+86 138 0013 8000")
        for label, value in ADDRESSES[self.language].items():
            field = page.get_by_label(self.say(label))
            if await field.evaluate("element => element.tagName") == "SELECT":
                await field.select_option(label=value)
            else:
                await field.fill(value)

    async def order(self) -> None:
        """Send the checkout."""
        start = self.say("Order and pay %(total)s", total="").strip()
        await self.page.get_by_role("button", name=start).click()

    async def decide(self, button: str | re.Pattern[str]) -> None:
        """Press a button on the provider's own page."""
        await expect(self.page).to_have_url(re.compile(re.escape(self.running.sandbox.url) + "/pay/"))
        await self.page.get_by_role("button", name=button).click()

    async def read_number(self) -> str:
        """The order number on the page."""
        found = NUMBER.search(await self.page.get_by_role("main").inner_text())
        assert found, "no order number on the page"
        return found[0]

    async def sign_in(self, email: str, password: str) -> None:
        """Sign in to the console."""
        await self.page.goto("/console")
        await self.page.get_by_label("E-mail").fill(email)
        await self.page.get_by_label("Password").fill(password)
        await self.page.get_by_role("button", name="Sign in").click()
        await expect(self.page.get_by_role("heading", name="Today", exact=True)).to_be_visible()

    async def assert_fits(self) -> None:
        """Nothing sticks out of the window sideways."""
        width = await self.page.evaluate("document.documentElement.scrollWidth")
        window = await self.page.evaluate("window.innerWidth")
        assert width <= window, f"{self.page.url} is {width} wide in a window of {window}"

    def assert_calm(self, *expected: str) -> None:
        """The browser complained of nothing but what was expected."""
        left = [text for text in self.complaints if not any(part in text for part in expected)]
        assert not left, left
