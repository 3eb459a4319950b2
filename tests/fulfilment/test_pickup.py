"""Pick-ups: ready, handed over to who shows the code, once; and back on the shelf when nobody comes."""

import asyncio
from datetime import timedelta

import pytest
from tests.fulfilment.desk import buy, on_hand, pack
from tests.journeys.steps import order_of

from serai.commerce.fulfilment.api import hand_over, make_ready, pickup_code
from serai.commerce.fulfilment.jobs import restock_uncollected
from serai.foundation import clock
from serai.foundation.errors import Conflict, Invalid


async def ready(shop, provider, *counts):
    """A paid pick-up order with a parcel of so many pieces that waits in the store."""
    tea = await shop.add_product(price_minor=500, stock=9, store_stock=9)
    order = await buy(shop, provider, (tea, sum(counts)), delivery="pickup", place_id=shop.store.place_id)
    parcel = await pack(shop, order.order_id, [(1, counts[0])])
    for _again in range(2):
        parcel = await make_ready(
            shop.commerce, shop.merchant_id, order_id=order.order_id, parcel_id=parcel.parcel_id, by="clerk"
        )
    return tea, order, parcel


async def give(shop, parcel, code):
    return await hand_over(
        shop.commerce,
        shop.merchant_id,
        order_id=parcel.order_id,
        parcel_id=parcel.parcel_id,
        code=code,
        by="clerk",
    )


async def test_only_who_shows_the_code_gets_the_parcel_and_once(shop, provider, assert_clean):
    tea, order, parcel = await ready(shop, provider, 2)
    assert parcel.state == "ready"
    code = pickup_code(shop.commerce.secret, parcel.parcel_id)
    for wrong in ("", "000000" if code != "000000" else "111111", f"{code}0", "１２３４５６", "\ud800"):
        with pytest.raises(Invalid) as refusal:
            await give(shop, parcel, wrong)
        assert refusal.value.code == "pickup.code_wrong"
    await asyncio.gather(*(give(shop, parcel, f" {code[:3]} {code[3:]}") for _twin in range(4)))
    order = await order_of(shop, order.order_id)
    assert (order.state, order.parcels[0].state) == ("fulfilled", "delivered")
    assert await on_hand(shop, tea, shop.store) == (7, 0)
    assert [note.what for note in order.timeline].count("PickupReady") == 1
    await assert_clean()


async def test_what_nobody_collects_goes_back_on_the_shelf_with_the_money(
    shop, provider, owner, assert_clean, monkeypatch
):
    tea, order, _parcel = await ready(shop, provider, 2)
    other, second, later_parcel = await ready(shop, provider, 1, 2)
    await give(shop, later_parcel, pickup_code(shop.commerce.secret, later_parcel.parcel_id))
    third = await pack(shop, second.order_id, [(1, 1)], key="p2")
    await make_ready(
        shop.commerce, shop.merchant_id, order_id=second.order_id, parcel_id=third.parcel_id, by="clerk"
    )
    await restock_uncollected(shop.commerce, owner)
    assert (await order_of(shop, order.order_id)).state == "paid"
    later = clock.now() + timedelta(days=8)
    monkeypatch.setattr(clock, "now", lambda: later)
    for _again in range(2):
        await restock_uncollected(shop.commerce, owner)
    order = await order_of(shop, order.order_id)
    assert (order.state, order.refunded_minor) == ("cancelled", order.total_minor)
    assert await on_hand(shop, tea, shop.store) == (9, 0)
    second = await order_of(shop, second.order_id)
    assert (second.state, second.refunded_minor, second.cuts[0].kind) == ("paid", 500, "no_show")
    assert await on_hand(shop, other, shop.store) == (8, 1)
    await assert_clean()


async def test_what_is_sent_waits_for_nobody(shop, provider, assert_clean):
    order = await buy(shop, provider, (await shop.add_product(), 1))
    parcel = await pack(shop, order.order_id)
    with pytest.raises(Conflict) as refusal:
        await make_ready(
            shop.commerce, shop.merchant_id, order_id=order.order_id, parcel_id=parcel.parcel_id, by="clerk"
        )
    assert refusal.value.code == "pickup.not_collected"
    await assert_clean()
