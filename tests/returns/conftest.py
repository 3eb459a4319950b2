"""A counter for returns in tests: orders that were handed over, and what is done with them, in a few words."""

from typing import Any
from uuid import UUID

import pytest
from tests.journeys.steps import available, order_of, pay
from tests.shop import Shop

from serai.commerce.order.api import fulfil_order
from serai.commerce.order.types import Order
from serai.commerce.returns import api
from serai.commerce.returns.types import ReceivedLine, Return, ReturnTerms, WantedLine
from serai.foundation.ids import new_id


class Counter:
    """What tests do with returns of one shop."""

    def __init__(self, shop: Shop, provider: Any) -> None:
        self.shop = shop
        self.provider = provider
        self.commerce = shop.commerce
        self.merchant_id = shop.merchant_id

    async def say(self, **terms: Any) -> ReturnTerms:
        async with self.commerce.db.transaction(self.merchant_id) as tx:
            version = (await api.load_terms(tx)).version
            return await api.save_terms(tx, terms=ReturnTerms(**terms, version=version), by="test")

    async def sell(self, *lines: tuple[UUID, int], **how: Any) -> Order:
        """An order that was paid and handed over."""
        placed = await self.shop.place(*lines, **how)
        await pay(self.shop, self.provider, placed, event_id=f"evt-{placed.order_id}")
        return await self.hand_over(placed.order_id)

    async def hand_over(self, order_id: UUID) -> Order:
        return await fulfil_order(self.commerce, self.merchant_id, order_id=order_id, by="test")

    async def ask(self, order: Order, *lines: tuple[int, int], key: str = "", **how: Any) -> Return:
        """Announce pieces of lines: (line number, quantity)."""
        wanted = [WantedLine(no, quantity, how.pop("reason", "fit")) for no, quantity in lines]
        how = {"wish": "refund", "by": "shopper", **how}
        return await api.request_return(
            self.commerce,
            self.merchant_id,
            order_id=order.order_id,
            lines=wanted,
            key=key or str(new_id()),
            **how,
        )

    async def do(self, move: str, found: Return, **how: Any) -> Return:
        """Move a return on."""
        moves: dict[str, tuple[Any, dict[str, Any]]] = {
            "approve": (api.approve_return, {}),
            "decline": (api.decline_return, {"answer": "Worn."}),
            "reopen": (api.reopen_return, {}),
            "withdraw": (api.withdraw_return, {}),
            "send": (api.send_return, {"carrier": "Post", "tracking": "R1"}),
            "receive": (api.receive_return, {}),
            "expire": (api.expire_return, {"by": "clerk"}),
            "refund": (api.refund_return, {}),
            "exchange": (getattr(api, "exchange_return", None), {}),
        }
        function, more = moves[move]
        if move == "receive" and "lines" not in how:
            more = {"lines": [ReceivedLine(line.line_no, line.quantity) for line in found.lines]}
        arguments = {"by": "clerk", **more, **how}
        return await function(self.commerce, self.merchant_id, return_id=found.return_id, **arguments)

    async def bring(self, order: Order, *lines: tuple[int, int], **how: Any) -> Return:
        """Announce, approve and take in: what is left is the money."""
        found = await self.do("approve", await self.ask(order, *lines, **how))
        return await self.do("receive", found)

    async def give_back(self, order: Order, *lines: tuple[int, int], **how: Any) -> Return:
        """A whole return."""
        return await self.do("refund", await self.bring(order, *lines, **how))

    async def load(self, found: Return) -> Return:
        async with self.commerce.db.transaction(self.merchant_id, "read") as tx:
            return await api.load_return(tx, return_id=found.return_id)

    async def order(self, order: Order) -> Order:
        return await order_of(self.shop, order.order_id)

    async def available(self, sku_id: UUID, place: Any = None) -> int:
        return await available(self.shop, sku_id, place)


@pytest.fixture
def counter(shop: Shop, provider: Any) -> Counter:
    return Counter(shop, provider)
