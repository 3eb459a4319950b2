"""Things that happen to one order in the same moment: of payment, cancellation and expiry one wins, refunds never exceed."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from tests.shop import Shop
from tests.tender.conftest import Till

from serai.commerce.aftersale.api import expire_order
from serai.foundation import clock
from serai.foundation.errors import Conflict, Invalid

Check = Callable[[], Awaitable[None]]


@pytest.mark.parametrize("rival", ["cancel", "expire"])
@pytest.mark.parametrize("turn", range(4))
async def test_a_payment_and_an_end_in_the_same_moment_agree(
    shop: Shop, till: Till, provider: Any, assert_clean: Check, rival: str, turn: int
) -> None:
    await till.say()
    member = await till.member(points=600)
    [card] = await till.issue(1500)
    browser, cart_id = await shop.fill_cart((await shop.add_product(price_minor=4000), 1))
    await till.use(browser, "points", member)
    await till.enter(browser, card.code)
    order = await till.start((await till.place(browser, cart_id, member)).order_id)
    provider.capture(order.payments[-1].intent_id)

    async def end() -> None:
        await asyncio.sleep(turn / 500)
        if rival == "cancel":
            await till.cancel(order.order_id)
        else:
            await expire_order(shop.commerce, shop.merchant_id, order_id=order.order_id)

    shift = timedelta(hours=2) if rival == "expire" else timedelta(0)
    with clock.clock_shifted(shift):
        await asyncio.gather(end(), till.settle(order.payments[-1].intent_id))
    order = await till.order(order.order_id)
    purse = await till.purse(member)
    if order.state == "paid":
        assert (purse.points, order.refunded_minor) == (2 * 34, 0)
        assert (await till.card(card.card_id)).balance_minor == 0
    else:
        assert order.state == ("cancelled" if rival == "cancel" else "expired")
        assert (purse.points, purse.owed_points) == (600, 0)
        assert (await till.card(card.card_id)).available_minor == 1500
        assert sum(provider.refunds.values()) == order.paid_minor
    await assert_clean()


async def test_refunds_at_once_return_no_more_than_was_paid(
    shop: Shop, till: Till, provider: Any, assert_clean: Check
) -> None:
    await till.say()
    member = await till.member(points=1000)
    [card] = await till.issue(1500)
    browser, cart_id = await shop.fill_cart((await shop.add_product(price_minor=4000), 1))
    await till.use(browser, "points", member)
    await till.enter(browser, card.code)
    order = await till.pay((await till.place(browser, cart_id, member)).order_id)
    answers = await asyncio.gather(
        *(till.refund(order.order_id, 900, f"r{n}") for n in range(12)), return_exceptions=True
    )
    assert {type(each) for each in answers if isinstance(each, BaseException)} <= {Invalid, Conflict}
    order = await till.order(order.order_id)
    assert order.refunded_minor <= 4000
    assert sum(provider.refunds.values()) <= order.paid_minor == 1500
    await assert_clean()
    if order.refundable_minor:
        order = await till.refund(order.order_id, order.refundable_minor, "rest")
    assert (order.refunded_minor, sum(provider.refunds.values())) == (4000, 1500)
    purse = await till.purse(member)
    assert (purse.points, purse.owed_points, (await till.card(card.card_id)).available_minor) == (
        1000,
        0,
        1500,
    )
    await assert_clean()


async def test_a_cancellation_and_a_refund_at_once_return_everything_once(
    shop: Shop, till: Till, provider: Any, assert_clean: Check
) -> None:
    [card] = await till.issue(1500)
    for _ in range(4):
        browser, cart_id = await shop.fill_cart((await shop.add_product(price_minor=4000), 1))
        await till.enter(browser, card.code)
        order = await till.pay((await till.place(browser, cart_id)).order_id)
        sent = sum(provider.refunds.values())
        await asyncio.gather(
            till.cancel(order.order_id), till.refund(order.order_id, 2000), return_exceptions=True
        )
        order = await till.cancel(order.order_id)
        assert (order.state, order.refunded_minor) == ("cancelled", 4000)
        assert sum(provider.refunds.values()) - sent == 2500
        assert (await till.card(card.card_id)).available_minor == 1500
        await assert_clean()
