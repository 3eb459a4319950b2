"""Groups whose documents are written before the locks: as safe as the others, and undone whole when one does not pass."""

import asyncio
from uuid import UUID

import pytest
from tests.ledger.test_lane import assert_clean, balance, customer, fill, group, stock

from serai.foundation.database import Database
from serai.foundation.idempotency import Call, ReplyRow, save_replies
from serai.foundation.ids import MerchantId, new_id
from serai.ledger.api import Lane, LaneSettings
from serai.ledger.settle_groups import NotAllPassError, settle_early
from serai.ledger.types import Group, Outcome, Write, is_early, pending, void


def document(key: str) -> Write:
    """A real document: an API call's stored reply, known by its key."""
    return Write(save_replies, ReplyRow(Call("test", "early", key, b"\0" * 16), 201, {}), early=True)


def order(sku: UUID, quantity: int = 1, **more: object) -> Group:
    key = str(new_id())
    return group(
        pending(new_id(), customer(sku), stock(sku), quantity, "order"), writes=(document(key),), **more
    )


def key_of(each: Group) -> str:
    return each.writes[0].row.call.key


async def list_documents(db: Database, merchant_id: MerchantId) -> set[str]:
    async with db.transaction(merchant_id, "read") as tx:
        rows = await tx.fetch("SELECT key FROM foundation.reply WHERE operation = 'early'")
    return {row["key"] for row in rows}


def test_what_is_early() -> None:
    sku = new_id()
    assert is_early(order(sku))
    late = Write(save_replies, document("x").row)
    assert not is_early(group(pending(new_id(), customer(sku), stock(sku), 1, "order"), writes=(late,)))
    assert not is_early(group(void(new_id(), "order"), writes=(document("x"),)))


async def test_a_refused_order_leaves_no_document_and_its_neighbours_pass(db, owner, lane, merchant_id):
    sku, scarce = new_id(), new_id()
    await fill(lane, merchant_id, sku, 50)
    await fill(lane, merchant_id, scarce, 1)
    orders = [order(scarce if n % 4 == 0 else sku) for n in range(16)]
    outcomes = await asyncio.gather(*(lane.submit(merchant_id, each) for each in orders))
    assert [outcome.passed for outcome in outcomes] == [n % 4 != 0 or n == 0 for n in range(16)]
    assert lane.undone > 0
    passed = {key_of(each) for each, outcome in zip(orders, outcomes, strict=True) if outcome.passed}
    assert await list_documents(db, merchant_id) == passed
    assert (await balance(db, merchant_id, stock(sku))).reserved == 12
    await assert_clean(owner)


async def test_the_early_way_itself_writes_all_or_nothing(db, owner, lane, merchant_id):
    sku = new_id()
    await fill(lane, merchant_id, sku, 2)
    turn = asyncio.Lock()
    with pytest.raises(NotAllPassError):
        await settle_early(db, merchant_id, [order(sku), order(sku, 2)], turn)
    assert not turn.locked()
    assert await list_documents(db, merchant_id) == set()
    assert (await balance(db, merchant_id, stock(sku))).available == 2
    both = [order(sku), order(sku)]
    assert await settle_early(db, merchant_id, both, turn) == [Outcome(True), Outcome(True)]
    assert await list_documents(db, merchant_id) == {key_of(each) for each in both}
    await assert_clean(owner)


async def test_batches_that_overlap_never_sell_more_than_there_is(db, owner, merchant_id):
    """Many small batches under way at once, over two lanes, with a SKU that runs out in the middle."""
    sku, other = new_id(), new_id()
    settings = LaneSettings(batch_groups=8, overlap_groups=2, early_batches=3)
    lanes = [Lane(db, settings), Lane(db, settings)]
    for each in lanes:
        each.start()
    await fill(lanes[0], merchant_id, sku, 130)
    await fill(lanes[0], merchant_id, other, 1000)
    orders = [order(sku if n % 2 else other) for n in range(400)]
    outcomes = await asyncio.gather(*(lanes[n % 2].submit(merchant_id, o) for n, o in enumerate(orders)))
    for each in lanes:
        await each.stop()
    assert sum(outcome.passed for outcome in outcomes[1::2]) == 130
    assert all(outcome.passed for outcome in outcomes[::2])
    passed = {key_of(o) for o, outcome in zip(orders, outcomes, strict=True) if outcome.passed}
    assert await list_documents(db, merchant_id) == passed
    await assert_clean(owner)


@pytest.mark.parametrize("lanes", [1, 2])
async def test_twins_sent_many_times_at_once_are_one_document(db, owner, merchant_id, lanes):
    sku = new_id()
    settings = LaneSettings(batch_groups=4, overlap_groups=1, early_batches=3)
    running = [Lane(db, settings) for _ in range(lanes)]
    for each in running:
        each.start()
    await fill(running[0], merchant_id, sku, 100)
    orders = [order(sku) for _ in range(12)]
    sent = [orders[(n * 7) % 12] for n in range(120)]
    outcomes = await asyncio.gather(
        *(running[n % lanes].submit(merchant_id, each) for n, each in enumerate(sent))
    )
    for each in running:
        await each.stop()
    assert all(outcome.passed for outcome in outcomes)
    assert sum(not outcome.replayed for outcome in outcomes) == 12
    assert (await balance(db, merchant_id, stock(sku))).reserved == 12
    assert await list_documents(db, merchant_id) == {key_of(each) for each in orders}
    await assert_clean(owner)


async def test_a_poisoned_document_of_an_early_group_fails_alone(db, owner, lane, merchant_id):
    sku = new_id()
    await fill(lane, merchant_id, sku, 100)

    async def write(tx, rows):
        await tx.fetch("SELECT 1 / n FROM unnest($1::int[]) n", rows)

    def poisoned(row: object) -> Group:
        transfer = pending(new_id(), customer(sku), stock(sku), 1, "order")
        return group(transfer, writes=(Write(write, row, early=True),))

    # One that the server refuses, and one that the driver cannot even send.
    orders = [poisoned(row) for row in (1, 0, 2, "three", 4)]
    answers = await asyncio.gather(
        *(lane.submit(merchant_id, each) for each in orders), return_exceptions=True
    )
    assert [isinstance(answer, Exception) for answer in answers] == [False, True, False, True, False]
    assert (await balance(db, merchant_id, stock(sku))).reserved == 3
    await assert_clean(owner)


async def test_early_and_other_groups_of_one_document_keep_the_order_of_their_answers(
    db, owner, lane, merchant_id
):
    sku = new_id()
    await fill(lane, merchant_id, sku, 500)

    async def place_and_release() -> None:
        placing = order(sku)
        assert (await lane.submit(merchant_id, placing)).passed
        ending = group(void(placing.transfers[0].transfer_id, "cancel"))
        outcome = await lane.submit(merchant_id, ending)
        assert outcome.passed
        assert not outcome.replayed

    await asyncio.gather(*(place_and_release() for _ in range(300)))
    assert (await balance(db, merchant_id, stock(sku))).available == 500
    await assert_clean(owner)


async def test_a_sold_out_sku_does_not_undo_every_batch(db, merchant_id):
    sku, other = new_id(), new_id()
    lane = Lane(db, LaneSettings(batch_groups=4))
    lane.start()
    await fill(lane, merchant_id, other, 10_000)
    for _ in range(40):
        orders = [order(other), order(sku), order(other)]
        outcomes = await asyncio.gather(*(lane.submit(merchant_id, each) for each in orders))
        assert [outcome.passed for outcome in outcomes] == [True, False, True]
    await lane.stop()
    assert 0 < lane.undone < 10
