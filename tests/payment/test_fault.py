"""A provider that misbehaves in every way it knows: each order ends as it truly stands, with the money counted once.

The web workers, the sandbox, its webhooks and the adapter are the real ones. Where the design leaves the matter to a job,
the job is run as at that later time.
"""

from typing import Any
from uuid import UUID

import httpx
import pytest
from tests.durability.running import RunningShop, wait_for

from serai.commerce.payment.api import intent_id_of

pytestmark = pytest.mark.xdist_group("payment")


async def pay_with(running: RunningShop, order_id: UUID, fault: str, **params: Any) -> str:
    """Start the payment and pay it while the provider has this fault once, or as often as ``count`` says."""
    payment_id = await running.start_payment(order_id)
    count = params.pop("count", 1)
    await running.decide(payment_id, "paid", {"fault": fault, "count": count, "params": params})
    return payment_id


def list_notes(order: Any) -> list[str]:
    return [note.what for note in order.timeline]


async def test_a_paid_payment_is_told_by_webhook_and_the_order_is_paid(
    running: RunningShop, order_id: UUID
) -> None:
    payment_id = await running.start_payment(order_id)
    await running.decide(payment_id)
    order = await running.wait_for_state(order_id, "paid")
    assert {event.source for event in order.payments[0].events} == {"webhook"}
    deliveries = await running.wait_for_quiet(payment_id)
    assert [d["state"] for d in deliveries] == ["sent"] * 2
    order = await running.assert_true(order_id, "paid")
    assert (order.paid_minor, order.due_minor) == (order.total_minor, 0)


async def test_starting_a_payment_many_times_opens_one(running: RunningShop, order_id: UUID) -> None:
    opened = {await running.start_payment(order_id) for _ in range(4)}
    assert len(opened) == 1
    assert len(await running.list_provider_payments(order_id)) == 1


@pytest.mark.parametrize(
    ("fault", "params"),
    [
        ("slow", {"delay_ms": 2500, "on": ["create"]}),
        ("no_answer", {"delay_ms": 4000, "on": ["create"]}),
        ("error_500", {"on": ["create"]}),
    ],
)
async def test_a_provider_that_does_not_answer_leaves_the_order_payable_and_a_retry_opens_one_payment(
    running: RunningShop, order_id: UUID, fault: str, params: dict[str, Any]
) -> None:
    await running.order_fault(fault, f"reference:{intent_id_of(order_id, 1)}", params=params)
    refused = await running.api.post(f"/api/v1/orders/{order_id}/payment")
    assert refused.status_code == 502
    assert refused.json()["code"] == "outside.sandbox"
    assert (await running.load_order(order_id)).state == "awaiting_payment"
    payment_id = await running.start_payment(order_id)
    assert len(await running.list_provider_payments(order_id)) == 1
    await running.decide(payment_id)
    await running.wait_for_state(order_id, "paid")
    await running.assert_true(order_id, "paid")


@pytest.mark.parametrize("how", ["status_504", "drop"])
async def test_a_charge_whose_answer_is_lost_and_that_nobody_tells_is_found_by_the_check(
    running: RunningShop, order_id: UUID, how: str
) -> None:
    payment_id = await running.start_payment(order_id)
    faults = [
        {"fault": "timeout_after_charge", "params": {"how": how, "on": ["pay"]}},
        {"fault": "webhook_never", "count": None},
    ]
    content = {"outcome": "paid", "faults": faults}
    try:
        answer = await running.provider.post(f"/v1/test/pay/{payment_id}", json=content)
        assert answer.json()["redirect_url"] is None
    except httpx.TransportError:
        assert how == "drop"
    assert (await running.load_order(order_id)).state == "awaiting_payment"
    await running.run_jobs()
    order = await running.assert_true(order_id, "paid")
    assert {event.source for event in order.payments[0].events} == {"check"}


async def test_a_webhook_that_never_comes_is_made_up_for_by_the_check(
    running: RunningShop, order_id: UUID
) -> None:
    await pay_with(running, order_id, "webhook_never", count=None)
    assert (await running.load_order(order_id)).state == "awaiting_payment"
    await running.run_jobs()
    await running.run_jobs()
    await running.assert_true(order_id, "paid")


@pytest.mark.parametrize("fault", ["slow", "no_answer", "error_500"])
async def test_a_check_that_gets_no_answer_is_repeated(
    running: RunningShop, order_id: UUID, fault: str
) -> None:
    await pay_with(running, order_id, "webhook_never", count=None)
    params = {"on": ["read"]} | ({} if fault == "error_500" else {"delay_ms": 3000})
    await running.order_fault(fault, f"reference:{intent_id_of(order_id, 1)}", params=params)
    await running.run_jobs()
    assert (await running.load_order(order_id)).state == "awaiting_payment"
    await running.run_jobs()
    await running.assert_true(order_id, "paid")


async def test_a_late_webhook_pays_the_order_late(running: RunningShop, order_id: UUID) -> None:
    payment_id = await pay_with(running, order_id, "webhook_late", count=None, delay_ms=700)
    await running.wait_for_state(order_id, "paid")
    await running.wait_for_quiet(payment_id)
    await running.assert_true(order_id, "paid")


async def test_a_webhook_after_expiry_revives_the_order_while_the_goods_are_there(
    running: RunningShop, order_id: UUID
) -> None:
    await pay_with(running, order_id, "webhook_late", count=None, delay_ms=4000)
    # The check would find the payment; here it cannot, so that the order really expires.
    await running.order_fault(
        "error_500", f"reference:{intent_id_of(order_id, 1)}", count=None, params={"on": ["read", "void"]}
    )
    await running.run_jobs(minutes=31)
    assert (await running.load_order(order_id)).state == "expired"
    order = await running.wait_for_state(order_id, "paid")
    assert "OrderRevived" in list_notes(order)
    await running.provider.delete("/v1/faults")
    await running.assert_true(order_id, "paid")


async def test_a_webhook_after_expiry_gives_the_money_back_when_the_goods_are_gone(
    running: RunningShop,
) -> None:
    sku_id = await running.shop.add_product(price_minor=4000, stock=1)
    order_id = await running.place((sku_id, 1))
    await pay_with(running, order_id, "webhook_late", count=None, delay_ms=4000)
    await running.order_fault(
        "error_500", f"reference:{intent_id_of(order_id, 1)}", count=None, params={"on": ["read", "void"]}
    )
    await running.run_jobs(minutes=31)
    assert (await running.load_order(order_id)).state == "expired"
    await running.place((sku_id, 1))

    async def is_refunded() -> bool:
        return (await running.load_order(order_id)).refunded_minor > 0

    await wait_for(is_refunded, "the late money to go back")
    await running.provider.delete("/v1/faults")
    order = await running.assert_true(order_id, "expired")
    assert order.refunded_minor == order.paid_minor == order.total_minor


async def test_a_payment_that_nobody_tells_before_its_order_expires_is_found_afterwards(
    running: RunningShop, order_id: UUID
) -> None:
    await pay_with(running, order_id, "webhook_never", count=None)
    # The provider is down in the minute of the expiry: neither the check before it nor the stop of the payment works.
    await running.order_fault(
        "error_500", f"reference:{intent_id_of(order_id, 1)}", count=None, params={"on": ["read", "void"]}
    )
    await running.run_jobs(minutes=31)
    assert (await running.load_order(order_id)).state == "expired"
    await running.provider.delete("/v1/faults")
    await running.run_jobs(minutes=32)
    order = await running.assert_true(order_id, "paid")
    assert "OrderRevived" in list_notes(order)


async def test_a_cancelled_order_whose_payment_came_through_unheard_gives_it_back(
    running: RunningShop, order_id: UUID
) -> None:
    await pay_with(running, order_id, "webhook_never", count=None)
    answer = await running.api.post(f"/api/v1/orders/{order_id}/cancellation", json={"reason": "changed"})
    assert answer.status_code == 200, answer.text
    await running.run_jobs()
    order = await running.assert_true(order_id, "cancelled")
    assert order.refunded_minor == order.paid_minor == order.total_minor


async def test_webhooks_told_many_times_at_once_count_once(running: RunningShop, order_id: UUID) -> None:
    payment_id = await pay_with(running, order_id, "webhook_duplicate", count=None, times=5)
    await running.wait_for_state(order_id, "paid")
    deliveries = await running.wait_for_quiet(payment_id)
    assert len(deliveries) == 10
    assert {d["state"] for d in deliveries} == {"sent"}
    order = await running.assert_true(order_id, "paid")
    assert list_notes(order).count("OrderPaid") == 1


async def test_webhooks_out_of_order_end_in_the_same_state(running: RunningShop, order_id: UUID) -> None:
    payment_id = await pay_with(running, order_id, "webhook_out_of_order")
    await running.wait_for_state(order_id, "paid")
    await running.wait_for_quiet(payment_id)
    order = await running.assert_true(order_id, "paid")
    assert [event.kind for event in order.payments[0].events] == ["captured", "authorised"]
    assert order.payments[0].state == "captured"


async def test_a_forged_webhook_is_refused_and_pays_nothing(running: RunningShop, order_id: UUID) -> None:
    payment_id = await pay_with(running, order_id, "webhook_forged", count=None)
    deliveries = await running.wait_for_quiet(payment_id)
    forged = [d for d in deliveries if d["is_forged"]]
    assert [d["answer_status"] for d in forged] == [401, 401]
    # The genuine messages stay away, as ordered: only the forged ones have been sent.
    assert sum(d["state"] == "sent" for d in deliveries) == len(forged)
    order = await running.load_order(order_id)
    assert (order.state, order.payments[0].events) == ("awaiting_payment", ())
    await running.run_jobs()
    await running.assert_true(order_id, "paid")


async def test_a_wrong_amount_in_a_webhook_books_nothing_and_the_check_finds_the_truth(
    running: RunningShop, order_id: UUID
) -> None:
    payment_id = await pay_with(running, order_id, "wrong_amount", count=None, where="webhook")
    await running.wait_for_quiet(payment_id)
    order = await running.load_order(order_id)
    assert (order.state, order.paid_minor) == ("awaiting_payment", 0)
    assert "PaymentMismatch" in list_notes(order)
    await running.run_jobs()
    await running.assert_true(order_id, "paid")


@pytest.mark.parametrize("delta_minor", [-1, 1])
async def test_a_wrong_charge_pays_no_order_and_is_put_before_the_staff(
    running: RunningShop, order_id: UUID, delta_minor: int
) -> None:
    payment_id = await pay_with(running, order_id, "wrong_amount", delta_minor=delta_minor)
    await running.wait_for_quiet(payment_id)
    await running.run_jobs()
    order = await running.load_order(order_id)
    assert (order.state, order.paid_minor) == ("awaiting_payment", 0)
    assert "PaymentMismatch" in list_notes(order)
    [payment] = await running.list_provider_payments(order_id)
    assert payment["captured_minor"] == order.total_minor + delta_minor


@pytest.mark.parametrize("refusal", ["declined", "cancelled", "by the bank"])
async def test_after_a_refusal_the_shopper_pays_again_and_is_charged_once(
    running: RunningShop, order_id: UUID, refusal: str
) -> None:
    first = await running.start_payment(order_id)
    if refusal == "by the bank":
        await running.decide(first, "paid", {"fault": "decline"})
    else:
        await running.decide(first, refusal)
    await running.wait_for_quiet(first)
    assert (await running.load_order(order_id)).state == "awaiting_payment"
    second = await running.start_payment(order_id)
    assert second != first
    await running.decide(second)
    await running.wait_for_state(order_id, "paid")
    order = await running.assert_true(order_id, "paid")
    assert [p.captured_minor for p in order.payments] == [0, order.total_minor]


async def test_a_decline_that_nobody_tells_is_found_when_the_shopper_pays_again(
    running: RunningShop, order_id: UUID
) -> None:
    first = await running.start_payment(order_id)
    await running.decide(first, "declined", {"fault": "webhook_never", "count": None})
    await running.run_jobs()
    second = await running.start_payment(order_id)
    await running.decide(second)
    await running.wait_for_state(order_id, "paid")
    await running.assert_true(order_id, "paid")
