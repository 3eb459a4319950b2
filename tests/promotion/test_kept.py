"""Orders drafted out of memory: no statement when everything is warm, and never another price than the database's."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from tests.promotion.conftest import Desk
from tests.shop import ADDRESS, CONTACT

from serai.commerce.checkout.api import Draft, draft_order
from serai.commerce.promotion.api import stop_promotion
from serai.commerce.promotion.types import AmountOff, Audience, Terms, Tier
from serai.foundation.database import Database, open_database
from serai.foundation.errors import NotFound, Refused
from serai.foundation.ids import new_id
from serai.foundation.shelf import Shelf, Watch
from serai.identity.member.api import add_card_members, set_member_level

PLENTY_OF_USES = 100_000


@pytest.fixture
async def watched(owner: Database, database_url: str) -> AsyncIterator[Database]:
    other = await open_database(database_url, size=2)
    other.watch = Watch(Shelf(), owner)
    yield other
    await other.close()


async def add_member(desk: Desk) -> UUID:
    member_id = new_id()
    async with desk.commerce.db.transaction(desk.merchant_id) as tx:
        await add_card_members(tx, member_ids=[member_id], numbers=[member_id.hex[:12]], names=["Ann"])
    return member_id


async def draft(db: Database, desk: Desk, sku_id: UUID, **more: Any) -> Draft:
    opened = db.reading(desk.merchant_id) if db.watch else db.transaction(desk.merchant_id, "read")
    async with opened as tx:
        return await draft_order(
            tx,
            settings=desk.commerce.settings,
            order_id=new_id(),
            wanted={sku_id: 2},
            contact=CONTACT,
            address=ADDRESS,
            delivery="ship",
            place_id=None,
            locale="en",
            **more,
        )


async def test_a_warm_full_order_asks_nothing_of_the_database(desk: Desk, watched: Database) -> None:
    sku_id, member_id = await desk.shop.add_product(price_minor=1000), await add_member(desk)
    await desk.go_live(Terms(name="a", layer=3, benefit=AmountOff((Tier(500, 50),)), budget_minor=10**10))
    coupons = await desk.go_live(Terms(name="b", layer=4, benefit=AmountOff((Tier(0, 30),)), coupon=True))
    (coupon,) = await desk.issue(coupons, uses=PLENTY_OF_USES, code="WARM-UP")
    terms = {"member_id": member_id, "coupon_codes": (coupon.code,)}
    first = await draft(watched, desk, sku_id, **terms)
    assert [each.amount_minor for each in first.adjustments] == [50, 30]
    pool, watched.pool = watched.pool, None  # type: ignore[assignment]  # whoever asks for a connection now breaks
    try:
        second = await draft(watched, desk, sku_id, **terms)
    finally:
        watched.pool = pool
    assert (
        second.total_minor
        == first.total_minor
        == (await draft(desk.commerce.db, desk, sku_id, **terms)).total_minor
    )


async def test_promotions_coupons_and_levels_hold_from_the_next_order_on(
    desk: Desk, watched: Database
) -> None:
    sku_id, member_id = await desk.shop.add_product(price_minor=1000), await add_member(desk)

    async def both(**more: Any) -> tuple[Any, Any]:
        found = []
        for db in (watched, desk.commerce.db):
            try:
                made = await draft(db, desk, sku_id, **more)
                found.append((made.total_minor, [each.name for each in made.adjustments]))
            except Refused as error:
                found.append((error.code, []))
        return found[0], found[1]

    async def same(**more: Any) -> Any:
        kept, read = await both(**more)
        assert kept == read
        return kept

    plain = (await same())[0]
    promotion = await desk.go_live(Terms(name="a", layer=3, benefit=AmountOff((Tier(500, 50),))))
    assert (await same())[0] == plain - 50
    coupons = await desk.go_live(Terms(name="b", layer=4, benefit=AmountOff((Tier(0, 30),)), coupon=True))
    assert (await same(coupon_codes=("NEW-CODE",)))[0] == "coupon.unknown"
    await desk.issue(coupons, uses=PLENTY_OF_USES, code="NEW-CODE")
    assert (await same(coupon_codes=("NEW-CODE",)))[0] == plain - 80
    # A coupon in the member's hands is used without being entered.
    assert (await same(member_id=member_id))[0] == plain - 50
    await desk.issue(coupons, holder_id=member_id)
    assert (await same(member_id=member_id))[0] == plain - 80
    assert (await same())[0] == plain - 50
    async with desk.commerce.db.transaction(desk.merchant_id) as tx:
        await stop_promotion(tx, promotion_id=promotion.promotion_id, by="test")
    assert (await same(member_id=member_id))[0] == plain - 30
    assert (await same(member_id=new_id()))[0] == "member.unknown"
    async with desk.commerce.db.transaction(desk.merchant_id) as tx:
        await set_member_level(tx, member_id=member_id, level="gold", by="test")
    gold = Audience(member_levels=("gold",))
    await desk.go_live(Terms(name="gold", layer=3, benefit=AmountOff((Tier(0, 7),)), audience=gold))
    assert (await same(member_id=member_id))[0] == plain - 37
    assert (await same())[0] == plain


async def test_another_members_coupon_stays_unknown(desk: Desk, watched: Database) -> None:
    sku_id, one, two = await desk.shop.add_product(), await add_member(desk), await add_member(desk)
    coupons = await desk.go_live(Terms(name="b", layer=4, benefit=AmountOff((Tier(0, 30),)), coupon=True))
    (coupon,) = await desk.issue(coupons, holder_id=one)
    assert (
        len((await draft(watched, desk, sku_id, member_id=one, coupon_codes=(coupon.code,))).adjustments) == 1
    )
    for other in ({"member_id": two}, {}):
        with pytest.raises(NotFound):
            await draft(watched, desk, sku_id, coupon_codes=(coupon.code,), **other)
