"""API keys and their scopes."""

from datetime import datetime
from uuid import UUID

import msgspec

SCOPES = (
    "catalogue:read",
    "checkout:write",
    "order:read",
    "order:write",
    "stock:read",
    "stock:write",
    "product:write",
    "promotion:write",
    "tender:write",
    "webhook:read",
    "webhook:write",
)


class ApiKey(msgspec.Struct, frozen=True):
    """A program's key; ``prefix`` is what people recognise it by, the secret itself is not kept."""

    key_id: UUID
    name: str
    prefix: str
    scopes: tuple[str, ...]
    created_by: str
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None
