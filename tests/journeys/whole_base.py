"""What all rules over one order share: the shop, the model, and how something is done, perhaps by a process that dies."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, ClassVar, Literal
from uuid import UUID

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    rule,
)
from tests.journeys.whole_model import Answer, Model, Outside
from tests.journeys.whole_world import Died, DyingLane, RoughCarrier, RoughProvider
from tests.shop import Shop

from serai.commerce.order.api import load_order
from serai.commerce.order.types import Order
from serai.commerce.returns import api as returning
from serai.commerce.types import Commerce
from serai.foundation.database import Database
from serai.foundation.errors import Refused

STOCK = 40
SPARE_MINOR = 1000
Do = Callable[[Commerce], Awaitable[Any]]
numbers = st.integers(0, 5)
answers = st.sampled_from(["done", "done", "pending", "failed"])


class WholeBase(RuleBasedStateMachine):
    """Rules named after who does something. Numbers choose among what there is, counted round."""

    loop: ClassVar[asyncio.AbstractEventLoop]
    owner: ClassVar[Database]
    shop: ClassVar[Shop]
    provider: ClassVar[RoughProvider]
    carrier: ClassVar[RoughCarrier]
    world: ClassVar[Outside]
    model: Model
    order_id: UUID
    skus: dict[int, UUID]
    spare: UUID

    def __init__(self) -> None:
        super().__init__()
        self.dies: Literal["", "before", "after"] = ""
        self.told: list[str] = []
        self.keys = 0
        for name, value in vars(Outside()).items():
            setattr(self.world, name, value)

    # The order of this walk

    def run(self, doing: Awaitable[Any]) -> Any:
        return self.loop.run_until_complete(doing)  # type: ignore[arg-type]  # coroutines, as all of these are

    def attempt(self, do: Do) -> str:
        """Do something; the code of its refusal, empty when it passed. If the process is to die, it dies in the middle of it
        and another one does it again."""
        if self.dies:
            lane = DyingLane(self.commerce.lane, self.dies)
            self.dies = ""
            with suppress(Died, Refused):
                self.run(do(msgspec.structs.replace(self.commerce, lane=lane)))
        try:
            self.run(do(self.commerce))
        except Refused as refusal:
            return refusal.code
        return ""

    def check(self, code: str, may: bool) -> bool:
        assert (code == "") is may, code or "it should have been refused"
        return may

    @property
    def commerce(self) -> Commerce:
        return self.shop.commerce

    @property
    def tools(self) -> dict[str, Any]:
        return {"merchant_id": self.shop.merchant_id, "order_id": self.order_id}

    def new_key(self) -> str:
        self.keys += 1
        return f"k{self.keys}"

    async def load(self, order_id: UUID | None = None) -> Order:
        async with self.commerce.db.transaction(self.shop.merchant_id, "read") as tx:
            return await load_order(tx, order_id=order_id or self.order_id)

    async def read_return(self, return_id: UUID) -> Any:
        async with self.commerce.db.transaction(self.shop.merchant_id, "read") as tx:
            return await returning.load_return(tx, return_id=return_id)

    @rule(fault=st.sampled_from(["", "", "down", "silent"]), refund=answers, capture=answers)
    def provider_changes(self, fault: Literal["", "down", "silent"], refund: Answer, capture: Answer) -> None:
        self.world.fault, self.world.refund, self.world.capture = fault, refund, capture

    @rule(fault=st.sampled_from(["", "", "down", "silent", "refuses"]))
    def carrier_changes(self, fault: Literal["", "down", "silent", "refuses"]) -> None:
        self.world.carrier = fault

    @rule(when=st.sampled_from(["before", "after"]))
    def process_will_die(self, when: Literal["before", "after"]) -> None:
        self.dies = when
