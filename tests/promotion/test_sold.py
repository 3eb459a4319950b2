"""What promotions do to an order beyond its discount: one price wins, gifts take stock, coupons count at once."""

from collections.abc import Awaitable, Callable
from typing import Any

from tests.commerce.test_bundle import available, bundle
from tests.promotion.conftest import Desk
from tests.promotion.test_order import enter, pay, quote, read, spend
from tests.shop import Shop

from serai.commerce.order.api import fulfil_order
from serai.commerce.price.api import NewOffer, add_offer
from serai.commerce.promotion.types import Gift, PercentOff, Terms, Tier, UnitPrice
from serai.foundation.event import list_subject_events

Check = Callable[[], Awaitable[None]]


async def test_of_offer_and_promotion_the_lower_price_holds_alone(
    shop: Shop, desk: Desk, provider: Any, assert_clean: Check
) -> None:
    sku_id = await shop.add_product(price_minor=10_000)
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await add_offer(tx, offer=NewOffer(sku_id=sku_id, amount_minor=8_000), by="test")
    weak = await desk.go_live(Terms(name="A tenth off", layer=1, benefit=UnitPrice(percent_off=1_000)))
    owner, cart_id = await shop.fill_cart((sku_id, 1))
    seen = await quote(shop, owner)
    assert (seen.total_minor, seen.discount_minor) == (8_000, 0)
    assert seen.pricing is not None
    assert (seen.pricing.reasons[0].promotion_id, seen.pricing.reasons[0].code) == (
        weak.promotion_id,
        "better",
    )
    await desk.go_live(Terms(name="A third off", layer=1, benefit=UnitPrice(percent_off=3_000)))
    placed = await shop.place_cart(owner, cart_id)
    order = await pay(shop, provider, placed.order_id)
    assert (order.total_minor, order.lines[0].net_minor) == (7_000, 7_000)
    assert [(each.name, each.amount_minor) for each in order.adjustments] == [("A third off", 1_000)]
    await assert_clean()


async def test_a_gift_that_is_a_bundle_takes_its_parts(
    shop: Shop, desk: Desk, provider: Any, assert_clean: Check
) -> None:
    sku_id, cup = await shop.add_product(price_minor=5000), await shop.add_product("Cup", stock=5)
    gift_id = await bundle(shop, (cup, 2), price_minor=900)
    await desk.go_live(Terms(name="Two cups", layer=2, benefit=Gift(gift_id, 1, 4000)))
    owner, cart_id = await shop.fill_cart((sku_id, 1))
    placed = await shop.place_cart(owner, cart_id)
    order = await read(shop, placed.order_id)
    assert [(line.extra, line.net_minor) for line in order.lines] == [("", 5000), ("gift", 0)]
    assert [(part.sku_id, part.quantity, part.share_minor) for part in order.lines[1].parts] == [(cup, 2, 0)]
    assert await available(shop, cup) == 3
    # What the cart itself takes of the parts is not there for the gift.
    for cups, gifts in ((1, 1), (2, 0)):
        other, _cart = await shop.fill_cart((sku_id, 1), (cup, cups))
        assert len((await quote(shop, other)).extras) == gifts
    await pay(shop, provider, placed.order_id)
    await fulfil_order(shop.commerce, shop.merchant_id, order_id=placed.order_id, by="test")
    assert await available(shop, cup) == 3
    await assert_clean()


async def test_an_order_that_costs_nothing_has_used_its_coupon(
    shop: Shop, desk: Desk, assert_clean: Check
) -> None:
    sku_id = await shop.add_product(price_minor=5000)
    promotion = await desk.go_live(
        spend(1000, 1000, layer=4, coupon=True, benefit=PercentOff((Tier(0, 10_000),)))
    )
    (coupon,) = await desk.issue(promotion)
    owner, cart_id = await shop.fill_cart((sku_id, 1))
    await enter(shop, owner, coupon.code)
    digest = (await quote(shop, owner)).digest
    placed, again = [await shop.place_cart(owner, cart_id, digest=digest) for _ in range(2)]
    assert again.replayed
    assert placed.total_minor == 0
    assert (await desk.report(promotion)).coupons == (1, 0, 0, 1, 0, 0)
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        events = await list_subject_events(tx, subject_id=promotion.promotion_id)
    used = [event.data for event in events if event.name == "CouponUsed"]
    assert used == [
        {
            "coupon_id": str(coupon.coupon_id),
            "promotion_id": str(promotion.promotion_id),
            "order_id": str(placed.order_id),
            "amount_minor": 5000,
        }
    ]
    await assert_clean()
