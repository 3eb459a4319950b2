"""What becomes of a deposit when its order ends before the balance: it goes back to the buyer, or stays, as agreed. Pure."""

from collections.abc import Sequence
from uuid import UUID

from serai.commerce.order.types import Order
from serai.commerce.payment.types import deferred_deposits, kept_deposits, order_due
from serai.commerce.promotion.api import give_back_claims
from serai.foundation.ids import derive_id
from serai.ledger.api import DocumentTransfer
from serai.ledger.types import Phase, Transfer, posted


def release_deposit(
    order: Order, moved: Sequence[DocumentTransfer], group_id: UUID, what: str, *, keep: bool
) -> list[Transfer]:
    """The transfers that end a deposit, paid or not; none for an order without one, or whose deposit became a sale.

    What the order took of its presale is free again with it, if the deposit had been paid; until then it was only held.
    """
    counted = [t for t in moved if t.phase in (Phase.POSTED, Phase.POST)]
    left = sum(t.amount for t in counted if t.credit_kind == "deferred_deposits")
    left -= sum(t.amount for t in counted if t.debit_kind == "deferred_deposits")
    if left <= 0:
        return []
    to = kept_deposits(order.currency) if keep else order_due(order.order_id, order.currency)
    transfers = [
        posted(
            derive_id(group_id, "deposit"), deferred_deposits(order.currency), to, left, f"deposit, {what}"
        )
    ]
    if order.deposit_paid_at is not None:
        taken = [claim for claim in order.claims if claim.promotion_id == order.presale_id]
        transfers += give_back_claims(taken, group_id, order.currency)
    return transfers


def keeps_deposit(order: Order, *, by_buyer: bool) -> bool:
    """Whether the deposit stays when the order is called off now: only a buyer who steps back may lose it."""
    return (
        by_buyer
        and order.state == "awaiting_balance"
        and order.presale is not None
        and order.presale.missed == "keep"
    )
