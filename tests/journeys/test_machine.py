"""An order under any sequence of what buyers, staff, provider and clock do to it, against a plain model of a few lines.

The model knows nothing of ledgers: a state, what the provider took, and refunds with how they ended. After every step the real
order has to say the same; at the end of every run all invariants of the house hold.
"""

import asyncio
import os
import random
from collections.abc import Awaitable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ClassVar, Literal
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from tests.conftest import FakeProvider
from tests.shop import Shop, open_shop

from serai.commerce.aftersale.api import cancel_order, refund_order, settle_refund
from serai.commerce.aftersale.jobs import ask_refunds, expire_orders
from serai.commerce.checkout.api import refresh_payment, settle_payment, start_payment
from serai.commerce.order.api import fulfil_order, load_order
from serai.commerce.order.types import Order
from serai.commerce.settings import CommerceSettings
from serai.commerce.types import Commerce
from serai.foundation import clock
from serai.foundation.database import Database, open_database
from serai.foundation.errors import Outside, Refused
from serai.foundation.ids import MerchantId, new_id
from serai.foundation.invariant import check_invariants
from serai.ledger.api import Lane
from serai.main.check import list_invariants

PRICE_MINOR = 2000
ANSWERS = ("done", "pending", "failed")
STEPS = 9
WALKS = int(os.environ.get("SERAI_WALKS") or 60)
Answer = Literal["done", "pending", "failed"]


@dataclass
class Return:
    """Money on its way back: how much, and how it ended."""

    minor: int
    state: Answer


@dataclass
class Model:
    """One order as somebody would keep it on paper."""

    total: int
    state: str = "awaiting_payment"
    is_started: bool = False
    taken: int = 0
    returns: list[Return] = field(default_factory=list)

    @property
    def returned(self) -> int:
        return sum(each.minor for each in self.returns if each.state != "failed")

    @property
    def left(self) -> int:
        return self.taken - self.returned

    def give_back(self, minor: int, answer: Answer) -> None:
        if minor > 0:
            self.returns.append(Return(minor, answer))

    def ask_again(self, answer: Answer) -> None:
        for each in self.returns:
            if each.state == "pending":
                each.state = answer


class OrderMachine(RuleBasedStateMachine):
    """Rules named after who does something."""

    loop: ClassVar[asyncio.AbstractEventLoop]
    owner: ClassVar[Database]
    shop: ClassVar[Shop]
    provider: ClassVar[FakeProvider]

    def run(self, doing: Awaitable[Any]) -> Any:
        return self.loop.run_until_complete(doing)  # type: ignore[arg-type]  # coroutines, as all of these are

    def attempt(self, doing: Awaitable[Any]) -> Refused | None:
        """Do something that may be refused; anything else that goes wrong is a fault."""
        try:
            self.run(doing)
        except Refused as refusal:
            return refusal
        return None

    @property
    def answer(self) -> Answer:
        """What the provider says of a refund that it is asked for now."""
        return "pending" if self.provider.down else self.provider.refund_answer

    @property
    def commerce(self) -> Commerce:
        return self.shop.commerce

    @property
    def merchant_id(self) -> MerchantId:
        return self.shop.merchant_id

    async def load(self) -> Order:
        async with self.commerce.db.transaction(self.merchant_id, "read") as tx:
            return await load_order(tx, order_id=self.order_id)

    @initialize(
        pieces=st.integers(1, 3),
        paid=st.sampled_from([False, True, True, True]),
        answer=st.sampled_from(["pending", "done", "failed"]),
    )
    def place(self, pieces: int, paid: bool, answer: Answer) -> None:
        self.provider.down = False
        self.provider.refund_answer = answer
        sku_id = self.run(self.shop.add_product(price_minor=PRICE_MINOR, stock=50))
        self.order_id: UUID = self.run(self.shop.place((sku_id, pieces))).order_id
        self.model = Model(self.run(self.load()).total_minor)
        if paid:
            self.buyer_goes_to_pay()
            self.buyer_pays_and_it_is_told(times=1, by_browser=False)

    @rule(answer=st.sampled_from(["done", "pending", "failed"]), down=st.booleans())
    def provider_changes_its_mind(self, answer: Answer, down: bool) -> None:
        self.provider.refund_answer = answer
        self.provider.down = down

    @rule()
    def buyer_goes_to_pay(self) -> None:
        try:
            refusal = self.attempt(
                start_payment(
                    self.commerce, self.merchant_id, order_id=self.order_id, base_url="http://shop.localhost"
                )
            )
        except Outside:
            assert self.provider.down
            return
        is_open = self.model.state == "awaiting_payment"
        assert (refusal is None) == is_open
        self.model.is_started |= is_open

    @precondition(lambda self: self.model.is_started)
    @rule(times=st.integers(1, 3), by_browser=st.booleans())
    def buyer_pays_and_it_is_told(self, times: int, by_browser: bool) -> None:
        order = self.run(self.load())
        event = self.provider.capture(order.payments[-1].intent_id)
        told = [
            settle_payment(self.commerce, self.merchant_id, event=event, source="webhook")
            for _ in range(times)
        ]
        if by_browser and not self.provider.down:
            told.append(refresh_payment(self.commerce, self.merchant_id, order_id=self.order_id))

        async def all_at_once() -> None:
            await asyncio.gather(*told)

        self.run(all_at_once())
        if self.model.taken:
            return
        self.model.taken = self.model.total
        if self.model.state in ("awaiting_payment", "expired"):
            self.model.state = "paid"
        else:
            self.model.give_back(self.model.taken, self.answer)

    @rule()
    def time_to_pay_is_over(self) -> None:
        with clock.clock_shifted(timedelta(hours=1)):
            self.run(expire_orders(self.commerce, self.owner))
        if self.model.state == "awaiting_payment":
            self.model.state = "expired"

    @rule()
    def somebody_cancels(self) -> None:
        refusal = self.attempt(
            cancel_order(self.commerce, self.merchant_id, order_id=self.order_id, by="somebody")
        )
        may = self.model.state in ("awaiting_payment", "paid", "cancelled")
        assert (refusal is None) == may
        if not may:
            return
        if self.model.state == "paid":
            self.model.give_back(self.model.left, "pending")
        self.model.state = "cancelled"
        self.model.ask_again(self.answer)

    @rule(parts=st.sampled_from([1, 1, 2, 3, 4, -1, 0]), times=st.integers(1, 2))
    def staff_refund(self, parts: int, times: int) -> None:
        """A quarter of the money for each of the parts."""
        minor = self.model.total * parts // 4
        key = str(new_id())

        def refund() -> Awaitable[Order]:
            return refund_order(
                self.commerce,
                self.merchant_id,
                order_id=self.order_id,
                amount_minor=minor,
                reason="broken",
                by="staff",
                key=key,
            )

        may = self.model.state != "awaiting_payment" and 0 < minor <= self.model.left
        for _ in range(times):
            assert (self.attempt(refund()) is None) == may
        if may:
            self.model.give_back(minor, self.answer)

    @rule()
    def goods_leave(self) -> None:
        refusal = self.attempt(
            fulfil_order(self.commerce, self.merchant_id, order_id=self.order_id, by="staff")
        )
        may = self.model.state in ("paid", "fulfilled")
        assert (refusal is None) == may
        if may:
            self.model.state = "fulfilled"

    @rule()
    def refunds_are_asked_for_again(self) -> None:
        with clock.clock_shifted(timedelta(hours=2)):
            self.run(ask_refunds(self.commerce, self.owner))
        self.model.ask_again(self.answer)

    @rule(failed=st.booleans())
    def provider_tells_how_refunds_ended(self, failed: bool) -> None:
        for each in self.run(self.load()).refunds:
            if each.state == "pending":
                told = settle_refund(
                    self.commerce,
                    self.merchant_id,
                    refund_id=each.refund_id,
                    failure="refused" if failed else None,
                )
                self.run(told)
        self.model.ask_again("failed" if failed else "done")

    @invariant()
    def order_says_what_the_model_says(self) -> None:
        if not hasattr(self, "model"):
            return
        order = self.run(self.load())
        assert (order.state, order.paid_minor, order.refunded_minor) == (
            self.model.state,
            self.model.taken,
            self.model.returned,
        )
        assert sorted((each.amount_minor, each.state) for each in order.refunds) == sorted(
            (each.minor, each.state) for each in self.model.returns
        )
        assert 0 <= order.refunded_minor <= order.paid_minor

    def teardown(self) -> None:
        if hasattr(self, "model"):
            self.assert_whole()

    def assert_whole(self) -> None:
        """All invariants of the house hold: for the last walks as for this one."""
        verdicts = self.run(check_invariants(self.owner, list_invariants()))
        assert not [(v.invariant.name, v.offending[:2]) for v in verdicts if not v.holds]


@pytest.fixture
def machine(database_url: str) -> Iterator[type[OrderMachine]]:
    """The machine in a shop, on pools and an event loop of its own, since hypothesis is not asynchronous."""
    loop = asyncio.new_event_loop()
    db = loop.run_until_complete(open_database(database_url, size=6))
    owner = loop.run_until_complete(open_database(database_url, role=None, size=2))
    provider = FakeProvider()
    lane = Lane(db)

    async def start() -> None:
        lane.start()

    loop.run_until_complete(start())
    commerce = Commerce(db, lane, {"sandbox": provider}, CommerceSettings(), b"test secret of guests' links")
    merchant_id = MerchantId(new_id())
    shop = loop.run_until_complete(
        open_shop(owner, commerce, merchant_id, f"machine-{merchant_id.hex[-12:]}")
    )

    class Machine(OrderMachine):
        pass

    Machine.loop, Machine.owner, Machine.shop, Machine.provider = loop, owner, shop, provider
    yield Machine
    loop.run_until_complete(lane.stop())
    loop.run_until_complete(db.close())
    loop.run_until_complete(owner.close())
    loop.close()


def walk(machine: type[OrderMachine], dice: random.Random) -> None:
    """A few steps at random; whatever was done is told when something breaks."""
    order = machine()
    told = []
    try:
        order.place(dice.randint(1, 3), dice.random() < 0.8, dice.choice(ANSWERS))
        for _ in range(STEPS):
            match dice.randrange(9):
                case 0 | 1:
                    how: Any = (dice.choice(ANSWERS), dice.random() < 0.2)
                    told.append((order.provider_changes_its_mind, how))
                case 2:
                    told.append((order.buyer_goes_to_pay, ()))
                case 3 if order.model.is_started:
                    how = (dice.randint(1, 3), dice.random() < 0.5)
                    told.append((order.buyer_pays_and_it_is_told, how))
                case 3 | 4:
                    act = dice.choice([order.time_to_pay_is_over, order.refunds_are_asked_for_again])
                    told.append((act, ()))
                case 5:
                    told.append((order.somebody_cancels, ()))
                case 6 | 7:
                    told.append(
                        (order.staff_refund, (dice.choice([1, 1, 2, 3, 4, -1, 0]), dice.randint(1, 2)))
                    )
                case _:
                    act = dice.choice([order.goods_leave, order.provider_tells_how_refunds_ended])
                    told.append((act, () if act == order.goods_leave else (dice.random() < 0.5,)))
            act, how = told[-1]
            act(*how)
            order.order_says_what_the_model_says()
    except BaseException:
        print(*(f"{act.__name__}{how}" for act, how in told), sep="\n")
        raise


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_an_order_does_what_the_model_does_on_any_walk(machine: type[OrderMachine]) -> None:
    seed = int(os.environ.get("SERAI_WALK_SEED") or random.SystemRandom().randrange(1_000_000))
    for number in range(WALKS):
        print(f"SERAI_WALK_SEED={seed + number} SERAI_WALKS=1")
        walk(machine, random.Random(seed + number))
        if number % 5 == 4 or number == WALKS - 1:
            machine().assert_whole()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_an_order_does_what_the_plain_model_does(machine: type[OrderMachine]) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=25,
            stateful_step_count=10,
            deadline=None,
            report_multiple_bugs=False,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
