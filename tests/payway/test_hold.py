"""Money that Stripe holds, over its true protocol: taken once or in parts, let go, ended, with every fault on the way."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from tests.durability.running import find_breaches, wait_for
from tests.fulfilment.desk import pack, ship
from tests.payway.world import World

from serai.commerce.aftersale.api import cancel_order, refund_order
from serai.commerce.capture.api import capture_payment
from serai.commerce.checkout.jobs import tend_pledges
from serai.commerce.method.api import save_method
from serai.commerce.method.types import MethodTerms
from serai.commerce.order.types import Order
from serai.commerce.payment.types import Payment
from serai.commerce.pledge.api import want_orders
from serai.commerce.pledge.types import Pledge
from serai.commerce.types import CaptureMode, PaymentRequest
from serai.foundation import clock
from serai.foundation.errors import Conflict, Outside

pytestmark = pytest.mark.xdist_group("payway")
FAULTS: list[tuple[str, dict[str, Any]]] = [
    ("error_500", {}),
    ("lost_answer", {}),
    ("lost_answer", {"how": "drop", "delay_ms": 10}),
    ("no_answer", {"delay_ms": 5000}),
    ("slow", {"delay_ms": 2500}),
]


class Holding:
    """What tests do with money that the dollar shop holds at Stripe."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.merchant_id = world.shop("stripe").merchant_id

    async def choose(self, capture: CaptureMode) -> None:
        async with self.world.platform.db.transaction(self.merchant_id) as tx:
            await save_method(tx, terms=MethodTerms("online", active=True, capture=capture), by="test")

    async def begin(self, *, parts: bool = True) -> tuple[Order, str]:
        order = await self.world.place("stripe", price_minor=5000, quantity=2)
        reference = await self.world.open("stripe", order.order_id)
        if parts:
            await self.world.sim.fault("stripe", "parts", "pay", reference=reference)
        return order, reference

    async def hold(self, *, parts: bool = True, quiet: bool = False) -> tuple[Order, str]:
        """An order whose money is held; ``quiet``: from then on no message arrives."""
        order, reference = await self.begin(parts=parts)
        trade = await self.world.sim.decide("stripe", reference)
        held = await self.world.wait_state("stripe", order.order_id, "paid")
        await self.world.sim.wait_quiet(trade["trade_id"])
        if quiet:
            await self.world.sim.fault("stripe", "never", "notify", count=None, reference=reference)
        return held, reference

    async def capture(self, order: Order, minor: int | None = None, key: str = "k") -> Order:
        return await capture_payment(
            self.world.commerce,
            self.merchant_id,
            order_id=order.order_id,
            amount_minor=minor,
            by="staff",
            key=key,
        )

    async def refund(self, order: Order, minor: int) -> Order:
        return await refund_order(
            self.world.commerce,
            self.merchant_id,
            order_id=order.order_id,
            amount_minor=minor,
            reason="test",
            by="staff",
            key="r",
        )

    async def trade(self, reference: str) -> dict[str, Any]:
        (found,) = await self.world.sim.trades(reference)
        return found

    async def tend(self, **later: float) -> None:
        with clock.clock_shifted(timedelta(**(later or {"minutes": 2}))):
            await tend_pledges(self.world.commerce, self.world.platform.owner)

    async def load(self, order: Order) -> Order:
        return await self.world.load("stripe", order.order_id)


def payment_of(order: Order) -> Payment:
    return order.payments[-1]


def pledge_of(order: Order) -> Pledge:
    pledge = payment_of(order).pledge
    assert pledge is not None
    return pledge


def figures(order: Order) -> tuple[int, int, int, int]:
    """(taken, open, let go, lost) of an order's pledge."""
    pledge = pledge_of(order)
    return pledge.taken_minor, pledge.open_minor, pledge.released_minor, pledge.lost_minor


@pytest.fixture
async def holding(world: World) -> AsyncIterator[Holding]:
    holding = Holding(world)
    await holding.choose("manual")
    yield holding
    await holding.choose("automatic")
    assert not await find_breaches(world.platform.owner)


async def test_money_is_held_until_stripe_says_and_nothing_is_taken(holding: Holding) -> None:
    order, reference = await holding.hold()
    trade = await holding.trade(reference)
    pledge = pledge_of(order)
    assert (order.secured, order.paid_minor, order.pledged_minor) == ("authorised", 0, order.total_minor)
    assert (trade["status"], trade["paid_amount"]) == ("held", 0)
    assert pledge.expires_at is not None
    assert pledge.expires_at.timestamp() == trade["extra"]["until"]
    assert not pledge.is_once


async def test_what_is_held_is_taken_in_parts_and_never_more(holding: Holding) -> None:
    order, reference = await holding.hold()
    order = await holding.capture(order, 3000, "a")
    order = await holding.capture(order, 3000, "a")
    assert figures(order)[:2] == (3000, order.total_minor - 3000)
    order = await holding.capture(order, None, "b")
    trade = await holding.trade(reference)
    assert [minor for minor, _at in trade["extra"]["captures"]] == [3000, order.total_minor - 3000]
    assert (trade["status"], order.paid_minor) == ("paid", order.total_minor)
    await holding.world.assert_true("stripe", order.order_id, "paid")


@pytest.mark.parametrize(("fault", "more"), FAULTS)
@pytest.mark.parametrize("parts", [True, False])
async def test_a_capture_whose_answer_is_lost_is_asked_again_and_taken_once(
    holding: Holding, fault: str, more: dict[str, Any], parts: bool
) -> None:
    order, reference = await holding.hold(parts=parts, quiet=True)
    await holding.world.sim.fault("stripe", fault, "capture", reference=reference, **more)
    wanted = 3000 if parts else order.total_minor
    order = await holding.capture(order, wanted)
    assert (order.paid_minor, pledge_of(order).pending is not None) == (0, True)
    await holding.tend()
    order = await holding.world.assert_true("stripe", order.order_id, "paid")
    assert order.paid_minor == wanted
    assert [minor for minor, _at in (await holding.trade(reference))["extra"]["captures"]] == [wanted]


async def test_a_key_that_stripe_has_forgotten_takes_no_part_twice(holding: Holding) -> None:
    order, _reference = await holding.hold(quiet=True)
    adapter = holding.world.commerce.providers["stripe"]
    named = payment_of(order).provider_payment_id
    assert named is not None
    capture_id = uuid4()
    first = await adapter.capture_payment(holding.merchant_id, named, capture_id, 1000)
    await holding.world.sim.client.post("/_control/forget-keys")
    again = await adapter.capture_payment(holding.merchant_id, named, capture_id, 1000)
    assert (first, again) == ("done", "done")
    assert (await holding.trade(str(payment_of(order).intent_id)))["paid_amount"] == 1000
    # Our books hear of it as of something that was taken at the provider's own desk.
    await holding.tend(days=7)
    assert (await holding.load(order)).paid_minor == order.total_minor


async def test_a_card_that_can_be_charged_once_is_not_charged_in_part(holding: Holding) -> None:
    order, reference = await holding.hold(parts=False)
    assert pledge_of(order).is_once
    with pytest.raises(Conflict) as refusal:
        await holding.capture(order, 3000)
    assert (refusal.value.code, refusal.value.data["left"]) == ("capture.only_whole", order.total_minor)
    assert (await holding.trade(reference))["paid_amount"] == 0
    order = await holding.refund(order, 2500)
    assert figures(order)[1:3] == (order.total_minor - 2500, 2500)
    order = await holding.capture(order)
    trade = await holding.trade(reference)
    assert (trade["status"], trade["paid_amount"]) == ("paid", order.total_minor - 2500)
    await holding.world.assert_true("stripe", order.order_id, "paid")


async def test_of_a_card_charged_once_all_is_taken_when_the_first_goods_leave(holding: Holding) -> None:
    order, reference = await holding.hold(parts=False)
    shop = holding.world.shop("stripe")
    left = await ship(shop, await pack(shop, order.order_id, [(1, 1)]))
    assert left.is_part_shipped
    async with holding.world.platform.db.transaction(holding.merchant_id) as tx:
        await want_orders(tx, order_ids=[order.order_id])
    await holding.tend()
    assert (await holding.trade(reference))["paid_amount"] == order.total_minor
    await holding.world.sim.wait_quiet((await holding.trade(reference))["trade_id"])
    assert figures(await holding.load(order)) == (order.total_minor, 0, 0, 0)


async def test_what_was_given_back_before_is_let_go_with_the_last_part(holding: Holding) -> None:
    order, reference = await holding.hold()
    order = await holding.capture(order, 3000, "a")
    order = await holding.refund(order, 4000)
    order = await holding.capture(order, None, "b")
    assert figures(order)[1:] == (0, 4000, 0)
    trade = await holding.trade(reference)
    assert (trade["status"], trade["paid_amount"]) == ("closed", order.total_minor - 4000)
    await holding.world.sim.wait_quiet(trade["trade_id"])
    assert figures(await holding.load(order)) == (order.total_minor - 4000, 0, 4000, 0)
    await holding.world.assert_true("stripe", order.order_id, "paid")


@pytest.mark.parametrize(("fault", "more"), [("", {}), *FAULTS[1:3]])
async def test_a_cancelled_order_lets_go_of_all_whether_or_not_stripe_answers(
    holding: Holding, fault: str, more: dict[str, Any]
) -> None:
    order, reference = await holding.hold()
    if fault:
        await holding.world.sim.fault("stripe", fault, "void", reference=reference, **more)
    await cancel_order(holding.world.commerce, holding.merchant_id, order_id=order.order_id, by="staff")
    trade = await holding.trade(reference)
    assert (trade["status"], trade["paid_amount"]) == ("closed", 0)
    await holding.world.sim.wait_quiet(trade["trade_id"])
    order = await holding.world.assert_true("stripe", order.order_id, "cancelled")
    assert figures(order) == (0, 0, order.total_minor, 0)


async def test_a_refused_capture_takes_nothing_and_can_be_tried_again(holding: Holding) -> None:
    order, reference = await holding.hold()
    await holding.world.sim.fault("stripe", "fails", "capture", reference=reference)
    order = await holding.capture(order, 3000, "a")
    assert figures(order)[:2] == (0, order.total_minor)
    assert [step.state for step in pledge_of(order).steps] == ["failed"]
    order = await holding.capture(order, 3000, "b")
    assert figures(order)[:2] == (3000, order.total_minor - 3000)


@pytest.mark.parametrize("delta", [-100, 100])
async def test_another_amount_taken_than_was_asked_is_booked_as_it_is(holding: Holding, delta: int) -> None:
    order, reference = await holding.hold()
    await holding.world.sim.fault("stripe", "wrong_amount", "capture", delta=delta, reference=reference)
    await holding.capture(order, 3000)
    await holding.world.sim.wait_quiet((await holding.trade(reference))["trade_id"])
    await holding.tend(days=6, hours=12)
    order = await holding.world.assert_true("stripe", order.order_id, "paid")
    taken = [minor for minor, _at in (await holding.trade(reference))["extra"]["captures"]]
    assert taken == [3000 + delta, order.total_minor - 3000 - delta]


@pytest.mark.parametrize("is_told", [True, False])
async def test_a_hold_that_ends_calls_off_an_order_whose_goods_are_here(
    holding: Holding, is_told: bool
) -> None:
    order, reference = await holding.hold(quiet=not is_told)
    await holding.world.sim.client.post("/_control/end-holds", params={"reference": reference})
    if is_told:
        await holding.world.wait_state("stripe", order.order_id, "cancelled")
    else:
        await holding.tend(days=6, hours=12)
    order = await holding.world.assert_true("stripe", order.order_id, "cancelled")
    assert payment_of(order).state == "expired"


async def test_all_is_taken_a_day_before_stripe_lets_go(holding: Holding) -> None:
    order, reference = await holding.hold()
    await holding.tend(days=5, hours=12)
    assert (await holding.trade(reference))["paid_amount"] == 0
    await holding.tend(days=6, hours=12)
    assert (await holding.trade(reference))["paid_amount"] == order.total_minor
    await holding.world.assert_true("stripe", order.order_id, "paid")


async def test_a_hold_that_nobody_tells_is_found_by_asking(holding: Holding) -> None:
    order, reference = await holding.begin()
    await holding.world.sim.fault("stripe", "never", "notify", count=None, reference=reference)
    await holding.world.sim.decide("stripe", reference)
    await holding.world.run_jobs()
    order = await holding.world.assert_true("stripe", order.order_id, "paid")
    assert order.secured == "authorised"


@pytest.mark.parametrize("fault", ["forged", "stale"])
async def test_a_forged_message_holds_nothing(holding: Holding, fault: str) -> None:
    order, reference = await holding.begin()
    await holding.world.sim.fault("stripe", fault, "notify", count=None, reference=reference)
    trade = await holding.world.sim.decide("stripe", reference)
    deliveries = await holding.world.sim.wait_quiet(trade["trade_id"])
    assert {each["status"] for each in deliveries} == {401}
    assert (await holding.load(order)).state == "awaiting_payment"


async def test_many_messages_at_once_hold_once(holding: Holding) -> None:
    order, reference = await holding.begin()
    await holding.world.sim.fault("stripe", "duplicate", "notify", count=None, times=5, reference=reference)
    trade = await holding.world.sim.decide("stripe", reference)
    await holding.world.sim.wait_quiet(trade["trade_id"])
    order = await holding.world.assert_true("stripe", order.order_id, "paid")
    assert [note.what for note in order.timeline].count("OrderPaid") == 1


@pytest.mark.parametrize("delta", [-1, 1])
async def test_a_wrong_amount_held_secures_no_order(holding: Holding, delta: int) -> None:
    order, reference = await holding.begin()
    await holding.world.sim.fault("stripe", "wrong_amount", "pay", delta=delta, reference=reference)
    trade = await holding.world.sim.decide("stripe", reference)
    await holding.world.sim.wait_quiet(trade["trade_id"])
    left = await holding.load(order)
    assert (left.state, left.pledged_minor) == ("awaiting_payment", 0)
    assert "PaymentMismatch" in [note.what for note in left.timeline]


async def test_a_part_taken_at_stripes_own_desk_for_good_leaves_the_rest_lost(holding: Holding) -> None:
    order, reference = await holding.hold(parts=False)
    intent_id = (await holding.trade(reference))["extra"]["intent"]
    answer = await holding.world.sim.client.post(
        f"/v1/payment_intents/{intent_id}/capture",
        data={"amount_to_capture": "3000"},
        headers={"authorization": f"Bearer {holding.world.keys.values['stripe']['secret_key']}"},
    )
    assert answer.status_code == 200, answer.text

    async def look() -> Order | None:
        found = await holding.load(order)
        return found if pledge_of(found).lost_minor else None

    order = await wait_for(look, "the rest to be written off")
    assert figures(order) == (3000, 0, 0, order.total_minor - 3000)


async def test_a_part_of_what_was_taken_goes_back(holding: Holding) -> None:
    order, reference = await holding.hold()
    order = await holding.capture(order)
    order = await holding.refund(order, 700)
    assert order.refunded_minor == 700
    assert [refund["amount"] for refund in (await holding.trade(reference))["refunds"]] == [700]
    await holding.world.assert_true("stripe", order.order_id, "paid")


@pytest.mark.parametrize("provider", ["wechat", "alipay"])
async def test_who_cannot_hold_takes_at_once_and_refuses_to_be_asked_for_a_hold(
    world: World, provider: str
) -> None:
    assert not world.commerce.providers[provider].can_hold
    request = PaymentRequest(uuid4(), 100, "CNY", "x", "http://x", "http://x", "en", capture="manual")
    merchant_id = world.shop(provider).merchant_id
    with pytest.raises(Outside, match="takes money at once"):
        await world.commerce.providers[provider].create_payment(merchant_id, request)
    with pytest.raises(Outside, match="takes money at once"):
        await world.commerce.providers[provider].capture_payment(merchant_id, "x", uuid4(), 1)


async def test_an_order_left_unpaid_ends_its_page(holding: Holding) -> None:
    order, reference = await holding.begin()
    await holding.world.run_jobs(minutes=31)
    assert (await holding.load(order)).state == "expired"
    assert (await holding.world.sim.decide("stripe", reference))["status"] == "closed"


async def test_money_held_for_an_order_that_is_over_is_let_go(holding: Holding) -> None:
    order, reference = await holding.begin()
    await holding.world.sim.fault("stripe", "never", "notify", count=None, reference=reference)
    for on in ("query", "close"):
        await holding.world.sim.fault("stripe", "error_500", on, count=None, reference=reference)
    await holding.world.sim.decide("stripe", reference)
    await holding.world.run_jobs(minutes=31)
    assert (await holding.load(order)).state == "expired"
    await holding.world.sim.clear()
    await holding.world.run_jobs(minutes=32)
    assert (await holding.trade(reference))["status"] == "closed"
    await holding.world.assert_true("stripe", order.order_id, "expired")
