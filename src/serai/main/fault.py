"""Faults told to the operator: what is wrong, and what to do about it, never a stack trace."""

import errno
import tempfile
import traceback
from datetime import UTC, datetime
from pathlib import Path

import asyncpg

from serai.foundation.errors import Outside, Refused
from serai.foundation.migration import MigrationRefused
from serai.foundation.settings import SettingsWrong


class Fault(Exception):
    """Something the operator can put right.

    Args:
        what: one or two sentences on what is wrong.
        advice: what to look at or to do, one item each.
    """

    def __init__(self, what: str, *advice: str) -> None:
        super().__init__(what)
        self.what = what
        self.advice = advice


def explain_error(error: BaseException) -> Fault | None:
    """The fault behind an expected error; None when the error is a bug."""
    match error:
        case Fault():
            return error
        case SettingsWrong():
            return Fault("Some settings cannot be used:", *error.reasons, "`serai settings` lists them all.")
        case asyncpg.InsufficientPrivilegeError():
            return _explain_privilege(str(error))
        case MigrationRefused() if isinstance(error.__cause__, asyncpg.InsufficientPrivilegeError):
            return _explain_privilege(error.reason)
        case MigrationRefused():
            return Fault(
                f"The database cannot be brought to this version: {error.reason}.",
                "Use the version of Serai that made it, or start afresh with `serai up --reset` (removes all data).",
            )
        case Outside():
            return Fault(_sentence(f"{error.party}: {error.reason}"), *_advise_outside(error))
        case Refused():
            return Fault(error.message % error.data if error.data else error.message)
        case OSError():
            return _explain_os_error(error)
        case _:
            return None


def _explain_privilege(reason: str) -> Fault:
    return Fault(
        f"The database user may not do what the set-up needs: {reason}.",
        "Let an administrator run once, in this database:",
        "    CREATE ROLE serai_app NOLOGIN;",
        "    GRANT serai_app TO <user>;",
        "    GRANT CREATE ON DATABASE <database> TO <user>;",
        "or use a user with CREATEROLE that owns the database.",
    )


def _explain_os_error(error: OSError) -> Fault | None:
    place = error.filename or "the data directory"
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return Fault(
                f"The disk is full at {place}.", "Free some space, or set SERAI_DATA_DIR to another disk."
            )
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return Fault(
                f"{place} cannot be written: {error.strerror}.",
                "Change its owner or its rights, or set SERAI_DATA_DIR to a folder of your own.",
            )
        case errno.ENOTDIR | errno.EEXIST:
            return Fault(
                f"{place} cannot be used as a folder: {error.strerror}.",
                "A file stands where a folder is needed. Set SERAI_DATA_DIR to another place.",
            )
        case _:
            return None


def _advise_outside(error: Outside) -> tuple[str, ...]:
    if "No space left" in error.reason:
        return ("Free some space, or set SERAI_DATA_DIR to another disk.",)
    if error.party == "embedded database":
        return (
            "Check that the data directory can be written and has some hundred MB of space,",
            "or set SERAI_DATABASE_URL to a PostgreSQL of your own (15 or newer).",
        )
    return ()


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def record_trace(error: BaseException, log_dir: Path | None) -> Path:
    """Write the stack trace of a bug where the operator can find it, and return that place."""
    if log_dir is None or not log_dir.is_dir():
        log_dir = Path(tempfile.mkdtemp(prefix="serai-trace-"))
    path = log_dir / "trace.log"
    with path.open("a", encoding="utf-8") as log:
        log.write(f"--- {datetime.now(UTC).isoformat(timespec='seconds')}\n")
        log.write("".join(traceback.format_exception(error)))
    return path
