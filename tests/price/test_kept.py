"""Offers judged in memory: the same as the database judges them, whoever asks and whenever."""

import random
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from tests.price.conftest import Tag
from tests.shop import Shop

from serai.commerce.catalogue.api import list_sale_items
from serai.commerce.price.api import list_offers, price_items
from serai.commerce.price.types import Buyer
from serai.commerce.tax.api import NewRate, TaxPlace, add_rate, tax_goods
from serai.foundation import clock
from serai.foundation.database import Database, open_database
from serai.foundation.shelf import Shelf, Watch


@pytest.fixture
async def watched(owner: Database, database_url: str) -> AsyncIterator[Database]:
    other = await open_database(database_url, size=2)
    other.watch = Watch(Shelf(), owner)
    yield other
    await other.close()


@pytest.mark.parametrize("seed", range(4))
async def test_kept_offers_are_those_of_the_database(
    shop: Shop, tag: Tag, watched: Database, seed: int
) -> None:
    draw = random.Random(seed)
    skus = [await shop.add_product(price_minor=1000) for _ in range(3)]
    now = clock.now()
    for _ in range(25):
        start = now + timedelta(hours=draw.randint(1, 4)) if draw.random() < 0.7 else None
        ends = (
            {"valid_to": (start or now) + timedelta(hours=draw.randint(1, 4))} if draw.random() < 0.6 else {}
        )
        scope = draw.choice(
            [
                {},
                {"kind": "local", "channel": "app"},
                {"kind": "local", "place_id": shop.store.place_id},
                {"kind": "member", "member_level": "gold"},
                {"kind": "tier", "min_quantity": 3},
            ]
        )
        starts = {"valid_from": start} if start else {}
        offer = await tag.offer(draw.choice(skus), draw.randint(500, 990), **scope, **starts, **ends)
        if draw.random() < 0.2:
            await tag.end(offer)
    buyers = [
        Buyer(channel, place, level)
        for channel in ("web", "app")
        for place in (None, shop.store.place_id)
        for level in (None, "gold")
    ]
    moments = [now + timedelta(minutes=30 * step) for step in range(16)]
    for at in moments:
        for buyer in buyers:
            asked = {
                "sku_ids": skus,
                "channel": buyer.channel,
                "place_id": buyer.place_id,
                "member_level": buyer.member_level,
                "at": at,
            }
            async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
                items = await list_sale_items(tx, sku_ids=skus)
                expected = (
                    await list_offers(tx, **asked),
                    await price_items(tx, items=items, buyer=buyer, at=at),
                )
            async with watched.reading(shop.merchant_id) as tx:
                items = await list_sale_items(tx, sku_ids=skus)
                found = await list_offers(tx, **asked), await price_items(tx, items=items, buyer=buyer, at=at)
            assert found == expected, (at, buyer)


async def test_kept_tax_rates_are_those_of_the_database(shop: Shop, watched: Database) -> None:
    sku_id, now = await shop.add_product(), clock.now()
    for hours, ppm in ((1, 70_000), (2, 190_000), (3, None), (4, 50_000)):
        async with shop.commerce.db.transaction(shop.merchant_id) as tx:
            rate = NewRate(
                country="DE",
                name="VAT",
                rate_ppm=ppm,
                included=True,
                valid_from=now + timedelta(hours=hours),
                reason="test",
            )
            await add_rate(tx, rate=rate, by="test")
    for step in range(12):
        terms = {
            "goods": [(sku_id, 10_000)],
            "shipping_minor": 500,
            "place": TaxPlace("DE", ""),
            "at": now + timedelta(minutes=30 * step),
        }
        async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
            expected = await tax_goods(tx, **terms)
        async with watched.reading(shop.merchant_id) as tx:
            assert await tax_goods(tx, **terms) == expected, step
