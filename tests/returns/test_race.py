"""Rivals for the same pieces, the same return and the same money: one wins, nothing is given twice."""

import asyncio

from serai.commerce.aftersale.api import refund_order
from serai.commerce.catalogue.api import set_price
from serai.commerce.protection.api import claim_price
from serai.commerce.returns.types import ReceivedLine
from serai.foundation.errors import Refused


async def gather(*calls):
    """The answers, and the codes of the refusals; anything else is raised."""
    answers = await asyncio.gather(*calls, return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException) and not isinstance(answer, Refused):
            raise answer
    good = [answer for answer in answers if not isinstance(answer, BaseException)]
    return good, sorted(answer.code for answer in answers if isinstance(answer, Refused))


async def test_of_ten_who_announce_the_same_pieces_as_many_win_as_there_are(shop, counter, assert_clean):
    ice = await shop.add_product()
    order = await counter.sell((ice, 3))
    won, lost = await gather(*(counter.ask(order, (1, 1)) for _ in range(10)))
    assert len(won) == 3
    assert set(lost) <= {"return.nothing_left", "return.quantity_invalid"}
    await assert_clean()


async def test_the_same_form_sent_ten_times_is_one_return(shop, counter, assert_clean):
    ice = await shop.add_product()
    order = await counter.sell((ice, 3))
    won, lost = await gather(*(counter.ask(order, (1, 1), key="form") for _ in range(10)))
    assert len({found.return_id for found in won}) == 1
    assert lost == []
    await assert_clean()


async def test_two_who_receive_at_once_book_the_goods_once(shop, counter, assert_clean):
    for _ in range(5):
        ice = await shop.add_product(stock=10)
        order = await counter.sell((ice, 4))
        found = await counter.do("approve", await counter.ask(order, (1, 4)))
        won, lost = await gather(
            *(counter.do("receive", found, lines=[ReceivedLine(1, n)]) for n in (1, 2, 3, 4))
        )
        assert len(won) == 1
        assert lost == ["return.cannot_receive"] * 3
        assert await counter.available(ice) == 6 + won[0].lines[0].accepted
    await assert_clean()


async def test_two_who_refund_at_once_give_the_money_once(shop, counter, provider, assert_clean):
    ice = await shop.add_product(price_minor=1000)
    order = await counter.sell((ice, 3))
    received = await counter.bring(order, (1, 2))
    won, lost = await gather(*(counter.do("refund", received) for _ in range(6)))
    assert {found.refund_minor for found in won} == {2000}
    assert lost == []
    assert sum(provider.refunds.values()) == 2000
    await assert_clean()


async def test_approve_decline_and_withdraw_at_once_leave_one_state(shop, counter, assert_clean):
    for _ in range(5):
        ice = await shop.add_product()
        order = await counter.sell((ice, 1))
        found = await counter.ask(order, (1, 1))
        await gather(*(counter.do(move, found) for move in ("approve", "decline", "withdraw")))
        after = await counter.load(found)
        # Approved and then withdrawn is a story; declined and approved is none.
        assert after.declined_at is None or after.approved_at is None
        assert after.declined_at is None or after.withdrawn_at is None
    await assert_clean()


async def test_two_returns_settled_at_once_give_the_delivery_back_once(shop, counter, provider, assert_clean):
    for _ in range(5):
        provider.refunds.clear()
        ice, milk = await shop.add_product(price_minor=349), await shop.add_product(price_minor=299)
        order = await counter.sell((ice, 3), (milk, 1))
        one, two = await counter.bring(order, (1, 1), (2, 1)), await counter.bring(order, (1, 2))
        won, lost = await gather(counter.do("refund", one), counter.do("refund", two))
        assert (len(won), lost) == (2, [])
        assert sum(provider.refunds.values()) == order.total_minor
    await assert_clean()


async def test_a_return_a_claim_and_a_refund_of_all_never_give_more_than_was_paid(
    shop, counter, provider, assert_clean
):
    for _ in range(5):
        provider.refunds.clear()
        ice = await shop.add_product(price_minor=1000)
        order = await counter.sell((ice, 2))
        received = await counter.bring(order, (1, 1))
        async with shop.commerce.db.transaction(shop.merchant_id) as tx:
            await set_price(tx, sku_id=ice, amount_minor=700, reason="cheaper", by="test")
        ids = {"order_id": order.order_id}
        everything = {"amount_minor": order.refundable_minor, "reason": "all", "by": "t", "key": "all"}
        await gather(
            counter.do("refund", received),
            claim_price(shop.commerce, shop.merchant_id, **ids, line_no=1, by="shopper"),
            refund_order(shop.commerce, shop.merchant_id, **ids, **everything),
        )
        assert sum(provider.refunds.values()) <= order.total_minor
        assert (await counter.order(order)).refundable_minor >= 0
    await assert_clean()


async def test_what_a_claim_gave_a_line_is_not_given_again_when_it_comes_back(shop, counter, assert_clean):
    ice = await shop.add_product(price_minor=1000)
    order = await counter.sell((ice, 2))
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await set_price(tx, sku_id=ice, amount_minor=700, reason="cheaper", by="test")
    claim = await claim_price(
        shop.commerce, shop.merchant_id, order_id=order.order_id, line_no=1, by="shopper"
    )
    assert claim.amount_minor == 600
    assert (await counter.give_back(order, (1, 1))).refund_minor == 700
    assert (await counter.give_back(order, (1, 1))).refund_minor == 700 + order.shipping_minor
    assert (await counter.order(order)).refundable_minor == 0
    await assert_clean()


async def test_a_claim_counts_the_pieces_that_stay_only(shop, counter, assert_clean):
    ice = await shop.add_product(price_minor=1000)
    order = await counter.sell((ice, 3))
    await counter.give_back(order, (1, 1))
    await counter.ask(order, (1, 1))
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await set_price(tx, sku_id=ice, amount_minor=700, reason="cheaper", by="test")
    claim = await claim_price(
        shop.commerce, shop.merchant_id, order_id=order.order_id, line_no=1, by="shopper"
    )
    assert (claim.quantity, claim.amount_minor) == (1, 300)
    await assert_clean()
