"""Write, publish and stop promotions. Versions are only ever added; limits live in the ledger and are funded when a version
goes live.

PUBLISH   READ   the newest version must be the one that was looked at, and free of faults beside what is live
          FUND   one group in the lane brings quota, budget and coupon template to their new limits and, beside it, marks
                 the version live. A limit cannot go below what is sold or held: then nothing changes.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from serai.commerce.promotion import store
from serai.commerce.promotion.check_terms import check_terms, check_together, refuse_faults
from serai.commerce.promotion.claim_counters import (
    budget_fund,
    budget_left,
    move_limit,
    quota_fund,
    quota_left,
    template_fund,
    template_left,
)
from serai.commerce.promotion.events import PromotionStopped, PromotionWentLive
from serai.commerce.promotion.load_program import forget_program
from serai.commerce.promotion.types import Promotion, Rule, Terms
from serai.commerce.types import Commerce
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, NotFound, _
from serai.foundation.event import Fact, append_facts
from serai.foundation.ids import MerchantId, derive_id, new_id
from serai.identity.audit.api import AuditRow, record, record_rows
from serai.ledger.api import load_balances
from serai.ledger.types import Account, Group, Transfer, Write


def read_promotion(row: Any) -> Promotion:
    """A database row as a promotion."""
    values = dict(row)
    return Promotion(**{**values, "terms": msgspec.convert(values["terms"], Terms)})


async def load_promotion(tx: Transaction, *, promotion_id: UUID, lock: bool = False) -> Promotion:
    """A promotion with its newest version. NotFound ``promotion.unknown``."""
    row = await store.find_promotion(tx, promotion_id, clock.now(), lock=lock)
    if row is None:
        raise NotFound("promotion.unknown", _("There is no such promotion."))
    return read_promotion(row)


async def create_promotion(tx: Transaction, *, terms: Terms, by: str) -> Promotion:
    """Write a new promotion as a draft. Invalid ``promotion.invalid`` with every ``reasons``."""
    refuse_faults(check_terms(terms))
    promotion_id, now = new_id(), clock.now()
    await store.insert_promotion(tx, promotion_id, terms.name.strip(), by, now)
    await store.insert_version(tx, promotion_id, 1, terms, by, now)
    await record(
        tx,
        actor=by,
        action="promotion.created",
        subject_kind="promotion",
        subject_id=promotion_id,
        after=msgspec.to_builtins(terms),
    )
    return await load_promotion(tx, promotion_id=promotion_id)


async def edit_promotion(
    tx: Transaction, *, promotion_id: UUID, version: int, terms: Terms, by: str
) -> Promotion:
    """Add a version. Carts keep the live one until the new one is published.

    Raises:
        NotFound: ``promotion.unknown``. Invalid: ``promotion.invalid`` with ``reasons``.
        Conflict: ``promotion.changed`` when ``version`` is not the newest; ``promotion.limit_fixed`` when the limit per
            member or the layer of a promotion that has been live changes.
    """
    refuse_faults(check_terms(terms))
    before = await load_promotion(tx, promotion_id=promotion_id, lock=True)
    _check_version(before, version)
    # Allowances were handed out already, and the quota counts units on layer 1 but orders elsewhere.
    fixed = (before.terms.per_user, before.terms.layer, before.terms.coupon)
    if before.live_version is not None and fixed != (terms.per_user, terms.layer, terms.coupon):
        raise Conflict(
            "promotion.limit_fixed",
            _(
                "Layer, coupons and the limit per member stay once a promotion was live. Please make a new one."
            ),
        )
    now = clock.now()
    await store.insert_version(tx, promotion_id, version + 1, terms, by, now)
    await store.set_version(tx, promotion_id, version + 1, terms.name.strip(), by, now)
    await record(
        tx,
        actor=by,
        action="promotion.edited",
        subject_kind="promotion",
        subject_id=promotion_id,
        before=msgspec.to_builtins(before.terms),
        after=msgspec.to_builtins(terms),
    )
    return await load_promotion(tx, promotion_id=promotion_id)


def _check_version(promotion: Promotion, version: int) -> None:
    if promotion.version != version:
        raise Conflict(
            "promotion.changed",
            _("Somebody else has changed this promotion. Please look at it again."),
            version=promotion.version,
        )


class StateChange(msgspec.Struct, frozen=True):
    """A promotion that goes live (with a version) or stops, as a row beside a group of the lane."""

    promotion_id: UUID
    state: str
    version: int | None
    by: str
    at: datetime


async def change_states(tx: Transaction, rows: Sequence[StateChange]) -> None:
    """Write what is live; a writer for the lane's batches."""
    await store.set_states(
        tx,
        [row.promotion_id for row in rows],
        [row.state for row in rows],
        [row.version for row in rows],
        [row.by for row in rows],
        rows[0].at,
    )


async def publish_promotion(
    commerce: Commerce, merchant_id: MerchantId, *, promotion_id: UUID, version: int, currency: str, by: str
) -> Promotion:
    """Let the newest version count from now on (within its window). Doing it again changes nothing.

    Args:
        currency: the merchant's, in which a budget is counted.

    Raises:
        NotFound: ``promotion.unknown``. Invalid: ``promotion.invalid`` with ``reasons``.
        Conflict: ``promotion.changed``; ``promotion.limit_below_used`` when a limit is below what is sold or held.
    """
    async with commerce.db.transaction(merchant_id, "read") as tx:
        promotion = await load_promotion(tx, promotion_id=promotion_id)
        _check_version(promotion, version)
        if promotion.state == "live" and promotion.live_version == version:
            return promotion
        refuse_faults(check_terms(promotion.terms))
        live = [read_rule(row) for row in await store.list_live(tx, clock.now())]
        refuse_faults(check_together(Rule(promotion_id, version, promotion.terms), live))
        transfers = await _limit_transfers(tx, promotion, currency)
    change = StateChange(promotion_id, "live", version, by, clock.now())
    fact = Fact(promotion_id, PromotionWentLive(promotion_id, version, by))
    audit = AuditRow(by, "promotion.published", "promotion", str(promotion_id), None, {"version": version})
    if transfers:
        group_id = derive_id("publish", *(t.transfer_id for t in transfers))
        outcome = await commerce.lane.submit(
            merchant_id,
            Group(
                group_id,
                transfers,
                (Write(change_states, change), Write(record_rows, audit)),
                (fact,),
                document_id=promotion_id,
            ),
        )
        if not outcome.passed:
            raise Conflict(
                "promotion.limit_below_used",
                _("A limit cannot be lower than what is already sold, held or issued."),
                available=outcome.shortages[0].available if outcome.shortages else 0,
            )
    else:
        async with commerce.db.transaction(merchant_id) as tx:
            await change_states(tx, [change])
            await record_rows(tx, [audit])
            await append_facts(tx, [fact])
    forget_program(merchant_id)
    async with commerce.db.transaction(merchant_id, "read") as tx:
        return await load_promotion(tx, promotion_id=promotion_id)


def read_rule(row: Any) -> Rule:
    """A database row as the engine takes it."""
    return Rule(row["promotion_id"], row["version"], msgspec.convert(row["terms"], Terms))


async def _limit_transfers(tx: Transaction, promotion: Promotion, currency: str) -> tuple[Transfer, ...]:
    """What brings the counters from their limits now to those of the newest version."""
    promotion_id, terms = promotion.promotion_id, promotion.terms
    quota = (template_left, template_fund) if terms.coupon else (quota_left, quota_fund)
    counters: tuple[tuple[Account, Account, int | None], ...] = (
        (quota[0](promotion_id), quota[1](promotion_id), terms.quota),
        (budget_left(promotion_id, currency), budget_fund(promotion_id, currency), terms.budget_minor),
    )
    balances = await load_balances(tx, account_ids=[fund.account_id for _left, fund, _limit in counters])
    transfers = []
    for left, fund, limit in counters:
        before = balances[fund.account_id].posted
        # A limit that was taken away is simply not asked for any more; its counter stays as it is.
        if limit is not None and limit != before:
            transfers.append(move_limit(left, fund, before, limit, (promotion.version,)))
    return tuple(transfers)


async def stop_promotion(tx: Transaction, *, promotion_id: UUID, by: str) -> Promotion:
    """Let a promotion count no more; orders that stand keep what they got. NotFound ``promotion.unknown``."""
    promotion = await load_promotion(tx, promotion_id=promotion_id, lock=True)
    if promotion.state == "live":
        await change_states(tx, [StateChange(promotion_id, "stopped", None, by, clock.now())])
        await record(
            tx, actor=by, action="promotion.stopped", subject_kind="promotion", subject_id=promotion_id
        )
        await append_facts(tx, [Fact(promotion_id, PromotionStopped(promotion_id, by))])
        forget_program(tx.merchant_id)
    return await load_promotion(tx, promotion_id=promotion_id)
