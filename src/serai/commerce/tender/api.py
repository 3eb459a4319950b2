"""Tenders: gift cards, points and red packets; what orders took of them, and what went back."""

from collections.abc import Sequence
from uuid import UUID

from serai.commerce.tender import store
from serai.commerce.tender.issue_cards import (
    block_card,
    check_usable,
    expire_cards,
    find_card_by_code,
    issue_cards,
    list_cards,
    load_card,
)
from serai.commerce.tender.keep_purse import (
    adjust_balance,
    expire_points,
    list_entries,
    load_purse,
    settle_debt,
)
from serai.commerce.tender.keep_terms import load_terms, save_terms
from serai.commerce.tender.logic import award_left, list_parts, sum_refunds
from serai.commerce.tender.move_tenders import (
    award,
    change_award,
    count_award,
    give_back_parts,
    post_tenders,
    take_tenders,
    tender_id,
    write_parts,
)
from serai.commerce.tender.types import OrderTender, TenderRefund
from serai.foundation.database import Transaction

__all__ = [
    "adjust_balance",
    "award",
    "award_left",
    "block_card",
    "change_award",
    "check_usable",
    "count_award",
    "expire_cards",
    "expire_points",
    "find_card_by_code",
    "give_back_parts",
    "insert_order_tenders",
    "issue_cards",
    "list_cards",
    "list_entries",
    "list_order_tenders",
    "list_parts",
    "list_tender_refunds",
    "load_card",
    "load_purse",
    "load_terms",
    "post_tenders",
    "save_terms",
    "settle_debt",
    "sum_refunds",
    "take_tenders",
    "tender_id",
    "write_parts",
]


async def insert_order_tenders(tx: Transaction, rows: Sequence[tuple[UUID, OrderTender]]) -> None:
    """Write what pays orders, beside the orders; a writer for the lane's batches."""
    await store.insert_order_tenders(tx, rows)


async def list_order_tenders(tx: Transaction, *, order_id: UUID) -> tuple[OrderTender, ...]:
    """What pays an order beside a provider's money, in the order in which it pays."""
    return tuple(OrderTender(*row.values()) for row in await store.list_order_tenders(tx, order_id))


async def list_tender_refunds(tx: Transaction, *, order_id: UUID) -> tuple[TenderRefund, ...]:
    """What went back to an order's tenders, first to last."""
    return tuple(TenderRefund(*row.values()) for row in await store.list_refunds(tx, order_id))
