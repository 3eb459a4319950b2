"""A refund that the provider declined for good, and that was paid back by other means: noted at the console."""

from tests.console.conftest import Visit
from tests.console.shop import Shop, find_form

from serai.foundation.invariant import check_invariants
from serai.main.check import list_invariants


async def test_a_declined_refund_is_noted_as_paid_back_by_hand(visit: Visit, shop: Shop, owner) -> None:  # type: ignore[no-untyped-def]
    order = await shop.place_order()
    shop.till.refunds = "failed"
    visitor = await visit("manager")
    page = f"/console/orders/{order.number}"
    await visitor.submit(page, f"{page}/refund", amount="1.00", reason="broken")
    refund = (await shop.load_order(order.order_id)).refunds[0]
    path = f"{page}/refunds/{refund.refund_id}/by-hand"
    assert find_form(await visitor.get(page), path)
    refused = await visitor.submit(page, path, reason=" ")
    assert refused.status_code == 303
    assert (await shop.load_order(order.order_id)).refunded_minor == 0
    form = find_form(await visitor.get(page), path)
    for _again in range(2):
        await visitor.send(form, reason="in cash")
    done = await shop.load_order(order.order_id)
    assert (done.refunded_minor, done.refundable_minor) == (100, order.total_minor - 100)
    shown = (await visitor.get(page)).text
    assert "paid back by hand" in shown
    assert path not in shown
    assert "in cash" in (await (await visit("owner")).get("/console/audit")).text
    assert all(verdict.holds for verdict in await check_invariants(owner, list_invariants()))


async def test_a_clerk_may_not_say_that_money_was_paid_back(visit: Visit, shop: Shop) -> None:
    order = await shop.place_order()
    shop.till.refunds = "failed"
    manager, clerk = await visit("manager"), await visit("clerk")
    page = f"/console/orders/{order.number}"
    await manager.submit(page, f"{page}/refund", amount="1.00", reason="broken")
    refund = (await shop.load_order(order.order_id)).refunds[0]
    path = f"{page}/refunds/{refund.refund_id}/by-hand"
    assert path not in (await clerk.get(page)).text
    assert (await clerk.post_plain(path, reason="in cash")).status_code == 403
    assert (await shop.load_order(order.order_id)).refunded_minor == 0
