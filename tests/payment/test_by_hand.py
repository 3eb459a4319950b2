"""Refunds that a provider declined for good, paid back by hand: once, from the bank, with who said so."""

import asyncio
from uuid import uuid4

import pytest
from tests.journeys.steps import order_of, pay

from serai.commerce.aftersale.api import cancel_order, refund_order
from serai.commerce.aftersale.repay_by_hand import repay_by_hand
from serai.commerce.payment.types import bank, psp_clearing
from serai.foundation.errors import Conflict, Invalid, NotFound
from serai.ledger import api as ledger


async def balance(shop, account):
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        return (await ledger.load_balances(tx, account_ids=[account.account_id]))[account.account_id].posted


async def declined(shop, provider, *, cancelled):
    """A paid order with a refund that its provider has declined."""
    order = await pay(shop, provider, await shop.place((await shop.add_product(price_minor=5000), 2)))
    provider.refund_answer = "failed"
    if cancelled:
        await cancel_order(shop.commerce, shop.merchant_id, order_id=order.order_id, by="staff")
    else:
        await refund_order(
            shop.commerce,
            shop.merchant_id,
            order_id=order.order_id,
            amount_minor=700,
            reason="broken",
            by="staff",
            key="r",
        )
    order = await order_of(shop, order.order_id)
    assert [each.state for each in order.refunds] == ["failed"]
    return order


async def repay(shop, order, refund_id=None, reason="bank transfer"):
    return await repay_by_hand(
        shop.commerce,
        shop.merchant_id,
        order_id=order.order_id,
        refund_id=refund_id or order.refunds[0].refund_id,
        reason=reason,
        by="owner",
    )


@pytest.mark.parametrize("cancelled", [False, True])
async def test_it_is_paid_from_the_bank_once_and_the_provider_keeps_what_it_holds(
    shop, provider, assert_clean, cancelled
):
    order = await declined(shop, provider, cancelled=cancelled)
    held, asked = await balance(shop, psp_clearing("sandbox", "USD")), dict(provider.refunds)
    minor = order.refunds[0].amount_minor
    await asyncio.gather(*(repay(shop, order) for _ in range(4)))
    order = await order_of(shop, order.order_id)
    assert [(each.state, each.by_hand) for each in order.refunds] == [("failed", False), ("done", True)]
    assert order.refunded_minor == minor
    assert await balance(shop, bank("USD")) == -minor
    assert (await balance(shop, psp_clearing("sandbox", "USD")), provider.refunds) == (held, asked)
    await assert_clean()


async def test_what_went_back_another_way_is_not_paid_again(shop, provider, assert_clean):
    order = await declined(shop, provider, cancelled=False)
    provider.refund_answer = "done"
    await refund_order(
        shop.commerce,
        shop.merchant_id,
        order_id=order.order_id,
        amount_minor=order.refundable_minor,
        reason="all",
        by="staff",
        key="all",
    )
    with pytest.raises(Invalid, match="amount_invalid"):
        await repay(shop, order)
    assert await balance(shop, bank("USD")) == 0
    await assert_clean()


async def test_it_needs_a_declined_refund_and_a_reason(shop, provider, assert_clean):
    order = await declined(shop, provider, cancelled=False)
    with pytest.raises(Invalid, match="reason_missing"):
        await repay(shop, order, reason="  ")
    with pytest.raises(NotFound):
        await repay(shop, order, uuid4())
    order = await repay(shop, order)
    with pytest.raises(Conflict, match="not_declined"):
        await repay(shop, order, order.refunds[1].refund_id)
    await assert_clean()
