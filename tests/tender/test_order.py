"""Points, gift cards and red packets from the cart to the paid order and back: held, counted, given back, never overspent."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.shop import Shop
from tests.tender.conftest import Till

from serai.commerce.aftersale.api import expire_order, settle_refund
from serai.commerce.checkout.api import PlacedOrder, start_payment
from serai.commerce.order.api import fulfil_order
from serai.commerce.tender.types import TenderTerms
from serai.foundation import clock
from serai.foundation.errors import Conflict, Invalid

Check = Callable[[], Awaitable[None]]
SHIPPING = 599


async def test_a_gift_card_pays_a_part_and_the_provider_is_asked_for_the_rest(
    shop: Shop, till: Till, provider: Any, assert_clean: Check
) -> None:
    sku_id = await shop.add_product(price_minor=4000)
    [card] = await till.issue(1500)
    owner, cart_id = await shop.fill_cart((sku_id, 1))
    await till.enter(owner, card.code.lower().replace("-", " "))
    seen = await till.quote(owner)
    assert (seen.total_minor, seen.due_minor) == (4000, 2500)
    placed = await till.place(owner, cart_id)
    assert (placed.total_minor, placed.due_minor) == (4000, 2500)
    held = await till.card(card.card_id)
    assert (held.balance_minor, held.held_minor, held.available_minor) == (1500, 1500, 0)
    order = await till.start(placed.order_id)
    assert order.payments[-1].amount_minor == 2500
    assert provider.payments[order.payments[-1].intent_id].amount_minor == 2500
    assert sum(amount for _t, amount, _n in provider.payments[order.payments[-1].intent_id].lines) == 2500
    await assert_clean()
    await till.settle(order.payments[-1].intent_id)
    order = await till.order(placed.order_id)
    assert (order.state, order.paid_minor, order.tender_paid_minor, order.due_minor) == (
        "paid",
        2500,
        1500,
        0,
    )
    assert (await till.card(card.card_id)).state == "used"
    await assert_clean()


async def test_an_order_that_tenders_pay_whole_is_paid_at_once(
    shop: Shop, till: Till, assert_clean: Check
) -> None:
    await till.say()
    member = await till.member(points=1000, wallet_minor=2000)
    [card] = await till.issue(5000)
    sku_id = await shop.add_product(price_minor=4000)
    owner, cart_id = await shop.fill_cart((sku_id, 1))
    await till.use(owner, "wallet", member)
    await till.use(owner, "points", member)
    await till.enter(owner, card.code)
    placed = await till.place(owner, cart_id, member)
    order = await till.order(placed.order_id)
    assert [(t.kind, t.units, t.amount_minor) for t in order.tenders] == [
        ("points", 1000, 1000),
        ("gift_card", 3000, 3000),
    ]
    assert (order.state, placed.due_minor, order.tender_minor) == ("paid", 0, 4000)
    assert "OrderPaid" in [note.what for note in order.timeline]
    purse = await till.purse(member)
    # Two points for each whole dollar that was paid with money or a gift card.
    assert (purse.points, purse.wallet_minor) == (60, 2000)
    with pytest.raises(Conflict):
        await start_payment(shop.commerce, shop.merchant_id, order_id=placed.order_id, base_url="http://shop")
    await fulfil_order(shop.commerce, shop.merchant_id, order_id=placed.order_id, by="test")
    await assert_clean()


async def test_fifty_payers_never_overspend_one_gift_card(
    shop: Shop, till: Till, assert_clean: Check
) -> None:
    sku_id = await shop.add_product(price_minor=4000, stock=100)
    [card] = await till.issue(1000)
    carts = [await shop.fill_cart((sku_id, 1)) for _ in range(50)]
    for owner, _cart_id in carts:
        await till.enter(owner, card.code, 300)
    digests = [(await till.quote(owner)).digest for owner, _cart_id in carts]
    answers = await asyncio.gather(
        *(till.place(*cart, digest=digest) for cart, digest in zip(carts, digests, strict=True)),
        return_exceptions=True,
    )
    won = [each for each in answers if isinstance(each, PlacedOrder)]
    refused = [each for each in answers if isinstance(each, Conflict)]
    assert (len(won), len(refused)) == (3, 47)
    assert {each.code for each in refused} == {"checkout.changed"}
    assert {each.due_minor for each in won} == {3700}
    held = await till.card(card.card_id)
    assert (held.balance_minor, held.held_minor) == (1000, 900)
    await assert_clean()
    # What is left of it pays the next one's order, and no more than that.
    owner, cart_id = await shop.fill_cart((sku_id, 1))
    await till.enter(owner, card.code)
    assert (await till.place(owner, cart_id)).due_minor == 3900
    await assert_clean()


async def test_what_an_order_holds_is_free_again_when_it_is_cancelled_or_expires(
    shop: Shop, till: Till, assert_clean: Check
) -> None:
    await till.say()
    member = await till.member(points=500, wallet_minor=700)
    sku_id = await shop.add_product(price_minor=4000)
    for end in ("cancel", "expire"):
        owner, cart_id = await shop.fill_cart((sku_id, 1))
        await till.use(owner, "points", member)
        await till.use(owner, "wallet", member)
        placed = await till.place(owner, cart_id, member)
        assert placed.due_minor == 4000 - 500 - 700
        purse = await till.purse(member)
        assert (purse.points, purse.points_held, purse.wallet_minor, purse.wallet_held_minor) == (
            0,
            500,
            0,
            700,
        )
        if end == "cancel":
            await till.cancel(placed.order_id)
        else:
            with clock.clock_shifted(timedelta(hours=2)):
                assert await expire_order(shop.commerce, shop.merchant_id, order_id=placed.order_id)
        purse = await till.purse(member)
        assert (purse.points, purse.points_held, purse.wallet_minor) == (500, 0, 700)
        order = await till.order(placed.order_id)
        assert (order.tender_refunds, order.refundable_minor) == ((), 0)
    await assert_clean()


async def test_a_late_payment_takes_the_tenders_again(shop: Shop, till: Till, assert_clean: Check) -> None:
    await till.say()
    member = await till.member(points=500)
    [card] = await till.issue(1500)
    sku_id = await shop.add_product(price_minor=4000)
    owner, cart_id = await shop.fill_cart((sku_id, 1))
    await till.use(owner, "points", member)
    await till.enter(owner, card.code)
    placed = await till.place(owner, cart_id, member)
    order = await till.start(placed.order_id)
    with clock.clock_shifted(timedelta(hours=2)):
        await till.settle(order.payments[-1].intent_id)
    order = await till.order(placed.order_id)
    assert (order.state, order.refunded_minor, order.paid_minor) == ("paid", 0, 2000)
    assert (await till.card(card.card_id)).balance_minor == 0
    # 35 dollars came in money and from the card.
    assert (await till.purse(member)).points == 70
    await assert_clean()
    order = await till.cancel(order.order_id)
    assert (order.refunded_minor, (await till.purse(member)).points) == (4000, 500)
    await assert_clean()


async def test_a_late_payment_whose_gift_card_is_spent_goes_back(
    shop: Shop, till: Till, provider: Any, assert_clean: Check
) -> None:
    [card] = await till.issue(1500)
    sku_id = await shop.add_product(price_minor=4000)
    owner, cart_id = await shop.fill_cart((sku_id, 1))
    await till.enter(owner, card.code)
    placed = await till.place(owner, cart_id)
    order = await till.start(placed.order_id)
    with clock.clock_shifted(timedelta(hours=2)):
        await expire_order(shop.commerce, shop.merchant_id, order_id=placed.order_id)
        other, other_cart = await shop.fill_cart((sku_id, 1))
        await till.enter(other, card.code)
        await till.place(other, other_cart)
        await till.settle(order.payments[-1].intent_id)
    order = await till.order(placed.order_id)
    assert (order.state, order.paid_minor, order.refunded_minor) == ("expired", 2500, 2500)
    assert list(provider.refunds.values()) == [2500]
    assert order.tender_refunds == ()
    await assert_clean()


async def test_refunds_go_to_what_paid_first_and_then_to_the_provider(
    shop: Shop, till: Till, provider: Any, assert_clean: Check
) -> None:
    await till.say(TenderTerms(points_block=100, block_minor=50, cap_percent=50, earn_points=1))
    member = await till.member(points=1000)
    [card] = await till.issue(1200)
    sku_id = await shop.add_product(price_minor=4000)
    owner, cart_id = await shop.fill_cart((sku_id, 1))
    await till.use(owner, "points", member)
    await till.enter(owner, card.code)
    placed = await till.place(owner, cart_id, member)
    order = await till.pay(placed.order_id)
    assert [(t.kind, t.units, t.amount_minor) for t in order.tenders] == [
        ("points", 1000, 500),
        ("gift_card", 1200, 1200),
    ]
    # 35 points for the 35 dollars that were no points.
    assert ((await till.purse(member)).points, order.refundable_minor) == (35, 4000)
    order = await till.refund(order.order_id, 333, "a")
    order = await till.refund(order.order_id, 333, "a")
    assert [(r.tender_no, r.amount_minor, r.units) for r in order.tender_refunds] == [(1, 333, 666)]
    assert provider.refunds == {}
    # 2 of 35 points go back with 333 of 4000.
    assert (await till.purse(member)).points == 35 + 666 - 2
    await assert_clean()
    order = await till.refund(order.order_id, 2000, "b")
    assert [(r.tender_no, r.amount_minor, r.units) for r in order.tender_refunds][1:] == [
        (1, 167, 334),
        (2, 1200, 1200),
    ]
    assert list(provider.refunds.values()) == [2000 - 167 - 1200]
    assert (await till.card(card.card_id)).available_minor == 1200
    await assert_clean()
    order = await till.refund(order.order_id, order.refundable_minor, "c")
    assert (order.refunded_minor, order.refundable_minor) == (4000, 0)
    assert sum(provider.refunds.values()) == order.paid_minor == 2300
    assert (await till.purse(member)).points == 1000
    with pytest.raises(Invalid):
        await till.refund(order.order_id, 1, "d")
    await assert_clean()


async def test_a_refund_that_the_provider_refuses_leaves_what_tenders_got(
    shop: Shop, till: Till, provider: Any, assert_clean: Check
) -> None:
    await till.say()
    member = await till.member()
    [card] = await till.issue(1000)
    sku_id = await shop.add_product(price_minor=4000)
    owner, cart_id = await shop.fill_cart((sku_id, 1))
    await till.enter(owner, card.code)
    placed = await till.place(owner, cart_id, member)
    order = await till.pay(placed.order_id)
    await fulfil_order(shop.commerce, shop.merchant_id, order_id=order.order_id, by="test")
    assert (await till.purse(member)).points == 80
    provider.refund_answer = "pending"
    order = await till.refund(order.order_id, 3000)
    assert (order.refunded_minor, (await till.purse(member)).points) == (3000, 20)
    [refund] = order.refunds
    await settle_refund(
        shop.commerce, shop.merchant_id, refund_id=refund.refund_id, failure="refused by the provider"
    )
    order = await till.order(order.order_id)
    assert (order.refunded_minor, order.refundable_minor) == (1000, 3000)
    assert ((await till.purse(member)).points, (await till.card(card.card_id)).balance_minor) == (60, 1000)
    await assert_clean()
    provider.refund_answer = "done"
    order = await till.refund(order.order_id, 3000, "again")
    assert (order.refunded_minor, (await till.purse(member)).points) == (4000, 0)
    await assert_clean()


async def test_a_cancelled_paid_order_gives_points_cards_and_money_back(
    shop: Shop, till: Till, provider: Any, assert_clean: Check
) -> None:
    await till.say()
    member = await till.member(points=500, wallet_minor=700)
    [card] = await till.issue(900)
    sku_id = await shop.add_product(price_minor=4000)
    owner, cart_id = await shop.fill_cart((sku_id, 1))
    for kind in ("points", "wallet"):
        await till.use(owner, kind, member)
    await till.enter(owner, card.code)
    placed = await till.place(owner, cart_id, member)
    order = await till.pay(placed.order_id)
    assert order.paid_minor == 4000 - 500 - 700 - 900
    order = await till.refund(order.order_id, 600)
    order = await till.cancel(order.order_id)
    order = await till.cancel(order.order_id)
    purse = await till.purse(member)
    assert (purse.points, purse.wallet_minor, purse.owed_points) == (500, 700, 0)
    assert (await till.card(card.card_id)).available_minor == 900
    assert (order.refunded_minor, sum(provider.refunds.values())) == (4000, 1900)
    await assert_clean()


async def test_points_that_were_spent_before_a_refund_are_owed(
    shop: Shop, till: Till, assert_clean: Check
) -> None:
    await till.say()
    member = await till.member()
    sku_id = await shop.add_product(price_minor=10000)
    owner, cart_id = await shop.fill_cart((sku_id, 1))
    first = await till.pay((await till.place(owner, cart_id, member)).order_id)
    assert (await till.purse(member)).points == 200
    owner, cart_id = await shop.fill_cart((sku_id, 1))
    await till.use(owner, "points", member)
    second = await till.place(owner, cart_id, member)
    assert second.due_minor == 9800
    await till.cancel(first.order_id)
    purse = await till.purse(member)
    assert (purse.points, purse.points_held, purse.owed_points) == (0, 200, 200)
    await assert_clean()
    await till.pay(second.order_id)
    purse = await till.purse(member)
    # 196 were earned by the second order, all of them owed.
    assert (purse.points, purse.owed_points) == (0, 4)
    await till.adjust(member, "points", 100)
    purse = await till.purse(member)
    assert (purse.points, purse.owed_points) == (96, 0)
    await assert_clean()


async def test_a_paid_order_is_not_paid_twice_by_its_tenders(
    shop: Shop, till: Till, assert_clean: Check
) -> None:
    """The webhook, again and twice at once."""
    [card] = await till.issue(1000)
    sku_id = await shop.add_product(price_minor=4000)
    owner, cart_id = await shop.fill_cart((sku_id, 1))
    await till.enter(owner, card.code)
    placed = await till.place(owner, cart_id)
    again = await till.place(owner, cart_id, digest="any")
    assert (again.order_id, again.due_minor, again.replayed) == (placed.order_id, 3000, True)
    order = await till.start(placed.order_id)
    await asyncio.gather(*(till.settle(order.payments[-1].intent_id) for _ in range(5)))
    order = await till.order(placed.order_id)
    assert (order.state, order.paid_minor, order.refunded_minor) == ("paid", 3000, 0)
    assert (await till.card(card.card_id)).balance_minor == 0
    await assert_clean()


async def test_a_member_on_two_devices_spends_points_once(
    shop: Shop, till: Till, assert_clean: Check
) -> None:
    await till.say()
    member = await till.member(points=1000)
    sku_id = await shop.add_product(price_minor=4000, stock=50)
    carts = [await shop.fill_cart((sku_id, 1)) for _ in range(8)]
    digests = []
    for browser, _cart_id in carts:
        await till.use(browser, "points", member)
        digests.append((await till.quote(browser, member)).digest)

    async def place(cart: tuple[str, UUID], digest: str) -> PlacedOrder:
        return await till.place(*cart, member_id=member, digest=digest)

    answers = await asyncio.gather(
        *(place(cart, digest) for cart, digest in zip(carts, digests, strict=True)), return_exceptions=True
    )
    assert sum(isinstance(each, PlacedOrder) for each in answers) == 1
    assert sum(isinstance(each, Conflict) for each in answers) == 7
    assert (await till.purse(member)).points == 0
    await assert_clean()
