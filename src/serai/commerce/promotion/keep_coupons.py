"""Coupons as a quote finds them: by their code, by their ids, and those that a member holds. Kept in memory where that is."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from serai.commerce.promotion import store
from serai.foundation import clock
from serai.foundation.database import Transaction

MAX_HELD = 50


async def find_coupon_row(tx: Transaction, digest: bytes) -> Any:
    """The row of a code's digest, None when there is none."""
    now = clock.now()
    if tx.shelf is None:
        return await store.find_coupon(tx, digest, now)

    async def load(_missing: list[bytes]) -> dict[bytes, tuple[dict[str, Any], tuple[UUID]]]:
        row = await store.find_coupon(tx, digest, now)
        return {digest: (dict(row), (row["coupon_id"],))} if row else {}

    row = (await tx.keep("coupon code", [digest], load)).get(digest)
    return _as_of(row, now) if row else None


async def list_usable_coupons(
    tx: Transaction, coupon_ids: Sequence[UUID], member_id: UUID | None
) -> list[Any]:
    """Coupons that were entered, and those that a member holds and that have not ended."""
    now = clock.now()
    if tx.shelf is None:
        return await store.list_usable(tx, now, coupon_ids, member_id, MAX_HELD)

    async def load(missing: list[UUID]) -> dict[UUID, tuple[dict[str, Any], tuple[UUID]]]:
        rows = await store.list_coupons(tx, now, coupon_ids=missing, limit=len(missing))
        return {row["coupon_id"]: (dict(row), (row["coupon_id"],)) for row in rows}

    async def load_held(
        members: list[UUID],
    ) -> dict[UUID, tuple[tuple[dict[str, Any], ...], tuple[UUID, ...]]]:
        held = {}
        for each in members:
            rows = [dict(row) for row in await store.list_usable(tx, now, (), each, MAX_HELD)]
            held[each] = (tuple(rows), (each, *(row["coupon_id"] for row in rows)))
        return held

    found = await tx.keep("coupon", coupon_ids, load) if coupon_ids else {}
    if member_id is not None:
        held = (await tx.keep("held coupons", [member_id], load_held))[member_id]
        found |= {row["coupon_id"]: row for row in held if not _as_of(row, now)["ended"]}
    return [_as_of(found[coupon_id], now) for coupon_id in sorted(found)][:MAX_HELD]


def _as_of(row: dict[str, Any], now: datetime) -> dict[str, Any]:
    """The row as the database would give it now: one whose time is over has expired."""
    if row["ended"] is None and row["expires_at"] is not None and row["expires_at"] <= now:
        return {**row, "ended": "expired"}
    return row
