"""Limits of sign-in and sessions."""

from datetime import datetime

import msgspec


class SessionSettings(msgspec.Struct, frozen=True):
    """Limits.

    Attributes:
        staff_hours: how long a staff session lasts.
        member_days: how long a member's session lasts.
        failures: wrong passwords for one address before it is locked.
        lock_minutes: how long it stays locked; failures older than this are forgotten.
        password_min: shortest password accepted.
    """

    staff_hours: int = 12
    member_days: int = 60
    failures: int = 5
    lock_minutes: int = 15
    password_min: int = 10


DEFAULTS = SessionSettings()


class OpenSession(msgspec.Struct, frozen=True):
    """A session that is open somewhere. ``session_id`` names it without opening it; ``agent`` is the browser's own word."""

    session_id: str
    is_here: bool
    opened_at: datetime
    ip: str
    agent: str
