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


async def list_category_names(tx: Transaction) -> list[Any]:
    return await tx.fetch(
        "SELECT category_id, name, translations FROM commerce.category WHERE merchant_id = $1", tx.merchant_id
    )


async def list_products(tx: Transaction, after: UUID, limit: int) -> list[UUID]:
    """Ids of products in their order."""
    rows = await tx.fetch(
        "SELECT product_id FROM commerce.product WHERE merchant_id = $1 AND product_id > $2 ORDER BY product_id LIMIT $3",
        tx.merchant_id,
        after,
        limit,
    )
    return [row["product_id"] for row in rows]


async def lock_words(tx: Transaction, product_ids: Sequence[UUID]) -> list[Any]:
    """What index entries are made of, in the order of ids, locked until the transaction ends."""
    return await tx.fetch(
        "SELECT p.product_id, p.title, p.translations, p.brand, p.description, p.category_id,"
        " ARRAY(SELECT code FROM commerce.variant v, unnest(ARRAY[v.sku, v.gtin]) code"
        "     WHERE v.merchant_id = $1 AND v.product_id = p.product_id AND code IS NOT NULL"
        "   UNION SELECT ltrim(b.gtin, '0') FROM commerce.variant v JOIN commerce.barcode b"
        "       ON b.merchant_id = v.merchant_id AND b.sku_id = v.sku_id"
        "     WHERE v.merchant_id = $1 AND v.product_id = p.product_id) AS codes,"
        " ARRAY(SELECT m.alt FROM commerce.product_media m WHERE m.merchant_id = $1 AND m.product_id = p.product_id"
        "   AND m.deleted_at IS NULL AND m.alt <> '' ORDER BY m.position, m.media_id) AS alts,"
        " (SELECT v.content_text FROM commerce.variant v WHERE v.merchant_id = $1 AND v.product_id = p.product_id"
        "   ORDER BY v.position, v.sku_id LIMIT 1) AS content"
        " FROM commerce.product p WHERE p.merchant_id = $1 AND p.product_id = ANY($2) ORDER BY p.product_id"
        " FOR NO KEY UPDATE OF p",
        tx.merchant_id,
        product_ids,
        timeout=120,
    )


async def find_rebuild(tx: Transaction) -> UUID | None:
    """How far a rebuild that has not ended came; None when none was begun."""
    came: UUID | None = await tx.fetchval(
        "SELECT rebuilt_to FROM commerce.search_state WHERE merchant_id = $1", tx.merchant_id
    )
    return came


async def note_rebuild(tx: Transaction, came: UUID) -> None:
    await tx.execute(
        "INSERT INTO commerce.search_state (merchant_id, make, rebuilt_at, rebuilt_to) VALUES ($1, 0, now(), $2)"
        " ON CONFLICT (merchant_id) DO UPDATE SET rebuilt_to = excluded.rebuilt_to",
        tx.merchant_id,
        came,
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


async def count_products(tx: Transaction, before: UUID | None = None) -> int:
    """How many products there are, or how many up to one."""
    count: int = await tx.fetchval(
        "SELECT count(*)::int FROM commerce.product WHERE merchant_id = $1 AND ($2::uuid IS NULL OR product_id <= $2)",
        tx.merchant_id,
        before,
        timeout=60,
    )
    return count


async def update_popularity(tx: Transaction, days: int, half_life_days: int, most: int) -> None:
    """Popularity of all entries whose sales are another than they were."""
    await tx.execute(
        "WITH sold AS (SELECT l.product_id, round(sum(least(CASE WHEN l.scale > 0 THEN 1 ELSE l.quantity END, $4)"
        "     * power(0.5, extract(epoch FROM now() - o.paid_at) / 86400 / $3)))::int AS pieces"
        "   FROM commerce.sales_order o"
        "   JOIN commerce.order_line l ON l.merchant_id = o.merchant_id AND l.order_id = o.order_id"
        "   WHERE o.merchant_id = $1 AND o.placed_at > now() - make_interval(days => $2) AND o.paid_at IS NOT NULL"
        "     AND o.cancelled_at IS NULL GROUP BY l.product_id),"
        " now_popular AS (SELECT p.product_id, greatest(p.rank, 0) + coalesce(sold.pieces, 0) AS popularity"
        "   FROM commerce.product p LEFT JOIN sold ON sold.product_id = p.product_id WHERE p.merchant_id = $1)"
        " UPDATE commerce.search_entry e SET popularity = n.popularity FROM now_popular n"
        " WHERE e.merchant_id = $1 AND e.product_id = n.product_id AND e.popularity <> n.popularity",
        tx.merchant_id,
        days,
        half_life_days,
        most,
        timeout=240,
    )


async def arrange_levels(tx: Transaction, sizes: Sequence[int]) -> None:
    """Say of every entry in which level of best sellers it is; 9 in none."""
    await tx.execute(
        "WITH best AS (SELECT product_id, 1 + width_bucket(place - 1, $2::bigint[]) AS level FROM ("
        "     SELECT product_id, row_number() OVER (ORDER BY rank_key, product_id) AS place FROM commerce.search_entry"
        "     WHERE merchant_id = $1 AND published ORDER BY rank_key, product_id LIMIT $3) placed)"
        " UPDATE commerce.search_entry e SET level = n.level FROM (SELECT e.product_id, coalesce(best.level, 9) AS level"
        "     FROM commerce.search_entry e LEFT JOIN best ON best.product_id = e.product_id WHERE e.merchant_id = $1) n"
        " WHERE e.merchant_id = $1 AND e.product_id = n.product_id AND e.level <> n.level",
        tx.merchant_id,
        sizes,
        sizes[-1] if sizes else 0,
        timeout=240,
    )


async def measure_share(tx: Transaction) -> bool:
    """Whether at least half of the installation's entries are the merchant's, by what the planner knows of the table."""
    is_main: bool = await tx.fetchval(
        "SELECT reltuples > 0 AND 2 * (SELECT count(*) FROM commerce.search_entry WHERE merchant_id = $1) >= reltuples"
        " FROM pg_class WHERE oid = 'commerce.search_entry'::regclass",
        tx.merchant_id,
        timeout=60,
    )
    return is_main


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


async def note_lists(tx: Transaction, make: int, levels: int, is_main: bool) -> None:
    """The lists are up to date as of now. A merchant without a state yet has only entries of this make."""
    await tx.execute(
        "INSERT INTO commerce.search_state (merchant_id, make, rebuilt_at, lists_at, levels, is_main)"
        " VALUES ($1, $2, now(), now(), $3, $4) ON CONFLICT (merchant_id) DO UPDATE SET lists_at = excluded.lists_at,"
        "   levels = excluded.levels, is_main = excluded.is_main",
        tx.merchant_id,
        make,
        levels,
        is_main,
    )


async def set_make(tx: Transaction, make: int) -> None:
    await tx.execute(
        "INSERT INTO commerce.search_state (merchant_id, make, rebuilt_at) VALUES ($1, $2, now())"
        " ON CONFLICT (merchant_id) DO UPDATE SET make = excluded.make, rebuilt_at = excluded.rebuilt_at,"
        "   rebuilt_to = NULL",
        tx.merchant_id,
        make,
    )
