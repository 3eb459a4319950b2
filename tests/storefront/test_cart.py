"""The cart over HTTP: what goes in, what is refused, and what is told when things change."""

import pytest
from tests.console.shop import Shop
from tests.storefront.conftest import Enter
from tests.storefront.shopper import Shopper, text_of

from serai.commerce.catalogue.api import publish_product, set_price
from serai.commerce.stock.api import adjust_stock
from serai.foundation.ids import new_id


async def test_a_product_goes_into_the_cart_of_this_browser_only(shopper: Shopper, enter: Enter) -> None:
    page = await shopper.follow(await shopper.add(quantity=2))
    assert "In the cart: 2 × Ice, crushed." in text_of(page)
    assert "$9.98" in text_of(page)
    assert await shopper.read_quantities() == ["2"]
    other = await enter()
    assert "Your cart is empty" in text_of(await other.get("/cart"))


async def test_the_cart_cookie_cannot_be_read_by_scripts(shopper: Shopper) -> None:
    answer = await shopper.add()
    [cookie] = [c.lower() for c in answer.headers.get_list("set-cookie") if c.startswith("cart=")]
    assert "httponly" in cookie
    assert "samesite=lax" in cookie


async def test_the_notice_is_said_once(shopper: Shopper) -> None:
    assert "In the cart" in text_of(await shopper.follow(await shopper.add()))
    assert "In the cart" not in text_of(await shopper.get("/cart"))


@pytest.mark.parametrize("quantity", ["0", "-1", "1000000000", "1.5", "abc", "", "1e3", "9" * 5000, " "])
async def test_an_impossible_quantity_is_refused_and_nothing_changes(shopper: Shopper, quantity: str) -> None:
    await shopper.follow(await shopper.add(quantity=3))
    page = await shopper.follow(await shopper.add(quantity=quantity))
    assert "whole number" in text_of(page)
    assert await shopper.read_quantities() == ["3"]


@pytest.mark.parametrize("quantity", ["-1", "1000000000", "1.5", "abc", ""])
async def test_a_line_refuses_an_impossible_quantity_and_keeps_its_own(
    shopper: Shopper, quantity: str
) -> None:
    await shopper.add(quantity=3)
    [line] = await shopper.list_lines()
    answer = await shopper.post(line, quantity=quantity)
    assert answer.status_code == 422
    assert "whole number" in text_of(answer)
    assert await shopper.read_quantities() == ["3"]


@pytest.mark.parametrize("sku_id", ["", "nonsense", "00000000-0000-0000-0000-000000000000"])
async def test_an_unknown_product_is_refused(shopper: Shopper, sku_id: str) -> None:
    page = await shopper.follow(await shopper.add(sku_id or "x"))
    assert "Your cart is empty" in text_of(page)
    assert "In the cart:" not in text_of(page)


async def test_a_forged_price_changes_nothing(shopper: Shopper) -> None:
    page = await shopper.follow(await shopper.add(price_minor="1", total_minor="1"))
    assert "$4.99" in text_of(page)


async def test_more_than_there_is_cannot_be_taken(shopper: Shopper) -> None:
    page = await shopper.follow(await shopper.add(quantity=41))
    assert "Only 40" in text_of(page)
    assert "Your cart is empty" in text_of(page)


async def test_a_line_is_stepped_set_and_taken_out(shopper: Shopper) -> None:
    await shopper.add(quantity=2)
    [line] = await shopper.list_lines()
    await shopper.post(line, quantity="2", step="1")
    assert await shopper.read_quantities() == ["3"]
    await shopper.post(line, quantity="3", step="-1")
    assert await shopper.read_quantities() == ["2"]
    await shopper.post(line, quantity="7")
    assert await shopper.read_quantities() == ["7"]
    page = await shopper.follow(await shopper.post(line, quantity="0"))
    assert "Your cart is empty" in text_of(page)


async def test_the_line_of_somebody_else_is_out_of_reach(shopper: Shopper, enter: Enter) -> None:
    await shopper.add(quantity=2)
    [line] = await shopper.list_lines()
    other = await enter()
    await other.add(quantity=1)
    answer = await other.post(line, quantity="9")
    assert answer.status_code == 404
    assert await shopper.read_quantities() == ["2"]
    assert await other.read_quantities() == ["1"]


async def test_a_form_without_its_token_is_refused(shopper: Shopper, shop: Shop) -> None:
    answer = await shopper.client.post("/cart/lines", data={"sku_id": str(shop.sku_id), "quantity": "1"})
    assert answer.status_code == 403
    assert "This form has expired" in text_of(answer)
    assert "Your cart is empty" in text_of(await shopper.get("/cart"))


async def test_a_new_price_is_told_with_the_old_one_and_waits_for_consent(
    shopper: Shopper, shop: Shop
) -> None:
    await shopper.add(quantity=2)
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await set_price(tx, sku_id=shop.sku_id, amount_minor=525, reason="test", by="test")
    said = text_of(await shopper.get("/cart"))
    assert "The price went from $4.99 to $5.25." in said
    assert (await shopper.get("/checkout")).headers["location"] == "/cart"
    page = await shopper.follow(await shopper.post("/cart/accept"))
    assert "The price went" not in text_of(page)
    assert (await shopper.get("/checkout")).status_code == 200


async def test_short_stock_is_told_at_its_line(shopper: Shopper, shop: Shop) -> None:
    await shopper.add(quantity=5)
    await adjust_stock(
        shop.commerce,
        shop.merchant_id,
        sku_id=shop.sku_id,
        place_id=shop.online.place_id,
        delta=-38,
        reason="broken",
        by="test",
        key=str(new_id()),
    )
    said = text_of(await shopper.get("/cart"))
    assert "Only 2 are left." in said
    await shopper.post("/cart/accept")
    assert await shopper.read_quantities() == ["2"]


async def test_a_product_that_is_no_longer_sold_is_told(shopper: Shopper, shop: Shop) -> None:
    await shopper.add()
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await publish_product(tx, product_id=shop.product.product_id, by="test", published=False)
    assert "no longer sold" in text_of(await shopper.get("/cart"))


async def test_htmx_gets_a_notice_and_the_new_number_only(shopper: Shopper, shop: Shop) -> None:
    await shopper.get("/help")
    answer = await shopper.post(
        "/cart/lines", headers={"hx-request": "true"}, sku_id=str(shop.sku_id), quantity="2", next="/"
    )
    assert answer.status_code == 200
    assert "<html" not in answer.text
    assert "In the cart: 2 × Ice, crushed." in text_of(answer)
    assert 'id="cart-count"' in answer.text
    assert "2 pieces in the cart" in text_of(answer)


async def test_a_refusal_reaches_htmx_as_a_notice(shopper: Shopper, shop: Shop) -> None:
    await shopper.get("/help")
    answer = await shopper.post(
        "/cart/lines", headers={"hx-request": "true"}, sku_id=str(shop.sku_id), quantity="400"
    )
    assert answer.status_code == 409
    assert "<html" not in answer.text
    assert "Only 40" in text_of(answer)
