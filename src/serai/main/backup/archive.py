"""The database's log, kept beside the backups: with it a backup can be brought to any later moment."""

import os
import pwd
import shlex
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from serai.main.installation import Installation
from serai.main.settings import HouseSettings

if TYPE_CHECKING:
    # The wheel stays out of an installation with a database of its own.
    from serai.foundation.embedded import Cluster

SWITCH_AFTER_S = 60


def backup_folder(house: HouseSettings) -> Path:
    """Where backups and the kept log lie."""
    return (
        Path(house.backup_dir).expanduser().absolute()
        if house.backup_dir
        else Installation.at(house.data_dir).data_dir / "backup"
    )


def log_folder(backups: Path) -> Path:
    return backups / "log"


def make_folder(backups: Path) -> None:
    """Others may pass through to what is theirs (under root the server is another user), but see nothing."""
    backups.mkdir(parents=True, exist_ok=True)
    backups.chmod(0o711)


def archive_settings(house: HouseSettings, cluster: "Cluster") -> dict[str, str]:
    """Settings with which the embedded server keeps its log; none unless that is wanted.

    A file of the log is compressed under another name, forced to disk, then renamed: what stands there is whole. A name
    that is taken by another content is an error, which the server reports and tries again, as it should be.
    """
    if not house.backup_log:
        return {}
    backups = backup_folder(house)
    make_folder(backups)
    folder = log_folder(backups)
    folder.mkdir(mode=0o700, exist_ok=True)
    if cluster.system_user:
        owner = pwd.getpwnam(cluster.system_user)
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    # PostgreSQL puts a file's path for %p and its name for %f.
    to = f"{shlex.quote(str(folder)).replace('%', '%%')}/%f.gz"
    command = (
        f"if test -e {to}; then gzip -dc {to} | cmp -s - %p;"
        f" else gzip -1 < %p > {to}.part && sync {to}.part && mv {to}.part {to}; fi"
    )
    return {"archive_mode": "on", "archive_command": command, "archive_timeout": str(SWITCH_AFTER_S)}


def fetch_command(folder: Path) -> str:
    """How a server that is brought back gets a file of the kept log."""
    return f"gzip -dc < {shlex.quote(str(folder)).replace('%', '%%')}/%f.gz > %p"


def drop_old_log(programs: Path, folder: Path, first_needed: str) -> None:
    """Remove what is older than the oldest backup needs."""
    if folder.is_dir():
        subprocess.run([programs / "pg_archivecleanup", "-x", ".gz", folder, first_needed], check=True)
