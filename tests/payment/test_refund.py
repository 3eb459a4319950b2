"""Money on its way back through a provider that misbehaves: it leaves once or not at all, and the books say which."""

from uuid import UUID

import pytest
from tests.durability.running import RunningShop, wait_for

from serai.commerce.order.types import Order

pytestmark = pytest.mark.xdist_group("payment")


@pytest.fixture
async def paid(running: RunningShop, order_id: UUID) -> str:
    """The provider's payment of the test's order, paid."""
    payment_id = await running.start_payment(order_id)
    await running.decide(payment_id)
    await running.wait_for_state(order_id, "paid")
    return payment_id


async def refund(running: RunningShop, order_id: UUID, amount_minor: int, key: str) -> Order:
    answer = await running.api.post(
        f"/api/v1/orders/{order_id}/refunds",
        json={"amount_minor": amount_minor, "reason": "broken"},
        headers={"idempotency-key": key},
    )
    assert answer.status_code == 201, answer.text
    return await running.load_order(order_id)


async def wait_for_end(running: RunningShop, order_id: UUID) -> Order:
    async def look() -> Order | None:
        order = await running.load_order(order_id)
        return order if all(r.state != "pending" for r in order.refunds) else None

    found = await wait_for(look, "the refunds to end")
    assert found is not None
    return found


async def test_refunds_in_parts_leave_once_each(running: RunningShop, order_id: UUID, paid: str) -> None:
    for key, amount in (("a", 500), ("b", 700), ("a", 500)):
        await refund(running, order_id, amount, f"{order_id}-{key}")
    order = await running.assert_true(order_id, "paid")
    assert [r.state for r in order.refunds] == ["done", "done"]
    assert order.refunded_minor == 1200


@pytest.mark.parametrize("how", ["status_504", "drop"])
async def test_a_refund_whose_answer_is_lost_is_asked_again_and_leaves_once(
    running: RunningShop, order_id: UUID, paid: str, how: str
) -> None:
    await running.order_fault("webhook_never", f"payment:{paid}", count=None)
    await running.order_fault(
        "timeout_after_charge", f"payment:{paid}", params={"how": how, "on": ["refund"]}
    )
    order = await refund(running, order_id, 900, f"{order_id}-lost")
    assert [r.state for r in order.refunds] == ["pending"]
    await running.run_jobs()
    order = await running.assert_true(order_id, "paid")
    assert ([r.state for r in order.refunds], order.refunded_minor) == (["done"], 900)


@pytest.mark.parametrize("fault", ["slow", "no_answer", "error_500"])
async def test_a_refund_that_is_not_answered_is_asked_again(
    running: RunningShop, order_id: UUID, paid: str, fault: str
) -> None:
    params = {"on": ["refund"]} | ({} if fault == "error_500" else {"delay_ms": 3000})
    await running.order_fault(fault, f"payment:{paid}", params=params)
    await refund(running, order_id, 900, f"{order_id}-again")
    await running.run_jobs()
    await wait_for_end(running, order_id)
    order = await running.assert_true(order_id, "paid")
    assert ([r.state for r in order.refunds], order.refunded_minor) == (["done"], 900)


@pytest.mark.parametrize("how", ["refused", "later"])
async def test_a_refund_that_fails_is_taken_back_and_may_be_tried_again(
    running: RunningShop, order_id: UUID, paid: str, how: str
) -> None:
    await running.order_fault("refund_fails", f"payment:{paid}", params={"how": how, "delay_ms": 300})
    await refund(running, order_id, 900, f"{order_id}-first")
    order = await wait_for_end(running, order_id)
    assert [r.state for r in order.refunds] == ["failed"]
    assert (order.refunded_minor, order.refundable_minor) == (0, order.total_minor)
    await running.assert_true(order_id, "paid")
    await refund(running, order_id, 900, f"{order_id}-second")
    await wait_for_end(running, order_id)
    order = await running.assert_true(order_id, "paid")
    assert ([r.state for r in order.refunds], order.refunded_minor) == (["failed", "done"], 900)


async def test_a_late_refund_ends_by_its_webhook(running: RunningShop, order_id: UUID, paid: str) -> None:
    await running.order_fault("refund_late", f"payment:{paid}", params={"delay_ms": 600})
    order = await refund(running, order_id, 900, f"{order_id}-late")
    assert [r.state for r in order.refunds] == ["pending"]
    await wait_for_end(running, order_id)
    order = await running.assert_true(order_id, "paid")
    assert order.refunded_minor == 900


async def test_a_late_refund_that_nobody_tells_is_found_by_the_job(
    running: RunningShop, order_id: UUID, paid: str
) -> None:
    await running.order_fault("webhook_never", f"payment:{paid}", count=None)
    await running.order_fault("refund_late", f"payment:{paid}", params={"delay_ms": 300})
    await refund(running, order_id, 900, f"{order_id}-silent")

    async def has_left() -> bool:
        [payment] = await running.list_provider_payments(order_id)
        return payment["refunded_minor"] == 900

    await wait_for(has_left, "the provider to pay the refund")
    await running.run_jobs()
    order = await running.assert_true(order_id, "paid")
    assert ([r.state for r in order.refunds], order.refunded_minor) == (["done"], 900)


async def test_a_cancelled_order_gives_everything_back_once(
    running: RunningShop, order_id: UUID, paid: str
) -> None:
    await running.order_fault("timeout_after_charge", f"payment:{paid}", params={"on": ["refund"]})
    for _ in range(2):
        answer = await running.api.post(f"/api/v1/orders/{order_id}/cancellation", json={"reason": "changed"})
        assert answer.status_code == 200, answer.text
    await running.run_jobs()
    await wait_for_end(running, order_id)
    order = await running.assert_true(order_id, "cancelled")
    assert order.refunded_minor == order.paid_minor == order.total_minor


async def test_a_payment_that_comes_through_while_its_order_is_cancelled_goes_back(
    running: RunningShop, order_id: UUID
) -> None:
    payment_id = await running.start_payment(order_id)
    await running.decide(
        payment_id, "paid", {"fault": "webhook_late", "count": None, "params": {"delay_ms": 1500}}
    )
    answer = await running.api.post(f"/api/v1/orders/{order_id}/cancellation", json={"reason": "changed"})
    assert answer.status_code == 200, answer.text

    async def is_refunded() -> bool:
        order = await running.load_order(order_id)
        return order.refunded_minor == order.total_minor

    await wait_for(is_refunded, "the money to go back")
    await running.wait_for_quiet(payment_id)
    await running.assert_true(order_id, "cancelled")
