"""Journeys across the whole house in real browsers: an agent buys with a key that was made in the console, and orders that are
paid on delivery or by invoice go from the checkout to the money."""

import re

import httpx
import pytest
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from playwright.async_api import expect
from tests.browser.conftest import OWNER_EMAIL, Enter
from tests.browser.test_return import keep_picture
from tests.browser.visitor import Visitor
from tests.durability.running import RunningShop, find_breaches

from serai.commerce.order.api import find_order, fulfil_order
from serai.foundation.ids import new_id

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
BUYER = {"email": "ann@example.com", "name": "Ann Lee"}
ADDRESS = {
    "country": "us",
    "region": "OH",
    "city": "Cincinnati",
    "line1": "1 Vine Street",
    "postcode": "45202",
}


@pytest.fixture(params=[1440, 390], ids=["desk", "phone"])
def width(request: pytest.FixtureRequest) -> int:
    chosen: int = request.param
    return chosen


async def hand_over(running: RunningShop, number: str) -> None:
    async with running.platform.db.transaction(running.shop.merchant_id, "read") as tx:
        order = await find_order(tx, number=number)
    assert order is not None
    await fulfil_order(
        running.platform.commerce, running.shop.merchant_id, order_id=order.order_id, by="test"
    )


async def switch_method(owner: Visitor, heading: str, *, on: bool) -> None:
    """Offer a way to pay, or no more."""
    await owner.page.goto("/console/payment-methods")
    panel = owner.page.get_by_role("region", name=heading, exact=True)
    await panel.get_by_label("Offer it").set_checked(on)
    await panel.get_by_role("button", name="Save").click()
    await expect(panel.get_by_text("Offered" if on else "Off", exact=True)).to_be_visible()


async def register(visitor: Visitor, email: str) -> None:
    page = visitor.page
    await page.goto("/account/register")
    await page.get_by_label("Name").fill("Ada Li")
    await page.get_by_label("E-mail").fill(email)
    await page.get_by_label("Password").fill("a calm sentence")
    await page.get_by_role("button", name="Open the account").click()
    await expect(page.get_by_role("heading", name="Hello, Ada Li")).to_be_visible()


async def test_an_agent_buys_with_a_key_of_the_console_and_its_order_is_marked(
    enter: Enter, running: RunningShop, owner_password: str, width: int
) -> None:
    name, title = f"Rufus {width}", f"Walnuts {new_id().hex[-8:]}"
    await running.shop.add_product(title, price_minor=1250, stock=5)
    owner = await enter(width=width)
    page = owner.page
    await owner.sign_in(OWNER_EMAIL, owner_password)
    await page.goto("/console/agents/new")
    await page.get_by_label("Name", exact=True).fill(name)
    await page.get_by_label("At most for an order").fill("40")
    await keep_picture(owner, f"agent-form-{width}")
    await page.get_by_role("button", name="Issue a key").click()
    secret = await page.get_by_label("Agent key").input_value()
    await keep_picture(owner, f"agent-key-{width}")

    async with (
        httpx.AsyncClient(headers={"authorization": f"Bearer {secret}"}, trust_env=False) as client,
        Client(streamable_http_client(f"{running.web.url}/mcp", http_client=client)) as tools,
    ):

        async def call(tool: str, **arguments: object) -> dict:  # type: ignore[type-arg]  # as the tools answer
            answer = (await tools.call_tool(tool, arguments)).structured_content
            assert isinstance(answer, dict)
            return answer

        found = await call("search_products", words=title)
        item = found["products"][0]["item"]
        made = await call("create_cart", lines=[{"item": item, "quantity": 4}])
        await call("create_checkout", checkout_id=made["checkout_id"], buyer=BUYER, address=ADDRESS)
        refused = await call(
            "complete_checkout",
            checkout_id=made["checkout_id"],
            expected_total_minor=5000,
            payment_token="success_token",
        )
        assert refused["error"]["code"] == "agent.order_limit", refused
        made = await call("create_cart", lines=[{"item": item, "quantity": 2}])
        await call("create_checkout", checkout_id=made["checkout_id"], buyer=BUYER, address=ADDRESS)
        done = await call(
            "complete_checkout",
            checkout_id=made["checkout_id"],
            expected_total_minor=3099,
            payment_token="success_token",
        )
        assert done["state"] == "completed", done
        order = await call("get_order", order_id=done["order_id"])

    await page.goto("/console/agents")
    row = page.get_by_role("row").filter(has_text=name)
    await expect(row).to_contain_text("$30.99")
    await keep_picture(owner, f"agent-list-{width}")
    await page.get_by_role("link", name="Their orders").click()
    await expect(page.get_by_role("row").filter(has_text=order["number"])).to_contain_text(name)
    await keep_picture(owner, f"agent-orders-{width}")
    await page.get_by_role("link", name=order["number"], exact=True).click()
    await expect(page.get_by_text(f"by the agent {name}")).to_be_visible()
    await expect(page.get_by_text("MCP", exact=True)).to_be_visible()
    await keep_picture(owner, f"agent-order-{width}")
    owner.assert_calm()


async def test_an_order_is_paid_on_delivery_and_collected(
    enter: Enter, running: RunningShop, owner_password: str, width: int
) -> None:
    title = f"Figs {new_id().hex[-8:]}"
    await running.shop.add_product(title, price_minor=4000, stock=5)
    owner, ada = await enter(width=width), await enter(width=width)
    await owner.sign_in(OWNER_EMAIL, owner_password)
    await switch_method(owner, "Cash on delivery", on=True)
    page = ada.page
    await ada.find_product(title, title)
    await ada.put_in_cart(1)
    await ada.fill_checkout("ada@example.org")
    await page.get_by_role("radio", name=re.compile("^Cash on delivery")).check()
    await keep_picture(ada, f"cash-checkout-{width}")
    await page.get_by_role("button", name=re.compile("^Order")).last.click()
    await expect(ada.heading("Thank you. Your order is placed.")).to_be_visible()
    await expect(page.get_by_text("Please pay $40.00 when the goods are handed to you.")).to_be_visible()
    await keep_picture(ada, f"cash-order-{width}")
    number = await ada.read_number()
    await hand_over(running, number)
    desk = owner.page
    await desk.goto("/console/money")
    await keep_picture(owner, f"cash-open-{width}")
    row = desk.get_by_role("row").filter(has_text=number)
    await row.locator("summary").first.click()
    await keep_picture(owner, f"cash-ask-{width}")
    await row.get_by_role("button", name="Book it").click()
    await expect(desk.get_by_role("row").filter(has_text=number)).to_have_count(0)
    await desk.goto(f"/console/orders/{number}")
    await keep_picture(owner, f"cash-collected-{width}")
    await desk.goto("/console/money")
    await expect(desk.get_by_role("row").filter(has_text=number)).to_have_count(0)
    await page.reload()
    await expect(page.get_by_text("Please pay $40.00")).to_have_count(0)
    await keep_picture(ada, f"cash-done-{width}")
    await switch_method(owner, "Cash on delivery", on=False)
    owner.assert_calm()
    ada.assert_calm()
    assert not await find_breaches(running.platform.owner)


async def test_a_member_buys_on_invoice_within_a_limit(
    enter: Enter, running: RunningShop, owner_password: str, width: int
) -> None:
    title, email = f"Dates {new_id().hex[-8:]}", f"invoice{width}@example.org"
    await running.shop.add_product(title, price_minor=4000, stock=5)
    owner, ada = await enter(width=width), await enter(width=width)
    await register(ada, email)
    await owner.sign_in(OWNER_EMAIL, owner_password)
    await switch_method(owner, "By invoice", on=True)
    desk, page = owner.page, ada.page
    await desk.get_by_text("Set a limit", exact=True).click()
    await desk.get_by_label("E-mail of the member").fill(email)
    await desk.get_by_label("Limit", exact=True).fill("60")
    await desk.get_by_label("To be paid within").fill("30")
    await desk.get_by_label("May place new orders").check()
    await desk.get_by_role("button", name="Save", exact=True).locator("visible=true").last.click()
    await expect(desk.get_by_role("row").filter(has_text=email)).to_contain_text("$60.00")
    await keep_picture(owner, f"invoice-limit-{width}")

    await ada.find_product(title, title)
    await ada.put_in_cart(1)
    await ada.fill_checkout(email)
    await page.get_by_role("radio", name=re.compile("^On invoice")).check()
    await keep_picture(ada, f"invoice-checkout-{width}")
    await page.get_by_role("button", name=re.compile("^Order")).last.click()
    await expect(ada.heading("Thank you. Your order is placed.")).to_be_visible()
    await keep_picture(ada, f"invoice-order-{width}")
    number = await ada.read_number()
    # What is left of the limit does not do for another one.
    await ada.find_product(title, title)
    await ada.put_in_cart(1)
    await ada.link("Go to checkout").click()
    await expect(ada.heading("Checkout")).to_be_visible()
    await expect(page.get_by_role("radio", name=re.compile("^On invoice"))).to_have_count(0)
    await hand_over(running, number)
    await desk.goto(f"/console/orders/{number}")
    await keep_picture(owner, f"invoice-console-{width}")
    await switch_method(owner, "By invoice", on=False)
    owner.assert_calm()
    ada.assert_calm()
    assert not await find_breaches(running.platform.owner)
