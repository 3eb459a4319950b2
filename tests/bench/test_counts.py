"""Every contest in its shortest form: what was acknowledged is in the database, and nothing is broken. Never speed."""

from collections.abc import AsyncIterator

import pytest

from serai.main.bench.arena import Arena, open_arena
from serai.main.bench.contests import CONTESTS
from serai.main.bench.figure import Contest
from serai.main.bench.measure import Pace, run_contest
from serai.main.bench.meter import read_cpu_s
from serai.main.bench.orders import OrderBook
from serai.main.bench.shop import load_items, open_shop
from serai.main.fault import Fault

SHORTEST = Pace(runs=1, seconds=0.15, warm_up_s=0.1)


@pytest.fixture(scope="module")
async def arena() -> AsyncIterator[Arena]:
    # One database for all contests, each with a merchant of its own; what is measured here is thrown away.
    async with open_arena(quick=True, server={"fsync": "off", "shared_buffers": "64MB"}) as opened:
        yield opened


@pytest.mark.slow
@pytest.mark.xdist_group("bench")
@pytest.mark.parametrize("contest", CONTESTS, ids=lambda contest: contest.name)
async def test_every_contest_counts_right(arena: Arena, contest: Contest) -> None:
    # Opening a contest compares counts and checks invariants when it ends, and raises a Fault otherwise.
    results = await run_contest(arena, contest, contest.figures, SHORTEST, lambda _text: None)
    assert [result.name for result in results] == [figure.name for figure in contest.figures]
    for result in results:
        assert result.value > 0
        assert all(count > 0 for side in result.sides.values() for count in side.counts)
        assert result.surroundings is not None
        # The test's database does not wait for the disk, and the figure has to say so.
        assert any("does not wait for the disk" in doubt for doubt in result.doubts)


@pytest.mark.xdist_group("bench")
async def test_an_order_that_was_lost_or_doubled_is_found(arena: Arena) -> None:
    shop = await open_shop(arena, "lost", products=3)
    book = OrderBook(arena, shop, await load_items(arena, shop))
    await book.require_placed(0)
    with pytest.raises(Fault, match="1 orders were acknowledged, 0 are in the database"):
        await book.require_placed(1)


@pytest.mark.xdist_group("bench")
async def test_a_broken_invariant_is_found(arena: Arena) -> None:
    await open_shop(arena, "tampered", products=3)
    await arena.require_clean()
    await arena.owner.execute("UPDATE ledger.account SET posted_dr = posted_dr + 1 WHERE kind = 'supplier'")
    with pytest.raises(Fault, match=r"ledger\.sums_match_transfers"):
        await arena.require_clean()
    await arena.owner.execute("UPDATE ledger.account SET posted_dr = posted_dr - 1 WHERE kind = 'supplier'")


@pytest.mark.xdist_group("bench")
async def test_cpu_is_counted_by_kind_of_process(arena: Arena) -> None:
    used = arena.read_cpu()
    await arena.owner.fetchval("SELECT count(*) FROM generate_series(1, 300000)")
    cpu_s = used()
    assert cpu_s["database"] > 0.005
    assert "web" not in cpu_s
    assert read_cpu_s(2**22 + 1) == 0
