"""SQL of places."""

from typing import Any
from uuid import UUID

from serai.foundation.database import Transaction

COLUMNS = "place_id, code, name, kind, sells_online, active"


async def list_places(tx: Transaction, kind: str | None) -> list[Any]:
    return await tx.fetch(
        f"SELECT {COLUMNS} FROM commerce.place WHERE merchant_id = $1 AND active AND ($2::text IS NULL OR kind = $2)"
        " ORDER BY kind DESC, position, code",
        tx.merchant_id,
        kind,
    )


async def find_place(tx: Transaction, place_id: UUID | None, code: str | None) -> Any:
    return await tx.fetchrow(
        f"SELECT {COLUMNS} FROM commerce.place WHERE merchant_id = $1"
        " AND ($2::uuid IS NULL OR place_id = $2) AND ($3::text IS NULL OR code = $3)",
        tx.merchant_id,
        place_id,
        code,
    )


async def find_online_place(tx: Transaction) -> Any:
    return await tx.fetchrow(
        f"SELECT {COLUMNS} FROM commerce.place WHERE merchant_id = $1 AND sells_online AND active"
        " ORDER BY position, code LIMIT 1",
        tx.merchant_id,
    )


async def insert_places(tx: Transaction, columns: tuple[list[Any], ...]) -> None:
    await tx.execute(
        "INSERT INTO commerce.place (merchant_id, place_id, code, name, kind, sells_online, position)"
        " SELECT $1, * FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::bool[], $7::int[])"
        " ON CONFLICT DO NOTHING",
        tx.merchant_id,
        *columns,
    )
