"""Paying on delivery or by invoice, chosen at the checkout or on the order's page, without JavaScript."""

from typing import Any

import httpx
import pytest
from tests.console.shop import Shop, read
from tests.storefront.cashier import PAY_URL, Cashier
from tests.storefront.shopper import Shopper, text_of

from serai.commerce.method.api import save_method
from serai.commerce.method.types import MethodTerms


async def offer(shop: Shop, code: Any, **terms: Any) -> None:
    terms = {"active": True} | terms
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await save_method(tx, terms=MethodTerms(code, **terms), by="test")


async def test_nothing_is_asked_where_there_is_nothing_to_choose(shopper: Shopper) -> None:
    await shopper.add()
    await shopper.open_checkout()
    assert "Cash on delivery" not in text_of(await shopper.get("/checkout"))


async def test_a_shopper_pays_on_delivery(shopper: Shopper, shop: Shop, till: Cashier) -> None:
    await offer(shop, "cash_on_delivery")
    await shopper.add(quantity=2)
    form = await shopper.open_checkout()
    page = await shopper.get("/checkout")
    assert "Cash on delivery" in text_of(page)
    answer = await shopper.send_checkout(form, pay_with="cash_on_delivery")
    assert answer.headers["location"].startswith("/orders/")
    page = await shopper.follow(answer)
    assert "Thank you. Your order is placed." in text_of(page)
    assert "Please pay $15.97 when the goods are handed to you." in text_of(page)
    assert "Ordered and paid" not in text_of(page)
    [order] = await shopper.list_orders()
    assert (order.state, order.secured, order.pledged_minor) == ("paid", "cash_on_delivery", 1597)
    assert till.opened == []


async def test_the_form_sent_twice_orders_once(shopper: Shopper, shop: Shop) -> None:
    await offer(shop, "cash_on_delivery")
    await shopper.add()
    form = await shopper.open_checkout()
    for _twice in range(2):
        await shopper.send_checkout(form, pay_with="cash_on_delivery")
    [order] = await shopper.list_orders()
    assert order.secured == "cash_on_delivery"


@pytest.mark.parametrize("chosen", ["online", ""])
async def test_whoever_chooses_nothing_else_pays_online(
    shopper: Shopper, shop: Shop, till: Cashier, chosen: str
) -> None:
    await offer(shop, "cash_on_delivery")
    await shopper.add()
    answer = await shopper.send_checkout(await shopper.open_checkout(), pay_with=chosen)
    assert answer.headers["location"] == PAY_URL


async def test_a_method_that_is_not_offered_leaves_the_order_to_be_paid_otherwise(
    shopper: Shopper, shop: Shop, till: Cashier
) -> None:
    await offer(shop, "cash_on_delivery", max_minor=100)
    await shopper.add()
    answer = await shopper.send_checkout(await shopper.open_checkout(), pay_with="cash_on_delivery")
    page = await shopper.follow(answer)
    assert "This order is too large for this way to pay." in text_of(page)
    [order] = await shopper.list_orders()
    assert (order.state, order.pledged_minor) == ("awaiting_payment", 0)


async def test_another_way_is_chosen_on_the_orders_page(shopper: Shopper, shop: Shop, till: Cashier) -> None:
    await offer(shop, "cash_on_delivery")
    await shopper.add()
    await shopper.send_checkout(await shopper.open_checkout(), pay_with="online")
    [order] = await shopper.list_orders()
    path = till.opened[-1].return_url.split(".test", 1)[1].replace("/return", "")
    page: httpx.Response = await shopper.get(path)
    [form] = [each for each in read(page).forms if "/pay" in each.action]
    answer = await shopper.send_checkout(form, pay_with="cash_on_delivery")
    assert answer.status_code == 303
    [order] = await shopper.list_orders()
    assert (order.state, order.secured) == ("paid", "cash_on_delivery")
