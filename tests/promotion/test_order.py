"""Promotions from the desk to the paid order and back: what is taken, shown, posted, and free again."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest
from tests.promotion.conftest import Desk
from tests.shop import ADDRESS, CONTACT, Shop

from serai.commerce.aftersale.api import cancel_order, expire_order
from serai.commerce.aftersale.propose_refund import propose_refund
from serai.commerce.checkout.api import (
    PlacedOrder,
    Quote,
    choose_add_on,
    enter_coupon,
    place_order,
    quote_cart,
    settle_payment,
    start_payment,
)
from serai.commerce.order.api import load_order
from serai.commerce.order.types import Order
from serai.commerce.promotion.types import (
    AddOn,
    AmountOff,
    Gift,
    PercentOff,
    Scope,
    ShippingOff,
    SkuPrice,
    Terms,
    Tier,
    UnitPrice,
)
from serai.foundation import clock
from serai.foundation.errors import Conflict, Invalid
from serai.foundation.ids import new_id

Check = Callable[[], Awaitable[None]]


def spend(least: int, off: int, **terms: Any) -> Terms:
    """满减: so much off from so much on."""
    return Terms(**{"name": "Spend and save", "layer": 3, "benefit": AmountOff((Tier(least, off),)), **terms})


async def quote(shop: Shop, owner: str, member_id: UUID | None = None) -> Quote:
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        return await quote_cart(tx, settings=shop.commerce.settings, owner=owner, member_id=member_id)


async def enter(shop: Shop, owner: str, code: str) -> None:
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await enter_coupon(tx, owner=owner, code=code)


async def place_at_once(shop: Shop, carts: list[tuple[str, UUID]]) -> list[PlacedOrder | BaseException]:
    """Place carts in the same moment, every one at the quote that held before the first was placed."""
    digests = [(await quote(shop, owner)).digest for owner, _cart_id in carts]
    return await asyncio.gather(
        *(shop.place_cart(*cart, digest=digest) for cart, digest in zip(carts, digests, strict=True)),
        return_exceptions=True,
    )


async def read(shop: Shop, order_id: UUID) -> Order:
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        return await load_order(tx, order_id=order_id)


async def pay(shop: Shop, provider: Any, order_id: UUID) -> Order:
    await start_payment(shop.commerce, shop.merchant_id, order_id=order_id, base_url="http://shop")
    order = await read(shop, order_id)
    event = provider.capture(order.payments[-1].intent_id)
    await settle_payment(shop.commerce, shop.merchant_id, event=event, source="webhook")
    return await read(shop, order_id)


async def test_an_order_carries_its_discount_share_by_share(
    shop: Shop, desk: Desk, provider: Any, assert_clean: Check
) -> None:
    first, second = await shop.add_product(price_minor=3334), await shop.add_product(price_minor=3333)
    await desk.go_live(spend(6000, 1000))
    owner, cart_id = await shop.fill_cart((first, 1), (second, 1))
    seen = await quote(shop, owner)
    assert (seen.items_minor, seen.discount_minor, seen.shipping_minor) == (6667, 1000, 0)
    placed = await shop.place_cart(owner, cart_id)
    order = await pay(shop, provider, placed.order_id)
    assert (order.state, order.total_minor, order.discount_minor) == ("paid", 5667, 1000)
    assert sorted(line.discount_minor for line in order.lines) == [500, 500]
    assert list(order.adjustments[0].shares) == [(1, 500), (2, 500)]
    await assert_clean()


async def test_without_a_live_promotion_nothing_is_priced(shop: Shop) -> None:
    owner, _cart = await shop.fill_cart((await shop.add_product(), 1))
    assert (await quote(shop, owner)).pricing is None


async def test_a_changed_promotion_refuses_the_old_quote(shop: Shop, desk: Desk) -> None:
    sku_id = await shop.add_product(price_minor=5000)
    owner, cart_id = await shop.fill_cart((sku_id, 1))
    digest = (await quote(shop, owner)).digest
    await desk.go_live(spend(100, 100))
    with pytest.raises(Conflict) as refused:
        await shop.place_cart(owner, cart_id, digest=digest)
    assert refused.value.code == "checkout.changed"


async def test_a_coupon_is_locked_used_and_free_again_after_cancel(
    shop: Shop, desk: Desk, provider: Any, assert_clean: Check
) -> None:
    sku_id = await shop.add_product(price_minor=5000)
    promotion = await desk.go_live(spend(4000, 700, layer=4, coupon=True))
    (coupon,) = await desk.issue(promotion)
    owner, cart_id = await shop.fill_cart((sku_id, 1))
    await enter(shop, owner, coupon.code.lower().replace("-", " "))
    placed = await shop.place_cart(owner, cart_id)
    assert (await desk.report(promotion)).coupons == (1, 0, 1, 0, 0, 0)
    await cancel_order(shop.commerce, shop.merchant_id, order_id=placed.order_id, by="test")
    assert (await desk.report(promotion)).coupons == (1, 1, 0, 0, 0, 0)

    owner, cart_id = await shop.fill_cart((sku_id, 1))
    await enter(shop, owner, coupon.code)
    placed = await shop.place_cart(owner, cart_id)
    order = await pay(shop, provider, placed.order_id)
    assert order.discount_minor == 700
    assert (await desk.report(promotion)).coupons == (1, 0, 0, 1, 0, 0)
    another, _cart_id = await shop.fill_cart((sku_id, 1))
    with pytest.raises(Conflict) as refused:
        await enter(shop, another, coupon.code)
    assert refused.value.code == "coupon.ended"

    await cancel_order(shop.commerce, shop.merchant_id, order_id=placed.order_id, by="test")
    assert (await desk.report(promotion)).coupons == (1, 1, 0, 0, 0, 0)
    assert (await read(shop, placed.order_id)).refunded_minor == order.total_minor
    await assert_clean()


async def test_one_use_and_fifty_payers_make_one_winner(shop: Shop, desk: Desk, assert_clean: Check) -> None:
    """vendure 4660: a limit that is counted lets several through, on every isolation level."""
    sku_id = await shop.add_product(price_minor=5000, stock=100)
    promotion = await desk.go_live(spend(0, 700, layer=4, coupon=True, quota=1))
    (coupon,) = await desk.issue(promotion, code="FIRST")
    carts = [await shop.fill_cart((sku_id, 1)) for _ in range(50)]
    for owner, _cart_id in carts:
        await enter(shop, owner, "first")
    answers = await place_at_once(shop, carts)
    won = [each for each in answers if not isinstance(each, BaseException)]
    assert len(won) == 1
    assert {each.code for each in answers if isinstance(each, Conflict)} == {"checkout.changed"}
    assert sum(isinstance(each, Conflict) for each in answers) == 49
    assert (await desk.report(promotion)).coupons == (1, 0, 1, 0, 0, 0)
    assert coupon.code == "FIRST"
    await assert_clean()


async def test_a_quota_is_never_oversold(shop: Shop, desk: Desk, assert_clean: Check) -> None:
    sku_id = await shop.add_product(price_minor=5000, stock=100)
    flash = await desk.go_live(
        Terms(
            name="Flash",
            layer=1,
            benefit=UnitPrice("flash", (SkuPrice(sku_id, 1000),)),
            quota=7,
        )
    )
    carts = [await shop.fill_cart((sku_id, 2)) for _ in range(12)]
    answers = await place_at_once(shop, carts)
    won = [each for each in answers if not isinstance(each, BaseException)]
    assert {each.total_minor for each in won} == {2000}
    assert len(won) == 3
    assert (await desk.report(flash)).quota == (7, 0, 6, 1)
    # The last unit goes at the flash price, the one beyond it at the list price.
    placed = await shop.place((sku_id, 2))
    assert placed.total_minor == 1000 + 5000
    assert (await desk.report(flash)).quota == (7, 0, 7, 0)
    await assert_clean()


async def test_a_budget_is_never_overspent(shop: Shop, desk: Desk, assert_clean: Check) -> None:
    sku_id = await shop.add_product(price_minor=5000, stock=100)
    promotion = await desk.go_live(spend(1000, 400, budget_minor=1000))
    carts = [await shop.fill_cart((sku_id, 1)) for _ in range(10)]
    answers = await place_at_once(shop, carts)
    assert sum(not isinstance(each, BaseException) for each in answers) == 2
    assert (await desk.report(promotion)).budget == (1000, 0, 800, 200)
    placed = await shop.place((sku_id, 1))
    assert placed.total_minor == 5000
    await assert_clean()


async def test_a_member_gets_it_as_often_as_it_goes(shop: Shop, desk: Desk, assert_clean: Check) -> None:
    sku_id = await shop.add_product(price_minor=5000, stock=100)
    await desk.go_live(spend(1000, 400, per_user=1))
    member = new_id()
    owner, _cart = await shop.fill_cart((sku_id, 1))
    guest = await quote(shop, owner)
    assert (guest.discount_minor, guest.pricing.reasons[0].code) == (0, "sign_in")  # type: ignore[union-attr]
    assert (await quote(shop, owner, member)).discount_minor == 400
    await assert_clean()


async def test_one_member_on_two_devices_gets_it_once(shop: Shop, desk: Desk, assert_clean: Check) -> None:
    sku_id = await shop.add_product(price_minor=5000, stock=100)
    await desk.go_live(spend(1000, 400, per_user=1))
    member = new_id()
    carts = [await shop.fill_cart((sku_id, 1)) for _ in range(8)]
    digests = [(await quote(shop, owner, member)).digest for owner, _cart_id in carts]

    async def place(owner: str, cart_id: UUID, digest: str) -> PlacedOrder:
        return await place_order(
            shop.commerce,
            shop.merchant_id,
            owner=owner,
            cart_id=cart_id,
            contact=CONTACT,
            address=ADDRESS,
            delivery="ship",
            place_id=None,
            expected_digest=digest,
            member_id=member,
            locale="en",
        )

    answers = await asyncio.gather(
        *(place(*cart, digest) for cart, digest in zip(carts, digests, strict=True)), return_exceptions=True
    )
    assert sum(isinstance(each, PlacedOrder) for each in answers) == 1
    assert sum(isinstance(each, Conflict) for each in answers) == 7
    refused = next(
        cart for cart, each in zip(carts, answers, strict=True) if not isinstance(each, PlacedOrder)
    )
    assert (await quote(shop, refused[0], member)).discount_minor == 0
    await assert_clean()


async def test_a_gift_is_reserved_and_one_that_is_gone_is_told(
    shop: Shop, desk: Desk, assert_clean: Check
) -> None:
    sku_id, gift_id = (
        await shop.add_product(price_minor=5000),
        await shop.add_product("Tea towel", price_minor=300, stock=1),
    )
    await desk.go_live(Terms(name="Towel", layer=2, benefit=Gift(gift_id, 1, 4000)))
    placed = await shop.place((sku_id, 1))
    order = await read(shop, placed.order_id)
    assert [(line.extra, line.net_minor, line.quantity) for line in order.lines] == [
        ("", 5000, 1),
        ("gift", 0, 1),
    ]
    owner, _cart = await shop.fill_cart((sku_id, 1))
    seen = await quote(shop, owner)
    assert (seen.extras, seen.pricing.reasons[0].code) == ((), "extra_gone")  # type: ignore[union-attr]
    await assert_clean()


async def test_an_expired_order_frees_what_it_held_and_a_late_payment_takes_it_again(
    shop: Shop, desk: Desk, provider: Any, assert_clean: Check
) -> None:
    sku_id = await shop.add_product(price_minor=5000)
    promotion = await desk.go_live(spend(1000, 400, quota=1, budget_minor=1000))
    placed = await shop.place((sku_id, 1))
    await start_payment(shop.commerce, shop.merchant_id, order_id=placed.order_id, base_url="http://shop")
    order = await read(shop, placed.order_id)
    event = provider.capture(order.payments[-1].intent_id)
    later = order.expires_at
    with clock.clock_at(later):
        assert await expire_order(shop.commerce, shop.merchant_id, order_id=placed.order_id)
        assert (await desk.report(promotion)).quota == (1, 0, 0, 1)
        await settle_payment(shop.commerce, shop.merchant_id, event=event, source="webhook")
    order = await read(shop, placed.order_id)
    assert order.state == "paid"
    assert (await desk.report(promotion)).quota == (1, 1, 0, 0)
    await assert_clean()


async def test_an_order_that_costs_nothing_uses_its_coupon_at_once(
    shop: Shop, desk: Desk, assert_clean: Check
) -> None:
    sku_id = await shop.add_product(price_minor=5000)
    promotion = await desk.go_live(
        Terms(name="All of it", layer=4, benefit=PercentOff((Tier(0, 10_000),)), coupon=True)
    )
    await desk.issue(promotion, code="GIVEN")
    owner, cart_id = await shop.fill_cart((sku_id, 1))
    await enter(shop, owner, "GIVEN")
    placed = await shop.place_cart(owner, cart_id)
    order = await read(shop, placed.order_id)
    assert (order.state, order.total_minor) == ("paid", 0)
    assert (await desk.report(promotion)).coupons == (1, 0, 0, 1, 0, 0)
    await assert_clean()


async def test_a_delivery_is_cut_as_line_zero(shop: Shop, desk: Desk, assert_clean: Check) -> None:
    sku_id = await shop.add_product(price_minor=1000)
    await desk.go_live(Terms(name="Half delivery", layer=6, benefit=ShippingOff(300, 500)))
    order = await read(shop, (await shop.place((sku_id, 1))).order_id)
    assert (order.shipping_minor, order.discount_minor, order.adjustments[0].shares) == (299, 0, ((0, 300),))
    await assert_clean()


async def test_a_category_rule_reaches_goods_below_it(shop: Shop, desk: Desk) -> None:
    sku_id = await shop.add_product(price_minor=1000)
    scope = Scope(category_ids=(shop.category.category_id,))
    await desk.go_live(spend(500, 100, scope=scope))
    owner, _cart = await shop.fill_cart((sku_id, 1))
    assert (await quote(shop, owner)).discount_minor == 100


async def test_a_return_is_proposed_from_the_shares_of_the_order(
    shop: Shop, desk: Desk, provider: Any
) -> None:
    first, second = await shop.add_product(price_minor=6000), await shop.add_product(price_minor=2500)
    await desk.go_live(spend(10_000, 1100))
    placed = await shop.place((first, 1), (second, 2))
    order = await pay(shop, provider, placed.order_id)
    line_no = next(line.line_no for line in order.lines if line.sku_id == second)
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        half = await propose_refund(tx, order_id=order.order_id, returned={line_no: 1})
        whole = await propose_refund(
            tx, order_id=order.order_id, returned={line.line_no: line.quantity for line in order.lines}
        )
        with pytest.raises(Invalid):
            await propose_refund(tx, order_id=order.order_id, returned={line_no: 3})
    assert (half.amount_minor, list(half.clawed_back.values())) == (2250 - 850, [850])
    assert whole.amount_minor == order.paid_minor == 9900


async def test_an_add_on_is_chosen_bought_and_dropped_when_it_is_not_earned(
    shop: Shop, desk: Desk, assert_clean: Check
) -> None:
    sku_id = await shop.add_product(price_minor=5000)
    mug = await shop.add_product("Mug", price_minor=900, stock=3)
    promotion = await desk.go_live(Terms(name="Mug for 2", layer=2, benefit=AddOn(mug, 200, 4000, 2)))
    owner, cart_id = await shop.fill_cart((sku_id, 1))
    seen = await quote(shop, owner)
    assert [(r.outcome, r.code) for r in seen.pricing.reasons] == [("offered", "add_on")]  # type: ignore[union-attr]
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await choose_add_on(tx, owner=owner, promotion_id=promotion.promotion_id, quantity=2)
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        with pytest.raises(Invalid):
            await choose_add_on(tx, owner=owner, promotion_id=promotion.promotion_id, quantity=3)
    seen = await quote(shop, owner)
    assert [(e.kind, e.quantity, e.net_minor) for e in seen.extras] == [("add_on", 2, 400)]
    order = await read(shop, (await shop.place_cart(owner, cart_id)).order_id)
    assert (order.total_minor, order.discount_minor, order.quantity) == (5400, 1400, 3)

    cheap = await shop.add_product(price_minor=3900)
    owner, _cart_id = await shop.fill_cart((cheap, 1))
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await choose_add_on(tx, owner=owner, promotion_id=promotion.promotion_id, quantity=1)
    assert (await quote(shop, owner)).extras == ()
    await assert_clean()
