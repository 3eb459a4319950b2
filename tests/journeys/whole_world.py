"""A provider and a carrier in memory that misbehave on demand, and a process that dies in the middle of something."""

from typing import Any, Literal
from uuid import UUID

from tests.conftest import FakeProvider
from tests.journeys.whole_model import Answer, Outside

from serai.commerce.types import (
    CarrierLabel,
    CarrierRate,
    PaymentRequest,
    ProviderPayment,
    ShipmentRequest,
    TrackEvent,
    TrackKind,
)
from serai.foundation import clock
from serai.foundation.errors import Invalid
from serai.foundation.errors import Outside as Unanswered
from serai.ledger.types import Group, Outcome


class RoughProvider(FakeProvider):
    """Keeps what it was asked for by id, as providers do: asked again it says what it said, unless it had not decided."""

    def __init__(self, world: Outside) -> None:
        super().__init__()
        self.world = world
        self.answers: dict[UUID, Answer] = {}

    def _check(self) -> None:
        if self.world.fault == "down":
            raise Unanswered(self.name, "down on demand")

    def _decide(self, name: UUID, answer: Answer) -> Answer:
        if self.answers.get(name, "pending") == "pending":
            self.answers[name] = answer
        if self.world.fault == "silent":
            raise Unanswered(self.name, "the answer was lost on demand")
        return self.answers[name]

    async def create_payment(self, merchant_id: UUID, request: PaymentRequest) -> ProviderPayment:
        made = await super().create_payment(merchant_id, request)
        if self.world.fault == "silent":
            raise Unanswered(self.name, "the answer was lost on demand")
        return made

    async def capture_payment(
        self, merchant_id: UUID, provider_payment_id: str, capture_id: UUID, amount_minor: int
    ) -> Literal["done", "pending", "failed"]:
        self._check()
        self.captures[capture_id] = amount_minor
        return self._decide(capture_id, self.world.capture)

    async def refund(
        self, merchant_id: UUID, provider_payment_id: str, refund_id: UUID, amount_minor: int
    ) -> Literal["done", "pending", "failed"]:
        self._check()
        assert self.refunds.setdefault(refund_id, amount_minor) == amount_minor, "one refund, two amounts"
        return self._decide(refund_id, self.world.refund)

    def sum_refunds(self, reference: dict[UUID, Any]) -> int:
        """What has really gone back of some refunds."""
        return sum(self.refunds[name] for name in reference if self.answers.get(name) == "done")


class RoughCarrier:
    """Sells labels, takes parcels, and tells of them, or does not."""

    name = "caravan"
    title = "Caravan"
    services = ("standard",)

    def __init__(self, world: Outside) -> None:
        self.world = world
        self.sold: dict[UUID, CarrierLabel] = {}
        self.bought = 0

    def _check(self) -> None:
        if self.world.carrier == "down":
            raise Unanswered(self.name, "down on demand")

    async def quote(self, merchant_id: UUID, request: ShipmentRequest) -> tuple[CarrierRate, ...]:
        self._check()
        return (CarrierRate("standard", "Standard", 450, 3),)

    async def buy(self, merchant_id: UUID, request: ShipmentRequest) -> CarrierLabel:
        self._check()
        if self.world.carrier == "refuses":
            raise Invalid("carrier.refused", "No.", why="it is too heavy")
        if request.label_id not in self.sold:
            self.bought += 1
            name = f"{self.bought}-{request.label_id.hex[:8]}"
            self.sold[request.label_id] = CarrierLabel(f"S{name}", f"T{name}", "standard", 450, "A1", False)
        if self.world.carrier == "silent":
            raise Unanswered(self.name, "the answer was lost on demand")
        return self.sold[request.label_id]

    async def find(self, merchant_id: UUID, label_id: UUID) -> CarrierLabel | None:
        self._check()
        return self.sold.get(label_id)

    async def void(self, merchant_id: UUID, shipment_id: str) -> bool:
        self._check()
        label_id = self.label_of(shipment_id)
        if self.sold[label_id].events:
            return False
        self._change(label_id, is_void=True)
        return True

    def read_webhook(self, merchant_id: UUID, headers: Any, body: bytes) -> TrackEvent:
        raise NotImplementedError("the real adapter is tested for this")

    def label_of(self, shipment_id: str) -> UUID:
        return next(name for name, each in self.sold.items() if each.shipment_id == shipment_id)

    def _change(self, label_id: UUID, **changes: Any) -> None:
        old = self.sold[label_id]
        fields = {name: getattr(old, name) for name in old.__struct_fields__}
        self.sold[label_id] = CarrierLabel(**{**fields, **changes})

    def move(self, label_id: UUID, kind: TrackKind) -> TrackEvent:
        """The parcel with this label is seen somewhere."""
        label = self.sold[label_id]
        number = len(label.events) + 1
        event = TrackEvent(
            f"{label.shipment_id}-{number}", label.shipment_id, kind, "Dayton", clock.now(), number
        )
        self._change(label_id, events=(*label.events, event))
        return event


class Died(Exception):
    """The process is gone."""


class DyingLane:
    """A lane whose process dies with the first group that changes a document: before that is written, or right after."""

    def __init__(self, lane: Any, when: Literal["before", "after"]) -> None:
        self.lane = lane
        self.when = when

    async def submit(self, merchant_id: Any, group: Group) -> Outcome:
        if not group.writes:
            return await self.lane.submit(merchant_id, group)  # type: ignore[no-any-return]  # a lane's
        if self.when == "after":
            await self.lane.submit(merchant_id, group)
        raise Died
