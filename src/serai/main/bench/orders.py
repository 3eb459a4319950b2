"""Orders for the lane and its rivals: groups exactly as checkout makes them, and callers that get them settled.

The groups come out of ``submit_draft`` itself, with a lane in its hands that only keeps what it is given. What is
measured is the settling: groups are made before the clock starts, for every side alike.
"""

import asyncio
import gc
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import cast
from uuid import UUID

import msgspec

from serai.commerce.catalogue.types import SaleItem
from serai.commerce.checkout.api import Address, Contact, Draft, describe_placed, submit_draft
from serai.commerce.checkout.place_order import Item
from serai.commerce.order.api import count_by_state
from serai.commerce.types import Commerce
from serai.foundation.idempotency import Call, ReplyRow, save_replies
from serai.foundation.ids import MerchantId, derive_id, new_id
from serai.ledger.api import Lane
from serai.ledger.types import Group, Outcome, Write, posted
from serai.main.bench.arena import Arena
from serai.main.bench.figure import Turn
from serai.main.bench.rival import budget_accounts
from serai.main.bench.shop import Shop
from serai.main.fault import Fault

LINES = 3
CONTACT = Contact("ann@example.com", "Ann Lee", "")
ADDRESS = Address("US", "OH", "Cincinnati", "", "1 Vine Street", "", "45202")
Settle = Callable[[Group], Awaitable[Outcome]]


class GroupKeeper:
    """A lane that keeps what it is given instead of settling it."""

    def __init__(self) -> None:
        self.groups: list[Group] = []

    async def submit(self, _merchant_id: MerchantId, group: Group) -> Outcome:
        self.groups.append(group)
        return Outcome(True)


class OrderBook:
    """Makes groups of new orders and settles them; counts what was acknowledged.

    Args:
        pick: how many of the shop's SKUs orders draw from; few make them hot.
        lines: lines per order.
    """

    def __init__(
        self,
        arena: Arena,
        shop: Shop,
        items: Mapping[UUID, SaleItem],
        *,
        pick: int | None = None,
        lines: int = LINES,
    ) -> None:
        self.shop = shop
        self.placed = 0
        self._arena = arena
        self._items = [items[sku_id] for sku_id in shop.sku_ids[:pick]]
        self._lines = lines
        self._random = random.Random(1)
        self._keeper = GroupKeeper()
        self._commerce = Commerce(
            arena.db, cast(Lane, self._keeper), {}, arena.settings, b"the bench signs guests' links"
        )

    async def make_groups(self, count: int, *, budget: bool) -> deque[Group]:
        """New orders as groups; with a budget each also takes 1 from one account that all of them share."""
        self._keeper.groups = []
        for _ in range(count):
            draft = await self.draft()
            call = Call(str(self.shop.key.key_id), "order /api/v1/orders", str(new_id()), b"\0" * 16)
            reply = msgspec.to_builtins(describe_placed(self._commerce, draft))
            writes = (Write(save_replies, ReplyRow(call, 201, reply), early=True),)
            await submit_draft(self._commerce, self.shop.merchant_id, draft, writes)
        groups = self._keeper.groups
        return deque(map(self._take_budget, groups) if budget else groups)

    def _take_budget(self, group: Group) -> Group:
        budget, taken, _funds = budget_accounts(self.shop.merchant_id)
        taking = posted(derive_id(group.group_id, "budget"), taken, budget, 1, "budget")
        return msgspec.structs.replace(group, transfers=(*group.transfers, taking))

    async def draft(self) -> Draft:
        """An order of goods at their list prices, without anything else."""
        chosen = self._random.sample(self._items, min(self._lines, len(self._items)))
        lines = tuple(
            Item(i.sku_id, i.product_id, i.title, 1, i.price_minor or 0, i.price_minor or 0) for i in chosen
        )
        return Draft(
            order_id=new_id(),
            cart_id=None,
            channel="api",
            items=lines,
            currency=chosen[0].currency,
            shipping_minor=self._arena.settings.shipping_minor,
            contact=CONTACT,
            address=ADDRESS,
            delivery="ship",
            place_id=self.shop.warehouse.place_id,
            member_id=None,
            locale="en",
            note="",
        )

    async def settle_all(self, groups: deque[Group], settle: Settle, *, callers: int, seconds: float) -> Turn:
        """Let so many callers settle groups, each waiting for its answer, for so many seconds."""
        # What lies ready would otherwise be walked over by the collector again and again, in one side more than another.
        gc.collect()
        gc.freeze()
        used, log_end = self._arena.read_cpu(), await self._arena.read_wal_bytes()
        latencies: list[float] = []
        began = time.perf_counter()
        deadline = began + seconds

        async def call() -> None:
            while groups and (sent := time.perf_counter()) < deadline:
                outcome = await settle(groups.popleft())
                if not outcome.passed or outcome.replayed:
                    raise Fault("The bench's order was refused.", str(outcome))
                latencies.append(time.perf_counter() - sent)

        try:
            await asyncio.gather(*(call() for _ in range(callers)))
            wall_s = time.perf_counter() - began
        finally:
            gc.unfreeze()
        self.placed += len(latencies)
        written = await self._arena.read_wal_bytes() - log_end
        return Turn(len(latencies), wall_s, used(), None, written, spread_latency(latencies))

    async def require_placed(self, placed: int) -> None:
        """Fault unless exactly the acknowledged orders are in the database."""
        async with self._arena.db.transaction(self.shop.merchant_id, "read") as tx:
            found = sum((await count_by_state(tx)).values())
        if found != placed:
            raise Fault(f"{placed} orders were acknowledged, {found} are in the database.")


def spread_latency(latencies: Sequence[float]) -> tuple[float, float] | None:
    """(median, 99th percentile) in ms of times in seconds."""
    if not latencies:
        return None
    ordered = sorted(latencies)
    return tuple(round(1000 * ordered[int(q * (len(ordered) - 1))], 2) for q in (0.5, 0.99))  # type: ignore[return-value]
