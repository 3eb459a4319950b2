"""What a process keeps of slow-moving tables: never older than the request that asks, and never a mixture."""

import asyncio
from collections.abc import Iterable
from typing import Any
from uuid import UUID

import pytest
from tests.shop import Shop

from serai.foundation.database import Database, open_database
from serai.foundation.ids import MerchantId, new_id
from serai.foundation.shelf import MOST_CHANGES, Shelf, Watch, keep

OTHER = MerchantId(new_id())


def kept(shelf: Shelf, merchant_id: UUID) -> set[Any]:
    return {key for kind in ("a", "b") for key in shelf.kind(merchant_id, kind)}


def put(shelf: Shelf, merchant_id: UUID, kind: str, key: UUID, ids: Iterable[UUID]) -> None:
    shelf.put(merchant_id, kind, {key: ("value", ids)}, shelf.mark(merchant_id))


def test_a_change_takes_what_is_about_it_and_nothing_else() -> None:
    shelf, merchant = Shelf(), new_id()
    one, two, product = new_id(), new_id(), new_id()
    put(shelf, merchant, "a", one, (one, product))
    put(shelf, merchant, "b", one, (one,))
    put(shelf, merchant, "a", two, (two, product))
    put(shelf, OTHER, "a", one, (one,))
    shelf.forget(merchant, [one])
    assert (kept(shelf, merchant), kept(shelf, OTHER), shelf.count) == ({two}, {one}, 2)
    shelf.forget(merchant, [product])
    assert (kept(shelf, merchant), shelf.count) == (set(), 1)
    put(shelf, merchant, "a", two, ())
    shelf.forget(merchant)
    assert (kept(shelf, merchant), kept(shelf, OTHER), shelf.count) == (set(), {one}, 1)


def test_what_was_read_before_a_change_is_not_kept() -> None:
    shelf, merchant, key = Shelf(), new_id(), new_id()
    mark = shelf.mark(merchant)
    shelf.forget(merchant, [new_id()])
    shelf.put(merchant, "a", {key: ("old", (key,))}, mark)
    assert kept(shelf, merchant) == set()
    mark = shelf.mark(merchant)
    shelf.forget_all()
    shelf.put(merchant, "a", {key: ("old", (key,))}, mark)
    assert kept(shelf, merchant) == set()


def test_a_full_shelf_is_emptied_instead_of_growing() -> None:
    shelf, merchant = Shelf(most=10), new_id()
    for _ in range(35):
        key = new_id()
        put(shelf, merchant, "a", key, (key,))
        assert shelf.count == len(kept(shelf, merchant)) <= 10


async def test_values_are_loaded_once_and_so_is_that_there_are_none() -> None:
    shelf, merchant = Shelf(), new_id()
    there, gone = new_id(), new_id()
    asked: list[list[UUID]] = []

    async def load(missing: list[UUID]) -> dict[UUID, tuple[str, tuple[UUID]]]:
        asked.append(missing)
        return {key: ("value", (key,)) for key in missing if key == there}

    for _ in range(3):
        assert await keep(shelf, merchant, "a", [there, gone], load) == {there: "value"}
    shelf.forget(merchant, [gone])
    assert await keep(shelf, merchant, "a", [there, gone], load) == {there: "value"}
    assert asked == [[there, gone], [gone]]
    assert await keep(None, merchant, "a", [there, gone], load) == {there: "value"}


@pytest.fixture
async def watched(shop: Shop, owner: Database, database_url: str) -> Any:
    """A database of a process of its own, whose watch looks for changes."""
    other = await open_database(database_url, size=3)
    other.watch = Watch(Shelf(), owner)
    yield other
    await other.close()


async def read_title(db: Database, shop: Shop, sku_id: UUID) -> str:
    async with db.reading(shop.merchant_id) as tx:

        async def load(missing: list[UUID]) -> dict[UUID, tuple[str, tuple[UUID, UUID]]]:
            rows = await tx.fetch(
                "SELECT v.sku_id, p.title, p.product_id FROM commerce.variant v JOIN commerce.product p"
                " USING (merchant_id, product_id) WHERE v.merchant_id = $1 AND v.sku_id = ANY($2)",
                tx.merchant_id,
                missing,
            )
            return {row[0]: (row[1], (row[0], row[2])) for row in rows}

        return (await tx.keep("title", [sku_id], load))[sku_id]


async def rename(shop: Shop, title: str) -> None:
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await tx.execute(
            "UPDATE commerce.product SET title = $2 WHERE merchant_id = $1", tx.merchant_id, title
        )


async def test_a_committed_change_is_seen_by_the_next_request(shop: Shop, watched: Database) -> None:
    sku_id = await shop.add_product(title="Tea")
    for round_no in range(20):
        await rename(shop, f"Tea {round_no}")
        assert await read_title(watched, shop, sku_id) == f"Tea {round_no}"
        assert await read_title(watched, shop, sku_id) == f"Tea {round_no}"


async def test_a_long_transaction_hides_no_change_and_its_own_comes_with_its_commit(
    shop: Shop, watched: Database, db: Database
) -> None:
    sku_id = await shop.add_product(title="Tea")
    other = await shop.add_product(title="Coffee")
    assert await read_title(watched, shop, other) == "Coffee"
    async with db.transaction(shop.merchant_id) as slow:
        await slow.execute(
            "UPDATE commerce.product SET title = 'Mocha' WHERE merchant_id = $1 AND title = 'Coffee'",
            shop.merchant_id,
        )
        for round_no in range(3):
            async with shop.commerce.db.transaction(shop.merchant_id) as tx:
                await tx.execute(
                    "UPDATE commerce.product SET title = $2 WHERE merchant_id = $1 AND title LIKE 'Tea%'",
                    tx.merchant_id,
                    f"Tea {round_no}",
                )
            assert await read_title(watched, shop, sku_id) == f"Tea {round_no}"
            assert await read_title(watched, shop, other) == "Coffee"
    assert await read_title(watched, shop, other) == "Mocha"


async def test_what_is_taken_back_was_no_change(shop: Shop, watched: Database) -> None:
    sku_id = await shop.add_product(title="Tea")
    assert await read_title(watched, shop, sku_id) == "Tea"
    with pytest.raises(ZeroDivisionError):
        async with shop.commerce.db.transaction(shop.merchant_id) as tx:
            await tx.execute(
                "UPDATE commerce.product SET title = 'Oops' WHERE merchant_id = $1", tx.merchant_id
            )
            raise ZeroDivisionError
    assert await read_title(watched, shop, sku_id) == "Tea"


async def test_a_warm_request_asks_nothing_and_many_share_one_look(shop: Shop, watched: Database) -> None:
    sku_id = await shop.add_product(title="Tea")
    assert await read_title(watched, shop, sku_id) == "Tea"
    assert watched.watch is not None
    pool, watched.pool = watched.pool, None  # type: ignore[assignment]  # whoever asks for a connection now breaks
    looks = watched.watch.looks
    try:
        titles = await asyncio.gather(*(read_title(watched, shop, sku_id) for _ in range(200)))
    finally:
        watched.pool = pool
    assert set(titles) == {"Tea"}
    assert watched.watch.looks - looks <= 2


async def test_more_changes_than_one_look_takes_drop_everything(shop: Shop, watched: Database) -> None:
    sku_id = await shop.add_product(title="Tea")
    assert await read_title(watched, shop, sku_id) == "Tea"
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await tx.execute(
            "INSERT INTO foundation.change (merchant_id, ids) SELECT $1, '{}' FROM generate_series(1, $2)",
            tx.merchant_id,
            MOST_CHANGES + 5,
        )
        await tx.execute("UPDATE commerce.product SET title = 'Last' WHERE merchant_id = $1", tx.merchant_id)
    assert await read_title(watched, shop, sku_id) == "Last"


async def test_every_watched_table_tells_of_each_kind_of_statement(owner: Database) -> None:
    rows = await owner.fetch(
        "SELECT t.tgrelid::regclass::text AS name, count(*) AS triggers FROM pg_trigger t"
        " WHERE t.tgfoid = 'foundation.note_change'::regproc GROUP BY 1"
    )
    told = {row["name"]: row["triggers"] for row in rows}
    assert {
        "commerce.product",
        "commerce.variant",
        "commerce.price_offer",
        "commerce.tax_rate",
    } <= told.keys()
    assert set(told.values()) == {3}


async def test_an_unreachable_database_is_told_and_later_nothing_old_is_left(
    shop: Shop, watched: Database, database_url: str
) -> None:
    sku_id = await shop.add_product(title="Tea")
    assert await read_title(watched, shop, sku_id) == "Tea"
    assert watched.watch is not None
    broken = await open_database(database_url, role=None, size=1)
    await broken.close()
    asks, watched.watch._owner = watched.watch._owner, broken
    with pytest.raises(Exception, match="closed"):
        await read_title(watched, shop, sku_id)
    await rename(shop, "Green tea")
    watched.watch._owner = asks
    assert await read_title(watched, shop, sku_id) == "Green tea"
