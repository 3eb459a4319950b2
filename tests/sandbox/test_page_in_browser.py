"""The pay page in a real browser without scripts, on a phone and a desk: it takes a double click and gets back."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from tests.sandbox.provider import Merchant, Receiver

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

# A machine busy with other tests may need longer than the default five seconds.
expect.set_options(timeout=20_000)

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield running
        running.close()


@pytest.fixture(params=[390, 1280])
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    context = browser.new_context(
        viewport={"width": request.param, "height": 900}, java_script_enabled=False, locale="en"
    )
    yield context.new_page()
    context.close()


def test_a_double_click_on_pay_charges_once_and_returns_to_the_shop(
    page: Page, merchant: Merchant, receiver: Receiver
) -> None:
    # The shop is another origin than the pay page: the page's policy has to let the redirect through.
    payment = merchant.create(return_url=receiver.url.replace("127.0.0.1", "localhost") + "/back")
    page.goto(payment["pay_url"])
    page.get_by_text("Wallet").click()
    page.get_by_role("button", name="Pay").dblclick(no_wait_after=True)
    expect(page.get_by_role("heading", name="Back at the shop")).to_be_visible()
    assert page.url.endswith(f"/back?payment={payment['payment_id']}&status=captured")
    after = merchant.show(payment["payment_id"])
    assert (after["captured_minor"], after["method"]) == (payment["amount_minor"], "wallet")
    page.goto(payment["pay_url"])
    expect(page.get_by_role("heading", name="Paid")).to_be_visible()


def test_misbehaviour_is_folded_away_until_asked_for(page: Page, merchant: Merchant) -> None:
    payment = merchant.create()
    page.goto(payment["pay_url"])
    choice = page.get_by_role("radio", name="Line lost after the charge")
    expect(choice).to_be_hidden()
    page.get_by_text("Misbehave").click()
    choice.check()
    page.get_by_role("button", name="Pay").click()
    expect(page.get_by_role("heading", name="The line went dead")).to_be_visible()
    assert merchant.show(payment["payment_id"])["captured_minor"] == payment["amount_minor"]


def test_the_language_can_be_switched(page: Page, merchant: Merchant) -> None:
    page.goto(merchant.create()["pay_url"])
    page.get_by_role("link", name="中文").click()
    expect(page.get_by_role("button", name="支付")).to_be_visible()


@pytest.mark.parametrize("locale", ["en", "zh"])
def test_nothing_sticks_out_sideways(browser: Browser, merchant: Merchant, locale: str) -> None:
    lines = [{"title": "W" * 120, "amount_minor": 10**12, "quantity": "W" * 40}]
    payment = merchant.create(
        locale=locale,
        lines=lines,
        amount_minor=10**12,
        description="W" * 200,
        reference="W" * 200,
        currency="KWD",
    )
    for width in (320, 390, 1280):
        context = browser.new_context(viewport={"width": width, "height": 900})
        opened = context.new_page()
        opened.goto(payment["pay_url"])
        opened.locator(".misbehave summary").click()
        for method in ("card", "wallet"):
            opened.locator(f"label[for=method-{method}]").click()
            assert opened.evaluate("document.documentElement.scrollWidth") <= width
        context.close()
