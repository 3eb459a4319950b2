"""Steps that journeys share."""

from serai.commerce.checkout.api import settle_payment, start_payment
from serai.commerce.order.api import load_order
from serai.commerce.payment.api import intent_id_of
from serai.commerce.stock.api import load_available


async def order_of(shop, order_id):
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        return await load_order(tx, order_id=order_id)


async def available(shop, sku_id, place=None):
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        place_id = (place or shop.warehouse).place_id
        return (await load_available(tx, sku_ids=[sku_id], place_id=place_id))[sku_id]


async def pay(shop, provider, placed, **more):
    await start_payment(
        shop.commerce, shop.merchant_id, order_id=placed.order_id, base_url="http://shop.localhost"
    )
    order = await order_of(shop, placed.order_id)
    event = provider.capture(order.payments[-1].intent_id, **more)
    await settle_payment(shop.commerce, shop.merchant_id, event=event, source="webhook")
    return await order_of(shop, placed.order_id)


async def pay_late(shop, provider, placed):
    event = provider.capture(intent_id_of(placed.order_id, 1))
    await settle_payment(shop.commerce, shop.merchant_id, event=event, source="webhook")
    return await order_of(shop, placed.order_id)
