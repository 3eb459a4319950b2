"""How buying groups end: complete when everybody has paid, else called off after the deadline, and everybody gets the money
back, once.

AT THE DEADLINE  orders that still wait are cancelled first; a payment that came in the same moment wins against it
CLOSE            free seats are taken away in the ledger, so nobody can join what is about to be called off
REFUND           every paid order of the failed group is cancelled, which refunds it; repeated until none is left
"""

import logging
from uuid import UUID

from serai.commerce.aftersale.api import cancel_order
from serai.commerce.promotion import api as promotion
from serai.commerce.types import Commerce
from serai.foundation import clock
from serai.foundation.database import Database
from serai.foundation.errors import Conflict
from serai.foundation.ids import MerchantId

log = logging.getLogger("serai.commerce")
REASON = "the group did not come together"


async def settle_groups(commerce: Commerce, owner: Database) -> int:
    """Settle the groups of all merchants. Returns how many were looked at."""
    groups = await promotion.list_unsettled_groups(owner, now=clock.now())
    for merchant_id, group_id in groups:
        try:
            await settle_group(commerce, MerchantId(merchant_id), group_id=group_id)
        except Exception:
            log.exception("group %s could not be settled", group_id)
    return len(groups)


async def settle_group(commerce: Commerce, merchant_id: MerchantId, *, group_id: UUID) -> None:
    """Bring one group forward. Doing it again changes nothing. NotFound ``group.unknown``."""
    async with commerce.db.transaction(merchant_id) as tx:
        group = await promotion.load_group(tx, group_id=group_id)
        if group.outcome is None and group.taken == group.people:
            await promotion.complete_group(tx, group=group)
            return
    if group.outcome == "grouped" or (group.outcome is None and group.deadline > clock.now()):
        return
    if group.outcome is None:
        await _cancel_orders(commerce, merchant_id, group_id, unpaid_only=True)
        async with commerce.db.transaction(merchant_id) as tx:
            group = await promotion.load_group(tx, group_id=group_id)
            if group.taken == group.people:
                await promotion.complete_group(tx, group=group)
                return
        if not await promotion.close_group(commerce, merchant_id, group=group):
            return
    await _cancel_orders(commerce, merchant_id, group_id, unpaid_only=False)


async def _cancel_orders(
    commerce: Commerce, merchant_id: MerchantId, group_id: UUID, *, unpaid_only: bool
) -> None:
    states = ("awaiting_payment",) if unpaid_only else ("awaiting_payment", "paid")
    async with commerce.db.transaction(merchant_id, "read") as tx:
        orders = await promotion.list_group_orders(tx, group_id=group_id)
    for order_id, state in orders:
        if state in states:
            try:
                await cancel_order(
                    commerce,
                    merchant_id,
                    order_id=order_id,
                    by="system",
                    reason=REASON,
                    unpaid_only=unpaid_only,
                )
            except Conflict as refusal:
                log.info("order %s of group %s: %s", order_id, group_id, refusal)
