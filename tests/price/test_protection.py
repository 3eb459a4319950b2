"""Price protection: what a fallen price gives back, once per line, and never more than was paid."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from tests.price.conftest import Tag
from tests.shop import Shop

from serai.commerce.aftersale.api import cancel_order, refund_order
from serai.commerce.order.types import Order
from serai.commerce.protection.api import Claimable, claim_price, list_claimable, list_claims
from serai.foundation import clock
from serai.foundation.errors import Conflict, NotFound
from serai.foundation.ids import new_id

Check = Callable[[], Awaitable[None]]


async def claimable(shop: Shop, order: Order) -> tuple[Claimable, ...]:
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        return await list_claimable(tx, order=order, settings=shop.commerce.settings)


async def claim(shop: Shop, order: Order, line_no: int = 1) -> Any:
    return await claim_price(
        shop.commerce, shop.merchant_id, order_id=order.order_id, line_no=line_no, by="shopper"
    )


async def buy(shop: Shop, tag: Tag, *lines: Any) -> Order:
    return await tag.pay((await shop.place(*lines)).order_id)


async def test_a_fallen_price_is_given_back_once_however_often_and_at_once_it_is_asked(
    shop: Shop, tag: Tag, assert_clean: Check
) -> None:
    sku_id = await shop.add_product(price_minor=1000)
    order = await buy(shop, tag, (sku_id, 3))
    assert await claimable(shop, order) == ()
    await tag.set(sku_id, 900)
    found = (await claimable(shop, order))[0]
    assert (found.paid_minor, found.now_minor, found.amount_minor) == (3000, 2700, 300)
    claims = await asyncio.gather(*(claim(shop, order) for _ in range(8)))
    assert {c.claim_id for c in claims} == {claims[0].claim_id}
    after = await tag.order(order.order_id)
    assert [(r.refund_id, r.amount_minor) for r in after.refunds] == [(claims[0].claim_id, 300)]
    assert await claimable(shop, after) == ()
    # It fell further: the line had its claim.
    await tag.set(sku_id, 500)
    assert (await claim(shop, after)).amount_minor == 300
    assert (await tag.order(order.order_id)).refunded_minor == 300
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        page = await list_claims(tx)
    assert [(c.number, c.amount_minor, c.state) for c in page.items] == [(order.number, 300, "done")]
    await assert_clean()


async def test_only_what_everybody_pays_for_one_piece_is_compared(shop: Shop, tag: Tag) -> None:
    sku_id = await shop.add_product(price_minor=1000, store_stock=3)
    order = await buy(shop, tag, (sku_id, 2))
    await tag.offer(sku_id, 500, kind="member", member_level="gold")
    await tag.offer(sku_id, 500, kind="tier", min_quantity=2)
    await tag.offer(sku_id, 500, kind="local", place_id=shop.store.place_id)
    await tag.offer(sku_id, 500, kind="local", channel="app")
    await tag.offer(sku_id, 400, kind="clearance")
    assert await claimable(shop, order) == ()
    await tag.offer(sku_id, 950)
    assert [c.amount_minor for c in await claimable(shop, order)] == [100]
    commerce = msgspec.structs.replace(
        shop.commerce,
        settings=msgspec.structs.replace(shop.commerce.settings, price_protection_excludes="sale"),
    )
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        other = await list_claimable(tx, order=order, settings=commerce.settings)
    assert [c.amount_minor for c in other] == [1200]


async def test_protection_begins_with_the_payment_and_ends_with_its_last_moment(shop: Shop, tag: Tag) -> None:
    sku_id = await shop.add_product(price_minor=1000)
    placed = await shop.place((sku_id, 1))
    await tag.set(sku_id, 900)
    assert await claimable(shop, await tag.order(placed.order_id)) == ()
    order = await tag.pay(placed.order_id)
    assert order.paid_at is not None
    end = order.paid_at + timedelta(days=7)
    with clock.clock_at(end - timedelta(microseconds=1)):
        assert len(await claimable(shop, order)) == 1
    with clock.clock_at(end):
        assert await claimable(shop, order) == ()
        with pytest.raises(Conflict) as refused:
            await claim(shop, order)
    assert refused.value.code == "protection.nothing"
    assert (await tag.order(order.order_id)).refunds == ()


async def test_never_more_than_is_left_of_the_payment(shop: Shop, tag: Tag, assert_clean: Check) -> None:
    sku_id = await shop.add_product(price_minor=1000)
    order = await buy(shop, tag, (sku_id, 1))
    left = order.refundable_minor - 30
    await refund_order(
        shop.commerce,
        shop.merchant_id,
        order_id=order.order_id,
        amount_minor=left,
        reason="x",
        by="t",
        key="k",
    )
    await tag.set(sku_id, 0)
    assert (await claim(shop, order)).amount_minor == 30
    assert (await tag.order(order.order_id)).refundable_minor == 0
    await assert_clean()


async def test_a_price_of_zero_gives_the_whole_line_back_and_no_more(
    shop: Shop, tag: Tag, assert_clean: Check
) -> None:
    sku_id = await shop.add_product(price_minor=1000)
    order = await buy(shop, tag, (sku_id, 2))
    await tag.set(sku_id, 0)
    assert (await claim(shop, order)).amount_minor == 2000
    await assert_clean()


async def test_claims_and_refunds_at_once_never_return_more_than_was_paid(
    shop: Shop, tag: Tag, assert_clean: Check
) -> None:
    first, second = await shop.add_product(price_minor=1000), await shop.add_product(price_minor=2000)
    order = await buy(shop, tag, (first, 1), (second, 1))
    for sku_id in (first, second):
        await tag.set(sku_id, 1)
    whole = order.refundable_minor
    calls: list[Any] = [claim(shop, order, 1), claim(shop, order, 2)]
    calls += [
        refund_order(
            shop.commerce,
            shop.merchant_id,
            order_id=order.order_id,
            amount_minor=whole,
            reason="x",
            by="t",
            key=f"{n}",
        )
        for n in range(3)
    ]
    await asyncio.gather(*calls, return_exceptions=True)
    after = await tag.order(order.order_id)
    assert 0 < after.refunded_minor <= whole
    await assert_clean()


async def test_orders_that_are_over_and_lines_that_are_not_there_claim_nothing(shop: Shop, tag: Tag) -> None:
    sku_id = await shop.add_product(price_minor=1000)
    order = await buy(shop, tag, (sku_id, 1))
    await tag.set(sku_id, 900)
    with pytest.raises(NotFound):
        await claim(shop, order, 2)
    with pytest.raises(NotFound):
        await claim_price(shop.commerce, shop.merchant_id, order_id=new_id(), line_no=1, by="x")
    cancelled = await cancel_order(shop.commerce, shop.merchant_id, order_id=order.order_id, by="x")
    with pytest.raises(Conflict):
        await claim(shop, cancelled)
