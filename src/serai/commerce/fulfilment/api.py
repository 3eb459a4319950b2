"""Handing over: how orders stand, packing, shipping."""

from uuid import UUID

from serai.commerce.fulfilment.agree_substitute import agree_substitutes, list_wishes
from serai.commerce.fulfilment.collect_parcel import hand_over, make_ready, pickup_code, unlock_pickup
from serai.commerce.fulfilment.cut_goods import cancel_rest, cut_goods
from serai.commerce.fulfilment.list_work import (
    accept_fulfilment,
    count_fulfilments,
    find_fulfilment,
    list_fulfilments,
    list_picks,
    list_titles,
    load_profile,
    save_profile,
)
from serai.commerce.fulfilment.pack_parcel import pack_parcel, unpack_parcel
from serai.commerce.fulfilment.pick_goods import pick_goods
from serai.commerce.fulfilment.route_order import move_order, route_order
from serai.commerce.fulfilment.substitute_goods import substitute_goods
from serai.commerce.fulfilment.suggest_substitutes import suggest_substitutes
from serai.commerce.fulfilment.types import (
    Content,
    Fulfilment,
    Handling,
    Pick,
    PickRow,
    Profile,
    Replacement,
    Size,
    Suggestion,
)
from serai.commerce.order.api import read_standing, ship_parcel
from serai.commerce.parcel.api import load_parcel
from serai.foundation.database import Transaction

__all__ = [
    "Content",
    "Fulfilment",
    "Handling",
    "Pick",
    "PickRow",
    "Profile",
    "Replacement",
    "Size",
    "Suggestion",
    "accept_fulfilment",
    "agree_substitutes",
    "cancel_rest",
    "count_fulfilments",
    "cut_goods",
    "find_fulfilment",
    "hand_over",
    "list_fulfilments",
    "list_picks",
    "list_titles",
    "list_wishes",
    "load_handling",
    "load_parcel",
    "load_profile",
    "make_ready",
    "move_order",
    "pack_parcel",
    "pick_goods",
    "pickup_code",
    "route_order",
    "save_profile",
    "ship_parcel",
    "substitute_goods",
    "suggest_substitutes",
    "unlock_pickup",
    "unpack_parcel",
]


async def load_handling(tx: Transaction, *, order_id: UUID) -> Handling:
    """An order with its goods at each place. NotFound ``order.unknown``."""
    standing = await read_standing(tx, order_id)
    return Handling(standing.order, standing.goods)
