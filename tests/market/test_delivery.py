"""At a market each shop sends its part by its own option, with its own days, or nothing is ordered."""

from typing import Any

from tests.delivery.conftest import flat
from tests.market.test_pages import Mall, mall
from tests.shop import Shop
from tests.storefront.shopper import text_of

from serai.commerce.delivery import api
from serai.commerce.delivery.types import Zone

__all__ = ["mall"]


async def write(shop: Shop, code: str, price_minor: int, **more: Any) -> None:
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await api.add_option(tx, code=code, terms=flat(code.title(), price_minor, **more), by="test")


async def test_each_shop_sends_by_its_cheapest_option_and_keeps_what_it_promised(mall: Mall) -> None:
    first, second = mall.market.shops[:2]
    await write(first, "van", 700)
    await write(first, "post", 400)
    await write(second, "bike", 250)
    browser = await mall.enter()
    await mall.fill(browser)
    said = text_of(await browser.get("/cart"))
    assert "$4.00" in said
    assert "$2.50" in said
    assert said.count("Arrives ") == 2
    form = await browser.open_checkout()
    assert (await browser.send(form, intent="pay")).status_code == 303
    for shop, code in ((first, "post"), (second, "bike")):
        async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
            [row] = await tx.fetch(
                "SELECT option_code, promised_from FROM commerce.order_delivery WHERE merchant_id = $1",
                shop.merchant_id,
            )
        assert row["option_code"] == code
        assert row["promised_from"] is not None


async def test_where_one_shop_sends_nothing_nothing_is_ordered(mall: Mall) -> None:
    await write(mall.market.shops[0], "home", 400, zone=Zone(("CN",)))
    browser = await mall.enter()
    await mall.fill(browser)
    page = await browser.get("/checkout")
    assert "Nothing can be delivered to this address in United States." in text_of(page)
    assert 'value="pay"' not in page.text


async def test_goods_that_are_gone_cost_no_delivery_and_are_not_counted(mall: Mall) -> None:
    shop = mall.market.shops[0]
    await write(shop, "post", 777)
    browser = await mall.enter()
    await mall.fill(browser)
    before = text_of(await browser.get("/cart"))
    assert "$7.77" in before
    assert "Cart 2" in before
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await tx.execute(
            "UPDATE commerce.variant SET active = false WHERE merchant_id = $1", shop.merchant_id
        )
    after = text_of(await browser.get("/cart"))
    assert "$7.77" not in after
    assert "Cart 1" in after
