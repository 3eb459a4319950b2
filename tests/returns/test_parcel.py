"""Returns of orders that leave in parcels: only what has left comes back, each piece once."""

import asyncio

import pytest
from tests.fulfilment.desk import buy, pack, ship

from serai.commerce.returns.api import count_left
from serai.foundation.errors import Conflict


async def left_of(counter, order):
    async with counter.commerce.db.transaction(counter.merchant_id, "read") as tx:
        return await count_left(tx, await counter.order(order))


async def test_of_an_order_in_two_parcels_what_has_left_can_come_back(shop, counter, provider, assert_clean):
    ice = await shop.add_product(price_minor=500, stock=10)
    order = await buy(shop, provider, (ice, 3))
    await ship(shop, await pack(shop, order.order_id, [(1, 1)], key="one"))
    assert await left_of(counter, order) == {1: 1}
    first = await counter.give_back(order, (1, 1))
    assert first.refund_minor == 500
    with pytest.raises(Conflict) as early:
        await counter.ask(order, (1, 1))
    assert early.value.code == "return.nothing_left"
    await ship(shop, await pack(shop, order.order_id, [(1, 2)], key="two"))
    assert await left_of(counter, order) == {1: 2}
    last = await counter.give_back(order, (1, 2))
    assert last.refund_minor == 1000 + order.shipping_minor
    assert (await counter.order(order)).refundable_minor == 0
    await assert_clean()


async def test_callers_who_saw_other_parcels_leave_never_announce_more_than_left(
    shop, counter, provider, assert_clean
):
    for _ in range(4):
        ice = await shop.add_product(price_minor=500, stock=10)
        order = await buy(shop, provider, (ice, 4))
        one = await pack(shop, order.order_id, [(1, 2)], key="one")
        two = await pack(shop, order.order_id, [(1, 2)], key="two")
        await ship(shop, one)
        answers = await asyncio.gather(
            *(counter.ask(order, (1, 1)) for _ in range(4)),
            ship(shop, two),
            *(counter.ask(order, (1, 1)) for _ in range(4)),
            return_exceptions=True,
        )
        assert not [a for a in answers if isinstance(a, BaseException) and not isinstance(a, Conflict)]
        asked = sum(not isinstance(answer, BaseException) for answer in answers) - 1
        assert 2 <= asked <= 4
        assert await left_of(counter, order) == {1: 4 - asked}
    await assert_clean()
