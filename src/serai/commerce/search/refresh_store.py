"""SQL of search's upkeep: vocabulary, phrases, best sellers, and the rebuilding of index entries."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from serai.foundation.database import Database, Transaction


async def lock_refresh(tx: Transaction) -> bool:
    """Whether this transaction is the only one that changes the merchant's vocabulary, until it ends."""
    free: bool = await tx.fetchval(
        "SELECT pg_try_advisory_xact_lock(hashtextextended('commerce.search ' || ($1::uuid)::text, 0))",
        tx.merchant_id,
    )
    return free


async def take_fresh(tx: Transaction, limit: int) -> list[Any]:
    return await tx.fetch(
        "DELETE FROM commerce.search_fresh WHERE merchant_id = $1 AND fresh_id IN (SELECT fresh_id"
        "   FROM commerce.search_fresh WHERE merchant_id = $1 ORDER BY fresh_id LIMIT $2) RETURNING words, brands",
        tx.merchant_id,
        limit,
    )


async def take_uses(tx: Transaction, limit: int) -> list[Any]:
    return await tx.fetch(
        "DELETE FROM commerce.search_use WHERE merchant_id = $1 AND use_id IN (SELECT use_id"
        "   FROM commerce.search_use WHERE merchant_id = $1 ORDER BY use_id LIMIT $2) RETURNING query, products",
        tx.merchant_id,
        limit,
    )


async def upsert_words(tx: Transaction, words: Sequence[str], products: Sequence[int]) -> list[str]:
    """Add to the counts; returns the words that are new."""
    rows = await tx.fetch(
        "INSERT INTO commerce.search_word AS w (merchant_id, word, products)"
        " SELECT $1, * FROM unnest($2::text[], $3::int[])"
        " ON CONFLICT (merchant_id, word) DO UPDATE SET products = w.products + excluded.products"
        " RETURNING word, products, (xmax = 0) AS is_new",
        tx.merchant_id,
        words,
        products,
        timeout=120,
    )
    return [row["word"] for row in rows if row["is_new"]]


async def insert_slips(tx: Transaction, forms: Sequence[str], words: Sequence[str]) -> None:
    await tx.execute(
        "INSERT INTO commerce.search_slip (merchant_id, form, word) SELECT $1, * FROM unnest($2::text[], $3::text[])"
        " ON CONFLICT DO NOTHING",
        tx.merchant_id,
        forms,
        words,
        timeout=120,
    )


async def upsert_phrases(tx: Transaction, kind: str, rows: Sequence[tuple[str, str, int]]) -> None:
    """Rows are (phrase, key, weight); weights add up."""
    await tx.execute(
        "INSERT INTO commerce.search_phrase AS p (merchant_id, kind, phrase, key, weight)"
        " SELECT $1, $2, * FROM unnest($3::text[], $4::text[], $5::int[])"
        " ON CONFLICT (merchant_id, kind, phrase, key) DO UPDATE SET weight = p.weight + excluded.weight",
        tx.merchant_id,
        kind,
        [row[0] for row in rows],
        [row[1] for row in rows],
        [row[2] for row in rows],
        timeout=120,
    )


async def replace_category_phrases(tx: Transaction, rows: Sequence[tuple[str, str, int, UUID]]) -> None:
    """Rows are (phrase, key, weight, category_id)."""
    await tx.execute(
        "DELETE FROM commerce.search_phrase WHERE merchant_id = $1 AND kind = 'category'", tx.merchant_id
    )
    await tx.execute(
        "INSERT INTO commerce.search_phrase (merchant_id, kind, phrase, key, weight, target)"
        " SELECT $1, 'category', * FROM unnest($2::text[], $3::text[], $4::int[], $5::uuid[]) ON CONFLICT DO NOTHING",
        tx.merchant_id,
        *([row[i] for row in rows] for i in range(4)),
    )


async def list_categories(tx: Transaction) -> list[Any]:
    return await tx.fetch(
        "SELECT c.category_id, c.name, c.translations, c.published, (SELECT count(*)::int FROM commerce.product p"
        "   WHERE p.merchant_id = $1 AND p.category_id = c.category_id AND p.published) AS products"
        " FROM commerce.category c WHERE c.merchant_id = $1",
        tx.merchant_id,
        timeout=60,
    )


async def list_products(tx: Transaction, after: UUID, limit: int) -> list[Any]:
    """What index entries are made of, in the order of ids, locked until the transaction ends."""
    return await tx.fetch(
        "SELECT p.product_id, p.title, p.translations, p.brand, p.description, p.category_id,"
        " (SELECT array_agg(code) FROM commerce.variant v, unnest(ARRAY[v.sku, v.gtin]) code"
        "   WHERE v.merchant_id = $1 AND v.product_id = p.product_id AND code IS NOT NULL) AS codes,"
        " (SELECT v.content_text FROM commerce.variant v WHERE v.merchant_id = $1 AND v.product_id = p.product_id"
        "   ORDER BY v.position, v.sku_id LIMIT 1) AS content"
        " FROM commerce.product p WHERE p.merchant_id = $1 AND p.product_id > $2 ORDER BY p.product_id LIMIT $3"
        " FOR NO KEY UPDATE OF p",
        tx.merchant_id,
        after,
        limit,
        timeout=120,
    )


async def update_entries(
    tx: Transaction, product_ids: Sequence[UUID], vectors: Sequence[str], title_keys: Sequence[str]
) -> None:
    """Write index entries. The product's version stays: nothing that anybody edits has changed."""
    await tx.execute(
        "UPDATE commerce.product p SET search = n.vector::tsvector, title_key = n.title_key"
        " FROM unnest($2::uuid[], $3::text[], $4::text[]) n (id, vector, title_key)"
        " WHERE p.merchant_id = $1 AND p.product_id = n.id",
        tx.merchant_id,
        product_ids,
        vectors,
        title_keys,
        timeout=120,
    )


async def delete_vocabulary(tx: Transaction) -> None:
    """Forget words and brands, to count them afresh; searches stay."""
    for statement in (
        "DELETE FROM commerce.search_slip WHERE merchant_id = $1",
        "DELETE FROM commerce.search_word WHERE merchant_id = $1",
        "DELETE FROM commerce.search_fresh WHERE merchant_id = $1",
        "DELETE FROM commerce.search_phrase WHERE merchant_id = $1 AND kind = 'brand'",
    ):
        await tx.execute(statement, tx.merchant_id, timeout=120)


async def count_products(tx: Transaction) -> int:
    count: int = await tx.fetchval(
        "SELECT count(*)::int FROM commerce.product WHERE merchant_id = $1 AND published", tx.merchant_id
    )
    return count


async def replace_head(tx: Transaction, sizes: Sequence[int]) -> None:
    """Keep the best sellers' entries apart: the first ``sizes[0]`` as level 1, those up to ``sizes[1]`` as level 2."""
    await tx.execute("DELETE FROM commerce.search_head WHERE merchant_id = $1", tx.merchant_id, timeout=120)
    if not sizes:
        return
    await tx.execute(
        "INSERT INTO commerce.search_head (merchant_id, product_id, search, level)"
        " SELECT merchant_id, product_id, search, CASE WHEN place <= $2 THEN 1 ELSE 2 END FROM (SELECT merchant_id,"
        "     product_id, search, row_number() OVER (ORDER BY -rank::bigint, product_id) AS place FROM commerce.product"
        "   WHERE merchant_id = $1 AND published ORDER BY -rank::bigint, product_id LIMIT $3) best",
        tx.merchant_id,
        sizes[0],
        sizes[-1],
        timeout=120,
    )


async def list_waiting(owner: Database) -> list[UUID]:
    """Merchants with something to count in."""
    rows = await owner.fetch(
        "SELECT merchant_id FROM commerce.search_fresh UNION SELECT merchant_id FROM commerce.search_use ORDER BY 1"
    )
    return [row["merchant_id"] for row in rows]


async def list_old_indexes(owner: Database, make: int) -> list[UUID]:
    """Merchants whose products' entries an older version made."""
    rows = await owner.fetch(
        "SELECT merchant_id FROM commerce.search_state WHERE make < $1 ORDER BY merchant_id", make
    )
    return [row["merchant_id"] for row in rows]


async def list_stale_lists(owner: Database, minutes: int) -> list[UUID]:
    """Merchants with products whose lists are older than so many minutes or were never made."""
    rows = await owner.fetch(
        "SELECT c.merchant_id FROM (SELECT DISTINCT merchant_id FROM commerce.category) c"
        " LEFT JOIN commerce.search_state s ON s.merchant_id = c.merchant_id"
        " WHERE s.lists_at IS NULL OR s.lists_at < now() - make_interval(mins => $1) ORDER BY c.merchant_id",
        minutes,
    )
    return [row["merchant_id"] for row in rows]


async def note_lists(tx: Transaction, make: int) -> None:
    """The lists are up to date as of now. A merchant without a state yet has only entries of this make."""
    await tx.execute(
        "INSERT INTO commerce.search_state (merchant_id, make, rebuilt_at, lists_at) VALUES ($1, $2, now(), now())"
        " ON CONFLICT (merchant_id) DO UPDATE SET lists_at = excluded.lists_at",
        tx.merchant_id,
        make,
    )


async def set_make(tx: Transaction, make: int) -> None:
    await tx.execute(
        "INSERT INTO commerce.search_state (merchant_id, make, rebuilt_at) VALUES ($1, $2, now())"
        " ON CONFLICT (merchant_id) DO UPDATE SET make = excluded.make, rebuilt_at = excluded.rebuilt_at",
        tx.merchant_id,
        make,
    )
