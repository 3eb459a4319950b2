"""The lane against a real database: groups are whole, replays change nothing, floors hold under concurrency."""

import asyncio
from datetime import timedelta

import pytest

from serai.foundation import clock
from serai.foundation.database import Database
from serai.foundation.errors import Limited
from serai.foundation.ids import MerchantId, derive_id, new_id
from serai.foundation.invariant import check_invariants
from serai.ledger import api
from serai.ledger.api import Lane, LaneSettings
from serai.ledger.invariants import INVARIANTS
from serai.ledger.types import Group, Outcome, Transfer, Write, account, pending, post, posted, void


def stock(sku, place=None):
    return account("goods", sku, no_negative=True, subject_id=sku, place_id=place)


def supplier(sku):
    return account("supplier", sku, subject_id=sku)


def customer(sku):
    return account("customer", sku, subject_id=sku)


def group(*transfers: Transfer, **more) -> Group:
    return Group(new_id(), transfers, **more)


async def fill(lane: Lane, merchant_id: MerchantId, sku, amount: int) -> None:
    outcome = await lane.submit(
        merchant_id, group(posted(new_id(), stock(sku), supplier(sku), amount, "receipt"))
    )
    assert outcome.passed


async def balance(db: Database, merchant_id: MerchantId, acc):
    async with db.transaction(merchant_id, "read") as tx:
        return (await api.load_balances(tx, account_ids=[acc.account_id]))[acc.account_id]


async def assert_clean(owner: Database) -> None:
    broken = [v for v in await check_invariants(owner, INVARIANTS) if not v.holds]
    assert not broken


async def test_a_receipt_shows_in_the_balance(db, owner, lane, merchant_id):
    sku = new_id()
    await fill(lane, merchant_id, sku, 7)
    assert (await balance(db, merchant_id, stock(sku))).available == 7
    assert (await balance(db, merchant_id, supplier(sku))).posted == -7
    await assert_clean(owner)


async def test_a_short_line_refuses_the_whole_group_and_names_every_shortage(db, owner, lane, merchant_id):
    plenty, scarce, gone = new_id(), new_id(), new_id()
    await fill(lane, merchant_id, plenty, 10)
    await fill(lane, merchant_id, scarce, 1)
    outcome = await lane.submit(
        merchant_id,
        group(
            pending(new_id(), customer(plenty), stock(plenty), 5, "order"),
            pending(new_id(), customer(scarce), stock(scarce), 3, "order"),
            pending(new_id(), customer(gone), stock(gone), 2, "order"),
        ),
    )
    assert not outcome.passed
    assert {(s.subject_id, s.wanted, s.available) for s in outcome.shortages} == {
        (scarce, 3, 1),
        (gone, 2, 0),
    }
    assert (await balance(db, merchant_id, stock(plenty))).available == 10
    await assert_clean(owner)


async def test_two_lines_of_one_sku_count_together(lane, merchant_id):
    sku = new_id()
    await fill(lane, merchant_id, sku, 1)
    outcome = await lane.submit(
        merchant_id,
        group(
            pending(new_id(), customer(sku), stock(sku), 1, "order"),
            pending(new_id(), customer(sku), stock(sku), 1, "order"),
        ),
    )
    assert not outcome.passed


async def test_a_group_sent_again_changes_nothing(db, lane, merchant_id):
    sku = new_id()
    await fill(lane, merchant_id, sku, 5)
    order = group(pending(new_id(), customer(sku), stock(sku), 2, "order"))
    first, second = await lane.submit(merchant_id, order), await lane.submit(merchant_id, order)
    assert (first.replayed, second.replayed) == (False, True)
    assert (await balance(db, merchant_id, stock(sku))).reserved == 2


async def test_a_group_sent_twice_in_one_batch_and_over_two_lanes_counts_once(db, lane, merchant_id):
    sku = new_id()
    await fill(lane, merchant_id, sku, 50)
    other = Lane(db)
    other.start()
    orders = [group(pending(new_id(), customer(sku), stock(sku), 1, "order")) for _ in range(20)]
    outcomes = await asyncio.gather(
        *(each.submit(merchant_id, order) for order in orders for each in (lane, other, lane))
    )
    await other.stop()
    assert all(outcome.passed for outcome in outcomes)
    assert sum(not outcome.replayed for outcome in outcomes) == 20
    assert (await balance(db, merchant_id, stock(sku))).reserved == 20


async def test_a_refused_group_between_two_good_ones_does_not_disturb_them(db, lane, merchant_id):
    sku = new_id()
    await fill(lane, merchant_id, sku, 4)
    wanted = (2, 3, 2)
    outcomes: list[Outcome] = await asyncio.gather(
        *(
            lane.submit(merchant_id, group(pending(new_id(), customer(sku), stock(sku), n, "order")))
            for n in wanted
        )
    )
    assert [outcome.passed for outcome in outcomes] == [True, False, True]


async def test_a_reservation_is_posted_in_part_and_the_rest_released(db, owner, lane, merchant_id):
    sku, pending_id = new_id(), new_id()
    await fill(lane, merchant_id, sku, 10)
    await lane.submit(merchant_id, group(pending(pending_id, customer(sku), stock(sku), 6, "order")))
    assert (await lane.submit(merchant_id, group(post(pending_id, "shipped", 4)))).passed
    after = await balance(db, merchant_id, stock(sku))
    assert (after.posted, after.reserved, after.available) == (6, 0, 6)
    await assert_clean(owner)


async def test_post_and_void_race_for_a_reservation_and_one_wins(db, owner, lane, merchant_id):
    sku = new_id()
    await fill(lane, merchant_id, sku, 20)
    other = Lane(db)
    other.start()
    for _ in range(10):
        pending_id = new_id()
        await lane.submit(merchant_id, group(pending(pending_id, customer(sku), stock(sku), 1, "order")))
        outcomes = await asyncio.gather(
            lane.submit(merchant_id, group(post(pending_id, "shipped"))),
            other.submit(merchant_id, group(void(pending_id, "cancelled"))),
        )
        assert sorted(outcome.passed for outcome in outcomes) == [False, True]
        loser = next(outcome for outcome in outcomes if not outcome.passed)
        assert [fault.why for fault in loser.faults] == ["resolved"]
    await other.stop()
    assert (await balance(db, merchant_id, stock(sku))).reserved == 0
    await assert_clean(owner)


async def test_an_expired_reservation_can_be_voided_but_not_posted(db, lane, merchant_id):
    sku, pending_id = new_id(), new_id()
    await fill(lane, merchant_id, sku, 1)
    expires_at = clock.now() + timedelta(minutes=5)
    await lane.submit(
        merchant_id, group(pending(pending_id, customer(sku), stock(sku), 1, "order", expires_at))
    )
    with clock.clock_shifted(timedelta(minutes=6)):
        late = await lane.submit(merchant_id, group(post(pending_id, "shipped")))
        assert [fault.why for fault in late.faults] == ["expired"]
        assert (await balance(db, merchant_id, stock(sku))).available == 0
        assert (await lane.submit(merchant_id, group(void(pending_id, "expired")))).passed
    assert (await balance(db, merchant_id, stock(sku))).available == 1


async def test_more_than_the_reservation_cannot_be_posted(lane, merchant_id):
    sku, pending_id = new_id(), new_id()
    await fill(lane, merchant_id, sku, 9)
    await lane.submit(merchant_id, group(pending(pending_id, customer(sku), stock(sku), 2, "order")))
    outcome = await lane.submit(merchant_id, group(post(pending_id, "shipped", 3)))
    assert [fault.why for fault in outcome.faults] == ["amount"]
    unknown = await lane.submit(merchant_id, group(void(new_id(), "cancelled")))
    assert [fault.why for fault in unknown.faults] == ["unknown"]


async def test_a_poisoned_document_fails_alone_and_moves_nothing(db, owner, lane, merchant_id):
    sku = new_id()
    await fill(lane, merchant_id, sku, 100)

    async def write(tx, rows):
        await tx.fetch("SELECT 1 / n FROM unnest($1::int[]) n", rows)

    orders = [
        group(pending(new_id(), customer(sku), stock(sku), 1, "order"), writes=(Write(write, n),))
        for n in (1, 2, 0, 3, 4, 5, 6)
    ]
    answers = await asyncio.gather(*(lane.submit(merchant_id, o) for o in orders), return_exceptions=True)
    assert [isinstance(answer, Exception) for answer in answers] == [
        False,
        False,
        True,
        False,
        False,
        False,
        False,
    ]
    assert (await balance(db, merchant_id, stock(sku))).reserved == 6
    await assert_clean(owner)


async def test_lanes_that_take_the_same_accounts_in_mixed_order_do_not_deadlock(db, owner, merchant_id):
    skus = [new_id() for _ in range(12)]
    lanes = [Lane(db, LaneSettings(batch_groups=5)) for _ in range(4)]
    for each in lanes:
        each.start()
    for sku in skus:
        await fill(lanes[0], merchant_id, sku, 1000)

    async def buy(n: int) -> Outcome:
        picked = [skus[(n * 5 + i * 7) % 12] for i in range(3)]
        if n % 2:
            picked.reverse()
        return await lanes[n % 4].submit(
            merchant_id,
            group(
                *(pending(new_id(), customer(sku), stock(sku), 1, "order") for sku in dict.fromkeys(picked))
            ),
        )

    deadlocks_before = await owner.fetchval("SELECT sum(deadlocks)::int FROM pg_stat_database")
    outcomes = await asyncio.gather(*(buy(n) for n in range(400)))
    for each in lanes:
        await each.stop()
    assert all(outcome.passed for outcome in outcomes)
    assert await owner.fetchval("SELECT sum(deadlocks)::int FROM pg_stat_database") == deadlocks_before
    await assert_clean(owner)


async def test_two_hundred_buyers_of_one_unit_over_several_lanes_get_it_once(db, owner, merchant_id):
    sku = new_id()
    lanes = [Lane(db) for _ in range(3)]
    for each in lanes:
        each.start()
    await fill(lanes[0], merchant_id, sku, 1)
    outcomes = await asyncio.gather(
        *(
            lanes[n % 3].submit(merchant_id, group(pending(new_id(), customer(sku), stock(sku), 1, "order")))
            for n in range(200)
        )
    )
    for each in lanes:
        await each.stop()
    assert sum(outcome.passed for outcome in outcomes) == 1
    await assert_clean(owner)


async def test_a_full_queue_refuses_politely(db, merchant_id):
    small = Lane(db, LaneSettings(queue_groups=1))
    waiting = asyncio.create_task(
        small.submit(merchant_id, group(posted(new_id(), stock(s := new_id()), supplier(s), 1, "receipt")))
    )
    await asyncio.sleep(0)
    with pytest.raises(Limited):
        await small.submit(merchant_id, group(posted(new_id(), stock(s), supplier(s), 1, "receipt")))
    small.start()
    assert (await waiting).passed
    await small.stop()


async def test_malformed_groups_are_refused_before_they_reach_the_lane(lane, merchant_id):
    sku, other = new_id(), new_id()
    for bad in (
        (),
        (posted(new_id(), stock(sku), supplier(other), 1, "mixed units"),),
        (posted(new_id(), stock(sku), supplier(sku), 0, "nothing"),),
        (posted(new_id(), stock(sku), supplier(sku), -1, "negative"),),
        (posted(new_id(), stock(sku), stock(sku), 1, "to itself"),),
        (
            posted(same := new_id(), stock(sku), supplier(sku), 1, "a"),
            posted(same, stock(sku), supplier(sku), 1, "b"),
        ),
    ):
        with pytest.raises(ValueError):
            await lane.submit(merchant_id, Group(new_id(), bad))


async def test_the_database_itself_refuses_to_fall_below_the_floor(db, owner, lane, merchant_id):
    import asyncpg

    sku = new_id()
    await fill(lane, merchant_id, sku, 3)
    with pytest.raises(asyncpg.CheckViolationError):
        async with db.transaction(merchant_id) as tx:
            await tx.execute(
                "UPDATE ledger.account SET posted_cr = posted_cr + 4 WHERE merchant_id = $1 AND account_id = $2",
                merchant_id,
                stock(sku).account_id,
            )


async def test_the_bulk_door_opens_balances_once(db, owner, lane, merchant_id):
    skus = [new_id() for _ in range(300)]
    accounts = [a for sku in skus for a in (stock(sku), supplier(sku))]
    rows = [
        api.BulkTransfer(
            derive_id("opening", sku),
            stock(sku).account_id,
            supplier(sku).account_id,
            sku,
            5,
            "opening",
            None,
        )
        for sku in skus
    ]
    for expected in (300, 0):
        async with db.transaction(merchant_id) as tx:
            count = await api.load_bulk(
                tx,
                group_id=derive_id("opening", merchant_id),
                accounts=accounts,
                transfers=rows,
                at=clock.now(),
            )
        assert count == expected
    assert (await balance(db, merchant_id, stock(skus[7]))).available == 5
    with pytest.raises(ValueError):
        async with db.transaction(merchant_id) as tx:
            bad = [api.BulkTransfer(new_id(), new_id(), supplier(skus[0]).account_id, skus[0], 1, "x", None)]
            await api.load_bulk(tx, group_id=new_id(), accounts=accounts[:2], transfers=bad, at=clock.now())
    await assert_clean(owner)


async def test_entries_tell_the_running_balance(db, lane, merchant_id):
    sku, pending_id = new_id(), new_id()
    await fill(lane, merchant_id, sku, 10)
    await lane.submit(merchant_id, group(pending(pending_id, customer(sku), stock(sku), 4, "order")))
    await lane.submit(merchant_id, group(post(pending_id, "shipped")))
    async with db.transaction(merchant_id, "read") as tx:
        entries = await api.list_entries(tx, account_id=stock(sku).account_id)
        older = await api.list_entries(tx, account_id=stock(sku).account_id, before=entries[0].transfer_id)
    assert [(e.reason, e.amount, e.balance_after) for e in entries] == [
        ("shipped", -4, 6),
        ("order", -4, 10),
        ("receipt", 10, 10),
    ]
    assert [e.reason for e in older] == ["order", "receipt"]
