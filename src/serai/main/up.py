"""`serai up`, from an empty folder to a running shop.

CLAIM     settings, data directory, lock, free space, front-end files, the port: all that may be refused cheaply, first
DATABASE  embedded cluster (made when missing) or one's own, then migrations
SET-UP    a merchant and its owner, the demo data; a process of its own, since it needs much memory once
RUN       payment sandbox, worker, web workers; the start screen; then watch until a stop is wished
STOP      web, worker, sandbox, PostgreSQL; also after a fault in any phase
"""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from serai.foundation.errors import Outside
from serai.foundation.migration import apply_migrations
from serai.main.backup.archive import archive_settings
from serai.main.child import Child, spawn_process
from serai.main.connecting import ensure_database, require_database
from serai.main.fault import Fault
from serai.main.installation import (
    DATABASE_NAME,
    FirstRun,
    Installation,
    State,
    end_leftovers,
    hold_lock,
    is_set_up,
    mark_set_up,
    open_installation,
    remove_state,
    require_space,
    write_state,
)
from serai.main.precondition import require_assets, require_demo, require_sandbox_port
from serai.main.screen import Screen
from serai.main.serving import bind_listener
from serai.main.settings import HouseSettings
from serai.main.supervisor import StopRequest, Supervisor, count_running
from serai.main.systems import SYSTEMS
from serai.main.web_workers import make_successor, make_web_command

READY_TIMEOUT_S = 60
SECOND_TRY_S = 2
FORCE_WAIT_S = 2


class UpOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line of ``serai up`` adds to the settings."""

    reset: bool = False
    demo: bool = True
    full: bool = False
    providers: bool = False
    verbose: bool = False


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """Which processes an installation consists of; tests run smaller ones.

    Commands are argument lists; ``None`` leaves the process out. The set-up command gets the options ``--no-demo`` and
    ``--full`` as wished and ``--report-fd N``: there it writes what :class:`FirstRun` describes, as JSON.
    """

    web_app: str = "serai.main.web:create_app"
    worker: tuple[str, ...] | None = (sys.executable, "-m", "serai.main.cli", "worker")
    set_up: tuple[str, ...] | None = (sys.executable, "-m", "serai.main.cli", "set-up")
    sandbox: bool = True
    systems: tuple[str, ...] = SYSTEMS


def run_up(house: HouseSettings, options: UpOptions, recipe: Recipe, screen: Screen) -> None:
    """Run an installation until it is stopped by a signal. Fault (or an expected error) when that cannot be."""
    stop = StopRequest()
    stop.listen()
    with ExitStack() as stack:
        installation = open_installation(house.data_dir)
        stack.enter_context(hold_lock(installation))
        end_leftovers(installation)
        require_space(installation)
        require_assets()
        listener = stack.enter_context(bind_listener(house.bind_address, house.port))
        if recipe.sandbox:
            require_sandbox_port(house)
        if options.reset:
            reset_installation(installation, house)
        Run(house, options, recipe, screen, installation, listener, stop).run()


class Run:
    """One run of an installation, phase by phase."""

    def __init__(
        self,
        house: HouseSettings,
        options: UpOptions,
        recipe: Recipe,
        screen: Screen,
        installation: Installation,
        listener: socket.socket,
        stop: StopRequest,
    ) -> None:
        self.house = house
        self.options = options
        self.recipe = recipe
        self.screen = screen
        self.installation = installation
        self.listener = listener
        self.stop = stop
        self.embedded_url: str | None = None
        self.first_run = FirstRun()
        self.supervisor = Supervisor(
            stop,
            say=screen.say,
            on_change=self._publish_state,
            log_limit_bytes=house.log_limit_mb * 1_000_000,
            show_log=screen.say_log if options.verbose else None,
            on_force=self._force_database,
        )

    def run(self) -> None:
        try:
            for phase in (
                self._open_database,
                self._migrate,
                self._set_up,
                self._set_up_providers,
                self._start_children,
                self._wait_ready,
            ):
                if self.stop.made:
                    return
                phase()
            if not self.stop.made:
                self.screen.show_start(
                    self.house,
                    self.installation,
                    self.first_run,
                    self._has_sandbox(),
                    providers=self.options.providers,
                )
                self.first_run = FirstRun()
                self.supervisor.run()
        finally:
            # The password was made for this one showing; a later phase that fails must not swallow it.
            self.screen.show_owner(self.first_run)
            self.screen.say_stopping()
            # From here on a newcomer is refused at once instead of waiting in a queue that nobody empties.
            self.listener.close()
            killed = self.supervisor.stop_all()
            remove_state(self.installation)
            self.screen.say_stopped(killed)

    @property
    def database_url(self) -> str:
        return self.house.database_url or self.embedded_url or ""

    def _open_database(self) -> None:
        if self.house.database_url:
            asyncio.run(require_database(self.house.database_url))
            return
        # Only here, since an own database does not need the wheel.
        from serai.foundation.embedded import prepare_cluster, start_server, stop_server

        fresh = not (self.installation.pgdata / "PG_VERSION").exists()
        with self.screen.step("Making the database" if fresh else "Starting the database"):
            cluster = prepare_cluster(self.installation.pgdata)
            launch = partial(start_server, cluster, **archive_settings(self.house, cluster))
            log_path = self.installation.pgdata / "server.log"
            child = Child("postgres", launch=launch, stop=stop_server, log_path=log_path, group="database")
            try:
                self.supervisor.add(child)
            except Outside:
                # Processes of a server that was killed a moment ago may still hold its socket or its memory.
                self.stop.wait(SECOND_TRY_S)
                child.start()
            asyncio.run(ensure_database(cluster.url()))
            self.embedded_url = cluster.url(DATABASE_NAME)

    def _migrate(self) -> None:
        with self.screen.step("Bringing the database up to date"):
            applied = asyncio.run(
                apply_migrations(self.database_url, self.recipe.systems, tell=self.screen.say)
            )
        if applied:
            self.screen.say(f"{len(applied)} migrations applied")

    def _set_up(self) -> None:
        if self.recipe.set_up is None:
            return
        if is_set_up(self.installation, self.database_url):
            if self.options.full:
                self.screen.say(
                    "the shop is set up already; `serai demo load --full` loads the stock of every store"
                )
            return
        if self.options.demo:
            require_demo()
        flags = [] if self.options.demo else ["--no-demo"]
        flags += ["--full"] if self.options.full else []
        self.first_run = run_set_up([*self.recipe.set_up, *flags], self.environ(), self.stop)
        if not self.stop.made:
            mark_set_up(self.installation, self.database_url)

    def _set_up_providers(self) -> None:
        if self.options.providers:
            command = [sys.executable, "-m", "serai.main.cli", "set-up-providers"]
            with self.screen.step("Opening accounts at the simulated providers"):
                run_set_up(command, self.environ(), self.stop)

    def _has_sandbox(self) -> bool:
        return self.recipe.sandbox and self.installation.sandbox_accounts.exists()

    def _start_children(self) -> None:
        if self._has_sandbox():
            command = [sys.executable, "-m", "serai_sandbox.pay", "--port", str(self.house.sandbox_port)]
            command += ["--data", str(self.installation.sandbox_dir)]
            command += ["--accounts", str(self.installation.sandbox_accounts)]
            self._add("sandbox", "sandbox", command, essential=False)
        if self.options.providers:
            command = [
                sys.executable,
                "-m",
                "serai_sandbox.payments",
                "--port",
                str(self.house.providers_port),
            ]
            command += ["--data", str(self.installation.sandbox_dir)]
            command += ["--accounts", str(self.installation.provider_accounts)]
            self._add("providers", "sandbox", command, essential=False)
        if self.recipe.worker:
            self._add("worker", "worker", self.recipe.worker)
        fd = self.listener.fileno()
        command = make_web_command(fd, self.recipe.web_app)
        for number in range(1, self.house.workers + 1):
            self._add(f"web-{number}", "web", command, pass_fds=(fd,), succeeds=True)

    def _add(
        self,
        name: str,
        group: str,
        command: Any,
        *,
        pass_fds: tuple[int, ...] = (),
        essential: bool = True,
        succeeds: bool = False,
    ) -> None:
        environ, log_path = self.environ(name), self.installation.log_dir / f"{name}.log"
        child = Child(
            name,
            launch=partial(spawn_process, command, environ=environ, log_path=log_path, pass_fds=pass_fds),
            log_path=log_path,
            group=group,
            essential=essential,
            succeed=make_successor(command, environ, log_path, pass_fds) if succeeds else None,
        )
        self.supervisor.add(child)

    def environ(self, name: str = "") -> dict[str, str]:
        """The environment of the children: ours, with what this run has decided, and the child's name."""
        return dict(os.environ) | {
            "SERAI_PROCESS_NAME": name,
            "SERAI_DATA_DIR": str(self.installation.data_dir),
            "SERAI_DATABASE_URL": self.database_url,
            "SERAI_BIND_ADDRESS": self.house.bind_address,
            "SERAI_PORT": str(self.house.port),
            "SERAI_SANDBOX_PORT": str(self.house.sandbox_port),
            "PYTHONUNBUFFERED": "1",
            **self._provider_addresses(),
        }

    def _provider_addresses(self) -> dict[str, str]:
        """Where the simulated providers answer; they take the place of the real ones for the whole run."""
        if not self.options.providers:
            return {}
        url = f"http://127.0.0.1:{self.house.providers_port}"
        return {
            "SERAI_COMMERCE_STRIPE_URL": url,
            "SERAI_COMMERCE_WECHAT_URL": url,
            "SERAI_COMMERCE_ALIPAY_URL": f"{url}/gateway.do",
            "SERAI_PROVIDERS_PORT": str(self.house.providers_port),
        }

    def _wait_ready(self) -> None:
        with self.screen.step("Opening the shop"):
            for _ in range(READY_TIMEOUT_S * 10):
                if answers(self.house.bind_address, self.house.port) or self.stop.wait(0.1):
                    return
                self.supervisor.look()
        raise Fault(
            f"The web workers did not answer within {READY_TIMEOUT_S} seconds.",
            f"Their logs: {self.installation.log_dir}/web-*.log",
        )

    def _force_database(self) -> None:
        """Also a server that is just being started, and so is no child yet, has to go."""
        with suppress(OSError, ValueError, IndexError):
            os.kill(int((self.installation.pgdata / "postmaster.pid").read_text().split()[0]), signal.SIGQUIT)
        for child in self.supervisor.children:
            if child.group == "database" and child.process is not None:
                with suppress(subprocess.TimeoutExpired):
                    child.process.wait(FORCE_WAIT_S)

    def _publish_state(self) -> None:
        write_state(
            self.installation,
            State(
                os.getpid(), self.house.web_url(), self.embedded_url, count_running(self.supervisor.children)
            ),
        )


def reset_installation(installation: Installation, house: HouseSettings) -> None:
    """Remove the data of an installation: our own folders, or in one's own database the schemas of our systems."""
    if house.database_url:
        asyncio.run(drop_schemas(house.database_url))
    elif installation.pgdata.exists():
        from serai.foundation.embedded import prepare_cluster, stop_leftover

        stop_leftover(prepare_cluster(installation.pgdata))
        shutil.rmtree(installation.pgdata)
    installation.set_up_path.unlink(missing_ok=True)
    for folder in (installation.secret_dir, installation.sandbox_dir, installation.log_dir):
        empty_folder(folder)


def empty_folder(folder: Path) -> None:
    for entry in folder.iterdir():
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


async def drop_schemas(url: str) -> None:
    """Drop every schema of ours, that of the jobs too, with all that is in it."""
    from serai.foundation.job import SCHEMA
    from serai.main.connecting import connect_database

    connection = await connect_database(url)
    try:
        for system in (SCHEMA, *reversed(SYSTEMS)):
            await connection.execute(f'DROP SCHEMA IF EXISTS "{system}" CASCADE')  # sql: names of ours
    finally:
        await connection.close()


def run_set_up(command: list[str], environ: dict[str, str], stop: StopRequest) -> FirstRun:
    """Run the set-up on our terminal and read its report from a pipe: the password touches neither disk nor log."""
    reader, writer = os.pipe()
    process = spawn_process(
        [*command, "--report-fd", str(writer)], environ=environ, log_path=None, pass_fds=(writer,)
    )
    os.close(writer)
    while process.poll() is None:
        if stop.wait(0.05):
            process.terminate()
            process.wait(10)
    with os.fdopen(reader, "rb") as pipe:
        report = pipe.read()
    if stop.made:
        return FirstRun()
    if process.returncode != 0:
        raise Fault(
            "The set-up did not finish.", "Start again: what is there already is kept, the rest is repeated."
        )
    return msgspec.json.decode(report, type=FirstRun) if report else FirstRun()


def answers(address: str, port: int) -> bool:
    """Whether a web worker answers, and not with an error of its own."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)
    try:
        with socket.create_connection((host, port), timeout=1) as connection:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            head = connection.recv(12)
            return head.startswith(b"HTTP/1.1 ") and head[9:10] in b"234"
    except OSError:
        return False
