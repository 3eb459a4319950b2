"""What people type at backups, and what others may see of it."""

from datetime import UTC, datetime

import pytest

from serai.main.backup.restore import parse_moment
from serai.main.backup.take import hide_secret
from serai.main.fault import Fault


def test_moments_are_read_with_their_zone() -> None:
    assert parse_moment("2026-11-24T10:15:00+08:00") == datetime(2026, 11, 24, 2, 15, tzinfo=UTC)
    assert parse_moment(" 2026-11-24 10:15Z ") == datetime(2026, 11, 24, 10, 15, tzinfo=UTC)
    for text in (
        "yesterday",
        "2026-13-01T00:00Z",
        "2026-11-24T10:15:00",
        "0001-01-01T00:00:00Z",
        "9999-12-31T00:00:00Z",
    ):
        with pytest.raises(Fault):
            parse_moment(text)


def test_a_password_is_not_among_the_arguments() -> None:
    address, environ = hide_secret("postgresql://ann:p%40ss@db.example:5433/shop?sslmode=require")
    assert address == "postgresql://ann@db.example:5433/shop?sslmode=require"
    assert environ["PGPASSWORD"] == "p@ss"
