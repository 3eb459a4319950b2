"""One order, its payment, parcels and returns together, under any sequence of what buyers, staff, provider, carrier, worker
and power cuts do to it: after every step the shop says what a plain model says (``whole_model``), and every walk ends with
all invariants of the house.

``SERAI_WALKS`` is the number of walks (a long one: 3000), ``SERAI_WALK_SEED`` repeats one run. Planted and found, one
after the other: damaged goods put on the shelf by a return, a repeated refund taken for a new one, a cut that frees a piece too
few of the stock.
"""

import asyncio
import os
import random
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    invariant,
    run_state_machine_as_test,
)
from tests.fulfilment.desk import handling, on_hand
from tests.journeys.whole_base import SPARE_MINOR, STOCK
from tests.journeys.whole_goods import GoodsRules
from tests.journeys.whole_model import Kind, Line, Model, Outside
from tests.journeys.whole_money import MoneyRules
from tests.journeys.whole_returns import ReturnRules
from tests.journeys.whole_world import RoughCarrier, RoughProvider
from tests.shop import open_shop

from serai.commerce.method.api import save_method
from serai.commerce.method.types import MethodTerms
from serai.commerce.order.types import Order
from serai.commerce.settings import CommerceSettings
from serai.commerce.types import Commerce
from serai.foundation.database import open_database
from serai.foundation.ids import MerchantId, new_id
from serai.foundation.invariant import check_invariants
from serai.ledger.api import Lane
from serai.main.check import list_invariants

WALKS = int(os.environ.get("SERAI_WALKS") or 60)
STEPS = 25
EXAMPLES = 20
SIMPLE_MOVES = ("approve", "decline", "reopen", "withdraw", "send", "expire")


class WholeMachine(MoneyRules, GoodsRules, ReturnRules):
    """All rules over one order, how it begins, and what must be true after every step."""

    @initialize(
        pieces=st.lists(st.integers(1, 3), min_size=1, max_size=2),
        kind=st.sampled_from(["charged", "charged", "held", "cash"]),
        stage=st.sampled_from(["placed", "paid", "paid", "gone", "back"]),
    )
    def place(self, pieces: list[int], kind: Kind, stage: str) -> None:
        manual = "manual" if kind == "held" else "automatic"

        async def offer() -> None:
            async with self.commerce.db.transaction(self.shop.merchant_id) as tx:
                await save_method(tx, terms=MethodTerms("online", active=True, capture=manual), by="test")
                await save_method(tx, terms=MethodTerms("cash_on_delivery", active=True), by="test")

        self.run(offer())
        prices = (333, 1000)[: len(pieces)]
        skus = [
            self.run(self.shop.add_product(f"P{price}", price_minor=price, stock=STOCK)) for price in prices
        ]
        self.spare = self.run(self.shop.add_product("Spare", price_minor=SPARE_MINOR, stock=STOCK))
        self.order_id: UUID = self.run(self.shop.place(*zip(skus, pieces, strict=True))).order_id
        order = self.run(self.load())
        self.skus = {line.line_no: line.sku_id for line in order.lines}
        lines = {
            line.line_no: Line(
                line.price_minor, line.quantity, line.price_minor * line.quantity, line.quantity
            )
            for line in order.lines
        }
        delivery = order.total_minor - sum(line.left for line in lines.values())
        self.model = Model(order.total_minor, delivery, kind, self.world, lines, delivery_left=delivery)
        if stage != "placed":
            self.buyer_pays(1)
        if stage in ("gone", "back"):
            self.all_goods_leave()
        if stage == "back":
            self.worker_takes_held_money()
            self.buyer_asks_for_a_return({0: 1, 1: 1}, exchange=False)
            self.returns_move("approve", 0)
            self.goods_come_back(0, [0, 0])

    # What must be true after every step

    @invariant()
    def shop_says_what_the_model_says(self) -> None:
        if not hasattr(self, "model"):
            return
        model, order = self.model, self.run(self.load())
        assert (order.state, order.paid_minor, order.pledged_minor, order.released_minor) == (
            model.state, model.taken, model.open, model.let_go,
        )  # fmt: skip
        assert sorted((each.amount_minor, each.state) for each in order.refunds) == sorted(
            (each.minor, each.state) for each in model.backs
        )
        gone = self.provider.sum_refunds({each.refund_id: each for each in order.refunds})
        assert gone == sum(each.minor for each in model.backs if each.truth == "done") <= model.taken
        self.compare_goods(order)
        for return_id, each in model.returns.items():
            found = self.run(self.read_return(return_id))
            assert (found.state, {line.line_no: line.accepted for line in found.lines if line.accepted}) == (
                each.state, each.accepted,
            )  # fmt: skip

    def compare_goods(self, order: Order) -> None:
        model = self.model
        for no, line in model.lines.items():
            damaged = sum(1 for each in model.returns.values() if no == 1 and each.accepted.get(no))
            expected = (STOCK - line.shipped + line.came - damaged, line.open)
            assert self.run(on_hand(self.shop, self.skus[no])) == expected
        if model.state in ("paid", "fulfilled"):
            for each in self.run(handling(self.shop, self.order_id)).goods:
                line = model.lines[each.line_no]
                told = (each.open, each.picked, each.packed, each.shipped, each.cut)
                assert told == (line.open, line.picked, line.packed, line.shipped, line.cut)
            boxes = {each.parcel_id: each.state for each in order.parcels}
            for parcel_id, box in model.boxes.items():
                state = boxes[parcel_id]
                assert ("shipped" if state == "delivered" else state) == box.state
        living: dict[UUID, int] = {}
        for label in self.run(self.labels()):
            if (sold := self.carrier.sold.get(label.label_id)) and not sold.is_void:
                living[label.parcel_id] = living.get(label.parcel_id, 0) + 1
        assert all(count == 1 for count in living.values()), "a label was bought twice"

    def teardown(self) -> None:
        if hasattr(self, "model"):
            self.assert_whole()

    def assert_whole(self) -> None:
        """All invariants of the house hold: for the last walks as for this one."""
        verdicts = self.run(check_invariants(self.owner, list_invariants()))
        assert not [(v.invariant.name, v.offending[:2]) for v in verdicts if not v.holds]


@pytest.fixture
def machine(database_url: str) -> Iterator[type[WholeMachine]]:
    """The machine in a shop, on pools and an event loop of its own, since hypothesis is not asynchronous."""
    loop = asyncio.new_event_loop()
    db = loop.run_until_complete(open_database(database_url, size=6))
    owner = loop.run_until_complete(open_database(database_url, role=None, size=2))
    world = Outside()
    provider, carrier, lane = RoughProvider(world), RoughCarrier(world), Lane(db)

    async def start() -> None:
        lane.start()

    loop.run_until_complete(start())
    commerce = Commerce(
        db, lane, {"sandbox": provider}, CommerceSettings(), b"test secret of guests' links",
        carriers={"caravan": carrier},
    )  # fmt: skip
    merchant_id = MerchantId(new_id())
    shop = loop.run_until_complete(open_shop(owner, commerce, merchant_id, f"whole-{merchant_id.hex[-12:]}"))

    class Machine(WholeMachine):
        pass

    Machine.loop, Machine.owner, Machine.shop, Machine.world = loop, owner, shop, world
    Machine.provider, Machine.carrier = provider, carrier
    yield Machine
    loop.run_until_complete(lane.stop())
    loop.run_until_complete(db.close())
    loop.run_until_complete(owner.close())
    loop.close()


def choose(order: WholeMachine, dice: random.Random) -> tuple[Callable[..., None], tuple[Any, ...]]:
    """What happens next, at random: more often what makes an order go on than what ends it."""
    some = dice.randrange(6)
    word = dice.choice(("done", "done", "pending", "failed"))
    fault: Any = dice.choice(("", "", "down", "silent"))
    carrier: Any = dice.choice(("", "", "down", "silent", "refuses"))
    counts = {dice.randrange(2): dice.randint(1, 2), dice.randrange(2): dice.randint(1, 2)}
    deeds: list[tuple[int, Callable[..., None], tuple[Any, ...]]] = [
        (4, order.provider_changes, (fault, word, dice.choice(("done", "done", "pending", "failed")))),
        (2, order.carrier_changes, (carrier,)),
        (4, order.process_will_die, (dice.choice(("before", "after")),)),
        (3, order.buyer_pays, (dice.randint(1, 3),)),
        (1, order.provider_tells_nonsense, (dice.choice((1, 100)),)),
        (2, order.staff_take_held_money, (dice.randint(0, 4),)),
        (3, order.worker_takes_held_money, ()),
        (3, order.staff_refund, (dice.choice((-1, 0, 1, 1, 1, 2, 4)),)),
        (3, order.worker_asks_for_refunds, ()),
        (2, order.provider_tells_of_refunds, (dice.choice(("done", "failed")),)),
        (2, order.worker_looks_after_payments, ()),
        (1, order.time_to_pay_is_over, ()),
        (1, order.somebody_cancels, ()),
        (3, order.staff_pick, (some, dice.randint(1, 3))),
        (5, order.staff_pack, (some, dice.randint(1, 2))),
        (1, order.staff_unpack, (some,)),
        (4, order.parcel_leaves, (some,)),
        (1, order.all_goods_leave, ()),
        (3, order.staff_cut, (some, dice.randint(1, 2))),
        (1, order.buyer_calls_off_the_rest, ()),
        (3, order.staff_buy_a_label, (some,)),
        (3, order.carrier_moves_a_parcel, (some, dice.choice(("picked_up", "delivered")), dice.randrange(3))),
        (3, order.worker_settles_labels, ()),
        (6, order.buyer_asks_for_a_return, (counts, dice.random() < 0.4)),
        (7, order.returns_move, (dice.choice(("approve", "approve", "approve", *SIMPLE_MOVES)), some)),
        (1, order.worker_ends_returns, ()),
        (5, order.goods_come_back, (some, [dice.choice((0, 0, 1, 3)), dice.choice((0, 0, 1))])),
        (5, order.staff_refund_a_return, (some,)),
        (4, order.staff_exchange_a_return, (some,)),
        (2, order.buyer_calls_an_exchange_off, (some,)),
    ]
    _weight, act, how = dice.choices(deeds, [weight for weight, _act, _how in deeds])[0]
    return act, how


def walk(machine: type[WholeMachine], dice: random.Random) -> None:
    """Many steps at random; whatever was done is told when something breaks."""
    order = machine()
    begun: tuple[Any, ...] = (
        [dice.randint(1, 3) for _line in range(dice.randint(1, 2))],
        dice.choice(("charged", "charged", "held", "cash")),
        dice.choice(("placed", "paid", "paid", "gone", "gone", "back", "back")),
    )
    told = [f"place{begun}"]
    try:
        order.place(*begun)
        order.shop_says_what_the_model_says()
        for _step in range(STEPS):
            act, how = choose(order, dice)
            told.append(f"{act.__name__}{how}")
            act(*how)
            order.shop_says_what_the_model_says()
    except BaseException:
        print(*told, sep="\n")
        raise


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_an_order_with_parcels_and_returns_does_what_the_model_does_on_any_walk(
    machine: type[WholeMachine],
) -> None:
    number = int(os.environ.get("SERAI_WALK_SEED") or random.SystemRandom().randrange(1_000_000))
    for turn in range(WALKS):
        print(f"SERAI_WALK_SEED={number + turn} SERAI_WALKS=1")
        walk(machine, random.Random(number + turn))
        if turn % 10 == 9 or turn == WALKS - 1:
            machine().assert_whole()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_an_order_with_parcels_and_returns_does_what_the_plain_model_does(
    machine: type[WholeMachine],
) -> None:
    number = int(os.environ.get("SERAI_WALK_SEED") or random.SystemRandom().randrange(1_000_000))
    print(f"SERAI_WALK_SEED={number}")
    run_state_machine_as_test(
        seed(number)(machine),
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=12,
            deadline=None,
            phases=[Phase.generate, Phase.shrink],
            report_multiple_bugs=False,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
