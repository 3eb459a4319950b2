"""Carriers: rates, labels, and parcels on their way."""

from serai.commerce.carrier.buy_label import (
    buy_label,
    find_carrier,
    find_living,
    list_labels,
    load_label,
    quote_parcel,
    settle_label,
)
from serai.commerce.carrier.draw_label import draw_label
from serai.commerce.carrier.follow_parcel import list_tracks, take_event
from serai.commerce.carrier.types import Label, Track

__all__ = [
    "Label",
    "Track",
    "buy_label",
    "draw_label",
    "find_carrier",
    "find_living",
    "list_labels",
    "list_tracks",
    "load_label",
    "quote_parcel",
    "settle_label",
    "take_event",
]
