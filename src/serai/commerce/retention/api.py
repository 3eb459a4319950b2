"""Retention: what a merchant decided, what that would forget today, and forgetting it.

What books and tax law need stays: numbers, dates, goods, amounts, and the country, region and postal code of an order.
"""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec

from serai.commerce.privacy.api import blank_orders, erase_member
from serai.commerce.retention import store
from serai.commerce.retention.types import Forgotten, RetentionPolicy
from serai.commerce.tender.api import load_purse
from serai.foundation import clock
from serai.foundation.database import Database, Transaction
from serai.foundation.errors import Conflict, Invalid, _
from serai.foundation.ids import MerchantId
from serai.identity.audit import api as audit
from serai.identity.member.api import list_idle_members
from serai.identity.merchant.api import load_merchant

__all__ = ["Forgotten", "RetentionPolicy", "forget_old", "load_policy", "preview_policy", "save_policy"]

BATCH = 200
MOST_DAYS = 36_500
LEAST_DAYS = {"order_days": 30, "unpaid_days": 1, "member_days": 180}
NEVER = datetime(1, 1, 1, tzinfo=UTC)


async def load_policy(tx: Transaction) -> RetentionPolicy:
    """What the merchant decided; a new merchant keeps everything."""
    row = await store.find_policy(tx)
    return RetentionPolicy(*row.values()) if row else RetentionPolicy()


def check_policy(policy: RetentionPolicy) -> None:
    """Invalid ``retention.days_invalid`` with ``least`` and ``most`` for days out of bounds."""
    for field, least in LEAST_DAYS.items():
        days = getattr(policy, field)
        if days is not None and (isinstance(days, bool) or not least <= days <= MOST_DAYS):
            raise Invalid(
                "retention.days_invalid",
                _("Please enter between %(least)s and %(most)s days, or nothing."),
                field=field,
                least=least,
                most=MOST_DAYS,
            )


async def save_policy(tx: Transaction, *, policy: RetentionPolicy, by: str) -> RetentionPolicy:
    """Decide anew; ``policy.version`` is the one that was seen. It takes effect with the next daily run.

    Raises:
        Invalid: ``retention.days_invalid``. Conflict: ``retention.edited_meanwhile``.
    """
    check_policy(policy)
    before = await load_policy(tx)
    if before == policy:
        return before
    days = (policy.order_days, policy.unpaid_days, policy.member_days)
    if not await store.save_policy(tx, days, policy.version, by):
        raise Conflict(
            "retention.edited_meanwhile",
            _("Somebody else has changed the settings meanwhile. Please look at them again."),
        )
    after = msgspec.structs.replace(policy, version=policy.version + 1)
    await audit.record(
        tx,
        actor=by,
        action="retention.changed",
        subject_kind="merchant",
        subject_id=tx.merchant_id,
        before=msgspec.to_builtins(before),
        after=msgspec.to_builtins(after),
    )
    return after


async def preview_policy(tx: Transaction, *, policy: RetentionPolicy) -> Forgotten:
    """What a policy would forget at this moment. Nothing is changed."""
    orders = members = 0
    if policy.order_days is not None or policy.unpaid_days is not None:
        orders = await store.count_over(tx, _before(policy.order_days), _before(policy.unpaid_days))
    after: UUID | None = None
    while policy.member_days is not None:
        idle = await list_idle_members(tx, before=_before(policy.member_days), after=after, limit=BATCH)
        if not idle:
            break
        members += len(await _choose_members(tx, idle, policy.member_days))
        after = idle[-1]
    return Forgotten(orders, members)


async def forget_old(db: Database, merchant_id: MerchantId) -> Forgotten:
    """Forget all that a merchant's policy does not keep, in small transactions; what is interrupted goes on next time."""
    orders = members = 0
    async with db.transaction(merchant_id, "read") as tx:
        policy = await load_policy(tx)
    while policy.order_days is not None or policy.unpaid_days is not None:
        async with db.transaction(merchant_id) as tx:
            found = await store.list_over(tx, _before(policy.order_days), _before(policy.unpaid_days), BATCH)
            if found:
                await blank_orders(tx, order_ids=found)
        orders += len(found)
        if len(found) < BATCH:
            break
    after: UUID | None = None
    while policy.member_days is not None:
        async with db.transaction(merchant_id, "read") as tx:
            idle = await list_idle_members(tx, before=_before(policy.member_days), after=after, limit=BATCH)
            chosen = await _choose_members(tx, idle, policy.member_days)
        for member_id in chosen:
            members += await _erase_idle(db, merchant_id, member_id, policy.member_days)
        if len(idle) < BATCH:
            break
        after = idle[-1]
    if orders or members:
        async with db.transaction(merchant_id) as tx:
            await audit.record(
                tx,
                actor="system",
                action="retention.applied",
                subject_kind="merchant",
                subject_id=merchant_id,
                after={"orders": orders, "members": members},
            )
    return Forgotten(orders, members)


def _before(days: int | None) -> datetime:
    """The moment before which something is too old; None is never."""
    return NEVER if days is None else clock.now() - timedelta(days=days)


async def _choose_members(tx: Transaction, idle: list[UUID], days: int) -> list[UUID]:
    """Those of some idle members who have not ordered, owe nothing and have nothing in their purse."""
    busy = await store.list_busy(tx, idle, _before(days)) if idle else set()
    currency = (await load_merchant(tx)).currency
    chosen = []
    for member_id in idle:
        if member_id in busy:
            continue
        purse = await load_purse(tx, member_id=member_id, currency=currency)
        if not (purse.points or purse.wallet_minor or purse.owed_points):
            chosen.append(member_id)
    return chosen


async def _erase_idle(db: Database, merchant_id: MerchantId, member_id: UUID, days: int) -> bool:
    """Erase one member, unless they came back in this very moment."""
    async with db.transaction(merchant_id) as tx:
        idle = await list_idle_members(tx, before=_before(days), only=member_id, limit=1)
        if not await _choose_members(tx, idle, days):
            return False
        try:
            await erase_member(tx, member_id=member_id)
        except Conflict:
            # A guest's order under the address that the member has proven is under way.
            return False
    return True
