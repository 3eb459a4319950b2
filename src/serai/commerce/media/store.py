"""SQL of photographs."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from serai.foundation.database import Transaction

PHOTO = (
    "media_id, product_id, digest, width, height, bytes, alt, position, created_by, created_at, deleted_at"
)


async def insert_photo(tx: Transaction, values: tuple[Any, ...]) -> Any:
    """A new photograph behind the others; the same picture at the same product comes back where it was deleted."""
    return await tx.fetchrow(
        "INSERT INTO commerce.product_media AS m (merchant_id, media_id, product_id, digest, width, height, bytes, alt,"
        "   created_by, created_at, position)"
        " SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, coalesce((SELECT max(o.position) + 1"
        "   FROM commerce.product_media o WHERE o.merchant_id = $1 AND o.product_id = $3 AND o.deleted_at IS NULL), 0)"
        " ON CONFLICT (merchant_id, product_id, digest) DO UPDATE SET deleted_at = NULL,"
        "   alt = CASE excluded.alt WHEN '' THEN m.alt ELSE excluded.alt END,"
        "   position = CASE WHEN m.deleted_at IS NULL THEN m.position ELSE excluded.position END"
        f" RETURNING {PHOTO}",
        tx.merchant_id,
        *values,
    )


async def list_photos(tx: Transaction, product_ids: Sequence[UUID]) -> list[Any]:
    return await tx.fetch(
        f"SELECT {PHOTO} FROM commerce.product_media WHERE merchant_id = $1 AND product_id = ANY($2)"
        " AND deleted_at IS NULL ORDER BY product_id, position, media_id",
        tx.merchant_id,
        product_ids,
    )


async def list_deleted(tx: Transaction, product_id: UUID, since: datetime) -> list[Any]:
    return await tx.fetch(
        f"SELECT {PHOTO} FROM commerce.product_media WHERE merchant_id = $1 AND product_id = $2"
        " AND deleted_at >= $3 ORDER BY deleted_at DESC LIMIT 20",
        tx.merchant_id,
        product_id,
        since,
    )


async def lock_product(tx: Transaction, product_id: UUID) -> bool:
    """Keep others from changing the product's photographs until the end; False when there is no such product."""
    found = await tx.fetchval(
        "SELECT 1 FROM commerce.product WHERE merchant_id = $1 AND product_id = $2 FOR NO KEY UPDATE",
        tx.merchant_id,
        product_id,
    )
    return found is not None


async def find_photo(tx: Transaction, media_id: UUID) -> Any:
    return await tx.fetchrow(
        f"SELECT {PHOTO} FROM commerce.product_media WHERE merchant_id = $1 AND media_id = $2",
        tx.merchant_id,
        media_id,
    )


async def update_alt(tx: Transaction, media_id: UUID, alt: str) -> None:
    await tx.execute(
        "UPDATE commerce.product_media SET alt = $3 WHERE merchant_id = $1 AND media_id = $2",
        tx.merchant_id,
        media_id,
        alt,
    )


async def update_positions(tx: Transaction, media_ids: Sequence[UUID]) -> None:
    await tx.execute(
        "UPDATE commerce.product_media m SET position = n.position - 1"
        " FROM unnest($2::uuid[]) WITH ORDINALITY n (id, position) WHERE m.merchant_id = $1 AND m.media_id = n.id",
        tx.merchant_id,
        media_ids,
    )


async def update_deleted(tx: Transaction, media_id: UUID, at: datetime | None) -> None:
    await tx.execute(
        "UPDATE commerce.product_media SET deleted_at = $3 WHERE merchant_id = $1 AND media_id = $2",
        tx.merchant_id,
        media_id,
        at,
    )


async def purge_deleted(tx: Transaction, before: datetime) -> list[str]:
    """Forget photographs deleted before a moment. Returns digests that no photograph has any more."""
    rows = await tx.fetch(
        "DELETE FROM commerce.product_media WHERE merchant_id = $1 AND deleted_at < $2 RETURNING digest",
        tx.merchant_id,
        before,
    )
    digests = sorted({row["digest"] for row in rows})
    kept = await tx.fetch(
        "SELECT DISTINCT digest FROM commerce.product_media WHERE merchant_id = $1 AND digest = ANY($2)",
        tx.merchant_id,
        digests,
    )
    return [digest for digest in digests if digest not in {row["digest"] for row in kept}]
