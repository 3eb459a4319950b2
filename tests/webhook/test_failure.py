"""Any pattern of failures: per object in order, as often as the schedule says, heard or parked, never lost.

The model is a line of arithmetic: a message whose first ``fails`` tries fail is tried ``min(fails + 1, 4)`` times.
"""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings
from tests.shop import open_shop
from tests.webhook.consumer import Heard, open_consumer
from tests.webhook.desk import Desk, silence_others

from serai.commerce.settings import CommerceSettings
from serai.commerce.types import Commerce
from serai.commerce.webhook.subscribers import WEBHOOKS
from serai.foundation import clock
from serai.foundation.database import Database, open_database
from serai.foundation.event import pump_events
from serai.foundation.ids import MerchantId, new_id
from serai.ledger.api import Lane

TRIES = 4
ROUND = timedelta(minutes=20)
failures = st.lists(
    st.lists(
        st.tuples(st.integers(0, 6), st.sampled_from([500, 404, 429, 302, "drop"])), min_size=1, max_size=4
    ),
    min_size=1,
    max_size=4,
)


@pytest.fixture(scope="module")
def tools(database_url: str) -> Iterator[tuple[asyncio.AbstractEventLoop, Database, Database]]:
    """An event loop of its own with pools on it: hypothesis is not asynchronous."""
    loop = asyncio.new_event_loop()
    db = loop.run_until_complete(open_database(database_url, size=8))
    owner = loop.run_until_complete(open_database(database_url, role=None, size=3))
    yield loop, db, owner
    loop.run_until_complete(db.close())
    loop.run_until_complete(owner.close())
    loop.close()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plan=failures)
def test_any_failures_end_as_the_schedule_says(
    tools: tuple[asyncio.AbstractEventLoop, Database, Database],
    plan: list[list[tuple[int, int | str]]],
) -> None:
    loop, db, owner = tools
    loop.run_until_complete(play(db, owner, plan))


async def play(db: Database, owner: Database, plan: list[list[tuple[int, int | str]]]) -> None:
    terms = CommerceSettings(webhook_loopback=True, webhook_timeout_s=2, webhook_retry_s="5,30,120")
    commerce = Commerce(db, Lane(db), {}, terms, b"the secret of these tests")
    await silence_others(owner)
    merchant_id = MerchantId(new_id())
    shop = await open_shop(owner, commerce, merchant_id, f"f{merchant_id.hex[-12:]}")

    async def pump() -> None:
        while await pump_events(owner, db, WEBHOOKS):
            pass

    desk = Desk(shop, owner, pump)
    objects = {new_id(): messages for messages in plan}
    tried: dict[tuple[str, int], int] = {}

    def answer(heard: Heard) -> int | str:
        about = heard.message["object"]
        key = (about["id"], about["sequence"])
        tried[key] = tried.get(key, 0) + 1
        fails, how = objects[UUID(about["id"])][about["sequence"] - 1]
        return how if tried[key] <= fails else 200

    async with open_consumer() as consumer:
        consumer.answer = answer
        await desk.add(consumer.url, "order.paid")
        for place in range(max(map(len, plan))):
            for object_id, messages in objects.items():
                if place < len(messages):
                    await desk.pay(object_id)
        await desk.pump()
        shift = timedelta()
        while any(each.state == "waiting" for each in await desk.deliveries()):
            with clock.clock_shifted(shift):
                await desk.deliver_all()
            shift += ROUND
            assert shift < timedelta(days=4), "it ends"
        assert consumer.numbers() == {
            str(object_id): [
                sequence
                for sequence, (fails, _how) in enumerate(messages, 1)
                for _ in range(min(fails + 1, TRIES))
            ]
            for object_id, messages in objects.items()
        }
        for delivery in await desk.deliveries():
            fails, _how = objects[delivery.object_id][delivery.sequence - 1]
            assert delivery.state == ("parked" if fails >= TRIES else "delivered")
            assert delivery.attempts == len(await desk.attempts(delivery)) == min(fails + 1, TRIES)
