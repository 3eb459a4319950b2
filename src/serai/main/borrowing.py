"""A database for commands that run beside `serai up` as well as without it."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager

from serai.main.backup.archive import archive_settings
from serai.main.connecting import ensure_database, require_database
from serai.main.fault import Fault
from serai.main.installation import (
    DATABASE_NAME,
    Installation,
    State,
    find_state,
    hold_lock,
    is_locked,
    open_installation,
    remove_state,
    write_state,
)
from serai.main.settings import HouseSettings


@contextmanager
def borrow_database(house: HouseSettings) -> Iterator[str]:
    """The address of this installation's database, owner's role, known to answer.

    One's own database, or that of the running `serai up`; when nothing runs, the embedded one is started for the
    moment. Fault when there is none.
    """
    installation = Installation.at(house.data_dir)
    if house.database_url:
        asyncio.run(require_database(house.database_url))
        yield house.database_url
    elif is_locked(installation):
        yield _find_running(installation)
    elif (installation.pgdata / "PG_VERSION").exists():
        with _start_for_a_moment(house) as url:
            yield url
    else:
        raise Fault(
            f"There is no shop in {installation.data_dir} yet.",
            "Start one with `serai up`, or set SERAI_DATABASE_URL to your own PostgreSQL,",
            "or SERAI_DATA_DIR to where the shop is.",
        )


def _find_running(installation: Installation) -> str:
    state = find_state(installation)
    if state is None or state.database_url is None:
        raise Fault(
            f"Serai on {installation.data_dir} is just starting, or runs on a database of its own.",
            "Try again in a moment, or set SERAI_DATABASE_URL to the same address as there.",
        )
    asyncio.run(require_database(state.database_url))
    return state.database_url


@contextmanager
def _start_for_a_moment(house: HouseSettings) -> Iterator[str]:
    from serai.foundation.embedded import prepare_cluster, start_server, stop_server

    installation = open_installation(house.data_dir)
    with hold_lock(installation):
        cluster = prepare_cluster(installation.pgdata)
        server = start_server(cluster, **archive_settings(house, cluster))
        try:
            asyncio.run(ensure_database(cluster.url()))
            url = cluster.url(DATABASE_NAME)
            write_state(installation, State(os.getpid(), "", url, {"postgres": server.pid}))
            yield url
        finally:
            remove_state(installation)
            stop_server(server)
