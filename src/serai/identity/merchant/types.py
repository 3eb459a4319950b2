"""A merchant as everybody sees it."""

from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec


class Merchant(msgspec.Struct, frozen=True):
    """A tenant: its shop answers at ``hostnames``; the default merchant answers at every other name too.
    A market has no goods of its own and sells those of its members. Days are counted in ``time_zone``, a name of the IANA
    database. ``staff_passkeys``: staff sign in with a passkey only. ``version`` grows with every change of the settings."""

    merchant_id: UUID
    slug: str
    name: str
    currency: str
    locale: str
    hostnames: tuple[str, ...]
    support_email: str
    is_default: bool
    kind: Literal["shop", "market"] = "shop"
    time_zone: str = "UTC"
    staff_passkeys: bool = False
    version: int = 1

    @property
    def zone(self) -> ZoneInfo:
        """The time zone itself."""
        return ZoneInfo(self.time_zone)
