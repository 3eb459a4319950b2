"""A shop in virtual time: two processes with a lane each, shoppers, a provider that repeats itself, and a clock that expires.

Every call may fail without an answer and is then sent again, to either lane. What was answered is remembered, and at the end
the books must say the same.
"""

import asyncio
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import msgspec
from tests.simulation.database import Faults, SimDatabase, SimStore, append_facts, write_documents
from tests.simulation.virtual import VirtualLoop, run_virtually

from serai.foundation import clock
from serai.foundation.database import DatabaseUnreachable
from serai.foundation.errors import Limited
from serai.foundation.event import Fact
from serai.foundation.ids import MerchantId, derive_id
from serai.ledger import settle_groups as settling
from serai.ledger.api import Lane, LaneSettings
from serai.ledger.types import Group, Outcome, Phase, Write, account, pending, post, posted, void

START = datetime(2026, 11, 11, tzinfo=UTC)
MERCHANT = MerchantId(derive_id("simulated merchant"))
MONEY = derive_id("simulated currency")
EXPIRES_S = 4.0


class OrderPlaced(msgspec.Struct):
    order_id: UUID


class Plan(msgspec.Struct, frozen=True):
    """What a seed comes to."""

    seed: int
    orders: int
    stock: int
    skus: int
    quiet: bool
    faults: Faults


class Order(msgspec.Struct):
    """One order as its shopper knows it. None: never answered."""

    order_id: UUID
    lines: tuple[tuple[UUID, int], ...]
    placed: Outcome | None = None
    paid: Outcome | None = None
    ended: Outcome | None = None


def make_plan(seed: int) -> Plan:
    """A schedule from a seed; a third of them without faults, since those must not even be slow."""
    rng = random.Random(f"plan {seed}")
    quiet = rng.random() < 0.34
    faults = Faults() if quiet else Faults(
        lost=rng.choice((0.0, 0.01, 0.04)),
        lost_after_commit=rng.choice((0.0, 0.05, 0.2)),
        crash=rng.choice((0.0, 0.002, 0.01)),
        freeze=rng.choice((0.0, 0.002)),
    )  # fmt: skip
    return Plan(seed, rng.randint(2, 12), rng.randint(1, 9), rng.randint(1, 3), quiet, faults)


def shelf(sku: UUID):
    return account("goods", sku, no_negative=True, subject_id=sku)


def sold(sku: UUID):
    return account("customer", sku, subject_id=sku)


DUE = account("order_due", MONEY)
CLEARING = account("psp_clearing", MONEY)
SALES = account("deferred_sales", MONEY, normal="C")


class World:
    """Runs one plan and keeps what everybody was told."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.rng = random.Random(f"world {plan.seed}")
        self.database = SimDatabase(random.Random(f"database {plan.seed}"), plan.faults)
        settings = LaneSettings(
            batch_groups=self.rng.choice((1, 3, 8)), overlap_groups=self.rng.choice((1, 2))
        )
        # The lane asks of a database what the simulated one offers, and nothing else.
        self.lanes = [Lane(self.database, settings) for _ in range(2)]  # type: ignore[arg-type]
        self.skus = [derive_id("sku", plan.seed, number) for number in range(plan.skus)]
        self.orders: list[Order] = []

    async def submit(self, group: Group) -> Outcome:
        """Send a group until it is answered, sometimes twice at once, as impatient callers do."""
        for _ in range(200):
            lane = self.rng.choice(self.lanes)
            calls = [lane.submit(MERCHANT, group)]
            if self.rng.random() < 0.2:
                calls.append(self.rng.choice(self.lanes).submit(MERCHANT, group))
            answers = await asyncio.gather(*calls, return_exceptions=True)
            told = [each for each in answers if isinstance(each, Outcome)]
            if told:
                # A refused twin left no trace, so the other one may have passed when goods came back between them.
                return next((each for each in told if each.passed), told[0])
            for each in answers:
                if not isinstance(each, DatabaseUnreachable | Limited | asyncpg.QueryCanceledError):
                    assert isinstance(each, BaseException)
                    raise each
            await asyncio.sleep(self.rng.uniform(0.01, 0.3))
        raise AssertionError("a group was never answered")

    async def run(self) -> None:
        for lane in self.lanes:
            lane.start()
        supplier = [account("supplier", sku, subject_id=sku) for sku in self.skus]
        for sku, source in zip(self.skus, supplier, strict=True):
            receipt = posted(derive_id("receipt", sku), shelf(sku), source, self.plan.stock, "receipt")
            outcome = await self.submit(Group(derive_id("opening", sku), (receipt,)))
            assert outcome.passed
        await asyncio.gather(*(self.shop(number) for number in range(self.plan.orders)))
        for lane in self.lanes:
            await lane.stop()

    async def shop(self, number: int) -> None:
        await asyncio.sleep(self.rng.uniform(0, 0.02))
        chosen = self.rng.sample(self.skus, self.rng.randint(1, len(self.skus)))
        quantity = 1 if self.plan.quiet else self.rng.randint(1, 2)
        order = Order(derive_id("order", self.plan.seed, number), tuple((sku, quantity) for sku in chosen))
        self.orders.append(order)
        order.placed = await self.submit(self.place(order))
        if not order.placed.passed or self.plan.quiet:
            return
        fates: list[Callable[[Order], object]] = [self.pay, self.pay, self.cancel]
        await asyncio.gather(
            *(self.decide(order, fate) for fate in self.rng.sample(fates, self.rng.randint(0, 3)))
        )

    async def decide(self, order: Order, fate: Callable[[Order], object]) -> None:
        await asyncio.sleep(self.rng.uniform(0, 0.05))
        await fate(order)  # type: ignore[misc]  # each of them is a coroutine function

    def place(self, order: Order) -> Group:
        money = sum(quantity for _sku, quantity in order.lines) * 100
        until = START + timedelta(seconds=EXPIRES_S + 3_600)
        return Group(
            order.order_id,
            (
                *(
                    pending(derive_id("hold", order.order_id, sku), sold(sku), shelf(sku), quantity, "order")
                    for sku, quantity in order.lines
                ),
                posted(derive_id("due", order.order_id), DUE, SALES, money, "order"),
                pending(derive_id("money", order.order_id), CLEARING, DUE, money, "order", until),
            ),
            (Write(write_documents, order.order_id, early=True),),
            (Fact(order.order_id, OrderPlaced(order.order_id)),),
            order.order_id,
        )

    async def pay(self, order: Order) -> None:
        """The provider says that it was paid; it says everything twice."""
        group = Group(
            derive_id("pay", order.order_id),
            (
                post(derive_id("money", order.order_id), "paid"),
                *(post(derive_id("hold", order.order_id, sku), "paid") for sku, _quantity in order.lines),
            ),
            (Write(write_documents, derive_id("receipt of", order.order_id)),),
        )
        order.paid = await self.submit(group)

    async def cancel(self, order: Order) -> None:
        group = Group(
            derive_id("cancel", order.order_id),
            (
                void(derive_id("money", order.order_id), "cancelled"),
                *(
                    void(derive_id("hold", order.order_id, sku), "cancelled")
                    for sku, _quantity in order.lines
                ),
            ),
        )
        order.ended = await self.submit(group)

    def judge(self) -> None:
        """The books agree with themselves and with what everybody was told."""
        rows = self.database.rows
        transfers = {key[1]: row for key, row in rows.items() if key[0] == "transfer"}
        resolved = {key[1]: row for key, row in rows.items() if key[0] == "resolution"}
        sums: dict[UUID, list[int]] = {}
        for movement in transfers.values():
            phase = movement.transfer.phase
            if phase is Phase.VOID or (phase is Phase.PENDING and movement.transfer.transfer_id in resolved):
                continue
            shift = 2 if phase is Phase.PENDING else 0
            sums.setdefault(movement.debit_id, [0, 0, 0, 0])[shift] += movement.amount
            sums.setdefault(movement.credit_id, [0, 0, 0, 0])[shift + 1] += movement.amount
        for key, row in rows.items():
            if key[0] != "account":
                continue
            known, stored = row
            assert list(stored) == sums.get(key[1], [0, 0, 0, 0]), (
                f"sums of {known.kind} are not its transfers'"
            )
            available = stored[0] - stored[1] - stored[3]
            assert not known.no_negative or available >= 0, f"{known.kind} was oversold: {available}"
        for order in self.orders:
            self._judge_order(order, transfers, resolved)
        told = [fact.subject_id for fact in self.database.facts]
        assert sorted(told) == sorted(o.order_id for o in self.orders if o.placed and o.placed.passed)
        if self.plan.quiet:
            self._judge_quiet()

    def _judge_order(self, order: Order, transfers: dict[UUID, object], resolved: dict[UUID, object]) -> None:
        assert order.placed is not None
        holds = [derive_id("hold", order.order_id, sku) for sku, _quantity in order.lines]
        there = [each in transfers for each in (*holds, derive_id("money", order.order_id))]
        assert all(there) if order.placed.passed else not any(there), (
            "an order is there in part, or against its answer"
        )
        has_document = ("document", order.order_id) in self.database.rows
        assert has_document == order.placed.passed, "an order's document does not follow its goods"
        is_paid, is_ended = (bool(each and each.passed) for each in (order.paid, order.ended))
        assert not (is_paid and is_ended), "paid and cancelled at once"
        ends = [each in resolved for each in (*holds, derive_id("money", order.order_id))]
        assert all(ends) if is_paid or is_ended else not any(ends)

    def _judge_quiet(self) -> None:
        """Without faults nothing is refused that could be had: selling too few is a failure too."""
        # Twins in two processes once held each other up until a statement's time was over.
        assert not self.database.counts
        for sku in self.skus:
            wanted = [o for o in self.orders if any(each == sku for each, _q in o.lines)]
            alone = [o for o in wanted if len(o.lines) == 1]
            refused = [o for o in alone if o.placed and not o.placed.passed]
            _known, stored = self.database.rows["account", shelf(sku).account_id]
            assert not refused or stored[0] - stored[3] == 0, "goods were refused that are there"


@contextmanager
def simulated(store: SimStore) -> Iterator[None]:
    """The lane's store is the simulated one inside the block."""
    before = settling.store, settling.append_facts
    settling.store, settling.append_facts = store, append_facts  # type: ignore[assignment, attr-defined]
    try:
        yield
    finally:
        settling.store, settling.append_facts = before  # type: ignore[attr-defined]


def run_seed(seed: int, store: SimStore | None = None) -> World:
    """Run one schedule and judge it. AssertionError (or whatever broke) names the seed."""
    world = World(make_plan(seed))

    async def live() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        with clock.clock_at(lambda: START + timedelta(seconds=loop.time())):
            await world.run()

    try:
        with simulated(store or SimStore()):
            run_virtually(live())
        world.judge()
    except Exception as error:
        error.add_note(f"SERAI_SIMULATION_SEED={seed} repeats it; faults so far: {world.database.counts}")
        raise
    return world
