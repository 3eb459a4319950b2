"""Passkeys as other modules see them."""

from datetime import datetime
from uuid import UUID

import msgspec


class Passkey(msgspec.Struct, frozen=True):
    """A passkey; ``credential_id`` is its public name."""

    credential_id: bytes
    name: str
    made_at: datetime
    used_at: datetime | None


class Site(msgspec.Struct, frozen=True):
    """Where passkeys are made and used: the host name they are bound to, the page's origin, the shop's name."""

    host: str
    origin: str
    name: str


class Asked(msgspec.Struct, frozen=True):
    """A question to an authenticator: the challenge's id, and WebAuthn options as JSON text for the browser."""

    challenge_id: UUID
    options_json: str
