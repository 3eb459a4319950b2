"""What a place has to do for orders, as other modules see it. Quantities are steps of the SKU."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from serai.commerce.catalogue.types import show_amount
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


class Pick(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many steps of a line lie apart in all; ``is_final``: there are no more, what is missing is given up."""

    line_no: Annotated[int, Meta(ge=1, le=1000)]
    picked: Annotated[int, Meta(ge=0, le=10_000_000)]
    sku_id: UUID | None = None
    is_final: bool = False


class Replacement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Steps of an order's line that something else is picked for; ``sku_id`` tells which goods where the line has several."""

    line_no: Annotated[int, Meta(ge=1, le=1000)]
    quantity: Steps
    new_sku_id: UUID
    new_quantity: Steps
    sku_id: UUID | None = None


class SubstituteWish(msgspec.Struct, frozen=True):
    """A buyer's word on a line (0: all lines of which nothing else is said): may something similar come instead?"""

    order_id: UUID
    line_no: int
    agreed: bool
    by: str
    at: datetime


class Suggestion(msgspec.Struct, frozen=True):
    """Something that could come instead: what a unit of it costs now, and how many steps a place has."""

    sku_id: UUID
    sku: str
    title: str
    scale: int
    unit: str
    price_minor: int
    currency: str
    available: int
    unit_price_minor: int | None = None
    unit_price_per: str | None = None

    @property
    def available_text(self) -> str:
        """How much there is, with its unit."""
        return show_amount(self.available, self.scale, self.unit)


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


class PickRow(msgspec.Struct, frozen=True):
    """A line of a pick list: how much of a SKU an order still has open at a place, of which some is picked, some packed."""

    order_id: UUID
    number: str
    line_no: int
    sku_id: UUID
    sku: str
    gtin: str
    title: str
    option: str
    aisle: str
    scale: int
    unit: str
    open: int
    picked: int
    packed: int

    @property
    def open_text(self) -> str:
        """How much is to lie apart in the end, with its unit."""
        return show_amount(self.open, self.scale, self.unit)

    @property
    def left_text(self) -> str:
        """How much is still to be taken, with its unit."""
        return show_amount(self.open - self.picked, self.scale, self.unit)

    @property
    def picked_plain(self) -> str:
        """How much lies apart, as one types it."""
        return show_plain(self.picked, self.scale)

    @property
    def to_pack_plain(self) -> str:
        """How much lies apart and in no parcel, as one types it."""
        return show_plain(self.picked - self.packed, self.scale)

    @property
    def unit_text(self) -> str:
        """The unit of goods by weight or measure; nothing of pieces."""
        return self.unit if self.scale else ""


def show_plain(steps: int, scale: int) -> str:
    """Steps as a decimal number without a unit: ``2``, ``1.38``."""
    return f"{steps / 10**scale:.{scale}f}" if scale else str(steps)


class Profile(msgspec.Struct, frozen=True):
    """What routing knows of a place: whether parcels leave from it, where it lies, how long it may take to accept work."""

    place_id: UUID
    ships: bool
    country: str = ""
    region: str = ""
    city: str = ""
    postcode: str = ""
    latitude: float | None = None
    longitude: float | None = None
    accept_minutes: int | None = None
