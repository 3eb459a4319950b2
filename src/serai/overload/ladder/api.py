"""What is left out now, for whom; and the switches that merchants turn themselves."""

from collections.abc import Mapping
from typing import Any

from serai.foundation import clock
from serai.foundation.database import Database, Transaction
from serai.foundation.errors import Invalid, NotFound, _
from serai.overload.ladder import store
from serai.overload.ladder.logic import find_refusal, list_saved
from serai.overload.ladder.types import (
    BY_NAME,
    FACETS,
    KEEP_LONGER,
    LEVELS,
    LIKE_GOODS,
    MODES,
    PRICE_CHART,
    SWITCHES,
    Mode,
    Pressure,
    SwitchState,
)
from serai.overload.ladder.watch_pressure import Ladder

__all__ = [
    "FACETS",
    "KEEP_LONGER",
    "LEVELS",
    "LIKE_GOODS",
    "PRICE_CHART",
    "STATE_KEY",
    "SWITCHES",
    "Ladder",
    "Pressure",
    "find_refusal",
    "is_saved",
    "list_saved",
    "list_states",
    "load_pressure",
    "set_switch",
]

STATE_KEY = "saved"


def is_saved(scope: Mapping[str, Any], name: str) -> bool:
    """Whether a request is answered without what a switch stands for; the front noted it in the request's state."""
    return name in scope.get("state", {}).get(STATE_KEY, ())


async def list_states(tx: Transaction) -> dict[str, SwitchState]:
    """Every switch with what this merchant has decided about it."""
    decided = {row["name"]: SwitchState(*row.values()) for row in await store.list_switches(tx)}
    return {switch.name: decided.get(switch.name, SwitchState(switch.name, "auto")) for switch in SWITCHES}


async def set_switch(tx: Transaction, *, name: str, mode: str, by: str) -> Mode:
    """Decide about a switch and return what was decided before. Every web worker follows within a second.

    Raises:
        NotFound: ``overload.switch_unknown``.
        Invalid: ``overload.mode_unknown``.
    """
    if name not in BY_NAME:
        raise NotFound("overload.switch_unknown", _("There is no such switch."))
    if mode not in MODES:
        raise Invalid("overload.mode_unknown", _("A switch knows “auto”, “saving” and “serving”."), mode=mode)
    before = await store.save_switch(tx, name, mode, by, clock.now())
    return next((each for each in MODES if each == before), "auto")


async def load_pressure(db: Database) -> Pressure:
    """How pressed the installation is."""
    rows = await store.list_levels(db, Ladder.FRESH_S)
    return Pressure(
        max((row["level"] for row in rows), default=0),
        max((row["pressure"] for row in rows), default=0.0),
        len(rows),
    )
