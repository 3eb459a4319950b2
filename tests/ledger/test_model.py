"""The ledger against a plain model of it, written without a look at its code: random groups through the database.

The model keeps every transfer ever made in a list and recomputes balances from it each time, so it shares neither the
running sums nor the batching with the real one.
"""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import asyncpg
import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from serai.foundation import clock
from serai.foundation.database import Database, open_database
from serai.foundation.ids import MerchantId, new_id
from serai.ledger.api import load_balances
from serai.ledger.settle_groups import NotAllPassError, settle_early, settle_groups
from serai.ledger.types import (
    Account,
    Group,
    Outcome,
    Phase,
    Transfer,
    account,
    is_early,
    pending,
    post,
    posted,
    void,
)

SHELVES = 3
amounts = st.integers(min_value=1, max_value=9)
some = st.integers(min_value=0, max_value=10_000)


class Made(msgspec.Struct):
    """A transfer as the model remembers it."""

    group_id: Any
    transfer: Transfer
    amount: int
    ends: Any = None  # posted or voided by this transfer


class Model:
    """What the ledger should do, in the simplest way that could be right."""

    def __init__(self) -> None:
        self.made: dict[Any, Made] = {}
        self.passed: set[Any] = set()

    def balance(self, account_id: Any, made: dict[Any, Made] | None = None) -> tuple[int, int, int, int]:
        """(posted in, posted out, pending in, pending out) of an account, from the first transfer on."""
        sums = [0, 0, 0, 0]
        for each in (self.made if made is None else made).values():
            of = each.transfer
            if of.phase is Phase.VOID:
                continue
            base, amount = each, each.amount
            if of.phase is Phase.POST:
                base = (self.made if made is None else made)[of.pending_id]
            debit, credit = base.transfer.debit, base.transfer.credit
            assert debit is not None
            assert credit is not None
            if of.phase is Phase.PENDING and each.ends is not None:
                continue
            shift = 2 if of.phase is Phase.PENDING else 0
            if debit.account_id == account_id:
                sums[shift] += amount
            if credit.account_id == account_id:
                sums[shift + 1] += amount
        return sums[0], sums[1], sums[2], sums[3]

    def settle(
        self, group: Group, now: Any, durable: set[Any]
    ) -> tuple[bool, bool, set[Any], set[tuple[Any, str]]]:
        """(passed, replayed, short accounts, (pending, why) of faults).

        Only a reservation that was ``durable`` when the batch began can be resolved: nobody has been told of a younger one.
        """
        if group.group_id in self.passed:
            return True, True, set(), set()
        trial = {key: msgspec.structs.replace(each) for key, each in self.made.items()}
        faults = set()
        for transfer in group.transfers:
            if transfer.pending_id is None:
                trial[transfer.transfer_id] = Made(group.group_id, transfer, transfer.amount)
                continue
            target = self.made.get(transfer.pending_id)
            if (
                target is None
                or transfer.pending_id not in durable
                or target.transfer.phase is not Phase.PENDING
            ):
                faults.add((transfer.pending_id, "unknown"))
                continue
            expires_at = target.transfer.expires_at
            if target.ends is not None:
                faults.add((transfer.pending_id, "resolved"))
            elif transfer.phase is Phase.POST and expires_at is not None and expires_at <= now:
                faults.add((transfer.pending_id, "expired"))
            elif transfer.amount > target.amount:
                faults.add((transfer.pending_id, "amount"))
            else:
                amount = transfer.amount or target.amount
                trial[transfer.transfer_id] = Made(group.group_id, transfer, amount)
                trial[transfer.pending_id].ends = transfer.transfer_id
        if faults:
            return False, False, set(), faults
        touched = {}
        for transfer in group.transfers:
            of = transfer if transfer.pending_id is None else self.made[transfer.pending_id].transfer
            for side in (of.debit, of.credit):
                assert side is not None
                touched[side.account_id] = side
        short = set()
        for account_id, each in touched.items():
            came, went, _coming, going = self.balance(account_id, trial)
            if each.normal == "C":
                came, went, going = went, came, _coming
            if each.no_negative and came - went - going < 0:
                short.add(account_id)
        if short:
            return False, False, short, set()
        self.made = trial
        self.passed.add(group.group_id)
        return True, False, set(), set()


class LedgerMachine(RuleBasedStateMachine):
    """Random batches of groups, settled by both."""

    db: Database
    loop: asyncio.AbstractEventLoop

    @initialize()
    def open(self) -> None:
        self.merchant_id = MerchantId(new_id())
        self.model = Model()
        self.now = clock.now()
        sku, points = new_id(), new_id()
        self.shelves = [
            account("goods", sku, no_negative=True, subject_id=sku, place_id=new_id()) for _ in range(SHELVES)
        ]
        self.outside = [account("supplier", sku), account("customer", sku)]
        # Points grow on the other side, and may not fall below zero either.
        self.points = [
            account("member_points", points, normal="C", no_negative=True),
            account("issued", points),
        ]
        self.pendings: list[Any] = [new_id()]
        self.sent: list[Group] = []
        self.batch: list[Group] = [
            Group(new_id(), (posted(new_id(), shelf, self.outside[0], 20, "opening"),))
            for shelf in self.shelves
        ]
        self.settle()

    def list_open(self) -> list[Any]:
        """Reservations that nothing has ended yet."""
        made = self.model.made.items()
        return [i for i, each in made if each.transfer.phase is Phase.PENDING and each.ends is None]

    def accounts(self) -> list[Account]:
        return [*self.shelves, *self.outside, *self.points]

    def pair(self, one: int, other: int) -> tuple[Account, Account]:
        """Two different accounts of one unit."""
        of = self.points if one % 4 == 0 else [*self.shelves, *self.outside]
        debit, credit = of[one % len(of)], of[other % len(of)]
        if debit is credit:
            credit = of[(of.index(debit) + 1) % len(of)]
        return debit, credit

    def make(self, kind: int, one: int, other: int, amount: int) -> Transfer:
        """One transfer: at once, reserved (perhaps for a while only), or the end of a reservation."""
        match kind % 5:
            case 0 | 1:
                return posted(new_id(), *self.pair(one, other), amount, "posted")
            case 2:
                expires_at = self.now + timedelta(minutes=amount) if one % 2 else None
                made = pending(new_id(), *self.pair(other, one), amount, "pending", expires_at)
                self.pendings.append(made.transfer_id)
                return made
            case 3:
                return post(self.pendings[one % len(self.pendings)], "post", 0 if other % 2 else amount)
            case _:
                return void(self.pendings[one % len(self.pendings)], "void")

    @rule(amount=st.integers(min_value=1, max_value=30), shelf=some)
    def receive(self, amount: int, shelf: int) -> None:
        goods = posted(new_id(), self.shelves[shelf % SHELVES], self.outside[0], amount, "receipt")
        gift = posted(new_id(), self.points[1], self.points[0], amount, "gift")
        self.batch.append(Group(new_id(), (goods, gift)))

    @rule(shelf=some, amount=amounts, minutes=st.sampled_from([None, 1, 3, 60]))
    def reserve(self, shelf: int, amount: int, minutes: int | None) -> None:
        expires_at = None if minutes is None else self.now + timedelta(minutes=minutes)
        made = pending(new_id(), self.outside[1], self.shelves[shelf % SHELVES], amount, "order", expires_at)
        self.pendings.append(made.transfer_id)
        self.batch.append(Group(new_id(), (made,)))

    @rule(
        which=some,
        amount=st.integers(min_value=0, max_value=4),
        gone=st.booleans(),
        late=st.sampled_from([0, 0, 1, 2, 70]),
        more=st.booleans(),
    )
    def end_open_reservation(self, which: int, amount: int, gone: bool, late: int, more: bool) -> None:
        """Post (in part or whole) or void one that is open, perhaps late, perhaps in a group with something else."""
        if not self.list_open():
            self.reserve(shelf=which, amount=3, minutes=None)
            self.reserve(shelf=which, amount=3, minutes=2)
        self.settle()
        self.now += timedelta(minutes=late)
        open_ids = self.list_open()
        if not open_ids:
            return
        chosen = open_ids[which % len(open_ids)]
        parts = [void(chosen, "cancelled") if gone else post(chosen, "shipped", amount)]
        if more:
            parts.append(posted(new_id(), self.outside[1], self.shelves[which % SHELVES], 1, "sale"))
        self.batch.append(Group(new_id(), tuple(parts)))

    @rule(parts=st.lists(st.tuples(some, some, some, amounts), min_size=1, max_size=4))
    def add_group(self, parts: list[tuple[int, int, int, int]]) -> None:
        by_id = {t.transfer_id: t for t in (self.make(*part) for part in parts)}
        self.batch.append(Group(new_id(), tuple(by_id.values()), document_id=new_id()))

    @rule(which=some)
    def send_again(self, which: int) -> None:
        if self.sent:
            self.batch.append(self.sent[which % len(self.sent)])

    @rule(minutes=st.integers(min_value=1, max_value=6))
    def wait(self, minutes: int) -> None:
        self.settle()
        self.now += timedelta(minutes=minutes)

    @rule()
    def settle(self) -> None:
        batch, self.batch = self.batch, []
        if not batch:
            return
        with clock.clock_at(self.now):
            outcomes = self.loop.run_until_complete(self.settle_batch(batch))
        durable = set(self.model.made)
        for group, outcome in zip(batch, outcomes, strict=True):
            self.compare(group, outcome, durable)
        self.sent += batch
        self.compare_balances()

    async def settle_batch(self, batch: list[Group]) -> list[Outcome]:
        """The way the lane goes: early groups documents first, and all of them again when one does not pass."""
        if all(is_early(group) for group in batch):
            try:
                return await settle_early(self.db, self.merchant_id, batch, asyncio.Lock())
            except (NotAllPassError, asyncpg.UniqueViolationError):
                pass
        return await settle_groups(self.db, self.merchant_id, batch)

    def compare(self, group: Group, outcome: Outcome, durable: set[Any]) -> None:
        expected = self.model.settle(group, self.now, durable)
        short = {shortage.account_id for shortage in outcome.shortages}
        faults = {(fault.pending_id, fault.why) for fault in outcome.faults}
        assert (outcome.passed, outcome.replayed, short, faults) == expected

    def compare_balances(self) -> None:
        ids = [each.account_id for each in self.accounts()]

        async def read() -> dict[Any, Any]:
            async with self.db.transaction(self.merchant_id, "read") as tx:
                return await load_balances(tx, account_ids=ids)

        for account_id, real in self.loop.run_until_complete(read()).items():
            got = (real.posted_dr, real.posted_cr, real.pending_dr, real.pending_cr)
            assert got == self.model.balance(account_id)

    @invariant()
    def nothing_is_made_or_lost(self) -> None:
        sums = (
            [self.model.balance(each.account_id) for each in getattr(self, "accounts", list)()]
            if self.ready()
            else []
        )
        assert sum(s[0] - s[1] for s in sums) == 0
        assert sum(s[2] - s[3] for s in sums) == 0

    def ready(self) -> bool:
        return hasattr(self, "model")

    def teardown(self) -> None:
        if self.ready():
            self.settle()


@pytest.fixture
def machine(database_url: str) -> Iterator[type[LedgerMachine]]:
    """The machine on a pool and an event loop of its own, since hypothesis is not asynchronous."""
    loop = asyncio.new_event_loop()
    db = loop.run_until_complete(open_database(database_url, size=2))

    class Machine(LedgerMachine):
        pass

    Machine.db, Machine.loop = db, loop
    yield Machine
    loop.run_until_complete(db.close())
    loop.close()


@pytest.mark.slow
def test_the_ledger_does_what_the_plain_model_does(machine: type[LedgerMachine]) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=40,
            stateful_step_count=25,
            deadline=None,
            report_multiple_bugs=False,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
