"""Putting something into the cart and opening a product's page cost the same in a shop of ten SKUs and of 100,000, and with one
line in the cart and with fifty: counted in statements and in rows that the database touched, never in seconds.

(Acceptance test 15, from medusa #2465 and #13335, where nine lines took seconds.)
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import msgspec
import pytest
from tests.console.shop import Shop
from tests.storefront.conftest import Enter
from tests.storefront.shopper import Shopper

from serai.commerce.stock.api import receive_stock
from serai.foundation.database import Database, Transaction
from serai.foundation.ids import MerchantId

MANY, BATCH = 100_000, 5_000
LINES = 50
# Line, variant, product, category, price, stock and the like, some of them for the page around it.
PER_LINE = 20
TOUCHED = (
    "SELECT coalesce(sum(seq_tup_read + coalesce(idx_tup_fetch, 0)), 0)::bigint FROM pg_stat_xact_all_tables"
    " WHERE schemaname NOT IN ('pg_catalog', 'pg_toast')"
)


class Cost(msgspec.Struct):
    """What transactions took: statements sent, rows that the database read for them."""

    statements: int = 0
    rows: int = 0


@pytest.fixture
def meter(monkeypatch: pytest.MonkeyPatch) -> Cost:
    """Counts what every transaction of a merchant takes from now on."""
    cost = Cost()
    inner = Database.transaction

    @asynccontextmanager
    async def metered(self: Database, merchant_id: Any, mode: Any = "write") -> AsyncIterator[Transaction]:
        def count(_query: Any) -> None:
            cost.statements += 1

        async with inner(self, merchant_id, mode) as tx:
            before = await tx.fetchval(TOUCHED)
            with tx.connection.query_logger(count):
                yield tx
            cost.rows += await tx.fetchval(TOUCHED) - before

    monkeypatch.setattr(Database, "transaction", metered)
    return cost


async def fill(owner: Database, shop: Shop, first: int, count: int) -> list[UUID]:
    """So many more products with price and stock book, by the shortest way; their SKUs' ids in order."""
    merchant, category = shop.merchant.merchant_id, shop.category.category_id
    async with owner.pool.acquire() as connection, connection.transaction():
        # However long a busy machine takes.
        await connection.execute("SET LOCAL statement_timeout = 0")
        rows = await connection.fetch(
            "INSERT INTO commerce.product (merchant_id, product_id, category_id, slug, title, published)"
            " SELECT $1, md5(($1::uuid)::text || n)::uuid, $2, 'good-' || n, 'Good ' || n, true"
            " FROM generate_series($3::int, $3 + $4 - 1) n RETURNING product_id",
            merchant,
            category,
            first,
            count,
        )
        ids = [row["product_id"] for row in rows]
        await connection.execute(
            "INSERT INTO commerce.variant (merchant_id, sku_id, product_id, sku, currency, price_minor)"
            " SELECT $1, id, id, 'SKU-' || id, 'USD', 250 FROM unnest($2::uuid[]) id",
            merchant,
            ids,
        )
        await connection.execute(
            "INSERT INTO commerce.price_entry (merchant_id, price_id, sku_id, currency, amount_minor, valid_from,"
            "   reason, created_by) SELECT $1, id, id, 'USD', 250, now(), 'test', 'test' FROM unnest($2::uuid[]) id",
            merchant,
            ids,
        )
        await connection.execute(
            "INSERT INTO commerce.search_entry (merchant_id, product_id, category_id, published, created_at, brand,"
            "   title_key, search) SELECT $1, id, $3, true, now(), '', '', 'good' FROM unnest($2::uuid[]) id",
            merchant,
            ids,
            category,
        )
    return ids


async def stock(shop: Shop, sku_ids: Sequence[UUID]) -> None:
    for sku_id in sku_ids:
        await receive_stock(
            shop.commerce,
            MerchantId(shop.merchant.merchant_id),
            sku_id=sku_id,
            place_id=shop.online.place_id,
            quantity=500,
            reason="opening",
            by="test",
            key="opening",
        )


async def gather(owner: Database) -> None:
    """What autovacuum does after a while; plans follow it."""
    for table in ("product", "variant", "price_entry", "search_entry", "cart_line"):
        await owner.execute(f"ANALYZE commerce.{table}")


async def cost_of(meter: Cost, action: Any) -> Cost:
    """Of the second time: the first one fills the process's memories."""
    await action()
    meter.statements = meter.rows = 0
    await action()
    return Cost(meter.statements, meter.rows)


async def measure(meter: Cost, shopper: Shopper, sku_id: UUID, slug: str) -> dict[str, Cost]:
    async def add() -> None:
        answer = await shopper.add(sku_id)
        assert answer.status_code == 303

    async def look() -> None:
        assert (await shopper.get(f"/p/{slug}")).status_code == 200

    return {"cart": await cost_of(meter, add), "page": await cost_of(meter, look)}


async def test_cart_and_page_cost_the_same_among_ten_and_a_hundred_thousand_skus(
    enter: Enter, shop: Shop, owner: Database, meter: Cost
) -> None:
    few = await fill(owner, shop, 1, 10)
    await stock(shop, few)
    await gather(owner)
    shopper = await enter()
    small = await measure(meter, shopper, few[3], "good-4")
    for first in range(11, MANY, BATCH):
        await fill(owner, shop, first, BATCH)
        # Keys are checked by plans that a connection keeps: without this, by those for ten rows.
        await gather(owner)
    large = await measure(meter, shopper, few[3], "good-4")
    for name in small:
        assert large[name].statements == small[name].statements, name
        assert large[name].rows <= small[name].rows + 5, name


async def test_the_fiftieth_line_costs_what_the_first_did_but_for_the_lines_themselves(
    enter: Enter, shop: Shop, owner: Database, meter: Cost
) -> None:
    skus = await fill(owner, shop, 1, LINES)
    await stock(shop, skus)
    await gather(owner)
    shopper = await enter()
    short = await measure(meter, shopper, skus[0], "good-1")
    for sku_id in skus[1:]:
        assert (await shopper.add(sku_id)).status_code == 303
    assert len(await shopper.list_lines()) == LINES
    full = await measure(meter, shopper, skus[0], "good-1")
    for name in short:
        assert full[name].statements == short[name].statements, name
        assert full[name].rows <= short[name].rows + PER_LINE * LINES, name
