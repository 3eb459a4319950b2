"""Group buy: to success, to failure with refund, and the race for the last seat."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.promotion.conftest import Desk
from tests.promotion.test_order import pay, quote, read
from tests.shop import Shop

from serai.commerce.aftersale.api import cancel_order
from serai.commerce.aftersale.jobs import settle_groups
from serai.commerce.aftersale.settle_groups import REASON
from serai.commerce.checkout.api import PlacedOrder, join_group, settle_payment, start_group, start_payment
from serai.commerce.order.api import fulfil_order
from serai.commerce.promotion import api
from serai.commerce.promotion.types import (
    GroupBuy,
    Promotion,
    SkuPrice,
    Terms,
    UnitPrice,
    write_initials,
)
from serai.commerce.types import ProviderEvent
from serai.foundation import clock
from serai.foundation.database import Database
from serai.foundation.errors import Conflict, NotFound
from serai.foundation.event import list_subject_events

Check = Callable[[], Awaitable[None]]


async def offer(desk: Desk, sku_id: UUID, people: int) -> tuple[Promotion, GroupBuy]:
    """A live group price and one open group."""
    benefit = UnitPrice("group", (SkuPrice(sku_id, 2000),), people=people, hours=24)
    promotion = await desk.go_live(Terms(name="Together", layer=1, benefit=benefit))
    return promotion, await open_again(desk, promotion)


async def open_again(desk: Desk, promotion: Promotion) -> GroupBuy:
    return await api.open_group(desk.commerce, desk.merchant_id, promotion_id=promotion.promotion_id)


async def join(shop: Shop, sku_id: UUID, group: GroupBuy) -> tuple[str, UUID]:
    owner, cart_id = await shop.fill_cart((sku_id, 1))
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await join_group(tx, owner=owner, group_id=group.group_id)
    return owner, cart_id


async def look(shop: Shop, group: GroupBuy) -> GroupBuy:
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        return await api.load_group(tx, group_id=group.group_id)


async def test_a_group_comes_together(
    shop: Shop, desk: Desk, provider: Any, owner: Database, assert_clean: Check
) -> None:
    sku_id = await shop.add_product(price_minor=5000)
    _promotion, group = await offer(desk, sku_id, 2)
    alone, _cart = await shop.fill_cart((sku_id, 1))
    seen = await quote(shop, alone)
    assert (seen.total_minor, seen.pricing.reasons[0].code) == (5000, "group")  # type: ignore[union-attr]
    placed = [await shop.place_cart(*await join(shop, sku_id, group)) for _ in range(2)]
    assert {each.total_minor for each in placed} == {2000}
    first = await pay(shop, provider, placed[0].order_id)
    await settle_groups(shop.commerce, owner)
    with pytest.raises(Conflict) as refused:
        await fulfil_order(shop.commerce, shop.merchant_id, order_id=first.order_id, by="test")
    assert refused.value.code == "order.awaiting_group"
    await pay(shop, provider, placed[1].order_id)
    await settle_groups(shop.commerce, owner)
    now = await look(shop, group)
    assert (now.outcome, now.free, now.held, now.taken) == ("grouped", 0, 0, 2)
    order = await fulfil_order(shop.commerce, shop.merchant_id, order_id=first.order_id, by="test")
    assert order.state == "fulfilled"
    await assert_clean()


async def test_a_group_that_fails_refunds_everybody_once(
    shop: Shop, desk: Desk, provider: Any, owner: Database, assert_clean: Check
) -> None:
    sku_id = await shop.add_product(price_minor=5000)
    _promotion, group = await offer(desk, sku_id, 3)
    placed = [await shop.place_cart(*await join(shop, sku_id, group)) for _ in range(2)]
    await pay(shop, provider, placed[0].order_id)
    with clock.clock_at(group.deadline):
        for _ in range(3):
            await settle_groups(shop.commerce, owner)
        now = await look(shop, group)
        # All seats were closed but the one that the refund gave back; nobody can join for it.
        assert (now.outcome, now.free, now.taken) == ("failed", 1, 0)
        paid, waiting = [await read(shop, each.order_id) for each in placed]
        assert (paid.state, paid.refunded_minor, len(paid.refunds)) == ("cancelled", 2000, 1)
        assert (waiting.state, waiting.refunds) == ("cancelled", ())
        with pytest.raises(Conflict) as refused:
            await join(shop, sku_id, group)
    assert refused.value.code == "group.over"
    await assert_clean()


async def test_of_many_who_want_the_last_seat_one_gets_it(
    shop: Shop, desk: Desk, assert_clean: Check
) -> None:
    sku_id = await shop.add_product(price_minor=5000, stock=50)
    _promotion, group = await offer(desk, sku_id, 2)
    await shop.place_cart(*await join(shop, sku_id, group))
    carts = [await join(shop, sku_id, group) for _ in range(10)]
    digests = [(await quote(shop, owner)).digest for owner, _cart_id in carts]
    answers = await asyncio.gather(
        *(shop.place_cart(*cart, digest=seen) for cart, seen in zip(carts, digests, strict=True)),
        return_exceptions=True,
    )
    assert sum(isinstance(each, PlacedOrder) for each in answers) == 1
    codes = {each.code for each in answers if isinstance(each, Conflict)}
    assert codes == {"checkout.changed"}
    now = await look(shop, group)
    assert (now.free, now.held) == (0, 2)
    await assert_clean()


async def test_a_payment_that_comes_with_the_deadline_completes_the_group(
    shop: Shop, desk: Desk, provider: Any, owner: Database, assert_clean: Check
) -> None:
    sku_id = await shop.add_product(price_minor=5000)
    _promotion, group = await offer(desk, sku_id, 2)
    placed = [await shop.place_cart(*await join(shop, sku_id, group)) for _ in range(2)]
    for each in placed:
        await pay(shop, provider, each.order_id)
    with clock.clock_at(group.deadline + timedelta(seconds=1)):
        await settle_groups(shop.commerce, owner)
    assert (await look(shop, group)).outcome == "grouped"
    await assert_clean()


async def test_a_buyer_who_leaves_frees_the_seat(
    shop: Shop, desk: Desk, provider: Any, assert_clean: Check
) -> None:
    sku_id = await shop.add_product(price_minor=5000)
    promotion, group = await offer(desk, sku_id, 2)
    placed = await shop.place_cart(*await join(shop, sku_id, group))
    await pay(shop, provider, placed.order_id)
    from_desk = await look(shop, group)
    assert (from_desk.free, from_desk.taken) == (1, 1)
    await cancel(shop, placed.order_id)
    assert (await look(shop, group)).free == 2
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        listed = await api.list_open_groups(tx, promotion_id=promotion.promotion_id)
    assert [each.group_id for each in listed] == [group.group_id]
    await assert_clean()


async def cancel(shop: Shop, order_id: UUID) -> None:
    await cancel_order(shop.commerce, shop.merchant_id, order_id=order_id, by="test")


async def start(shop: Shop, sku_id: UUID, promotion: Promotion) -> tuple[str, UUID]:
    """A cart that opens a group with its order."""
    owner, cart_id = await shop.fill_cart((sku_id, 1))
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await start_group(tx, owner=owner, promotion_id=promotion.promotion_id)
    return owner, cart_id


async def begun(shop: Shop, promotion: Promotion, sku_id: UUID) -> list[GroupBuy]:
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        return await api.list_begun_groups(tx, promotion_id=promotion.promotion_id, sku_id=sku_id)


async def names(shop: Shop, group: GroupBuy) -> list[tuple[bool, bool]]:
    """(is_leader, is_paid) of everybody in a group."""
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        found = await api.list_group_members(tx, group_ids=[group.group_id])
    return [(each.is_leader, each.is_paid) for each in found[group.group_id]]


async def test_a_group_opens_with_its_first_order_and_is_shown_once_that_is_paid(
    shop: Shop, desk: Desk, provider: Any, owner: Database, assert_clean: Check
) -> None:
    sku_id = await shop.add_product(price_minor=5000, stock=1)
    promotion, _other = await offer(desk, sku_id, 2)
    cart = await start(shop, sku_id, promotion)
    seen = await quote(shop, cart[0])
    assert seen.total_minor == 2000
    group_id = api.own_group_id(promotion.promotion_id, cart[1])
    placed, again = [await shop.place_cart(*cart, digest=seen.digest) for _ in range(2)]
    assert (placed.order_id, placed.total_minor, again.replayed) == (again.order_id, 2000, True)
    order = await read(shop, placed.order_id)
    group = order.group
    assert group is not None
    assert (group.group_id, group.sku_id, group.free, group.held, group.taken) == (group_id, sku_id, 1, 1, 0)
    assert await begun(shop, promotion, sku_id) == []
    order = await pay(shop, provider, placed.order_id)
    assert order.awaits_group
    assert [each.group_id for each in await begun(shop, promotion, sku_id)] == [group_id]
    with clock.clock_at(group.deadline):
        assert await begun(shop, promotion, sku_id) == []
        await settle_groups(shop.commerce, owner)
    order = await read(shop, placed.order_id)
    assert (order.state, order.refunded_minor, order.group and order.group.outcome) == (
        "cancelled",
        2000,
        "failed",
    )
    await assert_clean()


async def test_an_order_that_is_refused_opens_no_group(shop: Shop, desk: Desk, assert_clean: Check) -> None:
    sku_id = await shop.add_product(price_minor=5000, stock=1)
    promotion, _other = await offer(desk, sku_id, 2)
    first, second = await start(shop, sku_id, promotion), await start(shop, sku_id, promotion)
    digests = [(await quote(shop, cart[0])).digest for cart in (first, second)]
    await shop.place_cart(*first, digest=digests[0])
    with pytest.raises(Conflict) as refused:
        await shop.place_cart(*second, digest=digests[1])
    assert refused.value.code == "checkout.short"
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        with pytest.raises(NotFound):
            await api.load_group(tx, group_id=api.own_group_id(promotion.promotion_id, second[1]))
    await assert_clean()


async def test_when_the_leader_leaves_the_next_one_leads_at_once(
    shop: Shop, desk: Desk, provider: Any, assert_clean: Check
) -> None:
    sku_id = await shop.add_product(price_minor=5000)
    _promotion, group = await offer(desk, sku_id, 3)
    placed = [await shop.place_cart(*await join(shop, sku_id, group)) for _ in range(2)]
    await pay(shop, provider, placed[0].order_id)
    assert await names(shop, group) == [(True, True), (False, False)]
    await cancel(shop, placed[0].order_id)
    assert await names(shop, group) == [(True, False)]
    assert (await look(shop, group)).free == 2
    await assert_clean()


async def pay_late(
    shop: Shop, provider: Any, sku_id: UUID, group: GroupBuy
) -> tuple[list[PlacedOrder], ProviderEvent]:
    """A group of two in its last minutes: one has paid, the other one's money is under way."""
    with clock.clock_at(group.deadline - timedelta(minutes=5)):
        placed = [await shop.place_cart(*await join(shop, sku_id, group)) for _ in range(2)]
        await pay(shop, provider, placed[0].order_id)
        last = placed[1].order_id
        await start_payment(shop.commerce, shop.merchant_id, order_id=last, base_url="http://shop")
        event = provider.capture((await read(shop, last)).payments[-1].intent_id)
    return placed, event


async def test_money_under_way_at_the_deadline_goes_back_once(
    shop: Shop, desk: Desk, provider: Any, owner: Database, assert_clean: Check
) -> None:
    sku_id = await shop.add_product(price_minor=5000)
    _promotion, group = await offer(desk, sku_id, 2)
    # The second one is at the provider's page when the time is over; the provider tells of the money afterwards, twice.
    placed, event = await pay_late(shop, provider, sku_id, group)
    with clock.clock_at(group.deadline):
        await settle_groups(shop.commerce, owner)
        for _ in range(2):
            await settle_payment(shop.commerce, shop.merchant_id, event=event, source="webhook")
            await settle_groups(shop.commerce, owner)
        orders = [await read(shop, each.order_id) for each in placed]
    assert [(each.state, each.refunded_minor, len(each.refunds)) for each in orders] == [
        ("cancelled", 2000, 1)
    ] * 2
    assert orders[0].timeline[-1].what == "RefundDone"
    assert any(note.data.get("reason") == REASON for note in orders[1].timeline)
    assert len(provider.refunds) == 2
    now = await look(shop, group)
    assert (now.outcome, now.taken) == ("failed", 0)
    await assert_clean()


async def test_a_payment_and_the_end_of_the_group_in_the_same_moment_agree(
    shop: Shop, desk: Desk, provider: Any, owner: Database, assert_clean: Check
) -> None:
    sku_id = await shop.add_product(price_minor=5000, stock=50)
    promotion, _first = await offer(desk, sku_id, 2)
    for _ in range(5):
        group = await open_again(desk, promotion)
        placed, event = await pay_late(shop, provider, sku_id, group)
        with clock.clock_at(group.deadline):
            await asyncio.gather(
                settle_payment(shop.commerce, shop.merchant_id, event=event, source="webhook"),
                settle_groups(shop.commerce, owner),
                settle_groups(shop.commerce, owner),
            )
            for _ in range(2):
                await settle_groups(shop.commerce, owner)
        now = await look(shop, group)
        orders = [await read(shop, each.order_id) for each in placed]
        if now.outcome == "grouped":
            assert [each.state for each in orders] == ["paid", "paid"]
            assert [each.refunded_minor for each in orders] == [0, 0]
        else:
            assert (now.outcome, now.taken) == ("failed", 0)
            assert [(each.state, each.refunded_minor) for each in orders] == [("cancelled", 2000)] * 2
        assert len(await list_ends(shop, group)) == 1
    await assert_clean()


async def list_ends(shop: Shop, group: GroupBuy) -> list[Any]:
    """How often it was told that a group has ended."""
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        events = await list_subject_events(tx, subject_id=group.group_id)
    return [event for event in events if event.name == "GroupEnded"]


@pytest.mark.parametrize(
    ("name", "shown"),
    [("Ada Lovelace", "A.L."), ("李 小龙", "李*"), ("  madonna ", "M."), ("", "?"), ("a b c d", "A.B.")],
)
def test_of_a_name_only_initials_are_shown(name: str, shown: str) -> None:
    assert write_initials(name) == shown
