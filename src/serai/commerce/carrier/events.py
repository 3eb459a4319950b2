"""What happens to parcels at carriers."""

from datetime import datetime
from uuid import UUID

import msgspec


class LabelBought(msgspec.Struct, frozen=True):
    """A carrier has sold a label for a parcel."""

    order_id: UUID
    parcel_id: UUID
    label_id: UUID
    carrier: str
    service: str
    tracking: str
    price_minor: int


class ParcelTracked(msgspec.Struct, frozen=True):
    """A carrier told where a parcel is. ``kind``: picked_up, in_transit, out_for_delivery, failed_attempt, delivered, lost,
    returned."""

    order_id: UUID
    parcel_id: UUID
    parcel_no: int
    carrier: str
    kind: str
    place: str
    at: datetime
