"""A PostgreSQL server from the system's packages, as an operator would bring one: not the one out of the wheel."""

import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

OLDEST_MAJOR = 15
START_TIMEOUT_S = 60
SETTINGS = {"listen_addresses": "", "fsync": "off", "full_page_writes": "off", "max_connections": "120"}


def find_programs() -> tuple[int, Path]:
    """Major version and folder of the oldest installed server that Serai supports; the oldest is the hardest proof."""
    found = []
    for folder in Path("/usr/lib/postgresql").glob("*/bin"):
        program = folder / "postgres"
        if program.exists() and (folder / "initdb").exists():
            said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
            major = int(re.search(r" (\d+)", said)[1])  # type: ignore[index]
            if major >= OLDEST_MAJOR:
                found.append((major, folder))
    assert found, "no PostgreSQL 15 or newer of the system's own; run `make test-system`"
    return min(found)


def _identity() -> dict[str, object]:
    """The server refuses to run as root; Debian's package brings a user for it."""
    if os.geteuid() != 0:
        return {}
    user = pwd.getpwnam("postgres")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


@contextmanager
def run_own_postgresql() -> Iterator[str]:
    """Run a fresh server on a Unix socket in a folder of its own; yields its address, owner's role."""
    _major, programs = find_programs()
    identity = _identity()
    # Not below pytest's folder, which only its own user may enter.
    folder = Path(tempfile.mkdtemp(prefix="serai-own-pg-"))
    if identity:
        os.chown(folder, identity["user"], identity["group"])  # type: ignore[arg-type]
    data, log_path = folder / "data", folder / "log"
    try:
        made = subprocess.run(
            [
                programs / "initdb",
                "-D",
                data,
                "-U",
                "postgres",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--locale=C.UTF-8",
            ],
            **identity,  # type: ignore[call-overload]
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
        )
        assert made.returncode == 0, made.stderr
        options = [f"-c{name}={value}" for name, value in SETTINGS.items()]
        with log_path.open("wb") as log:
            server = subprocess.Popen(
                [programs / "postgres", "-D", data, f"-cunix_socket_directories={folder}", *options],
                **identity,  # type: ignore[call-overload]
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            _wait_ready(server, programs, folder, log_path)
            yield f"postgresql://postgres@/postgres?host={quote(str(folder), safe='')}"
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(30)
    finally:
        shutil.rmtree(folder)


def _wait_ready(server: "subprocess.Popen[bytes]", programs: Path, folder: Path, log_path: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while server.poll() is None and time.monotonic() < deadline:
        ready = subprocess.run([programs / "pg_isready", "-q", "-h", folder, "-U", "postgres"], check=False)
        if ready.returncode == 0:
            return
        time.sleep(0.1)
    raise AssertionError(f"the server did not start:\n{log_path.read_text(errors='replace')}")
