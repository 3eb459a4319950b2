"""Passwords hashed cheaply: these tests are about what is asked of a password, not about how long it takes."""

import pytest
from argon2 import PasswordHasher

from serai.identity.session import api as session


@pytest.fixture(autouse=True)
def cheap_hasher(monkeypatch: pytest.MonkeyPatch) -> None:
    hasher = PasswordHasher(time_cost=1, memory_cost=16, parallelism=1)
    unknown = hasher.hash("of nobody")
    monkeypatch.setattr(session, "_hasher", lambda: hasher)
    monkeypatch.setattr(session, "_unknown_hash", lambda: unknown)
