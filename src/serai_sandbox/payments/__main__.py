"""Starts the simulated providers: ``python -m serai_sandbox.payments --port 8462 --accounts FILE [--data DIR]``."""

import argparse
import asyncio
import contextlib
import logging
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
from granian.constants import Interfaces
from granian.server.embed import Server
from litestar import Litestar, Response, get
from litestar.datastructures import State

from serai_sandbox.alipay import server as alipay
from serai_sandbox.alipay.server import Account as AlipayAccount
from serai_sandbox.counter.answer import AnyResponse
from serai_sandbox.counter.books import Books
from serai_sandbox.counter.postman import Postman
from serai_sandbox.payments import control, page
from serai_sandbox.stripe import server as stripe
from serai_sandbox.wechat import server as wechat
from serai_sandbox.wechat.server import Account as WechatAccount

ADDRESS = "127.0.0.1"
STOP_LIMIT_S = 5


class StripeAccount(stripe.Account, frozen=True):
    """Stripe is told the address for webhooks on its dashboard: here it stands beside the keys."""

    webhook_url: str = ""


class Accounts(msgspec.Struct, frozen=True):
    """The accounts file: JSON, readable by its owner only."""

    control_key: str
    stripe: list[StripeAccount] = []
    wechat: list[WechatAccount] = []
    alipay: list[AlipayAccount] = []


@get("/healthz")
async def get_health() -> AnyResponse:
    """Alive."""
    return Response({"status": "ok"})


def build_application(books: Books, postman: Postman, url: str, accounts: Accounts) -> Litestar:
    """All three providers under one address; their paths do not meet."""

    @contextlib.asynccontextmanager
    async def close(app: Litestar) -> AsyncIterator[None]:
        yield
        await postman.close()

    state = State(
        {
            "books": books,
            "postman": postman,
            "control_key": accounts.control_key,
            "stripe": stripe.Stripe(books, postman, url, list(accounts.stripe)),
            "stripe_webhook": {each.secret_key: each.webhook_url for each in accounts.stripe},
            "wechat": wechat.Wechat(books, postman, url, accounts.wechat),
            "alipay": alipay.Alipay(books, postman, url, accounts.alipay),
        }
    )
    handlers = [
        get_health,
        stripe.call,
        wechat.call,
        alipay.call,
        alipay.fetch_bill,
        *control.HANDLERS,
        *page.HANDLERS,
    ]
    return Litestar(
        handlers,
        lifespan=[close],
        state=state,
        request_max_body_size=None,
        openapi_config=None,
        logging_config=None,
    )


async def serve(options: argparse.Namespace, accounts: Accounts) -> None:
    """Serve until SIGTERM or SIGINT."""
    url = (options.public_url or f"http://{ADDRESS}:{options.port}").rstrip("/")
    books = Books(options.data)
    postman = Postman(books, attempts=options.attempts, backoff_ms=options.backoff_ms)
    application = build_application(books, postman, url, accounts)
    server = Server(
        application, address=ADDRESS, port=options.port, interface=Interfaces.ASGI, log_enabled=False
    )
    closing = asyncio.Event()

    def stop() -> None:
        closing.set()
        server.stop()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    serving = asyncio.create_task(server.serve())
    waiting = asyncio.create_task(closing.wait())
    await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    await asyncio.wait_for(serving, STOP_LIMIT_S)
    books.close()


def main() -> int:
    """Run the providers; 0 after a clean stop, 2 when they cannot start."""
    parser = argparse.ArgumentParser(prog="python -m serai_sandbox.payments", description=__doc__)
    parser.add_argument("--port", type=int, default=8462)
    parser.add_argument("--accounts", type=Path, required=True, metavar="FILE", help="JSON, mode 600")
    parser.add_argument("--data", type=Path, metavar="DIR", help="where state survives a restart")
    parser.add_argument("--public-url", metavar="URL", help="how browsers reach it")
    parser.add_argument("--attempts", type=int, default=8, metavar="N")
    parser.add_argument("--backoff-ms", type=int, default=500, metavar="MS")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        if options.accounts.stat().st_mode & 0o077:
            raise ValueError("the accounts file must be readable by its owner only (mode 600)")
        accounts = msgspec.json.decode(options.accounts.read_bytes(), type=Accounts)
        if len(accounts.control_key) < 16:
            raise ValueError("the control key must have 16 characters or more")
        if options.data:
            options.data.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError, msgspec.MsgspecError) as error:
        print(f"simulated providers: {error}", file=sys.stderr)
        return 2
    with contextlib.suppress(TimeoutError):
        asyncio.run(serve(options, accounts))
    return 0


if __name__ == "__main__":
    sys.exit(main())
