"""Starts the payment sandbox: `python -m serai_sandbox.pay --port 8461 --data DIR`. It listens on 127.0.0.1 only."""

import argparse
import asyncio
import logging
import os
import signal
import socket
import sys
from pathlib import Path

from granian.constants import Interfaces
from granian.server.embed import Server

from serai_sandbox.pay.account import AccountBook, AccountsUnusable, gather_accounts
from serai_sandbox.pay.answer import Sandbox
from serai_sandbox.pay.application import build_application
from serai_sandbox.pay.delivery import Postman, PostmanSettings
from serai_sandbox.pay.payment import Books
from serai_sandbox.pay.store import Store, StoreUnavailable

ADDRESS = "127.0.0.1"
EXIT_UNUSABLE = 2
STOP_LIMIT_S = 5

log = logging.getLogger("serai_sandbox.pay")


def _read_port(text: str) -> int:
    port = int(text)
    if not 1 <= port <= 65535:
        raise argparse.ArgumentTypeError("a port is a number from 1 to 65535")
    return port


def _read_positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    """Read the command line; exits with a usage message when it is wrong."""
    defaults = PostmanSettings()
    parser = argparse.ArgumentParser(
        prog="python -m serai_sandbox.pay", description="A simulated payment provider. No money moves."
    )
    parser.add_argument("--port", type=_read_port, default=8461, help="port on 127.0.0.1 (default 8461)")
    parser.add_argument(
        "--data", type=Path, required=True, metavar="DIR", help="directory that keeps the state"
    )
    parser.add_argument("--accounts", type=Path, metavar="FILE", help="JSON list of accounts, mode 600")
    parser.add_argument(
        "--account",
        action="append",
        default=[],
        metavar="SLUG:SECRET:WEBHOOK_SECRET",
        help="one account, repeatable; others on the machine can read it in the process list: prefer --accounts",
    )
    parser.add_argument(
        "--public-url", metavar="URL", help="how browsers reach it (default http://127.0.0.1:PORT)"
    )
    parser.add_argument(
        "--webhook-attempts", type=_read_positive, default=defaults.attempt_limit, metavar="N"
    )
    parser.add_argument(
        "--webhook-backoff-ms", type=_read_positive, default=defaults.backoff_ms, metavar="MS"
    )
    return parser.parse_args(arguments)


def check_port(port: int) -> None:
    """Raise OSError when the port is taken; the server itself would share it silently."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((ADDRESS, port))


async def serve(options: argparse.Namespace, store: Store, accounts: AccountBook) -> None:
    """Serve until SIGTERM or SIGINT."""
    public_url = (options.public_url or f"http://{ADDRESS}:{options.port}").rstrip("/")
    books = Books(store, public_url)
    settings = PostmanSettings(attempt_limit=options.webhook_attempts, backoff_ms=options.webhook_backoff_ms)
    sandbox = Sandbox(books, accounts, Postman(books, accounts, settings))
    server = Server(
        build_application(sandbox),
        address=ADDRESS,
        port=options.port,
        interface=Interfaces.ASGI,
        log_enabled=False,
    )

    def stop() -> None:
        # Answers that hang or wait on purpose end first, or the server would wait for them.
        sandbox.is_closing.set()
        server.stop()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    log.info("payment sandbox on %s, no money moves", public_url)
    serving = asyncio.create_task(server.serve())
    closing = asyncio.create_task(sandbox.is_closing.wait())
    await asyncio.wait({serving, closing}, return_when=asyncio.FIRST_COMPLETED)
    closing.cancel()
    await asyncio.wait_for(serving, STOP_LIMIT_S)


def main() -> int:
    """Run the sandbox; return 0 after a clean stop and 2 when it cannot start."""
    options = parse_arguments(sys.argv[1:])
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s", stream=sys.stderr
    )
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        accounts = gather_accounts(options.account, options.accounts, os.environ, options.data)
        check_port(options.port)
        store = Store(options.data)
    except (AccountsUnusable, StoreUnavailable) as error:
        print(f"payment sandbox: {error}", file=sys.stderr)
        return EXIT_UNUSABLE
    except OSError as error:
        print(
            f"payment sandbox: port {options.port} on {ADDRESS}: {error.strerror}; choose --port",
            file=sys.stderr,
        )
        return EXIT_UNUSABLE
    try:
        asyncio.run(serve(options, store, accounts))
    except TimeoutError:
        log.warning("some connections did not end within %d s and were cut", STOP_LIMIT_S)
    finally:
        store.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
