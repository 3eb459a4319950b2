"""Taking a backup: the database as PostgreSQL copies itself while it runs, and the files that lie beside it.

BASE      ``pg_basebackup``: the whole cluster with the log that makes it consistent; nothing waits for it
FILES     secrets, photographs, the sandbox's books; after the database, since files are never changed, only added
MANIFEST  sizes, digests, versions; the folder gets its name only when all of it lies on the disk

A backup that is interrupted leaves a folder with a dot in front, which the next one removes.
"""

import fcntl
import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from urllib.parse import unquote, urlsplit, urlunsplit

import msgspec

import serai
from serai.foundation import clock
from serai.foundation.embedded import programs_path
from serai.foundation.migration import list_applied
from serai.main.backup.archive import drop_old_log, log_folder, make_folder
from serai.main.backup.manifest import FORMAT, Manifest, describe_part, list_backups, write_manifest
from serai.main.connecting import connect_database
from serai.main.fault import Fault
from serai.main.installation import Installation

# Secrets, photographs (see platform.py) and the sandbox's books; logs and what belongs to a run are left out.
FOLDERS = ("secret", "media", "sandbox")
FILES = "files.tar.gz"
PROGRESS = re.compile(rb"(\d+)/(\d+) kB")
SPARE_BYTES = 100_000_000
Report = Callable[[str, int, int], None]


class Source(msgspec.Struct, frozen=True):
    """What the database says of itself before it is copied."""

    server_major: int
    system_identifier: str
    first_log_file: str
    database: str
    size: int
    migrations: tuple[str, ...]


async def read_source(url: str) -> Source:
    """Version, identity and size of the cluster. Fault when it is not Serai's or may not be copied."""
    connection = await connect_database(url)
    try:
        applied = await list_applied(connection)
        if not applied:
            raise Fault(
                "This database holds no Serai yet.", "Start it once with `serai up` or `serai migrate`."
            )
        if not await connection.fetchval(
            "SELECT rolreplication OR rolsuper FROM pg_roles WHERE rolname = current_user"
        ):
            raise Fault(
                "The database's user may not copy the cluster.",
                "As its superuser: ALTER ROLE ... REPLICATION, and a line `replication` in pg_hba.conf.",
            )
        row = await connection.fetchrow(
            "SELECT current_setting('server_version_num')::int / 10000 AS major,"
            " (SELECT system_identifier::text FROM pg_control_system()) AS identifier,"
            " (SELECT redo_wal_file FROM pg_control_checkpoint()) AS first_log_file, current_database() AS database,"
            " (SELECT sum(pg_database_size(oid))::bigint FROM pg_database) AS size"
        )
    finally:
        await connection.close()
    return Source(
        row["major"],
        row["identifier"],
        row["first_log_file"],
        row["database"],
        row["size"],
        tuple(applied),
    )


def take_backup(
    url: str, source: Source, installation: Installation, backups: Path, *, keep: int, report: Report
) -> tuple[Path, Manifest]:
    """Copy everything into a new folder of ``backups`` and drop all but the newest ``keep`` backups.

    Raises:
        Fault: another backup is under way, no room, no right, or ``pg_basebackup`` gave up; nothing is left of the attempt.
    """
    with _hold_folder(backups):
        _make_room(backups, source.size)
        taken = _take(url, source, installation, backups, report)
        _drop_old(backups, keep)
    return taken


@contextmanager
def _hold_folder(backups: Path) -> Iterator[None]:
    """Have the folder alone, however this process ends: whoever begins removes what an interrupted backup left."""
    try:
        make_folder(backups)
        lock = (backups / ".lock").open("a")
    except OSError as error:
        raise Fault(
            f"Backups cannot be kept in {backups}: {error}.", "Choose another place with --to."
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Fault(f"Another backup into {backups} is under way.", "Wait for it to end.") from None
        yield


def _take(
    url: str, source: Source, installation: Installation, backups: Path, report: Report
) -> tuple[Path, Manifest]:
    began_at = clock.now()
    draft = backups / f".{began_at:%Y%m%dT%H%M%SZ}"
    draft.mkdir(mode=0o700)
    try:
        _copy_cluster(url, draft, report)
        _copy_files(installation, draft / FILES)
        manifest = Manifest(
            format=FORMAT,
            serai=serai.__version__,
            began_at=began_at,
            ended_at=clock.now(),
            server_major=source.server_major,
            system_identifier=source.system_identifier,
            first_log_file=source.first_log_file,
            database=source.database,
            migrations=source.migrations,
            parts=tuple(describe_part(path) for path in sorted(draft.iterdir())),
        )
        write_manifest(draft, manifest)
        _force_to_disk(draft)
        folder = backups / f"{began_at:%Y%m%dT%H%M%SZ}"
        draft.rename(folder)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return folder, manifest


def _make_room(backups: Path, size: int) -> None:
    """Fault when the disk would not hold an uncompressed copy: what compression gives is not counted on."""
    for left in backups.glob(".*Z"):
        shutil.rmtree(left)
    free = shutil.disk_usage(backups).free
    if free < size + SPARE_BYTES:
        raise Fault(
            f"Only {free // 1_000_000:,} MB are free at {backups}; the database has {size // 1_000_000:,} MB.",
            "Free some space, or choose a folder on another disk with --to.",
        )


def _copy_cluster(url: str, draft: Path, report: Report) -> None:
    address, environ = hide_secret(url)
    command = [str(programs_path() / "pg_basebackup"), "--dbname", address, "--pgdata", str(draft)]
    command += [
        "--format=tar",
        "--gzip",
        "--compress=1",
        "--wal-method=stream",
        "--checkpoint=fast",
        "--manifest-checksums=SHA256",
        "--progress",
    ]
    process = subprocess.Popen(command, env=environ, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    try:
        said = _follow(process.stderr, report)
    finally:
        process.stderr.close()
        if process.poll() is None:
            process.terminate()
        process.wait()
    if process.returncode != 0:
        raise Fault("The database could not be copied.", said[-800:] or f"exit code {process.returncode}")


def _follow(pipe: IO[bytes], report: Report) -> str:
    """Report the progress lines; give back whatever else was said."""
    other, line = b"", b""
    while piece := pipe.read(1):
        if piece not in (b"\r", b"\n"):
            line += piece
            continue
        if found := PROGRESS.search(line):
            report("Copying the database", int(found[1]), int(found[2]))
        else:
            other += line + b"\n"
        line = b""
    return (other + line).decode(errors="replace").strip()


def hide_secret(url: str) -> tuple[str, dict[str, str]]:
    """The address without its password, and an environment that holds it: arguments can be read by everybody."""
    parts = urlsplit(url)
    environ = dict(os.environ)
    if not parts.password:
        return url, environ
    environ["PGPASSWORD"] = unquote(parts.password)
    user, host = parts.netloc.rsplit("@", 1)
    return urlunsplit(parts._replace(netloc=f"{user.split(':', 1)[0]}@{host}")), environ


def _copy_files(installation: Installation, target: Path) -> None:
    with tarfile.open(target, "w:gz", compresslevel=1) as tar:
        for name in FOLDERS:
            if (installation.data_dir / name).is_dir():
                tar.add(installation.data_dir / name, arcname=name)


def _force_to_disk(folder: Path) -> None:
    for path in (*folder.iterdir(), folder):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _drop_old(backups: Path, keep: int) -> None:
    kept = list_backups(backups)
    for folder, _manifest in kept[:-keep]:
        shutil.rmtree(folder)
    drop_old_log(programs_path(), log_folder(backups), kept[-keep:][0][1].first_log_file)
