"""Every discount is posted to whoever funds it: when the order is paid, back again when it is called off or refunded."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import hypothesis.strategies as st
import pytest
from hypothesis import given
from tests.journeys.steps import pay, pay_late
from tests.promotion.conftest import Desk
from tests.promotion.test_order import quote, spend
from tests.shop import Shop

from serai.commerce.aftersale.api import cancel_order, expire_order, refund_order
from serai.commerce.checkout.api import start_payment
from serai.commerce.order.api import fulfil_order
from serai.commerce.promotion.api import check_terms, discount_by, discounted_sales, part_back
from serai.commerce.promotion.apply_benefit import Group, spread_over_sellers
from serai.commerce.promotion.types import PercentOff, Tier
from serai.foundation import clock
from serai.foundation.ids import derive_id
from serai.ledger.api import load_balances

Check = Callable[[], Awaitable[None]]


async def funded(shop: Shop) -> tuple[int, int, int, int]:
    """What seller, platform and brand bear, and what was not paid by buyers in all."""
    accounts = [discount_by(funder, "USD") for funder in ("seller", "platform", "brand")]
    ids = [each.account_id for each in (*accounts, discounted_sales("USD"))]
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        found = await load_balances(tx, account_ids=ids)
    seller, platform, brand, gone = (found[each].posted for each in ids)
    return seller, platform, brand, gone


async def order_with_both(shop: Shop, desk: Desk) -> Any:
    """An order of 100.00: 10.00 off by the seller, then 20 % by the brand, which pays 18.00."""
    sku_id = await shop.add_product(price_minor=10_000)
    await desk.go_live(spend(10_000, 1_000))
    await desk.go_live(spend(1, 1, layer=5, benefit=PercentOff((Tier(0, 2_000),)), funded_by="brand"))
    owner, cart_id = await shop.fill_cart((sku_id, 1))
    assert (await quote(shop, owner)).total_minor == 7_200
    return await shop.place_cart(owner, cart_id)


async def test_a_paid_discount_stands_with_its_funders_and_is_gone_after_a_cancellation(
    shop: Shop, desk: Desk, provider: Any, assert_clean: Check
) -> None:
    placed = await order_with_both(shop, desk)
    assert await funded(shop) == (0, 0, 0, 0)
    order = await pay(shop, provider, placed)
    assert order.state == "paid"
    assert await funded(shop) == (1_000, 0, 1_800, 2_800)
    await assert_clean()
    await cancel_order(shop.commerce, shop.merchant_id, order_id=placed.order_id, by="t")
    assert await funded(shop) == (0, 0, 0, 0)
    await assert_clean()


@pytest.mark.parametrize("handed_over", [False, True])
async def test_refunds_take_the_funders_share_back_in_step_and_all_of_it_in_the_end(
    shop: Shop, desk: Desk, provider: Any, assert_clean: Check, handed_over: bool
) -> None:
    placed = await order_with_both(shop, desk)
    await pay(shop, provider, placed)
    if handed_over:
        await fulfil_order(shop.commerce, shop.merchant_id, order_id=placed.order_id, by="t")
    await refund(shop, placed.order_id, 2_401, "a")
    assert await funded(shop) == (1_000 - 333, 0, 1_800 - 600, 2_800 - 933)
    await assert_clean()
    await refund(shop, placed.order_id, 7_200 - 2_401, "b")
    assert await funded(shop) == (0, 0, 0, 0)
    await assert_clean()


async def refund(shop: Shop, order_id: UUID, amount: int, key: str) -> None:
    await refund_order(
        shop.commerce,
        shop.merchant_id,
        order_id=order_id,
        amount_minor=amount,
        reason="r",
        by="t",
        key=key,
    )


async def test_a_refund_before_the_cancellation_is_not_taken_back_twice(
    shop: Shop, desk: Desk, provider: Any, assert_clean: Check
) -> None:
    placed = await order_with_both(shop, desk)
    await pay(shop, provider, placed)
    await refund(shop, placed.order_id, 3_000, "a")
    await cancel_order(shop.commerce, shop.merchant_id, order_id=placed.order_id, by="t")
    assert await funded(shop) == (0, 0, 0, 0)
    await assert_clean()


async def test_a_refund_that_fails_leaves_the_funders_as_they_were(
    shop: Shop, desk: Desk, provider: Any, assert_clean: Check
) -> None:
    placed = await order_with_both(shop, desk)
    await pay(shop, provider, placed)
    provider.refund_answer = "failed"
    await refund(shop, placed.order_id, 3_000, "a")
    assert await funded(shop) == (1_000, 0, 1_800, 2_800)
    await assert_clean()


async def test_an_order_that_expired_and_was_revived_is_funded_once(
    shop: Shop, desk: Desk, provider: Any, assert_clean: Check
) -> None:
    placed = await order_with_both(shop, desk)
    await start_payment(shop.commerce, shop.merchant_id, order_id=placed.order_id, base_url="http://shop")
    with clock.clock_shifted(timedelta(hours=1)):
        assert await expire_order(shop.commerce, shop.merchant_id, order_id=placed.order_id)
        assert await funded(shop) == (0, 0, 0, 0)
        order = await pay_late(shop, provider, placed)
    assert order.state == "paid"
    assert await funded(shop) == (1_000, 0, 1_800, 2_800)
    await cancel_order(shop.commerce, shop.merchant_id, order_id=placed.order_id, by="t")
    assert await funded(shop) == (0, 0, 0, 0)
    await assert_clean()


def test_sellers_bear_a_part_of_a_platforms_promotion_only() -> None:
    fine = spend(100, 10, layer=5, funded_by="platform", seller_percent=5_000)
    assert check_terms(fine) == ()
    for wrong in (
        spend(100, 10, seller_percent=1),
        spend(100, 10, funded_by="platform", seller_percent=10_001),
    ):
        assert [fault.code for fault in check_terms(wrong)] == ["seller_percent_wrong"]


def goods(shop: int, running: int) -> Group:
    return Group(
        ("", ""), derive_id("sku", shop, running), [], 1, 1, 0, running, 0, seller_id=derive_id(shop)
    )


@pytest.mark.parametrize(
    ("amount", "values", "shares"),
    [
        (1_000, (9_900, 1, 99), [990, 0, 10]),
        (1_000, (3_334, 3_334, 3_334), [334, 333, 333]),
        (100, (100, 0, 0), [100, 0, 0]),
    ],
)
def test_golden_vectors_hold_with_every_line_in_a_shop_of_its_own(
    amount: int, values: tuple[int, ...], shares: list[int]
) -> None:
    order = sorted(range(len(values)), key=lambda shop: derive_id(shop).bytes)
    groups = [goods(order[n], value) for n, value in enumerate(values)]
    assert spread_over_sellers(amount, list(values), groups) == shares


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 10**6)), min_size=1, max_size=12),
    st.integers(0, 10**6),
    st.randoms(use_true_random=False),
)
def test_shares_sum_exactly_stay_within_their_goods_and_do_not_depend_on_the_order(
    lines: list[tuple[int, int]], amount: int, random: Any
) -> None:
    values = [value for _shop, value in lines]
    amount = min(amount, sum(values))
    groups = [goods(shop, value) for shop, value in lines]
    shares = spread_over_sellers(amount, values, groups)
    assert sum(shares) == amount
    assert all(0 <= share <= value for share, value in zip(shares, values, strict=True))
    by_shop: dict[int, int] = {}
    for (shop, _value), share in zip(lines, shares, strict=True):
        by_shop[shop] = by_shop.get(shop, 0) + share
    if sum(values):
        for shop, part in by_shop.items():
            exact = amount * sum(v for s, v in lines if s == shop) / sum(values)
            assert abs(part - exact) < 1 + 1e-6
    shops = sorted({shop for shop, _value in lines}, key=lambda _shop: random.random())
    moved = [n for shop in shops for n, (other, _value) in enumerate(lines) if other == shop]
    again = spread_over_sellers(amount, [values[n] for n in moved], [groups[n] for n in moved])
    assert again == [shares[n] for n in moved]


@given(
    st.integers(0, 10**9),
    st.integers(1, 10**9),
    st.lists(st.integers(1, 10**8), max_size=8),
)
def test_parts_that_go_back_sum_to_all_of_it(amount: int, total: int, refunds: list[int]) -> None:
    before = back = 0
    for each in [*refunds, total]:
        minor = min(each, total - before)
        part = part_back(amount, total, before, minor)
        assert part >= 0
        before, back = before + minor, back + part
    assert back == amount
