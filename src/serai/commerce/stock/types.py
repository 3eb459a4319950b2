"""Stock as other modules see it, and the accounts behind it. A SKU's unit in the ledger is its own id."""

from datetime import datetime
from uuid import UUID

import msgspec

from serai.ledger.types import Account, account

STOCK = "stock"


def stock_account(sku_id: UUID, place_id: UUID) -> Account:
    """What lies at a place; it cannot fall below zero."""
    return account(STOCK, sku_id, no_negative=True, subject_id=sku_id, place_id=place_id)


def supplier_account(sku_id: UUID) -> Account:
    """Where goods come from."""
    return account("supplier", sku_id, subject_id=sku_id)


def customer_account(sku_id: UUID) -> Account:
    """Where sold goods go."""
    return account("customer", sku_id, subject_id=sku_id)


def shrink_account(sku_id: UUID) -> Account:
    """Where counts and losses differ from the books."""
    return account("shrink", sku_id, subject_id=sku_id)


class StockLevel(msgspec.Struct, frozen=True):
    """How much of a SKU a place has. available = on_hand - reserved."""

    sku_id: UUID
    place_id: UUID
    place_code: str
    place_name: str
    on_hand: int
    reserved: int
    available: int


class StockRow(msgspec.Struct, frozen=True):
    """A line of a place's stock list."""

    sku_id: UUID
    sku: str
    product_id: UUID
    slug: str
    title: str
    on_hand: int
    reserved: int
    available: int


class Movement(msgspec.Struct, frozen=True):
    """One ledger entry behind a stock number: quantity is signed for that place, ``on_hand_after`` what was counted then.

    ``phase``: ``posted``, ``reserved``, ``shipped`` (a reservation that counted) or ``released``.
    """

    transfer_id: UUID
    at: datetime
    phase: str
    quantity: int
    reason: str
    document_id: UUID | None
    group_id: UUID
    other: str
    on_hand_after: int
