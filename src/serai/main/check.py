"""`serai check`: every invariant of every system, run on the live database."""

import importlib
from collections.abc import AsyncIterator, Iterator, Sequence
from importlib.resources import files
from importlib.util import find_spec

import asyncpg

from serai.foundation.database import open_database
from serai.foundation.invariant import Invariant, Verdict, check_invariants
from serai.main.fault import Fault
from serai.main.systems import SYSTEMS

# An invariant may walk over every transfer there ever was.
STATEMENT_TIMEOUT_MS = 600_000


def list_invariants(systems: Sequence[str] = SYSTEMS) -> list[Invariant]:
    """The invariants of all systems, lowest band first: of the system itself, then of its modules by name.

    Raises:
        ValueError: two invariants share a name.
    """
    found: list[Invariant] = []
    for system in systems:
        for name in _list_modules(system):
            found += importlib.import_module(name).INVARIANTS
    names = [invariant.name for invariant in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"invariants share a name: {', '.join(twice)}")
    return found


def _list_modules(system: str) -> Iterator[str]:
    packages = [f"serai.{system}"]
    folder = files(f"serai.{system}")
    inner = sorted(
        entry.name for entry in folder.iterdir() if entry.is_dir() and (entry / "__init__.py").is_file()
    )
    packages += [f"serai.{system}.{name}" for name in inner]
    for package in packages:
        if find_spec(f"{package}.invariants") is not None:
            yield f"{package}.invariants"


async def run_checks(
    database_url: str, invariants: Sequence[Invariant], *, show: int = 3
) -> AsyncIterator[Verdict]:
    """Run the invariants one after another over all merchants, with the owner's role, and yield each verdict at once.

    ``show`` bounds the offending rows kept of each. Fault when the database is behind this version.
    """
    owner = await open_database(database_url, role=None, size=1, statement_timeout_ms=STATEMENT_TIMEOUT_MS)
    try:
        for invariant in invariants:
            for verdict in await check_invariants(owner, [invariant], show=show):
                yield verdict
    except (
        asyncpg.UndefinedTableError,
        asyncpg.UndefinedColumnError,
        asyncpg.UndefinedFunctionError,
    ) as error:
        raise Fault(f"The database is not at this version: {error}.", "Run `serai migrate` first.") from error
    finally:
        await owner.close()
