"""The worker's loop in processes of its own: killed while its message is out, eight at the same time, and upkeep."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from tests.shop import Shop
from tests.webhook.consumer import Consumer
from tests.webhook.desk import Desk

from serai.commerce.webhook.api import delete_old_deliveries
from serai.foundation import clock
from serai.foundation.ids import new_id

Check = Callable[[], Awaitable[None]]
TRIAL = Path(__file__).with_name("trial_deliver.py")
PATIENCE_S = 60


@asynccontextmanager
async def open_worker(url: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A worker's process, killed with the block."""
    process = await asyncio.create_subprocess_exec(sys.executable, str(TRIAL), url)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def wait_until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not true():  # noqa: ASYNC110 - the other end lives in this loop and in other processes
            await asyncio.sleep(0.02)


async def test_a_worker_killed_while_its_message_is_out_leaves_it_to_be_sent_again(
    desk: Desk, consumer: Consumer, database_url: str, assert_clean: Check
) -> None:
    _endpoint, secret = await desk.add(consumer.url, "order.paid")
    order_id = new_id()
    await desk.pay(order_id)
    await desk.pay(order_id)
    await desk.pump()
    consumer.pause_s = 5
    async with open_worker(database_url) as worker:
        await wait_until(lambda: len(consumer.heard) == 1)
        worker.kill()
        await worker.wait()
    second, first = await desk.deliveries()
    assert (first.state, first.attempts, second.attempts) == ("waiting", 1, 0)
    assert (await desk.attempts(first))[0].ended_at is None, "nobody knows what became of it"
    consumer.pause_s = 0
    with clock.clock_shifted(timedelta(minutes=3)):
        await desk.deliver_all()
        ids = consumer.verify(secret)
    assert consumer.numbers() == {str(order_id): [1, 1, 2]}
    assert ids[0] == ids[1] != ids[2]
    await assert_clean()


async def test_workers_of_eight_processes_keep_the_order_and_send_each_message_once(
    desk: Desk, consumer: Consumer, database_url: str, assert_clean: Check
) -> None:
    await desk.add(consumer.url, "order.paid")
    orders = [new_id() for _ in range(6)]
    # One object after the other, so that the next ones in line are all of the same.
    for order_id in orders:
        for _ in range(8):
            await desk.pay(order_id)
    await desk.pump()
    consumer.pause_s = 0.02
    workers = [open_worker(database_url) for _ in range(8)]
    for worker in workers:
        await worker.__aenter__()
    try:
        await wait_until(lambda: len(consumer.heard) >= 48)
        async with asyncio.timeout(PATIENCE_S):
            # Other processes write these rows, so there is no event to wait for.
            while any(each.state != "delivered" for each in await desk.deliveries()):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
    finally:
        for worker in workers:
            await worker.__aexit__(None, None, None)
    assert consumer.numbers() == {str(order_id): list(range(1, 9)) for order_id in orders}
    assert consumer.most_of_one_object == 1
    assert consumer.most_at_once <= desk.commerce.settings.webhook_parallel
    await assert_clean()


async def test_old_messages_are_forgotten_with_their_attempts_and_numbers_go_on(
    desk: Desk, shop: Shop, consumer: Consumer, assert_clean: Check
) -> None:
    await desk.add(consumer.url, "order.paid")
    order_id = new_id()
    await desk.pay(order_id)
    await desk.deliver_all()
    with clock.clock_shifted(timedelta(days=31)):
        await desk.pay(order_id)
        await desk.deliver_all()
        async with shop.commerce.db.transaction(shop.merchant_id) as tx:
            assert await delete_old_deliveries(tx, days=30) == 1
            assert await tx.fetchval("SELECT count(*) FROM commerce.webhook_attempt") == 1
    (left,) = await desk.deliveries()
    assert left.sequence == 2
    await assert_clean()
