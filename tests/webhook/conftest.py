"""A shop whose webhooks may go to loopback, a consumer to hear them, and the worker's steps to call one by one."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from tests.shop import Shop
from tests.webhook.consumer import Consumer, open_consumer
from tests.webhook.desk import Desk, silence_others

from serai.commerce.settings import CommerceSettings
from serai.commerce.types import Commerce
from serai.commerce.webhook.subscribers import WEBHOOKS
from serai.foundation.database import Database
from serai.foundation.event import pump_events
from serai.ledger.api import Lane


@pytest.fixture
def commerce(db: Database, lane: Lane, provider: object) -> Commerce:
    settings = CommerceSettings(webhook_loopback=True, webhook_timeout_s=0.5, webhook_retry_s="5,30,120")
    return Commerce(db, lane, {"sandbox": provider}, settings, b"the secret of these tests")  # type: ignore[dict-item]  # a fake


@pytest.fixture
async def consumer() -> AsyncIterator[Consumer]:
    async with open_consumer() as running:
        yield running


@pytest.fixture
def pump(db: Database, owner: Database) -> Callable[[], Awaitable[None]]:
    """Let the subscriber take in everything that the event log has."""

    async def run() -> None:
        while await pump_events(owner, db, WEBHOOKS):
            pass

    return run


@pytest.fixture
async def desk(shop: Shop, owner: Database, pump: Callable[[], Awaitable[None]]) -> Desk:
    await silence_others(owner)
    return Desk(shop, owner, pump)
