"""Thousands of schedules of lane, orders and payments in virtual time, each from a seed, and bugs that they must find.

SERAI_SIMULATION_SEED repeats one schedule; SERAI_LONG_TESTS=1 runs a hundred thousand from another beginning.
"""

import os
import random
from collections import Counter

import asyncpg
import pytest
from tests.simulation.database import SimStore
from tests.simulation.world import run_seed

from serai.ledger import lane as lane_module
from serai.ledger import logic, settle_groups
from serai.ledger.api import Lane
from serai.ledger.logic import PASSED

LONG = os.environ.get("SERAI_LONG_TESTS") == "1"
SCHEDULES = 100_000 if LONG else 1_500
# A planted bug must show within this many schedules.
WITHIN = 400
FIRST = random.SystemRandom().randrange(10**9) if LONG else 0

pytestmark = pytest.mark.timeout(7_200 if LONG else 300)


def find_first(store: SimStore | None = None) -> BaseException | None:
    """The first schedule that breaks, or None."""
    for seed in range(WITHIN):
        try:
            run_seed(seed, store)
        except Exception as error:  # noqa: BLE001 - whatever breaks is what we look for
            return error
    return None


def test_every_schedule_ends_with_books_that_agree_with_what_was_said():
    chosen = os.environ.get("SERAI_SIMULATION_SEED")
    seeds = [int(chosen)] if chosen else range(FIRST, FIRST + SCHEDULES)
    seen: Counter[str] = Counter()
    told: Counter[str] = Counter()
    for seed in seeds:
        world = run_seed(seed)
        seen.update(world.database.counts)
        told.update("placed" if o.placed and o.placed.passed else "refused" for o in world.orders)
        told.update("paid" for o in world.orders if o.paid and o.paid.passed)
        told.update("cancelled" for o in world.orders if o.ended and o.ended.passed)
    print(f"{len(seeds)} schedules from {FIRST}: {dict(told)}, faults {dict(seen)}")
    if not chosen:
        # A simulation in which nothing happens proves nothing.
        assert all(seen[each] > 50 for each in ("lost", "lost after commit", "crash", "freeze")), seen
        assert all(told[each] > 200 for each in ("placed", "refused", "paid", "cancelled")), told


def test_one_seed_is_one_run():
    first, second = run_seed(7), run_seed(7)
    assert first.database.rows == second.database.rows or list(first.database.rows) == list(
        second.database.rows
    )
    assert first.database.counts == second.database.counts
    assert [o.placed for o in first.orders] == [o.placed for o in second.orders]


def test_it_finds_sums_read_without_a_lock():
    error = find_first(SimStore(takes_locks=False))
    assert error is not None
    assert "SERAI_SIMULATION_SEED=" in "".join(error.__notes__)


def test_it_finds_an_answer_that_was_given_without_a_commit(monkeypatch):
    honest = Lane._try_patiently

    async def hope(self, merchant_id, groups):
        try:
            return await honest(self, merchant_id, groups)
        except Exception:  # noqa: BLE001 - the planted bug
            return [PASSED] * len(groups)

    async def once(*_args, **_more):
        raise lane_module.DatabaseUnreachable("planted: the first failure is taken for good news")

    monkeypatch.setattr(Lane, "_try_patiently", hope)
    real = settle_groups.settle_groups

    async def settle(database, merchant_id, groups, *, opens_first=False):
        try:
            return await real(database, merchant_id, groups, opens_first=opens_first)
        except lane_module.DatabaseUnreachable:
            raise ValueError("planted") from None

    monkeypatch.setattr(lane_module, "settle_groups", settle)
    assert find_first() is not None


def test_it_finds_a_floor_that_is_not_checked(monkeypatch):
    monkeypatch.setattr(logic.Row, "available", lambda self: 1_000)
    error = find_first()
    assert error is not None
    assert "oversold" in str(error)


def test_it_finds_a_repeat_that_is_not_known(monkeypatch):
    honest = settle_groups.decide

    def forget(rows, groups, existing, reservations, now):
        return honest(rows, groups, {}, reservations, now)

    monkeypatch.setattr(settle_groups, "decide", forget)
    assert find_first() is not None


def test_it_finds_a_reservation_resolved_twice(monkeypatch):
    class Forgetful(SimStore):
        @staticmethod
        def reservation_of(row, resolved):
            return SimStore.reservation_of(row, set())

    error = find_first(Forgetful())
    assert error is not None


def test_it_finds_a_lane_that_forgets_a_caller(monkeypatch):
    honest = Lane._enqueue
    count = 0

    def lose(self, ticket):
        nonlocal count
        count += 1
        if count % 50:
            honest(self, ticket)

    monkeypatch.setattr(Lane, "_enqueue", lose)
    error = find_first()
    assert error is not None
    assert not isinstance(error, asyncpg.PostgresError)
