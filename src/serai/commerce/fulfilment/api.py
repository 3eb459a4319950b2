"""Handing over: how orders stand, packing, shipping."""

from uuid import UUID

from serai.commerce.fulfilment.pack_parcel import pack_parcel, unpack_parcel
from serai.commerce.fulfilment.types import Content, Fulfilment, Handling, Size
from serai.commerce.order.api import read_standing, ship_parcel
from serai.commerce.parcel.api import load_parcel
from serai.foundation.database import Transaction

__all__ = [
    "Content",
    "Fulfilment",
    "Handling",
    "Size",
    "load_handling",
    "load_parcel",
    "pack_parcel",
    "ship_parcel",
    "unpack_parcel",
]


async def load_handling(tx: Transaction, *, order_id: UUID) -> Handling:
    """An order with its goods at each place. NotFound ``order.unknown``."""
    standing = await read_standing(tx, order_id)
    return Handling(standing.order, standing.goods)
