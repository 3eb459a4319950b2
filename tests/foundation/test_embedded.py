"""The embedded server: started, stopped, and taken over from a supervisor that was killed."""

import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import asyncpg
import pytest

from serai.foundation.embedded import (
    Cluster,
    is_ready,
    prepare_cluster,
    start_server,
    stop_leftover,
    stop_server,
)
from serai.foundation.errors import Outside

SMALL = {
    "fsync": "off",
    "shared_buffers": "16MB",
    "max_connections": "10",
    "max_wal_size": "128MB",
    "min_wal_size": "32MB",
}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with tempfile.TemporaryDirectory(prefix="serai-embedded-") as folder:
        made = prepare_cluster(Path(folder) / "data")
        yield made
        stop_leftover(made)


async def fetchval(cluster: Cluster, sql: str) -> object:
    connection = await asyncpg.connect(cluster.url())
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def test_a_server_starts_keeps_what_was_committed_and_stops(cluster: Cluster):
    process = start_server(cluster, **SMALL)
    assert is_ready(cluster)
    assert await fetchval(cluster, "CREATE TABLE kept AS SELECT 7 AS n") is None
    assert await fetchval(cluster, "SHOW listen_addresses") == "", "nobody reaches it over the network"
    stop_server(process)
    assert process.returncode == 0
    assert not is_ready(cluster)
    stop_server(process)
    process = start_server(cluster, **SMALL)
    assert await fetchval(cluster, "SELECT n FROM kept") == 7
    stop_server(process)


async def test_a_server_left_behind_is_stopped_before_the_next_one_starts(cluster: Cluster):
    left = start_server(cluster, **SMALL)
    # Its supervisor is gone, so whoever takes in orphans collects it.
    collector = Thread(target=left.wait)
    collector.start()
    process = start_server(cluster, **SMALL)
    collector.join(10)
    assert left.returncode == 0
    assert process.poll() is None
    assert await fetchval(cluster, "SELECT 1") == 1
    stop_server(process)


async def test_a_server_that_was_killed_comes_up_again_with_what_was_committed(cluster: Cluster):
    process = start_server(cluster, **SMALL | {"fsync": "on"})
    await fetchval(cluster, "CREATE TABLE survivor AS SELECT 8 AS n")
    os.kill(process.pid, signal.SIGKILL)
    process.wait(10)
    process = start_server(cluster, **SMALL)
    assert await fetchval(cluster, "SELECT n FROM survivor") == 8
    stop_server(process)


def test_a_pid_file_that_names_a_stranger_harms_nobody(cluster: Cluster):
    pid_file = cluster.pgdata / "postmaster.pid"
    try:
        for text in (f"{os.getpid()}\n", "", "not a number\n", "999999999\n"):
            pid_file.write_text(text)
            stop_leftover(cluster)
    finally:
        pid_file.unlink(missing_ok=True)


def test_a_server_that_cannot_start_says_why(cluster: Cluster):
    with pytest.raises(Outside) as refused:
        start_server(cluster, **SMALL | {"shared_buffers": "not a size"})
    assert "shared_buffers" in refused.value.reason


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(Outside) as refused:
        prepare_cluster(tmp_path / "file" / "data")
    assert str(tmp_path) in refused.value.reason


def test_the_cluster_is_for_its_owner_alone(cluster: Cluster):
    assert cluster.pgdata.stat().st_mode & 0o077 == 0
