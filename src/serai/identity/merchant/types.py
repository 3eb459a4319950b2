"""A merchant as everybody sees it."""

from typing import Literal
from uuid import UUID

import msgspec


class Merchant(msgspec.Struct, frozen=True):
    """A tenant: its shop answers at ``hostnames``; the default merchant answers at every other name too.
    A market has no goods of its own and sells those of its members."""

    merchant_id: UUID
    slug: str
    name: str
    currency: str
    locale: str
    hostnames: tuple[str, ...]
    support_email: str
    is_default: bool
    kind: Literal["shop", "market"] = "shop"
