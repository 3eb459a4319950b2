"""What members have: points and red packet money, how they came and went, given and taken by staff, expired by time."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from serai.commerce.tender import store
from serai.commerce.tender.events import BalanceAdjusted, PointsExpired
from serai.commerce.tender.move_tenders import Grant, insert_grants
from serai.commerce.tender.types import (
    Kind,
    Purse,
    PurseEntry,
    balance_account,
    points,
    points_debt,
    points_earned,
    points_expired,
    wallet,
    wallet_expense,
)
from serai.commerce.types import Commerce, Page
from serai.foundation import clock
from serai.foundation.database import Database, Transaction
from serai.foundation.errors import Conflict, Invalid, NotFound, _
from serai.foundation.event import Fact
from serai.foundation.ids import MerchantId, derive_id
from serai.identity.audit.api import AuditRow, record_rows
from serai.identity.member.api import find_member
from serai.ledger import api as ledger
from serai.ledger.types import Entry, Group, Phase, Write, posted

MAX_UNITS = 10**10
MAX_REASON = 200
SOON_DAYS = 30


async def load_purse(tx: Transaction, *, member_id: UUID, currency: str) -> Purse:
    """What a member has of the merchant, in its currency. One who never had anything has an empty purse."""
    ids = [
        points(member_id).account_id,
        points_debt(member_id).account_id,
        wallet(member_id, currency).account_id,
    ]
    balances = await ledger.load_balances(tx, account_ids=ids)
    own, debt, money = (balances[account_id] for account_id in ids)
    expiring, expiring_at = 0, None
    if own.posted:
        now = clock.now()
        row = await store.find_next_expiry(tx, member_id, now, now + timedelta(days=SOON_DAYS))
        # What came first goes first, so what was spent counts against what ends soonest.
        expiring = min(own.available, max(0, row["points"] - own.posted_dr - own.pending_dr))
        expiring_at = row["at"] if expiring else None
    return Purse(
        member_id,
        currency,
        max(0, own.available - debt.posted),
        own.reserved,
        debt.posted,
        money.available,
        money.reserved,
        expiring,
        expiring_at,
    )


async def list_entries(
    tx: Transaction,
    *,
    kind: Kind,
    subject_id: UUID,
    currency: str,
    cursor: str | None = None,
    limit: int = 30,
) -> Page[PurseEntry]:
    """How a balance came about, the newest first. What orders only held is left out: the purse tells it in one sum.

    Raises:
        Invalid: ``list.cursor_invalid``.
    """
    try:
        before = UUID(cursor) if cursor else None
    except ValueError as error:
        raise Invalid("list.cursor_invalid", _("This list cannot be continued from there.")) from error
    limit = max(1, min(limit, 100))
    account = balance_account(kind, subject_id, currency)
    found = await ledger.list_entries(tx, account_id=account.account_id, before=before, limit=limit + 1)
    entries = [each for each in found[:limit] if each.phase in (Phase.POSTED, Phase.POST)]
    numbers = await store.list_order_numbers(tx, [e.document_id for e in entries if e.document_id])
    more = str(found[limit - 1].transfer_id) if len(found) > limit else None
    return Page(tuple(_entry(kind, entry, numbers) for entry in entries), more)


def _entry(kind: Kind, entry: Entry, numbers: dict[UUID, str]) -> PurseEntry:
    number = numbers.get(entry.document_id, "") if entry.document_id else ""
    return PurseEntry(
        entry.transfer_id,
        entry.recorded_at,
        kind,
        entry.reason,
        entry.amount,
        entry.balance_after,
        entry.document_id if number else None,
        number,
    )


async def adjust_balance(
    commerce: Commerce,
    merchant_id: MerchantId,
    *,
    member_id: UUID,
    kind: Kind,
    units: int,
    currency: str,
    reason: str,
    by: str,
    key: UUID,
) -> Purse:
    """Give points or red packet money to a member, or take them (``units`` below zero). The same key changes nothing more.

    Raises:
        NotFound: ``member.unknown``.
        Invalid: ``tender.kind_invalid``, ``tender.units_invalid``, ``tender.reason_missing``, ``tender.too_long``.
        Conflict: ``tender.balance_short`` with ``available`` when more would be taken than is free.
    """
    reason = " ".join(reason.split())
    _check_adjustment(kind, units, reason)
    async with commerce.db.transaction(merchant_id, "read") as tx:
        if await find_member(tx, member_id=member_id) is None:
            raise NotFound("member.unknown", _("There is no such account."))
    group = _plan_adjustment(member_id, kind, units, currency, reason, by, key)
    outcome = await commerce.lane.submit(merchant_id, group)
    if not outcome.passed:
        raise Conflict(
            "tender.balance_short",
            _("Only %(available)s can be taken: nobody's balance falls below zero."),
            field="units",
            available=max(0, outcome.shortages[0].available) if outcome.shortages else 0,
        )
    await settle_debt(commerce, merchant_id, member_id=member_id)
    async with commerce.db.transaction(merchant_id, "read") as tx:
        return await load_purse(tx, member_id=member_id, currency=currency)


def _plan_adjustment(
    member_id: UUID, kind: Kind, units: int, currency: str, reason: str, by: str, key: UUID
) -> Group:
    own = balance_account(kind, member_id, currency)
    source = points_earned() if kind == "points" else wallet_expense(currency)
    group_id = derive_id("adjust", member_id, kind, key)
    transfer_id = derive_id(group_id, "units")
    sides = (source, own) if units > 0 else (own, source)
    details = {"units": units, "reason": reason}
    audit = AuditRow(by, f"{kind}.adjusted", "member", str(member_id), None, details)
    writes = [Write(record_rows, audit)]
    if kind == "points" and units > 0:
        writes.append(Write(insert_grants, Grant(transfer_id, member_id, units, clock.now())))
    return Group(
        group_id,
        (posted(transfer_id, *sides, abs(units), reason),),
        tuple(writes),
        (Fact(member_id, BalanceAdjusted(member_id, kind, units, reason, by)),),
        document_id=member_id,
    )


def _check_adjustment(kind: str, units: int, reason: str) -> None:
    if kind not in ("points", "wallet"):
        raise Invalid("tender.kind_invalid", _("Only points and red packets can be changed."), field="kind")
    if isinstance(units, bool) or units == 0 or abs(units) > MAX_UNITS:
        raise Invalid("tender.units_invalid", _("Please give an amount other than zero."), field="units")
    if not reason:
        raise Invalid("tender.reason_missing", _("Please say why."), field="reason")
    if len(reason) > MAX_REASON:
        raise Invalid("tender.too_long", _("That is too long."), field="reason")


async def settle_debt(commerce: Commerce, merchant_id: MerchantId, *, member_id: UUID) -> None:
    """Take what a member owes in points from what has come in. Refused by a rival, the next time does it."""
    async with commerce.db.transaction(merchant_id, "read") as tx:
        ids = [points(member_id).account_id, points_debt(member_id).account_id]
        balances = await ledger.load_balances(tx, account_ids=ids)
    own, debt = (balances[account_id] for account_id in ids)
    amount = min(own.available, debt.posted)
    if amount <= 0:
        return
    group_id = derive_id("points debt", member_id, debt.posted_cr, amount)
    await commerce.lane.submit(
        merchant_id,
        Group(
            group_id,
            (
                posted(
                    derive_id(group_id, "units"),
                    points(member_id),
                    points_debt(member_id),
                    amount,
                    "points owed",
                ),
            ),
            document_id=member_id,
        ),
    )


class Settled(msgspec.Struct, frozen=True):
    """A member whose points of up to a moment were booked as expired, as a row beside the group."""

    member_id: UUID
    until: datetime


async def settle_grants(tx: Transaction, rows: Sequence[Settled]) -> None:
    """Mark grants whose expiry is booked; a writer for the lane's batches."""
    for row in rows:
        await store.settle_grants(tx, [row.member_id], row.until, clock.now())


async def expire_points(commerce: Commerce, owner: Database, *, limit: int = 200) -> int:
    """Book points whose time is over as expired, over all merchants. Returns of how many members.

    What came first is spent first. While an order holds points of a member, only what is free goes, and the rest is
    looked at again.
    """
    done = 0
    for merchant_id, member_id in await store.list_overdue_points(owner, clock.now(), limit):
        done += await _expire(commerce, MerchantId(merchant_id), member_id)
    return done


async def _expire(commerce: Commerce, merchant_id: MerchantId, member_id: UUID) -> bool:
    now = clock.now()
    async with commerce.db.transaction(merchant_id, "read") as tx:
        own = (await ledger.load_balances(tx, account_ids=[points(member_id).account_id]))[
            points(member_id).account_id
        ]
        overdue = await store.sum_granted(tx, member_id, now)
    amount = min(own.available, max(0, overdue - own.posted_dr - own.pending_dr))
    settled = Settled(member_id, now)
    if amount <= 0:
        if not own.pending_dr:
            async with commerce.db.transaction(merchant_id) as tx:
                await settle_grants(tx, [settled])
        return False
    group_id = derive_id("expire points", member_id, own.posted_dr, amount)
    outcome = await commerce.lane.submit(
        merchant_id,
        Group(
            group_id,
            (posted(derive_id(group_id, "units"), points(member_id), points_expired(), amount, "expired"),),
            () if own.pending_dr else (Write(settle_grants, settled),),
            (Fact(member_id, PointsExpired(member_id, amount)),),
            document_id=member_id,
        ),
    )
    return outcome.passed
