"""The moments of orders, written beside the groups that make them happen."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from serai.commerce.order import store
from serai.foundation.database import Transaction


class Stamp(msgspec.Struct, frozen=True):
    """Moments at which something happened to an order, written beside the group that made it happen."""

    order_id: UUID
    paid_at: datetime | None = None
    fulfilled_at: datetime | None = None
    cancelled_at: datetime | None = None
    expired_at: datetime | None = None
    revived: bool = False
    tracking: str | None = None
    deposit_paid_at: datetime | None = None
    lapsed_at: datetime | None = None
    part_shipped_at: datetime | None = None


async def stamp_orders(tx: Transaction, rows: Sequence[Stamp]) -> None:
    """Write moments; a writer for the lane's batches."""
    await store.stamp_orders(
        tx,
        (
            [row.order_id for row in rows],
            [row.paid_at for row in rows],
            [row.fulfilled_at for row in rows],
            [row.cancelled_at for row in rows],
            [row.expired_at for row in rows],
            [row.revived for row in rows],
            [row.tracking for row in rows],
            [row.deposit_paid_at for row in rows],
            [row.lapsed_at for row in rows],
            [row.part_shipped_at for row in rows],
        ),
    )
