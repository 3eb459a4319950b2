"""What buyers, providers and staff may do to a presale that it must stand: races, late and double money, contradictions."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from tests.presale.conftest import BEGIN, CLOSING, END, OPENING, sent_back
from tests.shop import ADDRESS, CONTACT, Shop

from serai.commerce.aftersale.api import cancel_order, expire_order, lapse_order
from serai.commerce.aftersale.jobs import ask_refunds
from serai.commerce.cart.api import add_line
from serai.commerce.checkout.api import PlacedOrder, draft_order, settle_payment
from serai.commerce.checkout.close_presales import GRACE
from serai.commerce.presale import api
from serai.commerce.types import ProviderEvent
from serai.foundation import clock
from serai.foundation.database import Database
from serai.foundation.errors import Conflict, Invalid, Outside
from serai.foundation.ids import new_id

Check = Callable[[], Awaitable[None]]
Launch = Callable[..., Awaitable[Any]]
HOUR = timedelta(hours=1)


async def test_fifty_buyers_and_seven_pieces_make_seven_orders(
    shop: Shop, launch: Launch, assert_clean: Check
) -> None:
    sale = await launch(quota=7, tiers=(), stock=50)
    with clock.clock_at(BEGIN + HOUR):
        carts = [await sale.fill() for _ in range(50)]
        digests = [(await sale.quote(owner)).digest for owner, _cart_id in carts]
        answers = await asyncio.gather(
            *(sale.place_cart(cart, digest) for cart, digest in zip(carts, digests, strict=True)),
            return_exceptions=True,
        )
        won = [each for each in answers if isinstance(each, PlacedOrder)]
        assert len(won) == 7
        codes = {each.code for each in answers if isinstance(each, Conflict)}
        assert codes <= {"checkout.changed", "presale.sold_out"}
        assert sum(isinstance(each, Conflict) for each in answers) == 43
        for each in won:
            await sale.pay(each.order_id)
        report = await sale.report()
        assert (report.count.sold, report.count.held, report.count.left) == (7, 0, 0)
        owner, _cart = await sale.fill()
        assert (await sale.quote(owner)).presale.problem == "sold_out"
    await assert_clean()


async def test_a_member_on_eight_devices_takes_as_many_as_are_allowed(
    shop: Shop, launch: Launch, assert_clean: Check
) -> None:
    sale = await launch(per_member=2)
    member = new_id()
    with clock.clock_at(BEGIN + HOUR):
        owner, _cart = await sale.fill()
        assert (await sale.quote(owner)).presale.problem == "sign_in"
        owner, _cart = await sale.fill(3)
        assert (await sale.quote(owner, member)).presale.problem == "per_member"
        carts = [await sale.fill() for _ in range(8)]
        digests = [(await sale.quote(owner, member)).digest for owner, _cart_id in carts]
        answers = await asyncio.gather(
            *(
                sale.place_cart(cart, digest, member_id=member)
                for cart, digest in zip(carts, digests, strict=True)
            ),
            return_exceptions=True,
        )
        assert sum(isinstance(each, PlacedOrder) for each in answers) == 2
        assert {each.code for each in answers if isinstance(each, Conflict)} == {"checkout.changed"}
    await assert_clean()


async def test_goods_on_presale_are_ordered_alone_and_knowingly(
    shop: Shop, launch: Launch, assert_clean: Check
) -> None:
    sale = await launch()
    other = await shop.add_product()
    with clock.clock_at(BEGIN + HOUR):
        owner, cart_id = await sale.fill()
        digest = (await sale.quote(owner)).digest
        with pytest.raises(Invalid) as refused:
            await sale.place_cart((owner, cart_id), digest, agreed=False)
        assert refused.value.code == "presale.not_agreed"
        async with shop.commerce.db.transaction(shop.merchant_id) as tx:
            await add_line(tx, owner=owner, sku_id=other, quantity=1, cart_id=cart_id)
        mixed = await sale.quote(owner)
        assert mixed.presale.problem == "alone"
        with pytest.raises(Conflict) as alone:
            await sale.place_cart((owner, cart_id), mixed.digest)
        assert alone.value.code == "presale.alone"
        async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
            with pytest.raises(Conflict) as one_call:
                await draft_order(
                    tx,
                    settings=shop.commerce.settings,
                    order_id=new_id(),
                    wanted={sale.sku_id: 1},
                    contact=CONTACT,
                    address=ADDRESS,
                    delivery="ship",
                    place_id=None,
                    locale="en",
                )
        assert one_call.value.code == "presale.by_cart"
        assert (await sale.report()).waiting == 0
    await assert_clean()


async def test_out_of_its_window_the_goods_cost_what_they_cost(shop: Shop, launch: Launch) -> None:
    sale = await launch()
    owner, _cart = await sale.fill()
    for moment in (BEGIN - HOUR, CLOSING):
        with clock.clock_at(moment):
            quote = await sale.quote(owner)
            assert (quote.presale, quote.items_minor) == (None, 220_000)


async def test_a_late_deposit_revives_its_order(shop: Shop, launch: Launch, assert_clean: Check) -> None:
    sale = await launch()
    with clock.clock_at(BEGIN + HOUR):
        order = await sale.place()
        intent = await sale.start(order.order_id)
    with clock.clock_at(order.expires_at):
        assert await expire_order(shop.commerce, shop.merchant_id, order_id=order.order_id)
        assert (await sale.report()).count.left == 120
        await sale.settle(intent)
        order = await sale.order(order.order_id)
        assert (order.state, order.kept_minor) == ("awaiting_balance", 0)
        assert (await sale.report()).count.sold == 1
    await assert_clean()
    with clock.clock_at(CLOSING):
        await sale.work()
    with clock.clock_at(OPENING):
        assert (await sale.pay(order.order_id)).state == "paid"
    await assert_clean()


@pytest.mark.parametrize("why", ["sold out", "closed", "goods gone"])
async def test_a_late_deposit_that_cannot_count_goes_back(
    shop: Shop, launch: Launch, provider: Any, assert_clean: Check, why: str
) -> None:
    sale = await launch(quota=1, tiers=(), stock=1)
    with clock.clock_at(BEGIN + HOUR):
        order = await sale.place()
        intent = await sale.start(order.order_id)
    with clock.clock_at(order.expires_at):
        await expire_order(shop.commerce, shop.merchant_id, order_id=order.order_id)
        if why == "sold out":
            await sale.buy()
    if why == "goods gone":
        with clock.clock_at(CLOSING - HOUR):
            async with shop.commerce.db.transaction(shop.merchant_id) as tx:
                await api.stop_presale(tx, presale_id=sale.presale.presale_id, by="test")
            await shop.place((sale.sku_id, 1))
            await sale.settle(intent)
    else:
        with clock.clock_at(CLOSING):
            if why == "closed":
                provider.events.clear()
                await sale.work()
                assert (await sale.load()).state == "closed"
            await sale.settle(intent)
    order = await sale.order(order.order_id)
    assert (order.state, order.refunded_minor) == ("expired", 10_000)
    assert sent_back(provider, order) == [10_000]
    await assert_clean()


async def test_two_deposits_and_two_balances_send_the_second_back(
    shop: Shop, launch: Launch, provider: Any, assert_clean: Check
) -> None:
    sale = await launch()
    with clock.clock_at(BEGIN + HOUR):
        order = await sale.place()
        first = await sale.start(order.order_id)
        await _decline(sale, first)
        second = await sale.start(order.order_id)
        assert first != second
        await sale.settle(second)
        await sale.settle(first, event_id="double")
        order = await sale.order(order.order_id)
        assert (order.state, order.paid_minor, order.refunded_minor) == ("awaiting_balance", 20_000, 10_000)
        await assert_clean()
    with clock.clock_at(CLOSING):
        await sale.work()
    with clock.clock_at(OPENING):
        third = await sale.start(order.order_id)
        await _decline(sale, third)
        fourth = await sale.start(order.order_id)
        await asyncio.gather(sale.settle(fourth), sale.settle(third, event_id="double"))
        order = await sale.order(order.order_id)
        assert (order.state, order.paid_minor, order.refunded_minor) == ("paid", 380_000, 190_000)
    await assert_clean()


async def _decline(sale: Any, intent_id: Any) -> None:
    """The provider says no; what it says later may be otherwise."""
    request = sale.provider.payments[intent_id]
    event = ProviderEvent(
        "sandbox",
        f"no-{intent_id}",
        "failed",
        intent_id,
        f"p-{intent_id}",
        0,
        request.amount_minor,
        "USD",
        {},
    )
    await settle_payment(sale.shop.commerce, sale.shop.merchant_id, event=event, source="webhook")


async def test_a_deposit_that_nobody_told_of_is_asked_for_before_the_count(
    shop: Shop, launch: Launch, provider: Any, assert_clean: Check
) -> None:
    """The shopper paid in time and the webhook was lost; at the closing the provider is asked."""
    sale = await launch()
    with clock.clock_at(CLOSING - timedelta(minutes=5)):
        order = await sale.place()
        provider.capture(await sale.start(order.order_id))
        assert order.expires_at == CLOSING
    provider.down = True
    with clock.clock_at(CLOSING + timedelta(seconds=5)):
        await sale.work()
        assert (await sale.load()).state == "live"
    provider.down = False
    with clock.clock_at(CLOSING + timedelta(seconds=10)):
        await sale.work()
        assert ((await sale.load()).state, (await sale.load()).pieces) == ("closed", 1)
        assert (await sale.order(order.order_id)).state == "awaiting_balance"
    await assert_clean()


async def test_a_provider_that_stays_down_does_not_hold_the_count_for_ever(
    shop: Shop, launch: Launch, provider: Any, assert_clean: Check
) -> None:
    sale = await launch()
    with clock.clock_at(CLOSING - timedelta(minutes=5)):
        order = await sale.place()
        await sale.start(order.order_id)
    provider.down = True
    with clock.clock_at(CLOSING + GRACE):
        await sale.work()
        assert ((await sale.load()).state, (await sale.load()).pieces) == ("closed", 0)
    await assert_clean()


async def test_a_provider_that_is_down_leaves_deposit_and_balance_to_be_tried_again(
    shop: Shop, launch: Launch, provider: Any, owner: Database, assert_clean: Check
) -> None:
    sale = await launch(missed="refund")
    provider.down = True
    with clock.clock_at(BEGIN + HOUR):
        order = await sale.place()
        with pytest.raises(Outside):
            await sale.start(order.order_id)
        provider.down = False
        order = await sale.pay(order.order_id)
        assert order.state == "awaiting_balance"
    with clock.clock_at(CLOSING):
        await sale.work()
    provider.down = True
    with clock.clock_at(OPENING):
        with pytest.raises(Outside):
            await sale.start(order.order_id)
        assert (await sale.order(order.order_id)).due_minor == 180_000
    with clock.clock_at(END + GRACE):
        await sale.work()
        order = await sale.order(order.order_id)
        # The refund is asked for until the provider answers.
        assert (order.state, order.refunded_minor) == ("lapsed", 10_000)
        assert sent_back(provider, order) == []
    provider.down = False
    with clock.clock_at(END + 2 * GRACE):
        await ask_refunds(shop.commerce, owner)
    assert sent_back(provider, order) == [10_000]
    await assert_clean()


async def test_a_balance_paid_in_the_last_moment_wins_against_the_end(
    shop: Shop, launch: Launch, provider: Any, assert_clean: Check
) -> None:
    sale = await launch()
    with clock.clock_at(BEGIN + HOUR):
        order = await sale.buy()
    with clock.clock_at(CLOSING):
        await sale.work()
    with clock.clock_at(END - timedelta(seconds=1)):
        provider.capture(await sale.start(order.order_id))
    with clock.clock_at(END + timedelta(seconds=5)):
        await sale.work()
    assert (await sale.order(order.order_id)).state == "paid"
    await assert_clean()


async def test_payment_and_end_in_the_same_moment_have_one_winner(
    shop: Shop, launch: Launch, provider: Any, assert_clean: Check
) -> None:
    sale = await launch(missed="refund")
    with clock.clock_at(BEGIN + HOUR):
        orders = [await sale.buy() for _ in range(6)]
    with clock.clock_at(CLOSING):
        await sale.work()
    with clock.clock_at(END - timedelta(seconds=1)):
        intents = [await sale.start(order.order_id) for order in orders]
    with clock.clock_at(END):
        await asyncio.gather(
            *(sale.settle(intent) for intent in intents),
            *(lapse_order(shop.commerce, shop.merchant_id, order_id=order.order_id) for order in orders),
        )
    for order in orders:
        now = await sale.order(order.order_id)
        assert now.state in ("paid", "lapsed")
        assert now.refunded_minor == (0 if now.state == "paid" else 190_000)
    await assert_clean()


async def test_a_balance_that_comes_after_the_end_goes_back(
    shop: Shop, launch: Launch, provider: Any, assert_clean: Check
) -> None:
    sale = await launch(missed="keep")
    with clock.clock_at(BEGIN + HOUR):
        order = await sale.buy()
    with clock.clock_at(CLOSING):
        await sale.work()
    with clock.clock_at(OPENING):
        intent = await sale.start(order.order_id)
    with clock.clock_at(END + GRACE):
        await sale.work()
        assert (await sale.order(order.order_id)).state == "lapsed"
        await sale.settle(intent)
    order = await sale.order(order.order_id)
    assert (order.state, order.refunded_minor, order.kept_minor) == ("lapsed", 180_000, 10_000)
    assert order.refundable_minor == 0
    await assert_clean()


async def test_a_refund_that_was_not_asked_for_when_the_process_died_is_asked_for_later(
    shop: Shop, launch: Launch, provider: Any, assert_clean: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale = await launch(missed="refund")
    with clock.clock_at(BEGIN + HOUR):
        order = await sale.buy()
    with clock.clock_at(CLOSING):
        await sale.work()

    async def die(*_args: Any, **_how: Any) -> bool:
        raise RuntimeError("killed")

    with clock.clock_at(END), monkeypatch.context() as dying:
        dying.setattr("serai.commerce.aftersale.api.return_deposit", die)
        with pytest.raises(RuntimeError):
            await lapse_order(shop.commerce, shop.merchant_id, order_id=order.order_id)
    order = await sale.order(order.order_id)
    assert (order.state, order.refunded_minor) == ("lapsed", 0)
    with clock.clock_at(END + HOUR):
        await sale.work()
    assert (await sale.order(order.order_id)).refunded_minor == 10_000
    await assert_clean()


async def test_cancel_and_balance_in_the_same_moment_have_one_winner(
    shop: Shop, launch: Launch, assert_clean: Check
) -> None:
    sale = await launch(missed="keep")
    with clock.clock_at(BEGIN + HOUR):
        orders = [await sale.buy() for _ in range(5)]
    with clock.clock_at(CLOSING):
        await sale.work()
    with clock.clock_at(OPENING):
        intents = [await sale.start(order.order_id) for order in orders]
        await asyncio.gather(
            *(sale.settle(intent) for intent in intents),
            *(
                cancel_order(
                    shop.commerce, shop.merchant_id, order_id=order.order_id, by="shopper", by_buyer=True
                )
                for order in orders
            ),
        )
    for order in orders:
        now = await sale.order(order.order_id)
        assert now.state == "cancelled"
        # Either the balance came first and everything goes back, or it came too late and the deposit stays.
        assert (now.refunded_minor, now.kept_minor) in ((190_000, 0), (180_000, 10_000))
    await assert_clean()
