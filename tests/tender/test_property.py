"""Whatever tenders pay and however it is refunded: everything sums exactly, and nothing goes back that had not come."""

import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.shop import Shop
from tests.tender.conftest import Till

from serai.commerce.promotion.api import use_tenders
from serai.commerce.promotion.types import Tender
from serai.commerce.tender.logic import award_left, list_parts, sum_refunds
from serai.commerce.tender.types import OrderTender, TenderTerms
from serai.foundation.errors import Conflict
from serai.foundation.ids import derive_id

Check = Callable[[], Awaitable[None]]
kinds = st.sampled_from(("points", "gift_card", "wallet"))
offered = st.lists(
    st.builds(
        Tender,
        kinds,
        st.just(""),
        st.integers(0, 10_000),
        st.integers(0, 12_000),
        st.sampled_from((1, 3, 50, 100)),
    ),
    max_size=6,
)
caps = st.lists(st.tuples(kinds, st.integers(0, 10_000)), max_size=3, unique_by=lambda cap: cap[0])


@settings(max_examples=300, deadline=None)
@given(offered, st.integers(0, 50_000), caps)
def test_tenders_pay_no_more_than_is_due_than_they_hold_or_than_their_limit(
    tenders: list[Tender], total_minor: int, limits: list[tuple[str, int]]
) -> None:
    used = list(use_tenders(tenders, total_minor, limits))
    assert sum(each.amount_minor for each in used) <= total_minor
    assert all(each.amount_minor > 0 for each in used)
    for kind, percent in limits:
        paid = sum(each.amount_minor for each in used if each.kind == kind)
        assert paid * 10_000 <= total_minor * percent + 10_000
    for kind in ("points", "gift_card", "wallet"):
        held = sum(min(t.balance, t.wanted) * t.unit_minor for t in tenders if t.kind == kind)
        assert sum(each.amount_minor for each in used if each.kind == kind) <= held


orders = st.lists(st.tuples(kinds, st.integers(1, 5_000), st.integers(1, 9)), min_size=1, max_size=5).map(
    lambda rows: tuple(
        OrderTender(
            number,
            kind,
            derive_id("subject", number),
            "",
            amount * (times if kind == "points" else 1),
            amount,
        )
        for number, (kind, amount, times) in enumerate(rows, 1)
    )
)


@settings(max_examples=300, deadline=None)
@given(orders, st.lists(st.integers(1, 4_000), max_size=30), st.integers(0, 3_000), st.integers(0, 900))
def test_refunds_in_any_steps_give_every_tender_back_exactly(
    tenders: tuple[OrderTender, ...], steps: list[int], money_minor: int, award: int
) -> None:
    total = sum(each.amount_minor for each in tenders) + money_minor
    given_back: list[tuple[int, int]] = []
    units: dict[int, int] = {}
    left, sent, points = total, 0, award
    for step in [*steps, total]:
        amount = min(step, left)
        parts = list_parts(tenders, sum_refunds(given_back), amount)
        given_back += [(part.tender.tender_no, part.amount_minor) for part in parts]
        for part in parts:
            units[part.tender.tender_no] = units.get(part.tender.tender_no, 0) + part.units
        money = amount - sum(part.amount_minor for part in parts)
        # The provider's money moves only once every tender has all of its own.
        if money:
            assert all(sum_refunds(given_back).get(each.tender_no) == each.amount_minor for each in tenders)
        sent += money
        left -= amount
        kept = award_left(award, total, total - left)
        assert 0 <= kept <= points
        points = kept
    assert sum_refunds(given_back) == {each.tender_no: each.amount_minor for each in tenders}
    assert units == {each.tender_no: each.units for each in tenders}
    assert (sent, left, points) == (money_minor, 0, 0)


@pytest.mark.parametrize("seed", range(8))
async def test_a_random_order_refunded_in_random_steps_leaves_everybody_as_before(
    shop: Shop, till: Till, provider: Any, assert_clean: Check, seed: int
) -> None:
    dice = random.Random(seed)
    await till.say(
        TenderTerms(
            points_block=dice.choice((1, 7, 100)),
            block_minor=dice.choice((1, 33, 100)),
            cap_percent=dice.choice((10, 50, 100)),
            earn_points=dice.choice((0, 1, 13)),
        )
    )
    points, wallet = dice.randrange(1, 3000), dice.randrange(1, 3000)
    member = await till.member(points=points, wallet_minor=wallet)
    cards = await till.issue(dice.randrange(1, 2500), count=2)
    sku_id = await shop.add_product(price_minor=dice.randrange(500, 9000))
    owner, cart_id = await shop.fill_cart((sku_id, 1))
    for kind in ("points", "wallet"):
        if dice.random() < 0.7:
            # Fewer points than one block pay nothing, and the cart says so at once.
            with suppress(Conflict):
                await till.use(owner, kind, member)
    for card in cards[: dice.randrange(3)]:
        await till.enter(owner, card.code, dice.choice((None, 77)))
    placed = await till.place(owner, cart_id, member)
    order = await till.order(placed.order_id)
    if order.state != "paid":
        order = await till.pay(placed.order_id)
    assert order.paid_minor + order.tender_minor == order.total_minor == order.refundable_minor
    for step in range(dice.randrange(5)):
        order = await till.refund(
            order.order_id, dice.randrange(1, max(2, order.refundable_minor // 2)), f"s{step}"
        )
    if dice.random() < 0.5 and order.refundable_minor:
        order = await till.refund(order.order_id, order.refundable_minor, "rest")
    else:
        order = await till.cancel(order.order_id)
    assert (order.refunded_minor, order.refundable_minor) == (order.total_minor, 0)
    assert sum(provider.refunds.values()) == order.paid_minor
    purse = await till.purse(member)
    assert (purse.points, purse.wallet_minor, purse.owed_points) == (points, wallet, 0)
    for card in cards:
        assert (await till.card(card.card_id)).available_minor == card.amount_minor
    await assert_clean()
