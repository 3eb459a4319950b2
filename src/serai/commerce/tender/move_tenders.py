"""The transfers of tenders: held when an order is placed, counted when it is paid, given back when money goes back."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from serai.commerce.payment.types import order_due, refund_control, refundable
from serai.commerce.tender import store
from serai.commerce.tender.types import (
    OrderTender,
    Part,
    TenderRefund,
    balance_account,
    points_debt,
    points_earned,
    points_expense,
    points_spent,
)
from serai.commerce.tender.types import points as points_of
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.ids import derive_id
from serai.ledger.api import DocumentTransfer
from serai.ledger.types import Account, Phase, Transfer, Write, pending, post, posted


def tender_id(order_id: UUID, tender_no: int) -> UUID:
    """What names one tender of one order: its refundable account is under it."""
    return derive_id(order_id, "tender", tender_no)


def _moves(order_id: UUID, currency: str, tender: OrderTender) -> list[tuple[str, Account, Account, int]]:
    """(name, debit, credit, amount) of a tender that pays: points leave in points and arrive in money."""
    due = order_due(order_id, currency)
    balance = balance_account(tender.kind, tender.subject_id, currency)
    if tender.kind == "points":
        return [
            ("points", balance, points_spent(), tender.units),
            ("money", points_expense(currency), due, tender.amount_minor),
        ]
    return [("money", balance, due, tender.amount_minor)]


def _pending_id(order_id: UUID, tender: OrderTender, name: str, salt: str = "") -> UUID:
    return derive_id(tender_id(order_id, tender.tender_no), name, salt)


def _fund(order_id: UUID, currency: str, tender: OrderTender, salt: str) -> Transfer:
    """What may be refunded to a tender: as of a payment, no more than it had paid."""
    name = tender_id(order_id, tender.tender_no)
    return posted(
        derive_id("refundable", name, salt),
        refundable(name, currency),
        refund_control(currency),
        tender.amount_minor,
        "captured",
    )


def take_tenders(
    order_id: UUID, currency: str, tenders: Iterable[OrderTender], *, salt: str = "", at_once: bool = False
) -> list[Transfer]:
    """The transfers that take an order's tenders: pending until it is paid, or ``at_once`` where nothing is to wait for."""
    transfers = []
    for tender in tenders:
        take = posted if at_once else pending
        transfers += [
            take(_pending_id(order_id, tender, name, salt), debit, credit, amount, f"tender {tender.kind}")
            for name, debit, credit, amount in _moves(order_id, currency, tender)
        ]
        if at_once:
            transfers.append(_fund(order_id, currency, tender, salt))
    return transfers


def post_tenders(order_id: UUID, currency: str, tenders: Iterable[OrderTender]) -> list[Transfer]:
    """The transfers that let what an order holds of its tenders count: it was paid."""
    transfers = []
    for tender in tenders:
        transfers += [
            post(_pending_id(order_id, tender, name), f"tender {tender.kind}")
            for name, _debit, _credit, _amount in _moves(order_id, currency, tender)
        ]
        transfers.append(_fund(order_id, currency, tender, ""))
    return transfers


def give_back_parts(order_id: UUID, currency: str, parts: Iterable[Part], refund_id: UUID) -> list[Transfer]:
    """The transfers that return to tenders what they had paid. Whose sale it was is the caller's business."""
    transfers = []
    due = order_due(order_id, currency)
    for part in parts:
        tender = part.tender
        name = tender_id(order_id, tender.tender_no)
        balance = balance_account(tender.kind, tender.subject_id, currency)
        reason = f"tender {tender.kind} back"
        source = points_expense(currency) if tender.kind == "points" else balance
        transfers += [
            posted(
                derive_id(refund_id, name, "control"),
                refund_control(currency),
                refundable(name, currency),
                part.amount_minor,
                "refund",
            ),
            posted(derive_id(refund_id, name, "money"), due, source, part.amount_minor, reason),
        ]
        if tender.kind == "points" and part.units:
            transfers.append(
                posted(derive_id(refund_id, name, "points"), points_spent(), balance, part.units, reason)
            )
    return transfers


class Grant(msgspec.Struct, frozen=True):
    """Points that came in, as a row beside their transfer: it tells when they expire."""

    grant_id: UUID
    member_id: UUID
    points: int
    at: datetime


async def insert_grants(tx: Transaction, rows: Sequence[Grant]) -> None:
    """Write grants; a writer for the lane's batches."""
    await store.insert_grants(
        tx,
        (
            [row.grant_id for row in rows],
            [row.member_id for row in rows],
            [row.points for row in rows],
            [row.at for row in rows],
        ),
    )


async def insert_refunds(tx: Transaction, rows: Sequence[TenderRefund]) -> None:
    """Write what went back to tenders; a writer for the lane's batches."""
    await store.insert_refunds(tx, rows)


async def reopen_cards(tx: Transaction, rows: Sequence[UUID]) -> None:
    """Let gift cards that got money back last a while longer; a writer for the lane's batches."""
    await store.reopen_cards(tx, list(rows), clock.now(), REOPENED_DAYS)


# A card that has expired, or is about to, can be used for so many days after money came back to it.
REOPENED_DAYS = 30


def write_parts(
    order_id: UUID, parts: Iterable[Part], refund_id: UUID, *, reason: str, by: str
) -> tuple[Write, ...]:
    """The rows beside :func:`give_back_parts`."""
    writes: list[Write] = []
    now = clock.now()
    for part in parts:
        tender = part.tender
        row = TenderRefund(
            refund_id, order_id, tender.tender_no, part.amount_minor, part.units, reason, by, now
        )
        writes.append(Write(insert_refunds, row))
        if tender.kind == "gift_card":
            writes.append(Write(reopen_cards, tender.subject_id))
        if tender.kind == "points" and part.units:
            grant_id = derive_id(refund_id, tender.tender_no, "grant")
            writes.append(Write(insert_grants, Grant(grant_id, tender.subject_id, part.units, now)))
    return tuple(writes)


def award(
    order_id: UUID, member_id: UUID | None, points: int, salt: str = ""
) -> tuple[tuple[Transfer, ...], tuple[Write, ...]]:
    """What an order that is paid earns its member: transfers, and the rows beside them."""
    if member_id is None or points <= 0:
        return (), ()
    transfer_id = derive_id(order_id, "award", salt)
    return (
        (posted(transfer_id, points_earned(), points_of(member_id), points, "points earned"),),
        (Write(insert_grants, Grant(transfer_id, member_id, points, clock.now()), early=True),),
    )


def count_award(moved: Sequence[DocumentTransfer]) -> int:
    """What of an order's award stands, from all its transfers: what it earned less what was taken back."""
    counted = [t for t in moved if t.phase == Phase.POSTED]
    return sum(t.amount for t in counted if t.debit_kind == "points_earned") - sum(
        t.amount for t in counted if t.credit_kind == "points_earned"
    )


def change_award(
    member_id: UUID, change: int, available: int, salt: UUID
) -> tuple[tuple[Transfer, ...], tuple[Write, ...]]:
    """Take back a part of an award (``change`` below zero), or give it again.

    What the member has spent already is owed: it stands on an account of its own until points come in.
    """
    if change > 0:
        return award(salt, member_id, change, "again")
    taken = min(-change, max(0, available))
    owed = -change - taken
    transfers = []
    if taken:
        transfers.append(
            posted(derive_id(salt, "award back"), points_of(member_id), points_earned(), taken, "points back")
        )
    if owed:
        transfers.append(
            posted(
                derive_id(salt, "award owed"), points_debt(member_id), points_earned(), owed, "points owed"
            )
        )
    return tuple(transfers), ()
