"""One web worker: Granian in this very process, on a listening socket that the supervisor holds.

The socket is bound once and inherited. When a worker is killed, what waits in the socket's queue waits for the next
worker instead of being refused; with one SO_REUSEPORT socket per worker it would be lost with the process.
"""

import asyncio
import gc
import importlib
import os
import signal
import socket
import sys
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import uvloop
from granian._granian import SocketHolder
from granian.constants import Interfaces
from granian.server.embed import Server

from serai.main.fault import Fault

BACKLOG = 1024
STOP_LIMIT_S = 5
# How long one that leaves still answers, asking every caller to close: those with an open line come over to the others.
LEAVE_S = 3.0
CLOSE = (b"connection", b"close")


class InheritedSocketServer(Server):
    """Granian's in-process server on a socket that is already listening."""

    def __init__(self, application: Any, listener: socket.socket) -> None:
        address, port = listener.getsockname()[:2]
        super().__init__(
            application,
            address=address,
            port=port,
            interface=Interfaces.ASGI,
            backlog=BACKLOG,
            # More requests at once than this wait in the socket's queue, where another worker may take them.
            backpressure=512,
            websockets=False,
            log_enabled=False,
        )
        self.listener = listener

    def _init_shared_socket(self) -> None:
        # Granian's stubs know neither these arguments (descriptor, Unix socket or not, backlog) nor a later value here.
        holder: Any = SocketHolder(self.listener.fileno(), False, BACKLOG)  # type: ignore[call-arg]
        self._ssp, self._shd, self._sfd = None, holder, holder.get_fd()


def bind_listener(address: str, port: int) -> socket.socket:
    """Bind and listen. Fault when the port is taken or the address is not ours."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise explain_bind(address, port, error) from error
    listener.setblocking(False)
    return listener


def explain_bind(address: str, port: int, error: OSError) -> Fault:
    """What to tell when an address cannot be bound."""
    return Fault(
        f"Port {port} on {address} cannot be used: {error.strerror or error}.",
        f"See who has it: ss -ltnp 'sport = :{port}'",
        f"Or choose another one: serai up --port {port + 100 if port <= 65435 else 8460}",
    )


def rest_collector() -> None:
    """What the process has loaded stays for good: the collector of reference cycles need not walk it again and again.

    With Python's own thresholds it took a quarter of the time of a busy web worker.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def load_target(target: str) -> Callable[..., Any]:
    """The function behind ``module:name``."""
    module_name, _, name = target.partition(":")
    function: Callable[..., Any] = getattr(importlib.import_module(module_name), name)
    return function


class Leavable:
    """Before an application: tells when it is ready, and asks callers to close their lines once it is to leave.

    A line that is open but silent may be used in the very moment at which it is closed, and its caller would see a broken
    line. So for a while requests are answered as ever, but every answer says that the line ends with it.
    """

    def __init__(self, application: Any, tell_ready: Callable[[], None]) -> None:
        self._application = application
        self._tell_ready = tell_ready
        self.is_leaving = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await self._application(scope, receive, self._close_after(send))
            return

        async def tell(message: Any) -> None:
            await send(message)
            if message["type"] == "lifespan.startup.complete":
                self._tell_ready()

        await self._application(scope, receive, tell)

    def _close_after(self, send: Any) -> Any:
        async def answer(message: Any) -> None:
            if self.is_leaving and message["type"] == "http.response.start":
                message["headers"] = [
                    *(each for each in message["headers"] if each[0] != b"connection"),
                    CLOSE,
                ]
            await send(message)

        return answer


def serve_web(target: str, listener: socket.socket, ready_fd: int | None = None) -> None:
    """Serve the application until SIGTERM or SIGINT, then let requests under way finish, for a few seconds at most.

    SIGUSR1 does the same gently: for some seconds more everybody is answered and asked to come back on another line.
    ``ready_fd`` is told "1" when requests can be answered.
    """

    def tell_ready() -> None:
        if ready_fd is not None:
            os.write(ready_fd, b"1")
            os.close(ready_fd)

    application = Leavable(load_target(target)(), tell_ready)
    rest_collector()
    uvloop.run(_serve(InheritedSocketServer(application, listener), application))


def run_until_stopped(run: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    """Run a long-lived coroutine; the event it gets is set at SIGTERM or SIGINT, and it then has a few seconds."""
    uvloop.run(_run_until_stopped(run))


async def _run_until_stopped(run: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    stopped = asyncio.Event()
    _on_stop_signal(stopped.set)
    await run(stopped)


def stop_accepting(listener: socket.socket) -> None:
    """Let this process accept nothing any more on a socket that others go on listening on.

    The server has no word for it: its stop throws away what it has accepted and not read yet. So every descriptor of ours
    that means the listening socket is made to mean one that nobody calls; the socket itself stays as it is for the others.
    """
    mark = os.readlink(f"/proc/self/fd/{listener.fileno()}")
    silent = socket.socket(listener.family, socket.SOCK_STREAM)
    silent.bind((listener.getsockname()[0], 0))
    silent.listen(1)
    silent.setblocking(False)
    for name in os.listdir("/proc/self/fd"):
        with suppress(OSError):
            if int(name) != silent.fileno() and os.readlink(f"/proc/self/fd/{name}") == mark:
                os.dup2(silent.fileno(), int(name), inheritable=False)
    silent.close()


async def _serve(server: InheritedSocketServer, application: Leavable) -> None:
    _on_stop_signal(server.stop)
    loop = asyncio.get_running_loop()

    def leave() -> None:
        application.is_leaving = True
        with suppress(OSError):
            stop_accepting(server.listener)
        loop.call_later(LEAVE_S, _stop, server.stop)

    loop.add_signal_handler(signal.SIGUSR1, leave)
    await server.serve()


def _on_stop_signal(act: Callable[[], None]) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, _stop, act)


def _stop(act: Callable[[], None]) -> None:
    threading.Thread(target=_force_end, daemon=True).start()
    act()


def _force_end() -> None:
    """What never ends (an event stream, a stuck client, a job) must not keep the whole installation waiting."""
    threading.Event().wait(STOP_LIMIT_S)
    print(f"what was under way did not end within {STOP_LIMIT_S} s; leaving", file=sys.stderr, flush=True)
    os._exit(0)
