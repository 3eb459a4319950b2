"""Paying with each provider, and each of their faults: an order ends as it truly stands, its money counted once."""

import asyncio
from typing import Any

import pytest
from tests.payway.world import PROVIDERS, World

from serai.commerce.aftersale.api import refund_order
from serai.commerce.checkout.api import start_payment
from serai.commerce.order.types import Order
from serai.foundation.errors import Conflict, Outside

pytestmark = pytest.mark.xdist_group("payway")
each_provider = pytest.mark.parametrize("provider", PROVIDERS)


def notes(order: Order) -> list[str]:
    return [note.what for note in order.timeline]


@each_provider
async def test_a_payment_is_told_by_the_provider_and_its_money_stands_with_that_provider(
    world: World, provider: str
) -> None:
    order = await world.place(provider)
    before, elsewhere = await world.balance(provider, provider), await world.balance(provider, "sandbox")
    trade = await world.pay(provider, order.order_id)
    paid = await world.wait_state(provider, order.order_id, "paid")
    assert {event.source for event in paid.payments[0].events} == {"webhook"}
    assert all(each["state"] == "accepted" for each in await world.sim.wait_quiet(trade["trade_id"]))
    assert await world.balance(provider, provider) == before + order.total_minor
    assert await world.balance(provider, "sandbox") == elsewhere
    await world.assert_true(provider, order.order_id, "paid")


@each_provider
async def test_part_of_a_payment_goes_back_and_then_the_rest(world: World, provider: str) -> None:
    order = await world.place(provider)
    await world.pay(provider, order.order_id)
    await world.wait_state(provider, order.order_id, "paid")
    for number, amount in enumerate((500, order.total_minor - 500)):
        await refund_order(
            world.commerce,
            world.shop(provider).merchant_id,
            order_id=order.order_id,
            amount_minor=amount,
            reason="test",
            by="test",
            key=str(number),
        )
    refunded = await world.assert_true(provider, order.order_id, "paid")
    assert [refund.state for refund in refunded.refunds] == ["done", "done"]
    assert refunded.refunded_minor == order.total_minor


@each_provider
@pytest.mark.parametrize(
    ("fault", "more"),
    [
        ("error_500", {}),
        ("no_answer", {"delay_ms": 5000}),
        ("slow", {"delay_ms": 2500}),
        ("lost_answer", {}),
        ("lost_answer", {"how": "drop", "delay_ms": 10}),
    ],
)
async def test_a_provider_that_does_not_answer_leaves_the_order_payable_and_a_retry_opens_one_payment(
    world: World, provider: str, fault: str, more: dict[str, Any]
) -> None:
    if provider == "alipay":
        pytest.skip("Alipay is not called before its cashier opens: there is no answer to lose")
    order = await world.place(provider)
    await world.sim.fault(provider, fault, "create", **more)
    with pytest.raises(Outside):
        await world.start(provider, order.order_id)
    assert (await world.load(provider, order.order_id)).state == "awaiting_payment"
    reference = await world.open(provider, order.order_id)
    assert len(await world.sim.trades(reference)) == 1
    await world.sim.decide(provider, reference)
    await world.wait_state(provider, order.order_id, "paid")
    await world.assert_true(provider, order.order_id, "paid")


@each_provider
async def test_starting_many_times_at_once_opens_one_payment(world: World, provider: str) -> None:
    order = await world.place(provider)
    references = {await world.open(provider, order.order_id) for _ in range(2)}
    references |= set(await asyncio.gather(*(world.open(provider, order.order_id) for _ in range(4))))
    assert len(references) == 1
    assert len(await world.sim.trades(references.pop())) == 1


@each_provider
async def test_a_payment_that_nobody_tells_is_found_by_asking(world: World, provider: str) -> None:
    order = await world.place(provider)
    reference = await world.open(provider, order.order_id)
    await world.sim.fault(provider, "never", "notify", count=None, reference=reference)
    await world.sim.decide(provider, reference)
    await world.sim.fault(provider, "error_500", "query", reference=reference)
    await world.run_jobs()
    assert (await world.load(provider, order.order_id)).state == "awaiting_payment"
    await world.run_jobs()
    paid = await world.assert_true(provider, order.order_id, "paid")
    assert {event.source for event in paid.payments[0].events} == {"check"}


@each_provider
async def test_a_forged_answer_is_no_answer(world: World, provider: str) -> None:
    if provider == "stripe":
        pytest.skip("Stripe's answers are not signed: its TLS is what they are trusted for")
    order = await world.place(provider)
    reference = await world.open(provider, order.order_id)
    await world.sim.fault(provider, "never", "notify", count=None, reference=reference)
    await world.sim.decide(provider, reference)
    await world.sim.fault(provider, "forged_answer", "query", reference=reference)
    await world.run_jobs()
    assert (await world.load(provider, order.order_id)).state == "awaiting_payment"
    await world.run_jobs()
    await world.assert_true(provider, order.order_id, "paid")


@each_provider
async def test_notifications_that_come_many_times_at_once_count_once(world: World, provider: str) -> None:
    order = await world.place(provider)
    reference = await world.open(provider, order.order_id)
    await world.sim.fault(provider, "duplicate", "notify", count=None, times=5, reference=reference)
    trade = await world.sim.decide(provider, reference)
    deliveries = await world.sim.wait_quiet(trade["trade_id"])
    assert {each["state"] for each in deliveries} == {"accepted"}
    assert len(deliveries) == (10 if provider == "stripe" else 5)
    paid = await world.assert_true(provider, order.order_id, "paid")
    assert notes(paid).count("OrderPaid") == 1


@each_provider
@pytest.mark.parametrize("fault", ["forged", "stale"])
async def test_a_message_with_a_wrong_or_old_signature_is_refused_and_pays_nothing(
    world: World, provider: str, fault: str
) -> None:
    order = await world.place(provider)
    reference = await world.open(provider, order.order_id)
    await world.sim.fault(provider, fault, "notify", count=None, reference=reference)
    trade = await world.sim.decide(provider, reference)
    deliveries = await world.sim.wait_quiet(trade["trade_id"])
    assert {(each["status"], each["state"]) for each in deliveries} == {(401, "given_up")}
    left = await world.load(provider, order.order_id)
    assert (left.state, left.payments[0].events) == ("awaiting_payment", ())
    await world.run_jobs()
    await world.assert_true(provider, order.order_id, "paid")


@each_provider
async def test_a_message_with_another_amount_books_nothing_and_asking_finds_the_truth(
    world: World, provider: str
) -> None:
    order = await world.place(provider)
    reference = await world.open(provider, order.order_id)
    await world.sim.fault(provider, "wrong_amount", "notify", count=None, delta=-1, reference=reference)
    trade = await world.sim.decide(provider, reference)
    await world.sim.wait_quiet(trade["trade_id"])
    left = await world.load(provider, order.order_id)
    assert (left.state, left.paid_minor) == ("awaiting_payment", 0)
    assert "PaymentMismatch" in notes(left)
    await world.run_jobs()
    await world.assert_true(provider, order.order_id, "paid")


@each_provider
@pytest.mark.parametrize("delta", [-1, 1])
async def test_a_wrong_charge_pays_no_order_and_is_put_before_the_staff(
    world: World, provider: str, delta: int
) -> None:
    order = await world.place(provider)
    reference = await world.open(provider, order.order_id)
    await world.sim.fault(provider, "wrong_amount", "pay", delta=delta, reference=reference)
    trade = await world.sim.decide(provider, reference)
    assert trade["paid_amount"] == order.total_minor + delta
    await world.sim.wait_quiet(trade["trade_id"])
    await world.run_jobs()
    left = await world.load(provider, order.order_id)
    assert (left.state, left.paid_minor) == ("awaiting_payment", 0)
    assert "PaymentMismatch" in notes(left)


@each_provider
async def test_a_late_payment_revives_its_order_while_the_goods_are_there(
    world: World, provider: str
) -> None:
    order = await world.place(provider)
    reference = await world.open(provider, order.order_id)
    # The shopper pays in time; nobody tells, and the provider answers nothing until the order has expired.
    await world.sim.fault(provider, "never", "notify", count=None, reference=reference)
    for on in ("query", "close"):
        await world.sim.fault(provider, "error_500", on, count=None, reference=reference)
    await world.sim.decide(provider, reference)
    await world.run_jobs(minutes=31)
    assert (await world.load(provider, order.order_id)).state == "expired"
    await world.sim.clear()
    await world.run_jobs(minutes=32)
    paid = await world.assert_true(provider, order.order_id, "paid")
    assert "OrderRevived" in notes(paid)


@each_provider
async def test_a_late_payment_goes_back_when_the_goods_are_gone(world: World, provider: str) -> None:
    shop = world.shop(provider)
    sku_id = await shop.add_product(price_minor=4000, stock=1)
    placed = await shop.place((sku_id, 1))
    reference = await world.open(provider, placed.order_id)
    await world.sim.fault(provider, "never", "notify", count=None, reference=reference)
    for on in ("query", "close"):
        await world.sim.fault(provider, "error_500", on, count=None, reference=reference)
    await world.sim.decide(provider, reference)
    await world.run_jobs(minutes=31)
    await shop.place((sku_id, 1))
    await world.sim.clear()
    await world.run_jobs(minutes=32)
    order = await world.assert_true(provider, placed.order_id, "expired")
    assert order.refunded_minor == order.paid_minor == order.total_minor


@each_provider
async def test_an_expired_order_can_be_paid_no_more_at_the_provider(world: World, provider: str) -> None:
    order = await world.place(provider)
    reference = await world.open(provider, order.order_id)
    await world.run_jobs(minutes=31)
    assert (await world.load(provider, order.order_id)).state == "expired"
    assert (await world.sim.decide(provider, reference))["status"] == "closed"
    await world.assert_true(provider, order.order_id, "expired")


@each_provider
@pytest.mark.parametrize(
    ("fault", "more"),
    [
        ("error_500", {}),
        ("lost_answer", {}),
        ("lost_answer", {"how": "drop", "delay_ms": 10}),
        ("no_answer", {"delay_ms": 5000}),
        ("slow", {"delay_ms": 2500}),
    ],
)
async def test_a_refund_whose_answer_is_lost_is_asked_again_and_paid_once(
    world: World, provider: str, fault: str, more: dict[str, Any]
) -> None:
    order = await world.place(provider)
    trade = await world.pay(provider, order.order_id)
    await world.wait_state(provider, order.order_id, "paid")
    await world.sim.wait_quiet(trade["trade_id"])
    # Not told by a notification either, so only asking again can find out.
    await world.sim.fault(provider, "never", "notify", count=None, reference=trade["reference"])
    await world.sim.fault(provider, fault, "refund", reference=trade["reference"], **more)
    await refund(world, provider, order, 700)
    left = await world.load(provider, order.order_id)
    assert [each.state for each in left.refunds] == ["pending"]
    await world.run_jobs()
    done = await world.assert_true(provider, order.order_id, "paid")
    assert ([each.state for each in done.refunds], done.refunded_minor) == (["done"], 700)


@each_provider
async def test_a_refund_that_the_provider_refuses_leaves_everything_as_it_was(
    world: World, provider: str
) -> None:
    order = await world.place(provider)
    trade = await world.pay(provider, order.order_id)
    await world.wait_state(provider, order.order_id, "paid")
    await world.sim.fault(provider, "fails", "refund", reference=trade["reference"])
    await refund(world, provider, order, 700)
    failed = await world.assert_true(provider, order.order_id, "paid")
    assert [each.state for each in failed.refunds] == ["failed"]
    assert failed.refundable_minor == order.total_minor


@each_provider
async def test_a_refund_that_ends_later_ends_by_notification(world: World, provider: str) -> None:
    order = await world.place(provider)
    trade = await world.pay(provider, order.order_id)
    await world.wait_state(provider, order.order_id, "paid")
    await world.sim.fault(provider, "late", "refund", reference=trade["reference"])
    await refund(world, provider, order, 700)
    assert [each.state for each in (await world.load(provider, order.order_id)).refunds] == ["pending"]
    await world.sim.client.post("/_control/finish-refunds")
    await world.sim.wait_quiet(trade["trade_id"])
    done = await world.assert_true(provider, order.order_id, "paid")
    assert [each.state for each in done.refunds] == ["done"]


@pytest.mark.parametrize("provider", ["stripe", "wechat"])
async def test_a_refund_that_fails_later_is_taken_back(world: World, provider: str) -> None:
    order = await world.place(provider)
    trade = await world.pay(provider, order.order_id)
    await world.wait_state(provider, order.order_id, "paid")
    await world.sim.fault(provider, "fails", "refund", how="later", reference=trade["reference"])
    await refund(world, provider, order, 700)
    await world.sim.client.post("/_control/finish-refunds")
    await world.sim.wait_quiet(trade["trade_id"])
    failed = await world.assert_true(provider, order.order_id, "paid")
    assert [each.state for each in failed.refunds] == ["failed"]
    assert failed.refundable_minor == order.total_minor


async def refund(world: World, provider: str, order: Order, amount_minor: int) -> None:
    await refund_order(
        world.commerce,
        world.shop(provider).merchant_id,
        order_id=order.order_id,
        amount_minor=amount_minor,
        reason="test",
        by="test",
        key="one",
    )


async def test_another_provider_is_another_attempt_and_the_one_before_is_stopped(world: World) -> None:
    order = await world.place("wechat")
    first = await world.open("wechat", order.order_id)
    second = await world.open("alipay", order.order_id)
    assert second != first
    assert (await world.sim.decide("wechat", first))["status"] == "closed"
    before = await world.balance("alipay", "alipay")
    await world.sim.decide("alipay", second)
    await world.wait_state("wechat", order.order_id, "paid")
    assert await world.balance("alipay", "alipay") == before + order.total_minor
    paid = await world.assert_true("wechat", order.order_id, "paid")
    assert [each.provider for each in paid.payments] == ["wechat", "alipay"]


async def test_who_changes_the_provider_after_paying_unheard_has_paid(world: World) -> None:
    order = await world.place("wechat")
    first = await world.open("wechat", order.order_id)
    await world.sim.fault("wechat", "never", "notify", count=None, reference=first)
    await world.sim.decide("wechat", first)
    with pytest.raises(Conflict, match="cannot_pay"):
        await world.start("alipay", order.order_id)
    paid = await world.assert_true("wechat", order.order_id, "paid")
    assert [each.provider for each in paid.payments] == ["wechat"]


async def test_paying_twice_at_two_providers_gives_one_of_them_back(world: World) -> None:
    order = await world.place("wechat")
    first = await world.open("wechat", order.order_id)
    for on in ("query", "close"):
        await world.sim.fault("wechat", "error_500", on, count=2, reference=first)
    second = await world.open("alipay", order.order_id)
    await asyncio.gather(world.sim.decide("wechat", first), world.sim.decide("alipay", second))
    await world.wait_state("wechat", order.order_id, "paid")
    for trade in [*await world.sim.trades(first), *await world.sim.trades(second)]:
        await world.sim.wait_quiet(trade["trade_id"])
    await world.sim.clear()
    await world.run_jobs()
    paid = await world.assert_true("wechat", order.order_id, "paid")
    assert paid.paid_minor == 2 * order.total_minor
    assert paid.refunded_minor == order.total_minor


async def test_on_a_phone_wechat_gets_a_link_and_on_a_desk_a_code(world: World) -> None:
    order = await world.place("wechat")
    assert (await world.start("wechat", order.order_id)).startswith("weixin://wxpay/bizpayurl?pr=")
    assert "/wechat/pay/" in await world.start("wechat", order.order_id, "phone")
    loaded = await world.load("wechat", order.order_id)
    assert [(each.provider, each.device) for each in loaded.payments] == [
        ("wechat", "desktop"),
        ("wechat", "phone"),
    ]


async def test_only_what_takes_the_currency_and_the_amount_is_offered(world: World) -> None:
    dear, cheap = await world.place("stripe"), await world.place("stripe", price_minor=1, quantity=1)
    assert dear.currency == "USD"
    for provider in ("wechat", "alipay"):
        with pytest.raises(Conflict, match="no_provider"):
            await start_payment(
                world.commerce,
                world.shop("stripe").merchant_id,
                order_id=dear.order_id,
                base_url=world.web.url,
                provider=provider,
            )
    assert cheap.total_minor > 50, "delivery is what lifts it above Stripe's least charge"
