"""Invariants: equations over the data that must hold at every moment, as SQL that returns the rows which break them."""

from collections.abc import Sequence
from typing import Any

import msgspec

from serai.foundation.database import Database


class Invariant(msgspec.Struct, frozen=True):
    """One equation: a dotted name, what it says in one sentence, and SQL that returns no rows when it holds."""

    name: str
    meaning: str
    sql: str


class Verdict(msgspec.Struct, frozen=True):
    """How an invariant stands; ``offending`` holds the first rows that break it."""

    invariant: Invariant
    offending: tuple[dict[str, Any], ...]

    @property
    def holds(self) -> bool:
        return not self.offending


async def check_invariants(
    owner: Database, invariants: Sequence[Invariant], *, show: int = 5
) -> list[Verdict]:
    """Run every invariant over all merchants, with the owner's role. ``show`` bounds the offending rows kept of each."""
    verdicts = []
    for invariant in invariants:
        rows = await owner.fetch(
            f"SELECT * FROM ({invariant.sql}) broken LIMIT {int(show)}"  # sql: our own invariants
        )
        verdicts.append(Verdict(invariant, tuple(dict(row) for row in rows)))
    return verdicts
