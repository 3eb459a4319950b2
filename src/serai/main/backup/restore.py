"""Bringing a backup back, as it was taken or as everything stood at a later moment.

CHECK     manifest, sizes, digests, versions, and whether the wished moment can be reached: all that may be refused, first
UNPACK    into a folder of its own; every file of it is read against PostgreSQL's list
REPLAY    PostgreSQL plays the log up to the moment and stops there
SWAP      what was there before gets another name and stays; the files beside the database come back
CHECK     every invariant, as ``serai check`` does (the caller's part)

What fails leaves the installation as it was.
"""

import os
import pwd
import re
import shutil
import subprocess
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from serai.foundation import clock
from serai.foundation.embedded import (
    Cluster,
    is_ready,
    prepare_cluster,
    programs_path,
    start_server,
    stop_leftover,
    stop_server,
)
from serai.foundation.errors import Outside
from serai.main.backup.archive import fetch_command
from serai.main.backup.manifest import (
    Manifest,
    check_known,
    check_parts,
    describe_part,
    list_backups,
    read_manifest,
)
from serai.main.backup.take import FILES
from serai.main.fault import Fault
from serai.main.installation import Installation

NEWEST = "newest"
REPLAY_TIMEOUT_S = 6 * 3600
LAST_MOMENT = re.compile(r"last completed transaction was at log time (\S+ \S+ \S+)")
TOO_EARLY = "recovery ended before configured recovery target was reached"


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be brought back.

    Attributes:
        backup: folder of the backup.
        at: the moment (with its time zone); None for the moment at which the backup ended.
        to_end: up to the last change that the log holds, instead of a moment.
        log: folder of the kept log, needed for a moment.
        programs: folder of PostgreSQL's programs, of the backup's major version; None for the embedded ones.
        run_as: system user of those programs when this runs as root.
        replaces: whether a database that is there may be put aside.
    """

    backup: Path
    at: datetime | None = None
    to_end: bool = False
    log: Path | None = None
    programs: Path | None = None
    run_as: str | None = None
    replaces: bool = False


def require_restorable(wish: Wish, known: tuple[str, ...]) -> Manifest:
    """Everything that can be refused before anything is touched; the manifest of the backup otherwise."""
    manifest = read_manifest(wish.backup)
    check_known(manifest, known)
    programs = wish.programs or programs_path()
    major = _major_of(programs)
    if major != manifest.server_major:
        raise Fault(
            f"The backup is of PostgreSQL {manifest.server_major}, the programs in {programs} are of {major}.",
            "Name programs of the same version with --programs, /usr/lib/postgresql/NN/bin for instance.",
        )
    if wish.at is not None:
        _require_moment(wish.at, manifest)
    if (wish.at is not None or wish.to_end) and (wish.log is None or not wish.log.is_dir()):
        raise Fault(
            "No log has been kept here, so only the moment of the backup itself can be restored.",
            "Leave --at out. For the future: SERAI_BACKUP_LOG=true keeps it from now on.",
        )
    check_parts(wish.backup, manifest)
    return manifest


def _major_of(programs: Path) -> int:
    try:
        said = subprocess.run(
            [programs / "postgres", "--version"], capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise Fault(f"There is no PostgreSQL in {programs}.", "Name the folder of its programs.") from error
    found = re.search(r" (\d+)", said)
    assert found is not None
    return int(found[1])


def _require_moment(at: datetime, manifest: Manifest) -> None:
    if at < manifest.ended_at:
        raise Fault(
            f"This backup ended at {manifest.ended_at:%Y-%m-%d %H:%M:%SZ}, after the moment you want.",
            "Choose an older backup: `serai backup --list`.",
        )
    if at > clock.now():
        raise Fault("That moment lies in the future.", "Give one that has been.")


@contextmanager
def restore_backup(wish: Wish, manifest: Manifest, installation: Installation) -> Iterator[str]:
    """Bring a backup back and yield the address of the running database, for its checks; then stop it.

    The folder gets its place only when the block ends well.

    Raises:
        Fault: the place is taken, a file is damaged, or the log does not reach the moment; all is as it was then.
    """
    target, draft = installation.pgdata, installation.pgdata.with_name("postgres.restoring")
    if (target / "PG_VERSION").exists() and not wish.replaces:
        raise Fault(
            f"There is a database in {installation.data_dir} already.",
            "Add --replace to put it aside, or set SERAI_DATA_DIR to another folder.",
        )
    if draft.exists():
        _end_leftover(draft)
        shutil.rmtree(draft)
    try:
        cluster = _unpack(wish, manifest, draft)
        _replay(wish, cluster)
        server = start_server(cluster)
        try:
            yield cluster.url(manifest.database)
        finally:
            stop_server(server)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    if target.exists():
        target.rename(target.with_name(f"postgres.before-{clock.now():%Y%m%dT%H%M%SZ}"))
    draft.rename(target)
    _unpack_files(wish.backup / FILES, installation.data_dir)


def _end_leftover(draft: Path) -> None:
    """End the server of a restore that was killed."""
    if (draft / "PG_VERSION").exists():
        stop_leftover(Cluster(draft, programs_path(), draft, None))


def _unpack(wish: Wish, manifest: Manifest, draft: Path) -> Cluster:
    draft.mkdir(mode=0o700, parents=True)
    _extract(wish.backup / "base.tar.gz", draft)
    _extract(wish.backup / "pg_wal.tar.gz", draft / "pg_wal")
    _verify(draft, wish.backup / "backup_manifest")
    for stale in draft.glob(".s.PGSQL.*"):
        stale.unlink()
    if wish.programs is None:
        cluster = prepare_cluster(draft)
    else:
        cluster = Cluster(draft, wish.programs, draft, wish.run_as if os.geteuid() == 0 else None)
    if cluster.system_user:
        _give(draft, cluster.system_user)
    return cluster


def _verify(cluster: Path, manifest: Path) -> None:
    """Read every file of the cluster against PostgreSQL's own list of them.

    ``pg_verifybackup`` would do that, but the wheel's (PostgreSQL 18.4) crashes, and older ones cannot read the list.
    """
    for file in msgspec.json.decode(manifest.read_bytes())["Files"]:
        path = cluster / (
            file["Path"] if "Path" in file else bytes.fromhex(file["Encoded-Path"]).decode("latin-1")
        )
        if not path.is_file():
            raise Fault(f"The backup is damaged: {path.relative_to(cluster)} of the database is missing.")
        found = describe_part(path)
        if (found.size, found.sha256) != (file["Size"], file["Checksum"]):
            raise Fault(f"The backup is damaged: {path.relative_to(cluster)} of the database has changed.")


def _extract(archive: Path, target: Path) -> None:
    try:
        with tarfile.open(archive) as tar:
            tar.extractall(target, filter="tar")
    except (tarfile.TarError, EOFError, OSError) as error:
        raise Fault(
            f"{archive.name} cannot be unpacked: {error}.", "Use another backup, or free some space."
        ) from error


def _give(folder: Path, user: str) -> None:
    owner = pwd.getpwnam(user)
    os.chown(folder, owner.pw_uid, owner.pw_gid)
    for path in folder.rglob("*"):
        os.chown(path, owner.pw_uid, owner.pw_gid, follow_symlinks=False)


def _replay(wish: Wish, cluster: Cluster) -> None:
    """Let the server play the log to the wished moment, and stop it there."""
    settings = {"archive_mode": "off", "hot_standby": "off"}
    if wish.at is not None or wish.to_end:
        assert wish.log is not None
        (cluster.pgdata / "recovery.signal").touch()
        if cluster.system_user:
            _give(cluster.pgdata, cluster.system_user)
        settings["restore_command"] = fetch_command(wish.log)
    if wish.at is not None:
        # The server stops after the last transaction of that moment, to the microsecond.
        settings["recovery_target_time"] = wish.at.astimezone(UTC).isoformat(sep=" ")
        settings["recovery_target_action"] = "promote"
    log_path = cluster.pgdata / "server.log"
    log_path.unlink(missing_ok=True)
    try:
        server = start_server(cluster, REPLAY_TIMEOUT_S, **settings)
    except Outside as error:
        said = log_path.read_text(errors="replace") if log_path.exists() else str(error)
        raise _explain(said, wish) from error
    try:
        _wait_promoted(cluster)
    finally:
        stop_server(server)


def _wait_promoted(cluster: Cluster) -> None:
    """The server answers only when it has left recovery, so this is a last look."""
    deadline = time.monotonic() + 60
    while not is_ready(cluster):
        if time.monotonic() > deadline:
            raise Fault("The restored database does not answer.", f"Its log: {cluster.pgdata / 'server.log'}")
        time.sleep(0.1)


def _explain(said: str, wish: Wish) -> Fault:
    if TOO_EARLY in said and wish.at is not None:
        last = LAST_MOMENT.findall(said)
        reach = f" The last change in it was at {last[-1]}." if last else ""
        return Fault(
            f"The kept log does not reach {wish.at.astimezone(UTC):%Y-%m-%d %H:%M:%SZ}.{reach}",
            "Choose an earlier moment. A file of the log is kept once it is full, or after a minute.",
        )
    if "different database system" in said or "WAL file is from different" in said:
        return Fault(
            "The kept log is of another database.", "Name the folder that belongs to this backup with --log."
        )
    return Fault("The database could not be brought back.", said[-800:])


def _unpack_files(archive: Path, data_dir: Path) -> None:
    """Bring secrets, photographs and the sandbox's books back. What lies there under the same name is put aside as
    ``.before``, except photographs: their names follow from their content."""
    with tarfile.open(archive) as tar:
        for member in tar.getmembers():
            target = data_dir / member.name
            if member.isfile() and target.exists():
                if member.name.startswith("media/"):
                    continue
                target.replace(target.with_name(f"{target.name}.before"))
            tar.extract(member, data_dir, filter="data")


def find_backup(backups: Path, which: str) -> Path:
    """A backup by its folder, its name among the others, or ``newest``. Fault when there is none."""
    if which == NEWEST:
        found = list_backups(backups)
        if not found:
            raise Fault(f"There are no backups in {backups}.", "Name the folder of one.")
        return found[-1][0]
    named = backups / which
    return named if named.is_dir() else Path(which).expanduser().absolute()


def parse_moment(text: str) -> datetime:
    """A moment as ``2026-11-24T10:15:00Z``. Fault when it is none, or has no time zone."""
    try:
        moment = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
    except ValueError as error:
        raise Fault(f"{text!r} is no moment.", "Write it like 2026-11-24T10:15:00Z.") from error
    if moment.tzinfo is None:
        raise Fault(
            f"{text!r} has no time zone.", f"Write it like {text.strip()}Z (for UTC) or {text.strip()}+08:00."
        )
    if moment.year < 2000 or moment - clock.now() > timedelta(days=36500):
        raise Fault(f"{text!r} is no moment of this shop.", "Write it like 2026-11-24T10:15:00Z.")
    return moment
