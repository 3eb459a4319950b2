"""A place as other modules see it."""

from typing import Literal
from uuid import UUID

import msgspec


class Place(msgspec.Struct, frozen=True):
    """A warehouse or a store. ``sells_online`` marks the place that parcels leave from."""

    place_id: UUID
    code: str
    name: str
    kind: Literal["warehouse", "store"]
    sells_online: bool
    active: bool
