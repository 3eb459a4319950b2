"""What tests of webhooks do again and again."""

from collections.abc import Awaitable, Callable
from uuid import UUID

import msgspec
from tests.shop import Shop

from serai.commerce.order.events import OrderCancelled, OrderPaid
from serai.commerce.types import Commerce
from serai.commerce.webhook.api import (
    NAMES,
    Attempt,
    Delivery,
    Endpoint,
    EndpointTerms,
    add_endpoint,
    list_attempts,
    list_deliveries,
    load_endpoint,
)
from serai.commerce.webhook.deliver_due import deliver_due
from serai.foundation.database import Database
from serai.foundation.event import Fact, append_facts
from serai.foundation.ids import new_id


async def silence_others(owner: Database) -> None:
    """Let nothing be sent for tests that came before: the worker's steps are over all merchants."""
    await owner.execute("UPDATE commerce.webhook_endpoint SET state = 'paused' WHERE state = 'active'")


class Desk(msgspec.Struct, frozen=True):
    """One shop, and the worker's steps for it."""

    shop: Shop
    owner: Database
    pump: Callable[[], Awaitable[None]]

    @property
    def commerce(self) -> Commerce:
        return self.shop.commerce

    async def add(self, url: str, *events: str) -> tuple[Endpoint, str]:
        """An endpoint (of all events by default) with its secret."""
        async with self.commerce.db.transaction(self.shop.merchant_id) as tx:
            made = await add_endpoint(
                tx, commerce=self.commerce, terms=EndpointTerms(url, "", events or NAMES), by="test"
            )
        return made.endpoint, made.secret

    async def pay(self, order_id: UUID, amount_minor: int = 100) -> None:
        """Let the log say that an order was paid."""
        async with self.commerce.db.transaction(self.shop.merchant_id) as tx:
            await append_facts(tx, [Fact(order_id, OrderPaid(order_id, new_id(), amount_minor, "USD"))])

    async def cancel(self, order_id: UUID) -> None:
        """Let the log say that an order was cancelled."""
        async with self.commerce.db.transaction(self.shop.merchant_id) as tx:
            await append_facts(
                tx, [Fact(order_id, OrderCancelled(order_id, "somebody@staff", "changed mind"))]
            )

    async def deliver(self, rounds: int = 1) -> int:
        """Take in the log, then so many rounds of the worker. Returns how many messages were tried."""
        await self.pump()
        return sum([await deliver_due(self.commerce, self.owner) for _ in range(rounds)])

    async def deliver_all(self) -> None:
        """Until nothing is due."""
        await self.pump()
        while await deliver_due(self.commerce, self.owner):
            pass

    async def deliveries(self, **wanted: str) -> list[Delivery]:
        """The newest first."""
        async with self.commerce.db.transaction(self.shop.merchant_id, "read") as tx:
            return list((await list_deliveries(tx, limit=100, **wanted)).items)  # type: ignore[arg-type]  # names of filters

    async def attempts(self, delivery: Delivery) -> list[Attempt]:
        async with self.commerce.db.transaction(self.shop.merchant_id, "read") as tx:
            return await list_attempts(tx, delivery_id=delivery.delivery_id)

    async def endpoint(self, endpoint: Endpoint) -> Endpoint:
        async with self.commerce.db.transaction(self.shop.merchant_id, "read") as tx:
            return await load_endpoint(tx, endpoint_id=endpoint.endpoint_id)
