"""Random sequences of returns, claims and refunds against a plain model: no line and no order gets back more than was paid."""

import itertools
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.returns.conftest import Counter

from serai.commerce.aftersale.api import refund_order
from serai.commerce.order.types import Order
from serai.commerce.returns.logic import DELIVERY, LineStand, plan_refund
from serai.commerce.returns.types import ReceivedLine
from serai.foundation.errors import Refused

PRICES = (333, 1000)
SOLD = (3, 2)
MOVES = ("approve", "decline", "reopen", "withdraw", "send", "receive", "expire", "refund")
numbers = itertools.count()


@given(
    prices=st.lists(st.integers(0, 5000), min_size=1, max_size=4),
    sold=st.integers(1, 5),
    delivery=st.integers(0, 900),
    order=st.randoms(use_true_random=False),
    fee=st.integers(0, 10_000),
)
def test_pieces_that_come_back_one_by_one_give_exactly_what_was_paid(prices, sold, delivery, order, fee):
    left = dict(enumerate([delivery, *prices]))
    assert DELIVERY == 0
    kept = dict.fromkeys(range(1, len(prices) + 1), sold)
    pieces = [no for no in kept for _ in range(sold)]
    order.shuffle(pieces)
    charged = 0
    for no in pieces:
        stands = {each: LineStand(kept[each], left[each], 0) for each in kept}
        plan = plan_refund(
            stands, {no: 1}, delivery_minor=left[DELIVERY], taken_before=0, taken_after=0,
            most_minor=10**9, restocking_bp=fee, postage_minor=0,
        )  # fmt: skip
        assert 0 <= plan.amount_minor <= sum(plan.charges.values())
        for line_no, minor in plan.charges.items():
            left[line_no] -= minor
            assert left[line_no] >= 0
        charged += sum(plan.charges.values())
        kept[no] -= 1
    assert charged == sum(prices) + delivery


@given(
    left=st.lists(st.integers(0, 3000), min_size=1, max_size=3),
    held=st.integers(0, 500),
    taken=st.integers(-500, 3000),
    most=st.integers(0, 10_000),
)
def test_a_plan_never_gives_more_than_is_left_anywhere(left, held, taken, most):
    stands = {no: LineStand(2, minor, held) for no, minor in enumerate(left, 1)}
    plan = plan_refund(
        stands,
        {1: 1},
        delivery_minor=100,
        taken_before=0,
        taken_after=taken,
        most_minor=most,
        postage_minor=40,
    )
    assert 0 <= plan.amount_minor <= most
    assert sum(plan.charges.values()) <= most
    assert all(minor <= stands[no].left_minor for no, minor in plan.charges.items() if no != DELIVERY)
    assert plan.goods_minor - plan.kept_minor == sum(plan.charges.values())


class Model:
    """What a buyer, a merchant and a pencil know: pieces and money of one order."""

    def __init__(self, total: int) -> None:
        self.announced: dict[Any, tuple[int, int]] = {}
        self.came = {1: 0, 2: 0}
        self.refunded = 0
        self.given = {1: 0, 2: 0}
        self.total = total

    def left(self, line_no: int) -> int:
        waiting = sum(count for no, count in self.announced.values() if no == line_no)
        return SOLD[line_no - 1] - self.came[line_no] - waiting


async def play(counter: Counter, steps: list[tuple[str, int, int]]) -> None:
    goods = [await counter.shop.add_product(f"P{price}", price_minor=price, stock=10) for price in PRICES]
    order = await counter.sell(*zip(goods, SOLD, strict=True))
    model = Model(order.total_minor)
    known: list[Any] = []
    for move, first, second in steps:
        allowed = model.left(first) >= second if move == "ask" else None
        code = await try_step(counter, order, model, known, move, first, second)
        assert allowed is None or allowed is (code == ""), code
    after = await counter.order(order)
    assert after.refunded_minor == model.refunded <= model.total
    for line_no, sku_id in enumerate(goods, 1):
        assert model.given[line_no] <= PRICES[line_no - 1] * SOLD[line_no - 1]
        assert await counter.available(sku_id) == 10 - SOLD[line_no - 1] + model.came[line_no]


async def try_step(
    counter: Counter, order: Order, model: Model, known: list[Any], move: str, first: int, second: int
) -> str:
    """Do one step in the shop and in the model; the code of its refusal, empty when it passed."""
    try:
        if move == "ask":
            found = await counter.ask(order, (first, second))
            known.append(found)
            model.announced[found.return_id] = (first, second)
        elif move == "free":
            await refund_order(
                counter.commerce, counter.merchant_id, order_id=order.order_id, amount_minor=first,
                reason="a sorry", by="t", key=f"free {next(numbers)}",
            )  # fmt: skip
            model.refunded += first
        elif known:
            await move_on(counter, model, known, move, first, second)
    except Refused as refused:
        return refused.code
    return ""


async def move_on(
    counter: Counter, model: Model, known: list[Any], move: str, first: int, second: int
) -> None:
    found = await counter.load(known[first % len(known)])
    line = found.lines[0]
    how: dict[str, Any] = {}
    if move == "receive":
        count = min(second, line.quantity)
        how = {"lines": [ReceivedLine(line.line_no, count)] if count else [], "answer": "as it is"}
    after = await counter.do(move, found, **how)
    if after.turn == found.turn:
        return
    if move == "receive":
        del model.announced[found.return_id]
        model.came[line.line_no] += after.lines[0].accepted
    elif move in ("decline", "withdraw", "expire"):
        del model.announced[found.return_id]
    elif move == "reopen":
        model.announced[found.return_id] = (line.line_no, line.quantity)
        assert model.left(line.line_no) >= 0
    elif move == "refund":
        model.refunded += after.refund_minor
        model.given[line.line_no] += after.lines[0].charged_minor
        assert after.refund_minor <= model.total


@pytest.mark.parametrize("number", range(12))
async def test_random_sequences_keep_to_a_plain_model(counter, assert_clean, number):
    chance = random.Random(number)
    steps = [
        chance.choice(
            [
                ("ask", chance.randint(1, 2), chance.randint(1, 3)),
                (chance.choice(MOVES), chance.randint(0, 4), chance.randint(0, 3)),
                (chance.choice(("approve", "receive", "refund")), chance.randint(0, 4), chance.randint(1, 3)),
                ("free", chance.randint(1, 400), 0),
            ]
        )
        for _ in range(40)
    ]
    await play(counter, steps)
    await assert_clean()
