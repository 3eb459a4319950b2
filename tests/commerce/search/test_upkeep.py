"""Keeping the index: vocabulary counted in, entries made afresh, phrases to suggest, many writers at once."""

import asyncio

import pytest
from tests.shop import Shop

from serai.commerce.catalogue import api as catalogue
from serai.commerce.search import api as search
from serai.commerce.search import rebuild_index as rebuild
from serai.commerce.search.rebuild_index import MAKE, rebuild_index
from serai.commerce.search.refresh_lists import refresh_lists
from serai.commerce.search.refresh_words import refresh_words
from serai.commerce.search.store import SUGGESTED_FROM
from serai.foundation.database import Database


async def count_in(shop: Shop) -> int:
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        return await refresh_words(tx)


async def list_phrases(shop: Shop, beginning: str) -> list[tuple[str, str]]:
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        return [(p.kind, p.phrase) for p in await search.list_phrases(tx, beginning=beginning)]


async def test_many_writers_of_the_same_words_do_not_wait_for_each_other_in_a_circle(shop: Shop) -> None:
    await asyncio.gather(
        *(
            shop.add_product(" ".join(words), stock=0)
            for n in range(12)
            for words in (["Apple", "Banana", f"Cherry{n}"], [f"Cherry{n}", "Banana", "Apple"])
        )
    )
    taken = await asyncio.gather(*(count_in(shop) for _ in range(4)))
    while left := await count_in(shop):
        taken.append(left)
    assert sum(taken) == 24
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        found = await catalogue.search_products(tx, query="aple")
        assert found.query == "apple"
        assert found.facets.total == 24
        count = await tx.fetchval(
            "SELECT products FROM commerce.search_word WHERE merchant_id = $1 AND word = 'apple'",
            shop.merchant_id,
        )
    assert count == 24


async def test_a_rebuild_repairs_entries_and_forgets_words_that_are_gone(shop: Shop, owner: Database) -> None:
    await shop.add_product("带根毛芹 500克", stock=0)
    await shop.add_product("Chocolate bar", stock=0)
    await count_in(shop)
    await owner.execute(
        "UPDATE commerce.product SET title = replace(title, 'Chocolate', 'Cocoa') WHERE merchant_id = $1",
        shop.merchant_id,
    )
    await owner.execute(
        "UPDATE commerce.search_entry SET search = '', title_key = '' WHERE merchant_id = $1",
        shop.merchant_id,
    )
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        assert not (await catalogue.list_products(tx, query="maoqin")).items
    told: list[tuple[int, int]] = []
    assert await rebuild_index(shop.commerce.db, shop.merchant_id, report=lambda *n: told.append(n)) == 2
    assert told == [(2, 2)]
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        assert len((await catalogue.list_products(tx, query="maoqin")).items) == 1
        assert (await catalogue.search_products(tx, query="coco")).query == "coco"
        assert await search.find_correction(tx, text="coacoa") == "cocoa"
        assert await search.find_correction(tx, text="choclate") is None


async def test_brands_and_categories_are_suggested_by_their_beginning_in_any_script(shop: Shop) -> None:
    await shop.add_product("Rice", stock=0)
    await count_in(shop)
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await refresh_lists(tx, make=MAKE)
    assert await list_phrases(shop, "own") == [("brand", "Own brand")]
    assert await list_phrases(shop, "BRA") == [("brand", "Own brand")]
    for beginning in ("pan", "食品", "shipin", "spg"):
        assert await list_phrases(shop, beginning) == [("category", "Pantry")], beginning
    assert await list_phrases(shop, "%") == []


async def test_a_search_is_suggested_to_others_only_after_some_have_made_it(shop: Shop) -> None:
    for turn in range(SUGGESTED_FROM):
        assert ("query", "brown rice") not in await list_phrases(shop, "brown")
        async with shop.commerce.db.transaction(shop.merchant_id) as tx:
            await search.note_use(tx, text="Brown  rice", products=3)
            await search.note_use(tx, text="brown nothing", products=0)
        assert await count_in(shop) == 1, turn
    assert await list_phrases(shop, "brown") == [("query", "brown rice")]


async def test_a_rebuild_that_was_killed_goes_on_where_it_came_to(
    shop: Shop, owner: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(7):
        await shop.add_product(f"Apple {number}", stock=0)
    await count_in(shop)
    await owner.execute(
        "UPDATE commerce.search_entry SET search = '', title_key = '' WHERE merchant_id = $1",
        shop.merchant_id,
    )
    monkeypatch.setattr(rebuild, "BATCH", 2)

    class Killed(Exception):
        pass

    def kill(done: int, _total: int) -> None:
        if done == 4:
            raise Killed

    with pytest.raises(Killed):
        await rebuild_index(shop.commerce.db, shop.merchant_id, report=kill)
    told: list[tuple[int, int]] = []
    made = await rebuild_index(shop.commerce.db, shop.merchant_id, report=lambda *n: told.append(n))
    assert (made, told) == (3, [(6, 7), (7, 7)])
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        found = await catalogue.search_products(tx, query="aple")
        count = await tx.fetchval(
            "SELECT products FROM commerce.search_word WHERE merchant_id = $1 AND word = 'apple'",
            shop.merchant_id,
        )
    assert (found.query, found.facets.total, count) == ("apple", 7, 7)
    # One that has ended leaves nothing to go on from.
    assert await rebuild_index(shop.commerce.db, shop.merchant_id) == 7
