"""A label and a parcel's way as other modules see them."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from serai.commerce.types import TrackKind


class Label(msgspec.Struct, frozen=True):
    """A label of a parcel. ``state`` follows from the moments: asked until the carrier has answered."""

    label_id: UUID
    parcel_id: UUID
    carrier: str
    service: str
    asked_at: datetime
    asked_by: str
    shipment_id: str | None
    tracking: str | None
    price_minor: int | None
    sort: str
    bought_at: datetime | None
    failed_at: datetime | None
    failure: str
    voided_at: datetime | None

    @property
    def state(self) -> Literal["asked", "bought", "failed", "voided"]:
        if self.voided_at is not None:
            return "voided"
        if self.failed_at is not None:
            return "failed"
        return "bought" if self.bought_at is not None else "asked"


class Track(msgspec.Struct, frozen=True):
    """What a carrier told of a parcel on its way."""

    parcel_id: UUID
    kind: TrackKind
    place: str
    at: datetime
    sequence: int
