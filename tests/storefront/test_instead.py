"""What a shopper says about things that are missing: at the checkout for all, on the order's page line by line."""

from tests.console.shop import Shop
from tests.storefront.cashier import Cashier
from tests.storefront.shopper import Shopper, text_of
from tests.storefront.test_checkout import link_of

from serai.commerce.fulfilment.api import list_wishes


async def read_wish(shop: Shop, order_id: object) -> bool:
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        return (await list_wishes(tx, order_id=order_id, line_nos=[1]))[1]  # type: ignore[arg-type]  # an order's id


async def test_a_shopper_agrees_at_the_checkout_and_takes_it_back(
    shopper: Shopper, shop: Shop, till: Cashier
) -> None:
    await shopper.add(quantity=2)
    await shopper.send_checkout(await shopper.open_checkout(), instead="1")
    [order] = await shopper.list_orders()
    assert await read_wish(shop, order.order_id)
    till.outcome = "paid"
    page = await shopper.follow(await shopper.get(link_of(till)))
    assert "If something is missing" in text_of(page)
    link = str(page.url).split(".test", 1)[1].split("&")[0].split("&new")[0]
    address = link.replace("?", "/instead?")
    assert (await shopper.post(address)).status_code == 303
    assert not await read_wish(shop, order.order_id)
    await shopper.post(address, instead_1="1")
    assert await read_wish(shop, order.order_id)
    # A stranger's key says nothing.
    stranger = await shopper.post(f"/orders/{order.order_id}/instead?key=x", instead_1="")
    assert stranger.status_code == 404
    assert await read_wish(shop, order.order_id)


async def test_who_says_nothing_gets_nothing_else(shopper: Shopper, shop: Shop) -> None:
    await shopper.add()
    await shopper.send_checkout(await shopper.open_checkout())
    [order] = await shopper.list_orders()
    assert not await read_wish(shop, order.order_id)
