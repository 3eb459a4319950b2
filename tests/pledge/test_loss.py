"""Held money of which the rest was lost, and what becomes of the loss."""

from tests.conftest import FakeProvider
from tests.pledge.conftest import Holder

from serai.commerce.aftersale.api import cancel_order
from serai.commerce.pledge.types import uncollected
from serai.ledger import api as ledger


async def lost(holder: Holder) -> int:
    account_id = uncollected("USD").account_id
    async with holder.commerce.db.transaction(holder.merchant_id, "read") as tx:
        return (await ledger.load_balances(tx, account_ids=[account_id]))[account_id].posted


async def test_an_order_called_off_after_a_loss_owes_nobody(
    holder: Holder, provider: FakeProvider, assert_clean
):
    order = await holder.capture(await holder.hold(), 6000)
    order = await holder.tell(order, "voided")
    assert await lost(holder) == 4000
    await assert_clean()
    await cancel_order(holder.commerce, holder.merchant_id, order_id=order.order_id, by="staff")
    order = await holder.load(order)
    assert (order.state, list(provider.refunds.values()), await lost(holder)) == ("cancelled", [6000], 0)
    await assert_clean()


async def test_a_capture_told_as_final_loses_what_was_still_held(holder: Holder, assert_clean):
    order = await holder.hold()
    order = await holder.tell(order, "captured", 6000, is_final=True)
    order = await holder.tell(order, "captured", 6000, is_final=True, event_id="again")
    assert (order.paid_minor, order.pledged_minor, await lost(holder)) == (6000, 0, 4000)
    await assert_clean()


async def test_a_card_charged_once_is_taken_whole_or_not_at_all(holder: Holder, assert_clean):
    order = await holder.tell(await holder.place(), "authorised", is_once=True)
    pledge = order.payments[0].pledge
    assert pledge is not None
    assert pledge.is_once
    order = await holder.capture(order)
    assert order.paid_minor == order.total_minor
    await assert_clean()
