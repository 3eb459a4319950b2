"""Shops of currencies without a minor unit and with three digits: every amount a shopper sees, types or pays is right."""

from collections.abc import AsyncIterator

import httpx
import pytest
from tests.console import desk_app
from tests.console.shop import Shop, Visitor, read
from tests.storefront.cashier import PAY_URL, Cashier
from tests.storefront.shopper import Shopper, text_of

from serai.commerce.aftersale.api import refund_order
from serai.commerce.importing.logic import show_example
from serai.identity.merchant.api import MerchantRegistry

# 499 minor units each, two of them, and a delivery of 599: what they are called in the shop's currency.
SHOWN = {
    "JPY": ("¥499", "¥998", "¥1,597"),
    "KWD": ("KWD\N{NO-BREAK SPACE}0.499", "KWD\N{NO-BREAK SPACE}0.998", "KWD\N{NO-BREAK SPACE}1.597"),
}
TYPED = {"JPY": ("520", 520, "520.5"), "KWD": ("0.525", 525, "0.5255")}


@pytest.fixture
async def manager(shop: Shop, registry: MerchantRegistry) -> AsyncIterator[Visitor]:
    """Somebody at the console of the shop."""
    app = desk_app.make_app(shop.commerce, registry)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app), base_url=f"http://{shop.merchant.hostnames[0]}"
    ) as client:
        visitor = Visitor(client, shop)
        await visitor.sign_in(shop.email("manager"))
        yield visitor


@pytest.mark.parametrize("currency", ["JPY", "KWD"])
async def test_a_purchase_in_a_currency_of_other_digits(
    shopper: Shopper, shop: Shop, till: Cashier, manager: Visitor, currency: str
) -> None:
    each, goods, total = SHOWN[currency]
    assert each in text_of(await shopper.get(f"/p/{shop.product.slug}")).replace(" ", "\N{NO-BREAK SPACE}")
    await shopper.add(quantity=2)
    page = text_of(await shopper.get("/checkout")).replace(" ", "\N{NO-BREAK SPACE}")
    assert goods in page
    assert total in page
    answer = await shopper.send_checkout(await shopper.open_checkout())
    assert answer.headers["location"] == PAY_URL
    assert (till.opened[-1].amount_minor, till.opened[-1].currency) == (1597, currency)
    [order] = await shopper.list_orders()
    await shop.pay(order.order_id)
    refunded = await refund_order(
        shop.commerce,
        shop.merchant_id,
        order_id=order.order_id,
        amount_minor=599,
        reason="late",
        by="t",
        key="1",
    )
    assert (refunded.currency, refunded.total_minor, refunded.refunded_minor) == (currency, 1597, 599)
    desk = (await manager.get(f"/console/orders/{order.number}")).text
    assert total in desk


@pytest.mark.parametrize("currency", ["JPY", "KWD"])
async def test_a_price_is_typed_with_the_digits_of_the_currency(
    shop: Shop, manager: Visitor, currency: str
) -> None:
    right, minor, wrong = TYPED[currency]
    page = f"/console/products/{shop.product.product_id}"

    async def read_price() -> int:
        rows = await shop.fetch("SELECT price_minor FROM commerce.variant WHERE sku_id = $1", shop.sku_id)
        return int(rows[0]["price_minor"])

    answer = await manager.submit(page, f"{page}/prices", amount=wrong, reason="dearer")
    assert answer.status_code == 422
    assert show_example(currency)[:2] in read(answer).text
    assert await read_price() == 499
    answer = await manager.submit(page, f"{page}/prices", amount=right, reason="dearer")
    assert answer.status_code == 303, read(answer).text
    assert await read_price() == minor


@pytest.mark.parametrize(("currency", "typed"), [("USD", "1,200"), ("KWD", "1,200"), ("USD", "1,2,0")])
async def test_a_comma_that_may_mean_thousands_is_asked_about(
    shop: Shop, manager: Visitor, currency: str, typed: str
) -> None:
    page = f"/console/products/{shop.product.product_id}"
    answer = await manager.submit(page, f"{page}/prices", amount=typed, reason="dearer")
    assert answer.status_code == 422
    rows = await shop.fetch("SELECT price_minor FROM commerce.variant WHERE sku_id = $1", shop.sku_id)
    assert rows[0]["price_minor"] == 499
