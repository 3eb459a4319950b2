"""What a shop hides at markets is neither shown nor sold there, and what it shows there alone is sold there alone."""

from uuid import UUID

import pytest
from tests.market.conftest import Market
from tests.market.test_pages import Mall, mall, text_of
from tests.shop import Shop

from serai.commerce.catalogue.api import edit_product, list_sale_items, load_product, set_channels
from serai.foundation.errors import Invalid, NotFound, Refused

__all__ = ["mall"]


async def show(shop: Shop, sku_id: UUID, *, web: bool | None = None, market: bool | None = None) -> None:
    """Say where a product is shown; None leaves the web, and lets the market follow it."""
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        product_id = (await list_sale_items(tx, sku_ids=[sku_id]))[sku_id].product_id
        product = await load_product(tx, product_id=product_id)
        if web is not None:
            product = await edit_product(
                tx, product_id=product.product_id, version=product.version, published=web, by="test"
            )
        await set_channels(
            tx,
            product_id=product.product_id,
            version=product.version,
            channels={"market": market},
            by="test",
        )


async def test_what_is_hidden_at_markets_is_neither_shown_nor_sold_there(mall: Mall) -> None:
    shop = mall.market.shops[0]
    browser = await mall.enter()
    await mall.fill(browser)
    await show(shop, mall.tea, market=False)
    for path in ("/", "/c/pantry", "/search?q=tea", "/suggest?q=jasm"):
        assert "Jasmine tea" not in text_of(await browser.get(path)), path
    assert "Porcelain cup" in text_of(await browser.get("/"))
    assert (await browser.get(mall.paths[0])).status_code == 404
    # It lay in a cart already: the cart says so, and cannot be ordered with it.
    assert "This product is no longer sold." in text_of(await browser.get("/cart"))
    with pytest.raises((Invalid, NotFound)):
        await mall.market.order((shop, mall.tea, 1))
    # The shop's own front goes on.
    await shop.place((mall.tea, 1))
    await show(shop, mall.tea, market=None)
    assert "Jasmine tea" in text_of(await browser.get("/"))


async def test_what_is_shown_at_markets_alone_is_sold_there_alone(market: Market) -> None:
    shop = market.shops[0]
    sku_id = await shop.add_product("Only at markets", price_minor=900)
    await show(shop, sku_id, web=False, market=True)
    with pytest.raises(Refused):
        await shop.place((sku_id, 1))
    assert (await market.order((shop, sku_id, 1))).orders
