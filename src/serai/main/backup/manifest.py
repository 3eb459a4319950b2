"""What a backup consists of, written last and read first: a folder without a manifest that fits is no backup."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from serai.main.fault import Fault

NAME = "serai-backup.json"
FORMAT = 1
CHUNK = 1 << 20


class Part(msgspec.Struct, frozen=True):
    """One file of a backup with its size in bytes and its SHA-256."""

    name: str
    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is asked of a backup before it is brought back.

    Attributes:
        began_at, ended_at: when the copy began and ended; it can be brought back to any moment from ``ended_at`` on for
            which the log has been kept.
        server_major: major version of PostgreSQL; only programs of the same one can read the files.
        system_identifier: number of the cluster; a log of another cluster does not fit.
        migrations: what was applied, as ``system/number``.
    """

    format: int
    serai: str
    began_at: datetime
    ended_at: datetime
    server_major: int
    system_identifier: str
    first_log_file: str
    database: str
    migrations: tuple[str, ...]
    parts: tuple[Part, ...]

    @property
    def size(self) -> int:
        """All parts together, in bytes."""
        return sum(part.size for part in self.parts)


def describe_part(path: Path) -> Part:
    """Size and digest of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return Part(path.name, path.stat().st_size, digest.hexdigest())


def write_manifest(folder: Path, manifest: Manifest) -> None:
    (folder / NAME).write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n")


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a backup. Fault when the folder holds none, or one that cannot be read."""
    if not folder.is_dir():
        raise Fault(f"There is no backup {folder}.", "`serai backup --list` shows those that are there.")
    try:
        text = (folder / NAME).read_bytes()
    except OSError as error:
        raise Fault(
            f"{folder} is no backup of Serai: there is no {NAME} in it.",
            "A backup that was interrupted has none either, and cannot be used.",
        ) from error
    try:
        format_ = msgspec.json.decode(text, type=dict[str, object]).get("format")
        if isinstance(format_, int) and format_ > FORMAT:
            raise Fault(f"{folder} was made by a newer Serai.", "Install that version, then restore.")
        return msgspec.json.decode(text, type=Manifest)
    except msgspec.MsgspecError as error:
        raise Fault(f"{folder / NAME} cannot be read: {error}.", "Use another backup.") from error


def check_parts(folder: Path, manifest: Manifest) -> None:
    """Fault unless every file is there as it was written."""
    for part in manifest.parts:
        path = folder / part.name
        if not path.is_file():
            raise Fault(f"The backup is not whole: {part.name} is missing.", "Use another backup.")
        size = path.stat().st_size
        if size != part.size:
            raise Fault(
                f"The backup is damaged: {part.name} has {size:,} bytes, not {part.size:,}.",
                "It may have been cut off while it was copied; copy it again or use another.",
            )
        if describe_part(path).sha256 != part.sha256:
            raise Fault(
                f"The backup is damaged: the content of {part.name} has changed.", "Use another backup."
            )


def check_known(manifest: Manifest, known: Sequence[str]) -> None:
    """Fault when the backup's database is ahead of this version of Serai."""
    ahead = [name for name in manifest.migrations if name not in set(known)]
    if ahead:
        raise Fault(
            f"The backup was made by Serai {manifest.serai} and holds what this version does not know"
            f" ({', '.join(ahead[:3])}).",
            "Install that version or a newer one, then restore.",
        )


def list_backups(folder: Path) -> list[tuple[Path, Manifest]]:
    """Whole backups in a folder, the oldest first."""
    found = []
    for path in sorted(folder.glob(f"*/{NAME}")) if folder.is_dir() else []:
        if not path.parent.name.startswith("."):
            found.append((path.parent, read_manifest(path.parent)))
    return sorted(found, key=lambda each: each[1].ended_at)
