"""Offers in the database: who gets which, when they begin and end, and list prices to come."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from tests.price.conftest import Tag, later
from tests.shop import Shop

from serai.commerce.cart.api import accept_changes, add_line, find_cart, set_line
from serai.commerce.catalogue.api import list_prices, load_variant
from serai.commerce.price.api import find_offer, list_history, list_offers, list_reductions
from serai.commerce.price.jobs import apply_prices
from serai.foundation import clock
from serai.foundation.database import Database
from serai.foundation.errors import Conflict, Invalid, NotFound
from serai.foundation.event import list_subject_events
from serai.foundation.ids import new_id
from serai.identity.member.api import register_member, set_member_level
from serai.identity.member.store import find_by_email

Check = Callable[[], Awaitable[None]]


async def amounts(shop: Shop, sku_id: Any, **asked: Any) -> list[int]:
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        found = await list_offers(tx, sku_ids=[sku_id], **asked)
    return [offer.amount_minor for offer in found.get(sku_id, ())]


async def test_offers_hold_for_their_channel_store_and_level_only(shop: Shop, tag: Tag) -> None:
    sku_id = await shop.add_product(price_minor=1000)
    await tag.offer(sku_id, 900)
    await tag.offer(sku_id, 880, kind="local", channel="app")
    await tag.offer(sku_id, 860, kind="local", place_id=shop.store.place_id)
    await tag.offer(sku_id, 840, kind="member", member_level="gold")
    await tag.offer(sku_id, 820, kind="tier", min_quantity=5)
    assert await amounts(shop, sku_id) == [820, 900]
    assert await amounts(shop, sku_id, channel="app") == [820, 880, 900]
    assert await amounts(shop, sku_id, place_id=shop.store.place_id) == [820, 860, 900]
    assert await amounts(shop, sku_id, member_level="gold") == [820, 840, 900]
    assert await amounts(shop, sku_id, member_level="silver") == [820, 900]


async def test_offers_begin_on_the_moment_and_end_before_theirs(shop: Shop, tag: Tag) -> None:
    sku_id = await shop.add_product(price_minor=1000)
    start, end = later(days=1), later(days=2)
    # The same moments in another zone: windows are moments, not clock faces.
    zone = timezone(timedelta(hours=8))
    await tag.offer(sku_id, 900, valid_from=start.astimezone(zone), valid_to=end.astimezone(zone))
    tick = timedelta(microseconds=1)
    for moment, expected in ((start - tick, []), (start, [900]), (end - tick, [900]), (end, [])):
        assert await amounts(shop, sku_id, at=moment) == expected, moment


async def test_a_cart_shows_the_price_of_its_quantity_and_calls_that_no_change(shop: Shop, tag: Tag) -> None:
    sku_id = await shop.add_product(price_minor=1000, stock=50)
    await tag.offer(sku_id, 900)
    await tag.offer(sku_id, 700, kind="tier", min_quantity=3)
    owner, cart_id = await shop.fill_cart((sku_id, 2))
    cart = await tag.cart(owner, find_cart)
    line = cart.lines[0]
    assert (line.price_minor, line.list_price_minor, line.total_minor, line.problem) == (
        900,
        1000,
        1800,
        None,
    )
    more = await tag.cart(
        owner, lambda tx, owner: set_line(tx, owner=owner, cart_id=cart_id, line_id=line.line_id, quantity=3)
    )
    assert (more.items_minor, more.changes) == (2100, ())
    assert (await tag.quote(owner)).items_minor == 2100
    fewer = await tag.cart(
        owner, lambda tx, owner: set_line(tx, owner=owner, cart_id=cart_id, line_id=line.line_id, quantity=1)
    )
    assert (fewer.items_minor, fewer.changes) == (900, ())
    grown = await tag.cart(owner, lambda tx, owner: add_line(tx, owner=owner, sku_id=sku_id, quantity=4))
    assert (grown.items_minor, grown.changes) == (3500, ())


async def test_an_offer_that_ends_is_told_before_it_is_paid(
    shop: Shop, tag: Tag, assert_clean: Check
) -> None:
    sku_id = await shop.add_product(price_minor=1000)
    sale = await tag.offer(sku_id, 800)
    owner, cart_id = await shop.fill_cart((sku_id, 1))
    digest = (await tag.quote(owner)).digest
    await tag.end(sale)
    with pytest.raises(Conflict) as refused:
        await shop.place_cart(owner, cart_id, digest=digest)
    assert refused.value.code == "checkout.changed"
    cart = await tag.cart(owner, find_cart)
    assert [(c.before, c.now) for c in cart.changes] == [(800, 1000)]
    await tag.cart(owner, accept_changes)
    placed = await shop.place_cart(owner, cart_id)
    assert (await tag.order(placed.order_id)).items_minor == 1000
    await assert_clean()


async def test_an_order_is_sold_at_the_offer_and_at_nothing_when_the_offer_is_nothing(
    shop: Shop, tag: Tag, assert_clean: Check
) -> None:
    sku_id, gratis = await shop.add_product(price_minor=1000), await shop.add_product(price_minor=500)
    await tag.offer(sku_id, 750)
    await tag.offer(gratis, 0, kind="clearance")
    placed = await shop.place((sku_id, 2), (gratis, 1))
    order = await tag.order(placed.order_id)
    assert [(line.price_minor, line.total_minor) for line in order.lines] == [(750, 1500), (0, 0)]
    await assert_clean()


async def test_a_store_price_counts_for_pick_up_there_and_a_level_for_its_member(
    shop: Shop, tag: Tag, assert_clean: Check
) -> None:
    sku_id = await shop.add_product(price_minor=1000, store_stock=5)
    await tag.offer(sku_id, 700, kind="local", place_id=shop.store.place_id)
    await tag.offer(sku_id, 600, kind="member", member_level="gold")
    owner, cart_id = await shop.fill_cart((sku_id, 1))
    pick_up: dict[str, Any] = {"delivery": "pickup", "place_id": shop.store.place_id}
    assert (await tag.quote(owner)).items_minor == 1000
    assert (await tag.quote(owner, **pick_up)).items_minor == 700
    await register_member(
        shop.commerce.db, shop.merchant_id, email="gold@example.com", password="correct horse 9", name="Gold"
    )
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        member_id = (await find_by_email(tx, "gold@example.com"))["member_id"]
    assert (await tag.quote(owner, member_id=member_id)).items_minor == 1000
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await set_member_level(tx, member_id=member_id, level="gold", by="test")
    assert (await tag.quote(owner, member_id=member_id)).items_minor == 600
    placed = await shop.place_cart(owner, cart_id, **pick_up)
    assert (await tag.order(placed.order_id)).items_minor == 700
    await assert_clean()


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({"valid_from": datetime(2020, 1, 1, tzinfo=UTC)}, "valid_from"),
        ({"valid_from": datetime(2999, 1, 1, tzinfo=UTC)}, "valid_from"),
        ({"valid_from": datetime(2026, 1, 1)}, "valid_from"),
        ({"valid_to": datetime(2020, 1, 1, tzinfo=UTC)}, "valid_to"),
        ({"kind": "sale", "member_level": "gold"}, "kind"),
        ({"kind": "clearance", "min_quantity": 2}, "kind"),
        ({"kind": "member"}, "member_level"),
        ({"kind": "member", "member_level": "Gold; DROP"}, "member_level"),
        ({"kind": "tier"}, "min_quantity"),
        ({"kind": "tier", "min_quantity": 0}, "min_quantity"),
        ({"kind": "tier", "min_quantity": 10**9}, "min_quantity"),
        ({"kind": "local"}, "channel"),
        ({"kind": "local", "channel": "fax"}, "channel"),
        ({"kind": "list", "channel": "web"}, "kind"),
        ({"kind": "gift"}, "kind"),
        ({"amount_minor": -1}, "price"),
        ({"amount_minor": 10**15}, "price"),
    ],
)
async def test_terms_that_contradict_each_other_are_refused_and_nothing_is_kept(
    shop: Shop, tag: Tag, terms: dict[str, Any], field: str
) -> None:
    sku_id = await shop.add_product(price_minor=1000)
    with pytest.raises(Invalid) as refused:
        await tag.offer(sku_id, terms.pop("amount_minor", 900), **terms)
    assert refused.value.data["field"] == field
    assert await amounts(shop, sku_id) == []


async def test_offers_name_things_of_their_own_merchant(shop: Shop, tag: Tag) -> None:
    sku_id = await shop.add_product()
    with pytest.raises(NotFound):
        await tag.offer(new_id(), 100)
    with pytest.raises(NotFound):
        await tag.offer(sku_id, 100, kind="local", place_id=new_id())


async def test_an_offer_ends_once_and_its_terms_can_never_be_rewritten(shop: Shop, tag: Tag) -> None:
    sku_id = await shop.add_product(price_minor=1000)
    sale = await tag.offer(sku_id, 900)
    first, second = await asyncio.gather(tag.end(sale), tag.end(sale))
    assert first.ended_at == second.ended_at
    assert await amounts(shop, sku_id) == []
    for change in ("amount_minor = 1", "valid_from = now() - interval '99 days'", "kind = 'tier'"):
        with pytest.raises(Exception, match="permission denied"):
            async with shop.commerce.db.transaction(shop.merchant_id) as tx:
                await tx.execute(f"UPDATE commerce.price_offer SET {change}")
    with pytest.raises(Exception, match="permission denied"):
        async with shop.commerce.db.transaction(shop.merchant_id) as tx:
            await tx.execute("DELETE FROM commerce.price_offer")


# ---- List prices to come -------------------------------------------------------------------------------------------


async def test_a_planned_price_holds_from_its_moment_before_and_after_the_job_and_is_entered_once(
    shop: Shop, tag: Tag, owner: Database, assert_clean: Check
) -> None:
    sku_id = await shop.add_product(price_minor=1000)
    planned = await tag.offer(sku_id, 1200, kind="list", valid_from=later(hours=1))
    buyer, _cart_id = await shop.fill_cart((sku_id, 1))
    assert (await tag.quote(buyer)).items_minor == 1000
    await apply_prices(shop.commerce, owner)
    assert (await tag.quote(buyer)).items_minor == 1000
    with clock.clock_shifted(timedelta(hours=2)):
        assert (await tag.quote(buyer)).items_minor == 1200
        done = await asyncio.gather(*(apply_prices(shop.commerce, owner) for _ in range(4)))
        assert sum(done) == 1
        async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
            variant = await load_variant(tx, sku_id=sku_id)
            prices = await list_prices(tx, sku_id=sku_id)
            events = await list_subject_events(tx, subject_id=variant.product_id)
        assert variant.price_minor == 1200
        assert (prices[0].amount_minor, prices[0].valid_from) == (1200, planned.valid_from)
        assert len(prices) == 2
        assert [e.data["new_minor"] for e in events if e.name == "PriceChanged"] == [1200]
        assert (await tag.quote(buyer)).items_minor == 1200
        with pytest.raises(Conflict):
            await tag.end(planned)
    await assert_clean()


async def test_a_price_set_after_a_planned_one_fell_due_stays_the_newest(
    shop: Shop, tag: Tag, owner: Database, assert_clean: Check
) -> None:
    sku_id = await shop.add_product(price_minor=1000)
    await tag.offer(sku_id, 1200, kind="list", valid_from=later(hours=1))
    buyer, _cart_id = await shop.fill_cart((sku_id, 1))
    with clock.clock_shifted(timedelta(hours=2)):
        await tag.set(sku_id, 900)
        assert (await tag.quote(buyer)).items_minor == 900
        assert await apply_prices(shop.commerce, owner) == 1
        assert (await tag.quote(buyer)).items_minor == 900
        async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
            assert (await load_variant(tx, sku_id=sku_id)).price_minor == 900
    await assert_clean()


async def test_a_planned_price_that_was_called_off_never_comes(
    shop: Shop, tag: Tag, owner: Database, assert_clean: Check
) -> None:
    sku_id = await shop.add_product(price_minor=1000)
    planned = await tag.offer(sku_id, 1200, kind="list", valid_from=later(hours=1))
    await tag.end(planned)
    with clock.clock_shifted(timedelta(hours=2)):
        assert await apply_prices(shop.commerce, owner) == 0
        assert await tag.end(planned) == await tag.end(planned)
        async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
            assert (await load_variant(tx, sku_id=sku_id)).price_minor == 1000
            kept = await find_offer(tx, offer_id=planned.offer_id)
    assert kept is not None
    assert kept.ended_by == "test"
    await assert_clean()


async def test_the_shop_knows_the_reference_of_a_running_reduction(shop: Shop, tag: Tag) -> None:
    sku_id, plain = await shop.add_product(price_minor=1000), await shop.add_product(price_minor=1000)
    with clock.clock_shifted(timedelta(days=40)):
        await tag.offer(sku_id, 800, valid_to=later(days=7))
        await tag.offer(plain, 800, kind="tier", min_quantity=2)
    with clock.clock_shifted(timedelta(days=41)):
        async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
            found = await list_reductions(tx, sku_ids=[sku_id, plain])
            history = await list_history(tx, sku_id=sku_id)
    assert {key: (r.amount_minor, r.prior_minor, r.percent) for key, r in found.items()} == {
        sku_id: (800, 1000, 20)
    }
    assert history.reduction == found[sku_id]
    assert [span.amount_minor for span in history.spans] == [1000, 800]
    with clock.clock_shifted(timedelta(days=48)):
        async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
            assert await list_reductions(tx, sku_ids=[sku_id]) == {}
