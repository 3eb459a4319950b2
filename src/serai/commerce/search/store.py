"""SQL of search. Finding goes through functions of the database (see the migration): they may use the index."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from serai.commerce.search.compile_query import Query
from serai.commerce.search.types import Wanted
from serai.foundation.database import Transaction

NO_ID = UUID(int=0)
# What fewer people have looked for is nobody else's business.
SUGGESTED_FROM = 3


async def find_products(
    tx: Transaction,
    levels: int | None,
    query: Query,
    match: str,
    wanted: Wanted,
    skipped: Sequence[UUID],
    after: tuple[int, UUID] | None,
    limit: int,
    *,
    broad: int = 0,
) -> list[Any]:
    """(product_id, sort_key) by relevance. ``levels`` as the database's function takes them."""
    return await tx.fetch(
        "SELECT product_id, sort_key FROM commerce.find_products($1, $2, $3::text::tsquery, $4::text::tsquery,"
        " $5::text::tsquery, $6::text::tsquery, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
        levels,
        broad,
        match,
        query.match,
        query.title_exact,
        query.title_open,
        query.starts,
        query.phrase,
        wanted.min_minor,
        wanted.max_minor,
        wanted.published,
        wanted.published is True,
        skipped,
        after[0] if after else None,
        after[1] if after else NO_ID,
        limit,
    )


async def find_exact(tx: Transaction, match: str, wanted: Wanted, limit: int) -> list[Any]:
    """(product_id, sort_key) of what is called exactly so; nothing when that is more than ``limit``."""
    return await tx.fetch(
        "SELECT product_id, sort_key FROM commerce.find_exact($1::text::tsquery, $2, $3, $4, $5)",
        match,
        wanted.min_minor,
        wanted.max_minor,
        wanted.published,
        limit,
    )


async def list_entries(
    tx: Transaction,
    match: str | None,
    wanted: Wanted,
    sort: str,
    cut: int,
    after: tuple[int, UUID] | None,
    limit: int,
) -> list[Any]:
    """(product_id, sort_key) in the order of a sort. Without ``match`` categories are a condition on the row."""
    return await tx.fetch(
        "SELECT product_id, sort_key FROM commerce.list_entries($1::text::tsquery, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        match,
        None if match else wanted.category_ids,
        wanted.min_minor,
        wanted.max_minor,
        wanted.published,
        sort,
        cut,
        after[0] if after else None,
        after[1] if after else NO_ID,
        limit,
    )


async def count_entries(tx: Transaction, match: str | None, wanted: Wanted, limit: int) -> int:
    """How many products a list has, counted up to ``limit``."""
    count: int = await tx.fetchval(
        "SELECT commerce.count_entries($1::text::tsquery, $2, $3, $4, $5, $6)",
        match,
        None if match else wanted.category_ids,
        wanted.min_minor,
        wanted.max_minor,
        wanted.published,
        limit,
    )
    return count


async def divide_found(
    tx: Transaction, match: str, wanted: Wanted, edges: Sequence[int], limit: int, kinds: Sequence[str]
) -> dict[str, Any]:
    """Numbers of the matches as in the database's function."""
    found: dict[str, Any] = await tx.fetchval(
        "SELECT commerce.divide_found($1::text::tsquery, $2, $3, $4, $5, $6)",
        match,
        wanted.min_minor,
        wanted.max_minor,
        edges,
        limit,
        kinds,
    )
    return found


async def list_known_words(tx: Transaction, words: Sequence[str]) -> list[Any]:
    return await tx.fetch(
        "SELECT word, products FROM commerce.search_word WHERE merchant_id = $1 AND word = ANY($2)",
        tx.merchant_id,
        words,
    )


async def has_beginning(tx: Transaction, beginning: str) -> bool:
    """Whether a known word begins so."""
    found: bool = await tx.fetchval(
        "SELECT EXISTS (SELECT FROM commerce.search_word WHERE merchant_id = $1 AND word >= $2 AND word < $2 || '~')",
        tx.merchant_id,
        beginning,
    )
    return found


async def list_near_words(tx: Transaction, forms: Sequence[str], limit: int) -> list[Any]:
    """Known words that have one of these forms, the most common first."""
    return await tx.fetch(
        "SELECT w.word, w.products FROM (SELECT DISTINCT word FROM commerce.search_slip"
        "   WHERE merchant_id = $1 AND form = ANY($2)) s"
        " JOIN commerce.search_word w ON w.merchant_id = $1 AND w.word = s.word"
        " ORDER BY w.products DESC, w.word LIMIT $3",
        tx.merchant_id,
        forms,
        limit,
    )


async def list_phrases(tx: Transaction, beginning: str, limit: int) -> list[Any]:
    """Phrases one of whose keys begins so, each once, the weightiest of each kind first."""
    return await tx.fetch(
        "SELECT kind, phrase, target, weight FROM (SELECT *, row_number() OVER (PARTITION BY kind"
        "     ORDER BY weight DESC, phrase) AS place FROM (SELECT DISTINCT ON (kind, phrase) kind, phrase, target, weight"
        "       FROM commerce.search_phrase WHERE merchant_id = $1 AND key >= $2 AND key < $2 || chr(1114109)"
        "         AND (kind <> 'query' OR weight >= $4)"
        "       ORDER BY kind, phrase) found) placed"
        " WHERE place <= $3 ORDER BY kind, place",
        tx.merchant_id,
        beginning,
        limit,
        SUGGESTED_FROM,
    )


async def insert_fresh(
    tx: Transaction, fresh_id: UUID, words: dict[str, int], brands: dict[str, int]
) -> None:
    await tx.execute(
        "INSERT INTO commerce.search_fresh (merchant_id, fresh_id, words, brands) VALUES ($1, $2, $3, $4)",
        tx.merchant_id,
        fresh_id,
        words,
        brands,
    )


async def insert_use(tx: Transaction, use_id: UUID, query: str, products: int) -> None:
    await tx.execute(
        "INSERT INTO commerce.search_use (merchant_id, use_id, query, products) VALUES ($1, $2, $3, $4)",
        tx.merchant_id,
        use_id,
        query,
        products,
    )


async def write_entries(
    tx: Transaction, product_ids: Sequence[UUID], vectors: Sequence[str], title_keys: Sequence[str]
) -> None:
    """Write index entries of products whose rows stand already."""
    await tx.execute(
        "SELECT commerce.write_entries($1, $2, $3)", product_ids, vectors, title_keys, timeout=120
    )


async def insert_stale(
    tx: Transaction, stale_id: UUID, product_ids: Sequence[UUID], is_reworded: bool
) -> None:
    await tx.execute(
        "INSERT INTO commerce.search_stale (merchant_id, stale_id, product_ids, is_reworded) VALUES ($1, $2, $3, $4)",
        tx.merchant_id,
        stale_id,
        product_ids,
        is_reworded,
    )


async def count_synonyms(tx: Transaction) -> int:
    count: int = await tx.fetchval(
        "SELECT count(*)::int FROM commerce.search_synonym WHERE merchant_id = $1", tx.merchant_id
    )
    return count


async def delete_synonym(tx: Transaction, term: str) -> None:
    await tx.execute(
        "DELETE FROM commerce.search_synonym WHERE merchant_id = $1 AND term = $2", tx.merchant_id, term
    )
