"""Stock by place: what one place lacks takes nothing from another (acceptance test 7 of the reference, saleor #17170)."""

from uuid import UUID

import pytest
from tests.shop import Shop

from serai.commerce.cart.api import add_line, open_cart
from serai.commerce.stock.api import list_levels, load_available
from serai.foundation.errors import Conflict
from serai.foundation.ids import new_id


async def test_a_place_that_is_sold_out_hides_no_stock_elsewhere(shop: Shop, assert_clean) -> None:
    sku_id = await shop.add_product(stock=1, store_stock=3)
    await shop.place((sku_id, 1))
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        levels = {level.place_id: level.available for level in await list_levels(tx, sku_id=sku_id)}
        there = await load_available(tx, sku_ids=[sku_id], place_id=shop.store.place_id)
    assert levels == {shop.warehouse.place_id: 0, shop.store.place_id: 3}
    assert there == {sku_id: 3}
    with pytest.raises(Conflict) as refused:
        await shop.place((sku_id, 1))
    assert refused.value.code in ("cart.short", "checkout.short")
    for _ in range(3):
        await buy_there(shop, sku_id)
    with pytest.raises(Conflict):
        await buy_there(shop, sku_id)
    await assert_clean()


async def buy_there(shop: Shop, sku_id: UUID) -> None:
    """One piece, picked up at the store."""
    owner, place_id = f"web:{new_id()}", shop.store.place_id
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        cart = await open_cart(tx, owner=owner, place_id=place_id)
        await add_line(tx, owner=owner, sku_id=sku_id, quantity=1)
    await shop.place_cart(owner, cart.cart_id, delivery="pickup", place_id=place_id)
