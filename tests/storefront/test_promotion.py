"""Promotions at the cart, the checkout and the order: what is taken off, and every refusal in words."""

import re
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from tests.console.shop import Shop
from tests.storefront.conftest import Enter
from tests.storefront.shopper import Shopper, forms_of, text_of

from serai.commerce.order.api import access_token
from serai.commerce.promotion import api
from serai.commerce.promotion.types import (
    AddOn,
    AmountOff,
    Audience,
    Gift,
    PercentOff,
    Promotion,
    Scope,
    SkuPrice,
    Terms,
    Tier,
    UnitPrice,
)
from serai.foundation.ids import new_id


async def go_live(shop: Shop, **terms: Any) -> Promotion:
    """A promotion that holds at once: $5 off from $10 on, unless said otherwise."""
    what = {"name": "Spend and save", "layer": 3, "benefit": AmountOff((Tier(1000, 500),)), **terms}
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        written = await api.create_promotion(tx, terms=Terms(**what), by="test")
    return await api.publish_promotion(
        shop.commerce,
        shop.merchant_id,
        promotion_id=written.promotion_id,
        version=written.version,
        currency="USD",
        by="test",
    )


async def issue(shop: Shop, promotion: Promotion, code: str, **how: Any) -> UUID:
    """A coupon with a code of its own."""
    [coupon] = await api.issue_coupons(
        shop.commerce, shop.merchant_id, promotion_id=promotion.promotion_id, code=code, by="test", **how
    )
    return coupon.coupon_id


async def go_coupon(shop: Shop, code: str = "SPRING", **terms: Any) -> UUID:
    """A live coupon promotion with one coupon."""
    promotion = await go_live(shop, **{"name": "Spring coupon", "layer": 4, "coupon": True, **terms})
    return await issue(shop, promotion, code, uses=10)


async def test_the_cart_tells_the_offer_at_its_line_and_in_its_sums(shopper: Shopper, shop: Shop) -> None:
    await go_live(shop)
    await shopper.add(quantity=3)
    said = text_of(await shopper.get("/cart"))
    assert said.count("Spend and save") == 2
    assert "$9.97" in said
    assert "−$5.00" in said


async def test_the_way_to_the_next_tier_is_told(shopper: Shopper, shop: Shop) -> None:
    await go_live(shop, benefit=AmountOff((Tier(1000, 300), Tier(2000, 800))))
    await shopper.add(quantity=3)
    assert "$5.03 more, and “Spend and save” takes $8.00 off." in text_of(await shopper.get("/cart"))


async def test_the_way_to_a_percentage_is_told_in_percent(shopper: Shopper, shop: Shop) -> None:
    await go_live(shop, benefit=PercentOff((Tier(1000, 1000), Tier(2000, 1550))))
    await shopper.add(quantity=3)
    assert "takes 15.5% off" in text_of(await shopper.get("/cart"))


async def test_a_coupon_is_entered_used_and_taken_out(shopper: Shopper, shop: Shop) -> None:
    coupon_id = await go_coupon(shop)
    await shopper.add(quantity=3)
    said = text_of(await shopper.follow(await shopper.post("/cart/coupons", code=" spring ")))
    assert re.search(r"Spring coupon …\w{3,4} −\$5\.00", said)
    answer = await shopper.post(f"/cart/coupons/{coupon_id}/remove")
    assert "Spring coupon" not in text_of(await shopper.follow(answer))


@pytest.mark.parametrize(
    ("code", "words", "status"),
    [
        ("", "Please write the code of the coupon.", 422),
        ("   ", "Please write the code of the coupon.", 422),
        ("NOBODY", "This code is not known.", 404),
        ("x" * 3000, "Please write the code of the coupon.", 422),
        ("'; DROP TABLE", "This code is not known.", 404),
    ],
)
async def test_a_code_that_is_none_is_refused_at_its_field(
    shopper: Shopper, shop: Shop, code: str, words: str, status: int
) -> None:
    await shopper.add(quantity=3)
    answer = await shopper.post("/cart/coupons", code=code)
    assert answer.status_code == status
    assert words in text_of(answer)
    assert 'aria-describedby="f-code-error"' in answer.text


async def test_markup_in_a_code_stays_text(shopper: Shopper, shop: Shop) -> None:
    await shopper.add()
    answer = await shopper.post("/cart/coupons", code='"><script>alert(1)</script>')
    assert "<script>alert(1)" not in answer.text


async def test_a_coupon_that_waits_says_how_much_is_missing(shopper: Shopper, shop: Shop) -> None:
    await go_coupon(shop)
    await shopper.add(quantity=1)
    said = text_of(await shopper.follow(await shopper.post("/cart/coupons", code="SPRING")))
    assert "It needs $5.01 more of these goods." in said


async def test_a_coupon_for_other_goods_says_so(shopper: Shopper, shop: Shop) -> None:
    await go_coupon(shop, scope=Scope(brands=("Elsewhere",)))
    await shopper.add(quantity=3)
    said = text_of(await shopper.follow(await shopper.post("/cart/coupons", code="SPRING")))
    assert "It is not for the goods in your cart." in said


async def test_a_coupon_that_is_gone_says_so(shopper: Shopper, shop: Shop) -> None:
    coupon_id = await go_coupon(shop)
    await api.revoke_coupon(shop.commerce, shop.merchant_id, coupon_id=coupon_id, by="test")
    await shopper.add(quantity=3)
    answer = await shopper.post("/cart/coupons", code="SPRING")
    assert answer.status_code == 409
    assert "This coupon cannot be used any more." in text_of(answer)


async def test_the_coupon_of_a_promotion_that_stopped_says_so(shopper: Shopper, shop: Shop) -> None:
    promotion = await go_live(shop, name="Spring coupon", layer=4, coupon=True)
    await issue(shop, promotion, "SPRING")
    await shopper.add(quantity=3)
    await shopper.post("/cart/coupons", code="SPRING")
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await api.stop_promotion(tx, promotion_id=promotion.promotion_id, by="test")
    said = text_of(await shopper.get("/cart"))
    assert "This promotion has ended." in said
    assert "−$5.00" not in said


async def test_a_coupon_stays_in_the_cart_of_its_browser(shopper: Shopper, enter: Enter, shop: Shop) -> None:
    coupon_id = await go_coupon(shop)
    await shopper.add(quantity=3)
    await shopper.post("/cart/coupons", code="SPRING")
    other = await enter()
    await other.add(quantity=3)
    assert "Spring coupon" not in text_of(await other.get("/cart"))
    await other.post(f"/cart/coupons/{coupon_id}/remove")
    assert "Spring coupon" in text_of(await shopper.get("/cart"))


async def test_a_code_typed_at_the_checkout_counts_before_anything_is_paid(
    shopper: Shopper, shop: Shop
) -> None:
    await go_coupon(shop)
    await shopper.add(quantity=3)
    form = await shopper.open_checkout()
    page = await shopper.send_checkout(form, code="SPRING")
    assert page.status_code == 200
    assert await shopper.list_orders() == []
    assert "Spring coupon" in text_of(page)
    [again] = forms_of(page, "/checkout")
    assert again.values["line1"] == "12 Main Street"
    await shopper.send_checkout(again)
    [order] = await shopper.list_orders()
    assert order.discount_minor == 500
    assert order.total_minor == order.items_minor - 500 + order.shipping_minor


async def test_a_wrong_code_at_the_checkout_is_told_and_nothing_is_lost(shopper: Shopper, shop: Shop) -> None:
    await shopper.add(quantity=3)
    page = await shopper.send_checkout(await shopper.open_checkout(), intent="coupon", code="NOBODY")
    assert page.status_code == 422
    assert "This code is not known." in text_of(page)
    assert forms_of(page, "/checkout")[0].values["line1"] == "12 Main Street"


async def test_the_order_page_tells_what_was_saved(shopper: Shopper, shop: Shop) -> None:
    await go_live(shop)
    await shopper.add(quantity=3)
    await shopper.send_checkout(await shopper.open_checkout())
    [order] = await shopper.list_orders()
    key = access_token(shop.commerce.secret, order.order_id)
    said = text_of(await shopper.get(f"/orders/{order.order_id}?key={key}"))
    assert said.count("Spend and save") == 2
    assert "−$5.00" in said


async def test_a_gift_lies_in_the_cart(shopper: Shopper, shop: Shop) -> None:
    await go_live(shop, name="A cooler one", layer=2, benefit=Gift(shop.sku_id, least=1000))
    await shopper.add(quantity=3)
    said = text_of(await shopper.get("/cart"))
    assert "Gift Ice, crushed × 1" in said
    assert "free" in said


async def test_an_add_on_is_offered_taken_and_given_back(shopper: Shopper, shop: Shop) -> None:
    promotion = await go_live(
        shop, name="One more", layer=2, benefit=AddOn(shop.sku_id, price_minor=100, least=1000)
    )
    path = f"/cart/add-ons/{promotion.promotion_id}"
    await shopper.add(quantity=3)
    page = await shopper.get("/cart")
    assert forms_of(page, path)[0].values["quantity"] == "1"
    said = text_of(await shopper.follow(await shopper.post(path, quantity="1")))
    assert "Added at a special price" in said
    assert "Added" not in text_of(await shopper.follow(await shopper.post(path, quantity="0")))


@pytest.mark.parametrize("quantity", ["", "-1", "2", "9" * 400, "x", "１"])
async def test_an_impossible_number_of_add_ons_is_refused(
    shopper: Shopper, shop: Shop, quantity: str
) -> None:
    promotion = await go_live(
        shop, layer=2, benefit=AddOn(shop.sku_id, price_minor=100, least=0), scope=Scope(brands=("B",))
    )
    await shopper.add(quantity=3)
    answer = await shopper.post(f"/cart/add-ons/{promotion.promotion_id}", quantity=quantity)
    assert answer.status_code == 422


async def test_an_unknown_add_on_is_refused(shopper: Shopper, shop: Shop) -> None:
    await shopper.add()
    answer = await shopper.post(f"/cart/add-ons/{new_id()}", quantity="1")
    assert answer.status_code == 404


async def test_the_product_page_tells_a_flash_price_with_its_end_and_what_is_left(
    shopper: Shopper, shop: Shop
) -> None:
    await go_live(
        shop,
        name="Noon flash",
        layer=1,
        benefit=UnitPrice("flash", (SkuPrice(shop.sku_id, 299),)),
        quota=7,
        ends_at=datetime(2999, 1, 1, tzinfo=UTC),
    )
    said = text_of(await shopper.get(f"/p/{shop.product.slug}"))
    assert "$2.99 otherwise $4.99" in said
    assert "Flash Noon flash ends 1/1/99" in said
    assert "7 are left at this price." in said


async def test_the_product_page_tells_what_else_holds_and_no_coupon_promotion(
    shopper: Shopper, shop: Shop
) -> None:
    await go_live(shop)
    await go_coupon(shop)
    members = Audience(members_only=True)
    await go_live(shop, name="Club", layer=1, benefit=UnitPrice("member", percent_off=1000), audience=members)
    await go_live(shop, name="Elsewhere", scope=Scope(brands=("Elsewhere",)))
    said = text_of(await shopper.get(f"/p/{shop.product.slug}"))
    assert "Spend and save $5.00 off from $10.00" in said
    assert "Club 10% off the price" in said
    assert "Spring coupon" not in said
    assert "Elsewhere" not in said
