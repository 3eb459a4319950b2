"""A balance that webhook and browser tell in the same moment, in the one order of events that once went wrong."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from tests.presale.conftest import BEGIN, CLOSING, OPENING

from serai.commerce.checkout import settle_payment as flow
from serai.foundation import clock

Check = Callable[[], Awaitable[None]]
Launch = Callable[..., Awaitable[Any]]
HOUR = timedelta(hours=1)


async def test_a_twin_that_books_between_two_reads_is_no_late_payment(
    launch: Launch, monkeypatch: pytest.MonkeyPatch, assert_clean: Check
) -> None:
    """The payment is read, then the twin books the balance, then the order is read: it is paid and waits for nothing, and yet
    this money has its place."""
    sale = await launch()
    load_order = flow.load_order
    with clock.clock_at(BEGIN + HOUR):
        order = await sale.buy()
    with clock.clock_at(CLOSING):
        await sale.work()
    with clock.clock_at(OPENING + HOUR):
        await sale.work()
        intent_id = await sale.start(order.order_id)

        async def load_after_the_twin(tx: Any, **which: Any) -> Any:
            monkeypatch.setattr(flow, "load_order", load_order)
            await sale.settle(intent_id)
            return await load_order(tx, **which)

        monkeypatch.setattr(flow, "load_order", load_after_the_twin)
        await sale.settle(intent_id)
        order = await sale.order(order.order_id)
    assert (order.state, order.paid_minor, order.refunded_minor) == ("paid", 190_000, 0)
    assert "PaymentLate" not in [note.what for note in order.timeline]
    await assert_clean()
