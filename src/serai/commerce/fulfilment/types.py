"""What a place has to do for orders, as other modules see it. Quantities are steps of the SKU."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from serai.commerce.order.types import Order
from serai.commerce.parcel.types import Goods, Parcel

Steps = Annotated[int, Meta(ge=1, le=10_000_000)]
Millimetres = Annotated[int, Meta(ge=1, le=10_000)]
# What is to be done next; ``pick`` is before ``pack`` where a place has both.
Stage = Literal["accept", "pick", "pack", "ship", "collect"]
STAGES: tuple[Stage, ...] = ("accept", "pick", "pack", "ship", "collect")


class Content(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Steps of an order's line; ``sku_id`` tells which part where the line is a bundle."""

    line_no: Annotated[int, Meta(ge=1, le=1000)]
    quantity: Steps
    sku_id: UUID | None = None


class Size(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Weight and outer measures of a parcel, as far as they are known."""

    weight_g: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None
    length_mm: Millimetres | None = None
    width_mm: Millimetres | None = None
    height_mm: Millimetres | None = None


NO_SIZE = Size()


class Handling(msgspec.Struct, frozen=True):
    """How an order's goods stand at each place, with its parcels."""

    order: Order
    goods: tuple[Goods, ...]

    @property
    def parcels(self) -> tuple[Parcel, ...]:
        return self.order.parcels


class Fulfilment(msgspec.Struct, frozen=True):
    """What a place does for an order: why it was chosen (``choice``), whether it has accepted, how much is open."""

    order_id: UUID
    place_id: UUID
    fulfilment_id: UUID
    planned_at: datetime
    accept_by: datetime | None
    accepted_at: datetime | None
    accepted_by: str
    choice: dict[str, Any]
    number: str
    name: str
    delivery: str
    place_name: str
    to_pick: int
    to_pack: int
    packed: int
    shipped: int

    @property
    def stage(self) -> Stage:
        """What is to be done next."""
        if self.accepted_at is None:
            return "accept"
        if self.to_pick:
            return "pick"
        if self.to_pack:
            return "pack"
        return "collect" if self.delivery == "pickup" else "ship"
