"""What goes back to points, gift cards and red packets, and what of an award is taken back, when an order's money does.

A refund goes to what had paid first, so tenders come before the provider's money. That costs nobody's answer: tenders are
given back in the very group that asks for the rest.
"""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from serai.commerce.order.types import Order
from serai.commerce.tender import api as tender
from serai.commerce.tender.events import TenderRefunded
from serai.commerce.tender.types import Part, points
from serai.foundation.database import Transaction
from serai.foundation.event import Fact
from serai.ledger import api as ledger
from serai.ledger.types import Transfer, Write


class Back(msgspec.Struct, frozen=True):
    """Transfers of a group, with the rows and facts beside them."""

    transfers: tuple[Transfer, ...] = ()
    writes: tuple[Write, ...] = ()
    facts: tuple[Fact, ...] = ()


NOTHING = Back()


def split_refund(order: Order, amount_minor: int) -> tuple[Part, ...]:
    """What of a refund goes to the order's tenders; none of an order that they have not paid."""
    if not order.tenders or order.paid_at is None:
        return ()
    refunded = tender.sum_refunds([(each.tender_no, each.amount_minor) for each in order.tender_refunds])
    return tender.list_parts(order.tenders, refunded, amount_minor)


def give_back(order: Order, parts: Sequence[Part], refund_id: UUID, *, reason: str, by: str) -> Back:
    """Return parts of what tenders had paid. Whose sale it was is the caller's business."""
    if not parts:
        return NOTHING
    amount_minor = sum(part.amount_minor for part in parts)
    fact = TenderRefunded(order.order_id, refund_id, amount_minor, reason, by)
    return Back(
        tuple(tender.give_back_parts(order.order_id, order.currency, parts, refund_id)),
        tender.write_parts(order.order_id, parts, refund_id, reason=reason, by=by),
        (Fact(order.order_id, fact),),
    )


async def change_award(
    tx: Transaction,
    order: Order,
    refunded_minor: int,
    salt: UUID,
    moved: Sequence[ledger.DocumentTransfer] | None = None,
) -> Back:
    """Bring what an order has earned its member in line with what of its total went back.

    Whatever earlier refunds left or failed to leave is put right too, since it starts from what stands in the ledger.
    """
    if order.member_id is None or not order.award_points:
        return NOTHING
    if moved is None:
        moved = await ledger.list_document_transfers(tx, document_id=order.order_id)
    change = tender.award_left(order.award_points, order.total_minor, refunded_minor) - tender.count_award(
        moved
    )
    if not change:
        return NOTHING
    account_id = points(order.member_id).account_id
    available = (await ledger.load_balances(tx, account_ids=[account_id]))[account_id].available
    return Back(*tender.change_award(order.member_id, change, available, salt))


async def give_back_all(
    tx: Transaction,
    order: Order,
    group_id: UUID,
    moved: Sequence[ledger.DocumentTransfer],
    *,
    by: str,
    reason: str,
) -> Back:
    """What a paid order that is called off gives back to its tenders, and takes back of its award."""
    back = give_back(order, split_refund(order, order.tender_minor), group_id, reason=reason, by=by)
    award = await change_award(tx, order, order.total_minor, group_id, moved)
    return Back(back.transfers + award.transfers, back.writes + award.writes, back.facts)
