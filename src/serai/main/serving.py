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
from typing import Any

import uvloop
from granian._granian import SocketHolder
from granian.constants import Interfaces
from granian.server.embed import Server

from serai.main.fault import Fault

BACKLOG = 1024
STOP_LIMIT_S = 5


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
        self._listener = listener

    def _init_shared_socket(self) -> None:
        # Granian's stubs know neither these arguments (descriptor, Unix socket or not, backlog) nor a later value here.
        holder: Any = SocketHolder(self._listener.fileno(), False, BACKLOG)  # type: ignore[call-arg]
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


def serve_web(target: str, listener: socket.socket) -> None:
    """Serve the application until SIGTERM or SIGINT, then let requests under way finish, for a few seconds at most."""
    application = load_target(target)()
    rest_collector()
    uvloop.run(_serve(InheritedSocketServer(application, listener)))


def run_until_stopped(run: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    """Run a long-lived coroutine; the event it gets is set at SIGTERM or SIGINT, and it then has a few seconds."""
    uvloop.run(_run_until_stopped(run))


async def _run_until_stopped(run: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    stopped = asyncio.Event()
    _on_stop_signal(stopped.set)
    await run(stopped)


async def _serve(server: InheritedSocketServer) -> None:
    _on_stop_signal(server.stop)
    await server.serve()


def _on_stop_signal(act: Callable[[], None]) -> None:
    def stop() -> None:
        threading.Thread(target=_force_end, daemon=True).start()
        act()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop)


def _force_end() -> None:
    """What never ends (an event stream, a stuck client, a job) must not keep the whole installation waiting."""
    threading.Event().wait(STOP_LIMIT_S)
    print(f"what was under way did not end within {STOP_LIMIT_S} s; leaving", file=sys.stderr, flush=True)
    os._exit(0)
