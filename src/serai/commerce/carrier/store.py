"""SQL of labels and tracking."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from serai.foundation.database import Database, Transaction

LABEL = (
    "label_id, parcel_id, carrier, service, asked_at, asked_by, shipment_id, tracking, price_minor, sort, bought_at,"
    " failed_at, failure, voided_at"
)


async def insert_label(tx: Transaction, values: Sequence[Any]) -> bool:
    """Ask for a label; False when the parcel has a living one, or a twin has asked for this very one."""
    done = await tx.execute(
        "INSERT INTO commerce.parcel_label (merchant_id, label_id, parcel_id, carrier, service, request, asked_by, asked_at,"
        "   tried_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)"
        " ON CONFLICT DO NOTHING",
        tx.merchant_id,
        *values,
    )
    return str(done).endswith(" 1")


async def find_label(tx: Transaction, label_id: UUID, *, lock: bool = False) -> Any:
    return await tx.fetchrow(
        f"SELECT {LABEL}, request FROM commerce.parcel_label WHERE merchant_id = $1 AND label_id = $2"
        f"{' FOR NO KEY UPDATE' if lock else ''}",  # sql: one of two constants
        tx.merchant_id,
        label_id,
    )


async def list_labels(tx: Transaction, parcel_ids: Sequence[UUID]) -> list[Any]:
    return await tx.fetch(
        f"SELECT {LABEL} FROM commerce.parcel_label WHERE merchant_id = $1 AND parcel_id = ANY($2) ORDER BY asked_at",
        tx.merchant_id,
        parcel_ids,
    )


async def count_labels(tx: Transaction, parcel_id: UUID) -> int:
    return int(
        await tx.fetchval(
            "SELECT count(*) FROM commerce.parcel_label WHERE merchant_id = $1 AND parcel_id = $2",
            tx.merchant_id,
            parcel_id,
        )
    )


async def find_shipment(tx: Transaction, carrier: str, shipment_id: str) -> Any:
    return await tx.fetchval(
        "SELECT label_id FROM commerce.parcel_label WHERE merchant_id = $1 AND carrier = $2 AND shipment_id = $3",
        tx.merchant_id,
        carrier,
        shipment_id,
    )


async def finish_label(tx: Transaction, values: Sequence[Any]) -> None:
    """The carrier has sold it."""
    await tx.execute(
        "UPDATE commerce.parcel_label SET shipment_id = $3, tracking = $4, price_minor = $5, sort = $6, bought_at = $7,"
        "   tried_at = $7 WHERE merchant_id = $1 AND label_id = $2",
        tx.merchant_id,
        *values,
    )


async def fail_label(tx: Transaction, label_id: UUID, now: datetime, failure: str) -> None:
    await tx.execute(
        "UPDATE commerce.parcel_label SET failed_at = $3, failure = $4 WHERE merchant_id = $1 AND label_id = $2"
        " AND bought_at IS NULL AND failed_at IS NULL",
        tx.merchant_id,
        label_id,
        now,
        failure,
    )


async def void_label(tx: Transaction, label_id: UUID, now: datetime) -> None:
    await tx.execute(
        "UPDATE commerce.parcel_label SET voided_at = coalesce(voided_at, $3) WHERE merchant_id = $1 AND label_id = $2",
        tx.merchant_id,
        label_id,
        now,
    )


async def touch_label(tx: Transaction, label_id: UUID, now: datetime) -> None:
    """Note that the carrier was asked about it."""
    await tx.execute(
        "UPDATE commerce.parcel_label SET tried_at = $3 WHERE merchant_id = $1 AND label_id = $2",
        tx.merchant_id,
        label_id,
        now,
    )


async def insert_track(tx: Transaction, values: Sequence[Any]) -> bool:
    """Take an event in; False when it is known."""
    done = await tx.execute(
        "INSERT INTO commerce.parcel_track (merchant_id, carrier, event_id, parcel_id, kind, place, at, sequence,"
        "   received_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING",
        tx.merchant_id,
        *values,
    )
    return str(done).endswith(" 1")


async def list_tracks(tx: Transaction, parcel_ids: Sequence[UUID]) -> list[Any]:
    return await tx.fetch(
        "SELECT parcel_id, kind, place, at, sequence FROM commerce.parcel_track WHERE merchant_id = $1"
        " AND parcel_id = ANY($2) ORDER BY parcel_id, sequence, at",
        tx.merchant_id,
        parcel_ids,
    )


async def list_due(owner: Database, asked_before: datetime, moving_before: datetime, limit: int) -> list[Any]:
    """(merchant, label) to ask the carrier about: unanswered ones; of parcels on their way; and such as are not wanted."""
    return await owner.fetch(
        "SELECT l.merchant_id, l.label_id FROM commerce.parcel_label l"
        " JOIN commerce.parcel p ON p.merchant_id = l.merchant_id AND p.parcel_id = l.parcel_id"
        " JOIN commerce.sales_order o ON o.merchant_id = p.merchant_id AND o.order_id = p.order_id"
        " WHERE l.failed_at IS NULL AND l.voided_at IS NULL AND ((l.bought_at IS NULL AND l.tried_at < $1)"
        "   OR (l.bought_at IS NOT NULL AND l.tried_at < $2 AND p.state IN ('packed', 'ready', 'shipped'))"
        "   OR (l.tried_at < $1 AND p.shipped_at IS NULL AND (p.unpacked_at IS NOT NULL OR o.state <> 'paid')))"
        " ORDER BY l.tried_at LIMIT $3",
        asked_before,
        moving_before,
        limit,
    )
