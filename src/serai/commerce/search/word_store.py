"""SQL of what merchants say of words: which mean the same, and which products come first for them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from serai.foundation.database import Transaction

SYNONYM = "term, typed, also_means, both_ways, also_folded"
PIN = "term, typed, product_ids, created_by, created_at"


async def list_meanings(tx: Transaction, terms: Sequence[str]) -> list[Any]:
    """What merchants say of some folded terms: rows of theirs, and those that hold both ways and name one of them."""
    return await tx.fetch(
        f"SELECT {SYNONYM} FROM commerce.search_synonym WHERE merchant_id = $1"
        " AND (term = ANY($2) OR (both_ways AND also_folded && $2::text[])) ORDER BY term",
        tx.merchant_id,
        terms,
    )


async def list_synonyms(tx: Transaction, limit: int) -> list[Any]:
    return await tx.fetch(
        f"SELECT {SYNONYM} FROM commerce.search_synonym WHERE merchant_id = $1 ORDER BY term LIMIT $2",
        tx.merchant_id,
        limit,
    )


async def lock_synonym(tx: Transaction, term: str) -> Any:
    return await tx.fetchrow(
        f"SELECT {SYNONYM} FROM commerce.search_synonym WHERE merchant_id = $1 AND term = $2 FOR UPDATE",
        tx.merchant_id,
        term,
    )


async def upsert_synonym(tx: Transaction, values: tuple[str, str, list[str], bool, list[str]]) -> None:
    await tx.execute(
        f"INSERT INTO commerce.search_synonym (merchant_id, {SYNONYM}) VALUES ($1, $2, $3, $4, $5, $6)"
        " ON CONFLICT (merchant_id, term) DO UPDATE SET typed = excluded.typed, also_means = excluded.also_means,"
        "   both_ways = excluded.both_ways, also_folded = excluded.also_folded",
        tx.merchant_id,
        *values,
    )


async def find_pin(tx: Transaction, term: str, *, lock: bool = False) -> Any:
    return await tx.fetchrow(
        f"SELECT {PIN} FROM commerce.search_pin WHERE merchant_id = $1 AND term = $2"
        + (" FOR UPDATE" if lock else ""),
        tx.merchant_id,
        term,
    )


async def list_pins(tx: Transaction, limit: int) -> list[Any]:
    return await tx.fetch(
        f"SELECT {PIN} FROM commerce.search_pin WHERE merchant_id = $1 ORDER BY term LIMIT $2",
        tx.merchant_id,
        limit,
    )


async def count_pins(tx: Transaction) -> int:
    count: int = await tx.fetchval(
        "SELECT count(*)::int FROM commerce.search_pin WHERE merchant_id = $1", tx.merchant_id
    )
    return count


async def upsert_pin(tx: Transaction, term: str, typed: str, product_ids: Sequence[UUID], by: str) -> None:
    await tx.execute(
        "INSERT INTO commerce.search_pin (merchant_id, term, typed, product_ids, created_by) VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT (merchant_id, term) DO UPDATE SET typed = excluded.typed, product_ids = excluded.product_ids,"
        "   created_by = excluded.created_by, created_at = now()",
        tx.merchant_id,
        term,
        typed,
        product_ids,
        by,
    )


async def delete_pin(tx: Transaction, term: str) -> None:
    await tx.execute(
        "DELETE FROM commerce.search_pin WHERE merchant_id = $1 AND term = $2", tx.merchant_id, term
    )
