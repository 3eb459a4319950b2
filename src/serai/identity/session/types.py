"""Limits of sign-in and sessions."""

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
