"""Alerts as other modules see them."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

AlertKind = Literal["price", "stock"]


class Alert(msgspec.Struct, frozen=True):
    """Somebody waits for a lower price than ``seen_price_minor``, or for goods to be there again."""

    alert_id: UUID
    kind: AlertKind
    sku_id: UUID
    member_id: UUID | None
    email: str
    locale: str
    seen_price_minor: int | None
    made_at: datetime
    confirmed_at: datetime | None


class NewAlert(msgspec.Struct, frozen=True):
    """An alert just made; ``token`` confirms or ends it and is sent by mail only. ``is_confirmed``: nothing to confirm."""

    alert_id: UUID
    token: str
    is_confirmed: bool


class FiredAlert(msgspec.Struct, frozen=True):
    """An alert whose moment has come, with today's price; it is over now."""

    alert: Alert
    price_minor: int | None
    currency: str
