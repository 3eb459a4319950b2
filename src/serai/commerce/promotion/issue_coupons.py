"""Issue, find, list, revoke and expire coupons. A coupon's uses move in the ledger; its code is kept as a digest.

Issued uses come out of the promotion's template account, which is funded with the quota when the promotion goes live;
without a quota the issue funds what it hands out.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from serai.commerce.promotion import store
from serai.commerce.promotion.claim_counters import coupon_free, coupon_gone, template_fund, template_left
from serai.commerce.promotion.edit_promotion import load_promotion
from serai.commerce.promotion.events import CouponEnded, CouponsIssued
from serai.commerce.promotion.keep_coupons import find_coupon_row
from serai.commerce.promotion.load_counters import PLENTY, load_counters
from serai.commerce.promotion.logic import (
    MAX_CODE,
    digest_code,
    end_of_code,
    keyed_seed,
    part_of_seed,
    read_code,
    spell_code,
)
from serai.commerce.promotion.types import Coupon, IssuedCoupon
from serai.commerce.types import Commerce, Page
from serai.foundation import clock
from serai.foundation.database import Database, Transaction
from serai.foundation.errors import Conflict, Invalid, NotFound, _
from serai.foundation.event import Fact
from serai.foundation.ids import MerchantId, derive_id, new_id
from serai.identity.audit.api import AuditRow, record_rows
from serai.ledger.types import Balance, Group, Transfer, Write, posted

MAX_BATCH = 1000
MAX_USES = 1_000_000
MIN_CODE = 4


class NewCoupon(msgspec.Struct, frozen=True):
    """A coupon as it is written beside its group in the lane."""

    coupon_id: UUID
    promotion_id: UUID
    code: str
    holder_id: UUID | None
    uses: int
    by: str
    at: datetime
    expires_at: datetime | None


async def insert_coupons(tx: Transaction, rows: Sequence[NewCoupon]) -> None:
    """Write coupons; a writer for the lane's batches."""
    await store.insert_coupons(
        tx,
        (
            [row.coupon_id for row in rows],
            [row.promotion_id for row in rows],
            [digest_code(row.code) for row in rows],
            [end_of_code(row.code) for row in rows],
            [row.holder_id for row in rows],
            [row.uses for row in rows],
            [row.by for row in rows],
            [row.at for row in rows],
            [row.expires_at for row in rows],
        ),
    )


async def issue_coupons(
    commerce: Commerce,
    merchant_id: MerchantId,
    *,
    promotion_id: UUID,
    count: int = 1,
    uses: int = 1,
    code: str | None = None,
    holder_id: UUID | None = None,
    expires_at: datetime | None = None,
    by: str,
    key: UUID | None = None,
) -> tuple[IssuedCoupon, ...]:
    """Make coupons of a promotion that has been live. Their codes are shown once and not kept.

    With a ``key`` (of an API call) codes follow from it and the installation's secret: a repeat whose first answer was
    lost makes no further coupons, and gets the same codes.

    Args:
        count: how many coupons, 1 to 1,000; with ``code`` exactly 1.
        uses: how often each may be used.
        code: a code of one's own such as ``SPRING`` instead of 128 random bits.
        holder_id: the member who alone may use them.

    Raises:
        NotFound: ``promotion.unknown``.
        Invalid: ``coupon.count_invalid``, ``coupon.code_invalid``, ``coupon.expiry_invalid``.
        Conflict: ``coupon.not_wanted`` (the promotion takes no coupons or was never live), ``coupon.code_taken``,
            ``coupon.limit_reached``.
    """
    _check_batch(count, uses, code, expires_at)
    async with commerce.db.transaction(merchant_id, "read") as tx:
        promotion = await load_promotion(tx, promotion_id=promotion_id)
        # With a key it may be this very call that made it, of which the lane knows.
        if code is not None and key is None and await store.find_coupon(tx, digest_code(code), clock.now()):
            raise _taken()
    if not promotion.terms.coupon or promotion.live_version is None:
        raise Conflict("coupon.not_wanted", _("Coupons belong to a coupon promotion that has gone live."))
    seed = keyed_seed(commerce.secret, key) if key else secrets.token_bytes(32)
    codes = [code.strip()] if code is not None else [spell_code(part_of_seed(seed, n)) for n in range(count)]
    coupons = _make_coupons(merchant_id, promotion_id, codes, uses, holder_id, expires_at, by)
    issue = _issue_group(coupons, key or new_id(), limited=promotion.terms.quota is not None)
    try:
        outcome = await commerce.lane.submit(merchant_id, issue)
    except asyncpg.UniqueViolationError as error:
        raise _taken() from error
    if not outcome.passed:
        raise Conflict(
            "coupon.limit_reached",
            _("Only %(available)s uses are left to be issued."),
            available=max(0, outcome.shortages[0].available) if outcome.shortages else 0,
        )
    return tuple(IssuedCoupon(each.coupon_id, each.code) for each in coupons)


def _taken() -> Conflict:
    return Conflict("coupon.code_taken", _("There is a coupon with this code already."), field="code")


def _make_coupons(
    merchant_id: MerchantId,
    promotion_id: UUID,
    codes: Sequence[str],
    uses: int,
    holder_id: UUID | None,
    expires_at: datetime | None,
    by: str,
) -> list[NewCoupon]:
    """Coupons ready to be written. The id follows from the code, so two that issue one code at once write one coupon."""
    now = clock.now()
    return [
        NewCoupon(
            derive_id("coupon", merchant_id, digest_code(each).hex()),
            promotion_id,
            each,
            holder_id,
            uses,
            by,
            now,
            expires_at,
        )
        for each in codes
    ]


def _check_batch(count: int, uses: int, code: str | None, expires_at: datetime | None) -> None:
    if not 1 <= count <= MAX_BATCH or not 1 <= uses <= MAX_USES or (code is not None and count != 1):
        raise Invalid(
            "coupon.count_invalid",
            _("Please issue 1 to %(most)s coupons, a code of your own one at a time."),
            field="count",
            most=MAX_BATCH,
        )
    if code is not None and not (len(read_code(code)) >= MIN_CODE and len(code.strip()) <= MAX_CODE):
        raise Invalid(
            "coupon.code_invalid",
            _("A code needs %(least)s to %(most)s letters or digits."),
            field="code",
            least=MIN_CODE,
            most=MAX_CODE,
        )
    if expires_at is not None and (expires_at.tzinfo is None or expires_at <= clock.now()):
        raise Invalid(
            "coupon.expiry_invalid",
            _("Coupons must expire in the future, at a moment with its time zone."),
            field="expires_at",
        )


def _issue_group(coupons: Sequence[NewCoupon], key: UUID, *, limited: bool) -> Group:
    """What issues coupons. Named after the call, so that one that is sent again is known from another's same code."""
    promotion_id, uses, by = coupons[0].promotion_id, coupons[0].uses, coupons[0].by
    ids = tuple(each.coupon_id for each in coupons)
    left = template_left(promotion_id)
    transfers: list[Transfer] = []
    if not limited:
        funding = derive_id("coupon fund", *ids)
        transfers.append(posted(funding, left, template_fund(promotion_id), uses * len(ids), "issued"))
    transfers += [
        posted(derive_id(coupon_id, "issue"), coupon_free(promotion_id, coupon_id), left, uses, "issued")
        for coupon_id in ids
    ]
    audit = AuditRow(
        by, "coupon.issued", "promotion", str(promotion_id), None, {"coupons": len(ids), "uses": uses}
    )
    return Group(
        derive_id("issue coupons", key, *ids),
        tuple(transfers),
        (*(Write(insert_coupons, each) for each in coupons), Write(record_rows, audit)),
        (Fact(promotion_id, CouponsIssued(promotion_id, ids, uses, by)),),
        document_id=promotion_id,
    )


async def find_coupon_by_code(tx: Transaction, *, code: str, member_id: UUID | None = None) -> Coupon:
    """The coupon behind a code that somebody typed.

    Raises:
        NotFound: ``coupon.unknown``, also for one that another member holds.
        Conflict: ``coupon.ended`` when it was revoked, has expired or is used up.
    """
    row = await find_coupon_row(tx, digest_code(code)) if read_code(code) else None
    if row is None or row["holder_id"] not in (None, member_id):
        raise NotFound("coupon.unknown", _("This code is not known."), field="code")
    coupon = (await _with_balances(tx, [row]))[0]
    if coupon.ended or (coupon.free == 0 and coupon.locked == 0):
        raise Conflict("coupon.ended", _("This coupon cannot be used any more."), field="code")
    return coupon


async def list_coupons(
    tx: Transaction,
    *,
    promotion_id: UUID | None = None,
    holder_id: UUID | None = None,
    coupon_ids: Sequence[UUID] | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[Coupon]:
    """Coupons of a promotion, of a member, or by their ids. Invalid ``list.cursor_invalid``."""
    limit = max(1, min(limit, 100))
    try:
        before = UUID(cursor) if cursor else None
    except ValueError as error:
        raise Invalid("list.cursor_invalid", _("This list cannot be continued from there.")) from error
    rows = await store.list_coupons(
        tx,
        clock.now(),
        coupon_ids=coupon_ids,
        promotion_id=promotion_id,
        holder_id=holder_id,
        before=before,
        limit=limit + 1,
    )
    items = tuple(await _with_balances(tx, rows[:limit]))
    return Page(items, str(items[-1].coupon_id) if len(rows) > limit else None)


async def _with_balances(tx: Transaction, rows: Sequence[Any]) -> list[Coupon]:
    accounts = [coupon_free(row["promotion_id"], row["coupon_id"]).account_id for row in rows]
    balances = await load_counters(tx, dict.fromkeys(accounts, PLENTY)) if rows else {}
    return [_coupon(row, balances[account_id]) for row, account_id in zip(rows, accounts, strict=True)]


def _coupon(row: Any, balance: Balance) -> Coupon:
    used = row["uses"] - balance.posted - row["ended_uses"]
    return Coupon(
        row["coupon_id"],
        row["promotion_id"],
        row["code_end"],
        row["holder_id"],
        row["uses"],
        balance.available,
        balance.reserved,
        used,
        row["issued_by"],
        row["issued_at"],
        row["expires_at"],
        row["ended"],
    )


class CouponEnd(msgspec.Struct, frozen=True):
    """How a coupon ended, as a row beside its group in the lane."""

    coupon_id: UUID
    why: str
    uses: int
    at: datetime


async def end_coupons(tx: Transaction, rows: Sequence[CouponEnd]) -> None:
    """Write ends; a writer for the lane's batches."""
    await store.end_coupons(
        tx,
        [row.coupon_id for row in rows],
        [row.why for row in rows],
        [row.uses for row in rows],
        rows[0].at,
    )


async def revoke_coupon(commerce: Commerce, merchant_id: MerchantId, *, coupon_id: UUID, by: str) -> Coupon:
    """End a coupon: its free uses are gone. An order that holds one keeps it. Doing it again changes nothing.

    Raises:
        NotFound: ``coupon.unknown``.
    """
    async with commerce.db.transaction(merchant_id, "read") as tx:
        found = await list_coupons(tx, coupon_ids=[coupon_id])
    if not found.items:
        raise NotFound("coupon.unknown", _("This code is not known."))
    if found.items[0].ended is None:
        audit = AuditRow(by, "coupon.revoked", "coupon", str(coupon_id), None, {})
        await _end(commerce, merchant_id, found.items[0], "revoked", (Write(record_rows, audit),))
    async with commerce.db.transaction(merchant_id, "read") as tx:
        return (await list_coupons(tx, coupon_ids=[coupon_id])).items[0]


async def _end(
    commerce: Commerce, merchant_id: MerchantId, coupon: Coupon, why: str, writes: tuple[Write, ...]
) -> bool:
    """Take a coupon's free uses away. False when an order took one in the same moment."""
    end = CouponEnd(coupon.coupon_id, why, coupon.free, clock.now())
    if not coupon.free:
        async with commerce.db.transaction(merchant_id) as tx:
            await end_coupons(tx, [end])
        return True
    group_id = derive_id("end coupon", coupon.coupon_id, coupon.free)
    outcome = await commerce.lane.submit(
        merchant_id,
        Group(
            group_id,
            (
                posted(
                    derive_id(group_id, "uses"),
                    coupon_gone(coupon.promotion_id, why),
                    coupon_free(coupon.promotion_id, coupon.coupon_id),
                    coupon.free,
                    why,
                ),
            ),
            (Write(end_coupons, end), *writes),
            (Fact(coupon.promotion_id, CouponEnded(coupon.coupon_id, coupon.promotion_id, why)),),
            document_id=coupon.promotion_id,
        ),
    )
    return outcome.passed


async def expire_coupons(commerce: Commerce, owner: Database, *, limit: int = 200) -> int:
    """Book the free uses of coupons whose time is over as expired, over all merchants. Returns how many coupons ended.

    A coupon that an order still holds is left for the next round: the order may yet be cancelled.
    """
    ended = 0
    for merchant_id, coupon_id, _promotion_id in await store.list_overdue(owner, clock.now(), limit):
        async with commerce.db.transaction(MerchantId(merchant_id), "read") as tx:
            coupon = (await list_coupons(tx, coupon_ids=[coupon_id])).items[0]
        if not coupon.locked:
            ended += await _end(commerce, MerchantId(merchant_id), coupon, "expired", ())
    return ended
