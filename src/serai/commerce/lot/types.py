"""Lots as other modules see them. Quantities are steps of the SKU; dates are UTC days."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from serai.foundation.ids import derive_id
from serai.ledger.types import Account, Transfer, Write, account

LOT = "lot"
CODE_LIMIT = 40


class LotMark(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is printed on goods: the lot's code, and the last day on which they are good."""

    code: Annotated[str, Meta(max_length=CODE_LIMIT)] = ""
    best_before: date | None = None


class Lot(msgspec.Struct, frozen=True):
    """A lot of a SKU. An empty code stands for goods of which nobody knows the lot."""

    lot_id: UUID
    sku_id: UUID
    code: str
    best_before: date | None


class LotRule(msgspec.Struct, frozen=True):
    """That a SKU is kept by lots; ``rest_days`` before its date a lot is not sent any more."""

    sku_id: UUID
    rest_days: int = 0


class LotLevel(msgspec.Struct, frozen=True):
    """How much of a lot lies at a place."""

    lot_id: UUID
    sku_id: UUID
    code: str
    best_before: date | None
    place_id: UUID
    on_hand: int

    def is_good(self, today: date, rest_days: int) -> bool:
        """Whether it may still be sent."""
        return self.best_before is None or (self.best_before - today).days >= rest_days


class ExpiringLot(msgspec.Struct, frozen=True):
    """A lot that is near its date, or past it, where it lies."""

    level: LotLevel
    title: str
    sku: str
    place_name: str
    days_left: int
    is_sent: bool


class LotOrder(msgspec.Struct, frozen=True):
    """An order that got goods of a lot."""

    order_id: UUID
    number: str
    parcel_id: UUID
    parcel_no: int
    line_no: int
    quantity: int
    shipped_at: datetime | None


class LeavingLine(msgspec.Struct, frozen=True):
    """Steps of a SKU that leave a place in a parcel."""

    parcel_id: UUID
    place_id: UUID
    line_no: int
    sku_id: UUID
    quantity: int


class ParcelLot(msgspec.Struct, frozen=True):
    """From which lot steps in a parcel are; written beside the group with which it leaves."""

    parcel_id: UUID
    line_no: int
    sku_id: UUID
    lot_id: UUID
    quantity: int


class LotPlan(msgspec.Struct, frozen=True):
    """What a movement of stock moves of lots, in the same group."""

    transfers: tuple[Transfer, ...] = ()
    writes: tuple[Write, ...] = ()


def lot_account(lot_id: UUID, sku_id: UUID, place_id: UUID) -> Account:
    """What of a lot lies at a place; it cannot fall below zero."""
    return account(LOT, sku_id, no_negative=True, subject_id=lot_id, place_id=place_id)


def lot_control(sku_id: UUID) -> Account:
    """Where lots come from and go to."""
    return account("lot_control", sku_id, subject_id=sku_id)


def alignments(sku_id: UUID) -> Account:
    """How often a SKU's lots were made to come to its stock: alignments take turns by it."""
    return account("lot_alignment", derive_id("lot alignment", sku_id), subject_id=sku_id)


def alignment_control(sku_id: UUID) -> Account:
    """The other side of that count."""
    unit = derive_id("lot alignment", sku_id)
    return account("lot_alignment_control", unit, normal="C", subject_id=sku_id)


def make_lot(sku_id: UUID, mark: LotMark) -> Lot:
    """The lot of a mark; the same mark always names the same lot."""
    code = " ".join(mark.code.split())
    date_text = mark.best_before.isoformat() if mark.best_before else ""
    return Lot(derive_id("lot", sku_id, code, date_text), sku_id, code, mark.best_before)
