"""What of an order is open, packed and gone, as other modules see it. Quantities are steps of the SKU."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from serai.commerce.catalogue.types import show_amount

ParcelState = Literal["packed", "ready", "shipped", "delivered", "lost", "returned", "unpacked"]
CutKind = Literal["short", "weighed", "cancelled", "substituted", "no_show"]


class Goods(msgspec.Struct, frozen=True):
    """Steps of a SKU of an order's line at a place (of a bundle: of one of its parts).

    ``open`` ones are held in the ledger by the reservation ``hold_id``; of those ``picked`` lie apart, of those ``packed``
    in a parcel. Over all places of a line: ordered = open + shipped + cut.
    """

    place_id: UUID
    line_no: int
    sku_id: UUID
    hold_id: UUID | None
    open: int
    picked: int = 0
    packed: int = 0
    shipped: int = 0
    cut: int = 0

    @property
    def key(self) -> tuple[UUID, int, UUID]:
        return self.place_id, self.line_no, self.sku_id

    @property
    def to_pick(self) -> int:
        return self.open - self.picked

    @property
    def to_pack(self) -> int:
        return self.picked - self.packed


class GoodsRow(msgspec.Struct, frozen=True):
    """Goods as they stand after a group, written beside it: whole rows, since changes of an order take turns."""

    order_id: UUID
    goods: Goods


class ParcelLine(msgspec.Struct, frozen=True):
    """What lies in a parcel: steps of a SKU, of which line of the order."""

    line_no: int
    sku_id: UUID
    quantity: int


class Parcel(msgspec.Struct, frozen=True):
    """A parcel of an order, or what waits at a store for its buyer. ``place_id`` is where it is packed."""

    parcel_id: UUID
    order_id: UUID
    place_id: UUID
    parcel_no: int
    state: ParcelState
    packed_at: datetime
    packed_by: str
    weight_g: int | None = None
    length_mm: int | None = None
    width_mm: int | None = None
    height_mm: int | None = None
    carrier: str = ""
    service: str = ""
    tracking: str = ""
    ready_at: datetime | None = None
    collect_by: datetime | None = None
    shipped_at: datetime | None = None
    delivered_at: datetime | None = None
    lost_at: datetime | None = None
    returned_at: datetime | None = None
    lines: tuple[ParcelLine, ...] = ()

    @property
    def is_here(self) -> bool:
        """Whether it has not left yet."""
        return self.state in ("packed", "ready")


class NewParcel(msgspec.Struct, frozen=True):
    """A parcel as it is written beside the group that packs (or ships) it."""

    parcel_id: UUID
    order_id: UUID
    place_id: UUID
    parcel_no: int
    packed_by: str
    packed_at: datetime
    lines: tuple[ParcelLine, ...]
    weight_g: int | None = None
    length_mm: int | None = None
    width_mm: int | None = None
    height_mm: int | None = None
    carrier: str = ""
    service: str = ""
    tracking: str = ""
    shipped_at: datetime | None = None
    delivered_at: datetime | None = None


class ParcelStamp(msgspec.Struct, frozen=True):
    """Moments at which something happened to a parcel; None leaves a moment, an empty text the text, as it is."""

    parcel_id: UUID
    ready_at: datetime | None = None
    collect_by: datetime | None = None
    collect_digest: bytes | None = None
    shipped_at: datetime | None = None
    delivered_at: datetime | None = None
    lost_at: datetime | None = None
    returned_at: datetime | None = None
    unpacked_at: datetime | None = None
    carrier: str = ""
    service: str = ""
    tracking: str = ""


class Cut(msgspec.Struct, frozen=True):
    """Steps of a line that will not come, and what the order comes to less for it (``amount_minor``, never above zero)."""

    cut_id: UUID
    order_id: UUID
    place_id: UUID
    line_no: int
    sku_id: UUID
    quantity: int
    kind: CutKind
    amount_minor: int
    refund_id: UUID | None
    reason: str
    by: str
    at: datetime


class Substitute(msgspec.Struct, frozen=True):
    """Steps of a line that something else came for, with the buyer's prior consent.

    ``quantity`` steps of ``sku_id``, worth ``taken_minor`` with taxes, were given up for ``new_quantity`` steps of
    ``new_sku_id``, which cost ``value_minor`` (of it ``tax_minor`` tax): never more than the others were.
    """

    substitute_id: UUID
    order_id: UUID
    place_id: UUID
    line_no: int
    sku_id: UUID
    quantity: int
    new_sku_id: UUID
    new_quantity: int
    taken_minor: int
    value_minor: int
    tax_minor: int
    title: str
    scale: int
    unit: str
    reason: str
    by: str
    at: datetime

    @property
    def amount_text(self) -> str:
        """How much came instead, with its unit."""
        return self.show(self.new_quantity)

    def show(self, steps: int) -> str:
        """Some steps of what came instead, with their unit."""
        return show_amount(steps, self.scale, self.unit)


class NewFulfilment(msgspec.Struct, frozen=True):
    """What a place is to do for an order, with the reasons of the choice; written beside the group that reserves there."""

    order_id: UUID
    place_id: UUID
    fulfilment_id: UUID
    planned_at: datetime
    accept_by: datetime | None = None
    accepted_at: datetime | None = None
    accepted_by: str = ""
    choice: dict[str, Any] = {}
