"""The picker's page for something else: only what the buyer agreed to, and only what is there."""

from tests.console.conftest import Visit
from tests.console.shop import Shop, read

from serai.commerce.catalogue.api import NewProduct, create_product
from serai.commerce.fulfilment.api import agree_substitutes, list_fulfilments, route_order
from serai.commerce.stock.api import receive_stock
from serai.foundation.ids import new_id


async def stock_other(shop: Shop) -> None:
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        new = NewProduct(
            title="Ice, cubes",
            sku="ICE-2",
            category_id=shop.category.category_id,
            price_minor=399,
            currency=shop.merchant.currency,
        )
        other = await create_product(tx, product=new, by="set-up")
    await receive_stock(
        shop.commerce,
        shop.merchant_id,
        sku_id=other.variants[0].sku_id,
        place_id=shop.online.place_id,
        quantity=5,
        reason="opening",
        by="set-up",
        key="1",
    )


async def test_a_picker_takes_something_else_and_the_buyer_gets_the_difference(
    visit: Visit, shop: Shop
) -> None:
    await stock_other(shop)
    order = await shop.place_order(2)
    await route_order(shop.commerce, shop.merchant_id, order_id=order.order_id)
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        (work,) = (await list_fulfilments(tx, order_id=order.order_id)).items
    page = f"/console/fulfilment/{work.fulfilment_id}"
    choose = f"{page}/replace/1/{shop.sku_id}"
    visitor = await visit("owner")
    assert "Something else instead" not in read(await visitor.get(page)).text
    asked = await visitor.get(choose)
    assert "The buyer has not agreed" in asked.text
    assert "It comes instead</button>" not in asked.text
    await agree_substitutes(
        shop.commerce, shop.merchant_id, order_id=order.order_id, wishes={0: True}, by="shopper"
    )
    assert "Something else instead" in read(await visitor.get(page)).text
    refused = await visitor.submit(choose, choose, count="3")
    assert refused.status_code == 409
    assert "Only 2 of that are still to be packed here." in refused.text
    for wrong in ({"sku": "x"}, {"sku": str(new_id())}, {"count": "-1"}, {"count": "1e9"}):
        assert (await visitor.submit(choose, choose, **wrong)).status_code == 422
    answer = await visitor.submit(choose, choose, count="1")
    assert (answer.status_code, answer.headers["location"]) == (303, page)
    now = await shop.load_order(order.order_id)
    assert [(each.title, each.new_quantity) for each in now.substitutes] == [("Ice, cubes", 2)]
    assert now.refunded_minor == 0
    text = " ".join(read(await visitor.get(f"/console/orders/{order.number}")).text.split())
    assert "What comes instead" in text
    assert "instead of Ice, crushed" in text
    missing = await visitor.get(f"{page}/replace/1/{new_id()}")
    assert missing.status_code == 404


async def test_who_may_not_refund_may_not_replace(visit: Visit, shop: Shop) -> None:
    order = await shop.place_order(2)
    await route_order(shop.commerce, shop.merchant_id, order_id=order.order_id)
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        (work,) = (await list_fulfilments(tx, order_id=order.order_id)).items
    choose = f"/console/fulfilment/{work.fulfilment_id}/replace/1/{shop.sku_id}"
    viewer = await visit("clerk")
    assert (await viewer.get(choose)).status_code == 403
