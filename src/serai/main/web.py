"""The web process: every surface's handlers in one Litestar application, behind a thin front that knows the tenant."""

import asyncio
import logging
import os
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any

import asyncpg
from litestar import Litestar, MediaType, Request, Response, get
from litestar.config.compression import CompressionConfig
from litestar.config.csrf import CSRFConfig
from litestar.datastructures import CacheControlHeader, State
from litestar.enums import ScopeType
from litestar.exceptions import HTTPException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.static_files import create_static_files_router
from litestar.types import ASGIApp, Receive, Scope, Send

import serai
from serai.commerce.acp import http as acp_http
from serai.commerce.aftersale import http as aftersale_http
from serai.commerce.carrier import http as carrier_http
from serai.commerce.catalogue import http as catalogue_http
from serai.commerce.checkout import cart_http, payment_http
from serai.commerce.checkout import http as checkout_http
from serai.commerce.collect import http as collect_http
from serai.commerce.delivery import http as delivery_http
from serai.commerce.exporting import http as exporting_http
from serai.commerce.fulfilment import http as fulfilment_http
from serai.commerce.fulfilment import substitute_http
from serai.commerce.lot import http as lot_http
from serai.commerce.market import http as market_http
from serai.commerce.media import http as media_http
from serai.commerce.order import http as order_http
from serai.commerce.paper import http as paper_http
from serai.commerce.presale import http as presale_http
from serai.commerce.price import http as price_http
from serai.commerce.promotion import http as promotion_http
from serai.commerce.protection import http as protection_http
from serai.commerce.returns import http as returns_http
from serai.commerce.stock import http as stock_http
from serai.commerce.tender import http as tender_http
from serai.commerce.ucp import http as ucp_http
from serai.commerce.variant import http as variant_http
from serai.commerce.webhook import http as webhook_http
from serai.console.refusal import show_refusal as render_console_error
from serai.console.routes import ROUTES as CONSOLE_ROUTES
from serai.foundation import observe
from serai.foundation.database import DatabaseUnreachable, open_database
from serai.foundation.errors import NotFound, Outside, Refused
from serai.foundation.http import (
    MAX_BODY_BYTES,
    SECURITY_HEADERS,
    answer_bug,
    answer_http,
    answer_outside,
    answer_refused,
)
from serai.foundation.pages import STATIC, Pages
from serai.main.agent_tools import ToolDoor
from serai.main.api_page import show_api
from serai.main.door import Doorkeeper
from serai.main.kept_pages import KeptPages, watch_changes
from serai.main.lookout import HouseLookout
from serai.main.metrics_page import answer_metrics
from serai.main.openapi import complete_schema
from serai.main.order_door import OrderDoor
from serai.main.platform import POOL_SIZE, Platform, load_secrets, open_configured_platform
from serai.main.seen import open_window
from serai.main.settings import load_settings
from serai.main.tracing import start_tracing, stop_tracing
from serai.main.unread import CLOSE, Body, has_body
from serai.main.watching import Watched
from serai.overload.ladder.api import KEEP_LONGER
from serai.overload.room.api import refresh_rooms
from serai.storefront.error import render_error as render_shop_error
from serai.storefront.routes import ROUTES as SHOP_ROUTES

log = logging.getLogger("serai.web")

READY_WITHIN_S = 2.0
AGENT_PATHS = ("/checkout-sessions", "/orders/", "/testing/")
API_DESCRIPTION = OpenAPIConfig(
    title="Serai",
    version=serai.__version__,
    path="/api/v1/schema",
    # The page beside it is our own (main/api_page.py): renderers bring scripts from elsewhere.
    render_plugins=[JsonRenderPlugin()],
    components=Components(security_schemes={"key": SecurityScheme(type="http", scheme="bearer")}),
    security=[{"key": []}],
    use_handler_docstrings=True,
)

API_HANDLERS = [
    *catalogue_http.HANDLERS,
    *media_http.HANDLERS,
    *delivery_http.HANDLERS,
    *exporting_http.HANDLERS,
    *variant_http.HANDLERS,
    *stock_http.HANDLERS,
    *lot_http.HANDLERS,
    *checkout_http.HANDLERS,
    *cart_http.HANDLERS,
    *payment_http.HANDLERS,
    *order_http.HANDLERS,
    *paper_http.HANDLERS,
    *fulfilment_http.HANDLERS,
    *substitute_http.HANDLERS,
    *carrier_http.HANDLERS,
    *market_http.HANDLERS,
    *aftersale_http.HANDLERS,
    *promotion_http.HANDLERS,
    *presale_http.HANDLERS,
    *price_http.HANDLERS,
    *protection_http.HANDLERS,
    *returns_http.HANDLERS,
    *tender_http.HANDLERS,
    *collect_http.HANDLERS,
    *webhook_http.HANDLERS,
    *ucp_http.HANDLERS,
    *acp_http.HANDLERS,
]

# What the driver raises when the database goes away under a statement, or has gone while a connection lay idle.
OUTAGES: tuple[type[Exception], ...] = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)


@get("/healthz", include_in_schema=False, media_type=MediaType.TEXT, sync_to_thread=False)
def answer_alive() -> str:
    """The process answers."""
    return "alive\n"


@get("/readyz", include_in_schema=False)
async def answer_ready(request: Request[Any, Any, Any]) -> Response[dict[str, Any]]:
    """The process can serve: its database answers. 503 with the reason otherwise."""
    platform: Platform = request.app.state.platform
    asking = asyncio.create_task(platform.db.fetchval("SELECT 1"))
    await asyncio.wait({asking}, timeout=READY_WITHIN_S)
    if not asking.done():
        # Not waited for: a database that is frozen does not take the cancellation either.
        asking.cancel()
        raise DatabaseUnreachable(f"no answer within {READY_WITHIN_S} s")
    asking.result()
    return Response({"database": "ok", "lane_depth": platform.lane.depth})


def render_error(
    request: Request[Any, Any, Any], status: int, code: str, message: str, data: dict[str, Any]
) -> Response[Any]:
    """The error page of the surface that was asked."""
    surface = render_console_error if request.url.path.startswith("/console") else render_shop_error
    return surface(request, status, code, message, data)


def answer_outage(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """The database went away in the middle: 503, as when it could not be reached at all; nothing was half done."""
    # The driver also calls a wrong use of itself an InterfaceError, and that is a bug.
    if isinstance(error, asyncpg.InterfaceError) and not re.search("released back|is closed", str(error)):
        return answer_bug(request, error)
    return answer_outside(request, DatabaseUnreachable(f"{type(error).__name__}: {error}"))


def answer_failure(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """What nobody expected: the database that went away, or a bug."""
    return answer_outage(request, error) if isinstance(error, OUTAGES) else answer_bug(request, error)


class Front(Watched):
    """In front of the application: finds the merchant by host name, and puts security headers on every answer."""

    def __init__(
        self,
        app: Litestar,
        pages: KeptPages,
        tools: ToolDoor,
        keeper: Doorkeeper,
        *,
        is_secure: bool = False,
    ) -> None:
        super().__init__(self.answer)
        self.app = app
        self.keeper = keeper
        self.pages = pages
        self.tools = tools
        self.orders = OrderDoor(app, answer_failure)
        self.is_secure = is_secure
        self._headers = [(name.encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or let the application begin and end."""
        if scope["type"] != ScopeType.HTTP:
            await self.app(scope, receive, send)
            return
        if scope["path"] not in ("/healthz", "/readyz", "/metrics") and not scope["path"].startswith(
            "/static/"
        ):
            host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")
            try:
                merchant = self.app.state.platform.merchants.resolve(host)
            except NotFound as refusal:
                await _send_text(send, 404, refusal.message)
                return
            scope["state"] = {"merchant": merchant}
            _lead_agent(scope)
            if self.is_secure:
                # Behind a proxy that ends TLS: cookies become Secure, addresses https.
                scope["scheme"] = "https"

        body = Body(receive) if has_body(scope) else None
        if body:
            receive = body.receive

        async def send_with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *self._headers]
                if body and not await body.drain():
                    message["headers"].append(CLOSE)
            await send(message)

        merchant = scope.get("state", {}).get("merchant")
        if merchant is None:
            await self.app(scope, receive, send_with_headers)
            return
        kind, fields = self.keeper.classify(scope)
        if not await self.keeper.check(scope, send_with_headers, kind, fields):
            return
        if await self.pages.answer(scope, send_with_headers, merchant.merchant_id):
            scope["state"]["is_kept"] = True
            return

        async def work(receive: Receive, send: Send) -> None:
            if await self.tools.answer(scope, receive, send):
                return
            left = await self.orders.answer(scope, receive, send)
            if left is not None:
                await self.app(scope, left, send)

        await self.keeper.serve(scope, receive, send_with_headers, kind, fields, work)


def _lead_agent(scope: Scope) -> None:
    """Agents that take the shop's own address for the protocol's, as its test suite does, are known by their header."""
    if scope["path"].startswith(AGENT_PATHS) and any(
        name == b"ucp-agent" for name, _value in scope["headers"]
    ):
        scope["path"] = f"/ucp/v1{scope['path']}"
        scope["raw_path"] = scope["path"].encode()


async def _send_text(send: Send, status: int, text: str) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": f"{text}\n".encode(), "more_body": False})


def _configure_csrf(secret: str, *, is_secure: bool) -> CSRFConfig:
    """Forms carry a token that the visitor's cookie knows; programs come with a key instead."""
    return CSRFConfig(
        secret=secret,
        exclude=["^/api/", "^/webhooks/", "^/ucp/", "^/acp/", "^/mcp"],
        cookie_httponly=True,
        cookie_secure=is_secure,
    )


@asynccontextmanager
async def keep_in_step(platform: Platform, pages: KeptPages, keeper: Doorkeeper) -> AsyncIterator[None]:
    """Follow what others change while the worker serves: kept pages by the event log, and what is left out at a peak."""
    ladder = keeper.ladder
    changes = watch_changes(
        platform.owner, pages.store, keeps_longer=lambda: ladder.is_saved_by_any(KEEP_LONGER)
    )
    tasks = (
        asyncio.create_task(changes, name="kept pages"),
        asyncio.create_task(
            ladder.follow(platform.owner, keeper.door.count, beside=refresh_rooms), name="degradation"
        ),
    )
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        with suppress(DatabaseUnreachable, *OUTAGES, OSError, TimeoutError):
            await asyncio.wait_for(ladder.leave(platform.owner), 1)


def _make_lifespan(
    url: str, settings: dict[str, Any], pages: KeptPages, tools: ToolDoor, keeper: Doorkeeper, *, joins: bool
) -> Callable[[Litestar], AbstractAsyncContextManager[None]]:
    """What an application opens when the server starts it, and closes at its end."""

    @asynccontextmanager
    async def run_platform(app: Litestar) -> AsyncIterator[None]:
        platform = await open_configured_platform(url, settings)
        platform.keep_in_memory()
        app.state.platform, app.state.db = platform, platform.db
        app.state.commerce, app.state.vault = platform.commerce, platform.vault
        app.state.api_keys = platform.keys
        house = app.state.house = settings["foundation"]
        try:
            async with (
                keep_in_step(platform, pages, keeper),
                tools.open(platform.commerce),
                open_window(house.data_dir if joins else "", house.process_name, "web") as window,
            ):
                app.state.window = window
                app.state.lookout = HouseLookout(window, platform.owner)
                yield
        finally:
            await platform.close()
            stop_tracing()

    return run_platform


def make_app(url: str, csrf_secret: str, settings: dict[str, Any], *, joins: bool = False) -> ASGIApp:
    """The application for a database. Its parts are opened when the server starts it.

    ``joins``: let the installation's other processes see this one.
    """
    is_secure = settings["foundation"].public_url.startswith("https://")
    csrf = _configure_csrf(csrf_secret, is_secure=is_secure)
    pages, tools, templates = KeptPages(csrf), ToolDoor(), Pages(("serai.storefront", "serai.console"))
    keeper = Doorkeeper(settings["overload"], POOL_SIZE, templates)

    app = Litestar(
        route_handlers=[
            answer_alive,
            answer_ready,
            answer_metrics,
            show_api,
            *API_HANDLERS,
            *SHOP_ROUTES,
            *CONSOLE_ROUTES,
            create_static_files_router(
                "/static",
                directories=[STATIC],
                cache_control=CacheControlHeader(max_age=31_536_000, public=True, immutable=True),
            ),
        ],
        lifespan=[_make_lifespan(url, settings, pages, tools, keeper, joins=joins)],
        state=State(
            {
                "pages": templates,
                "door": keeper.door,
                "error_page": render_error,
                "calls_under_way": set(),
                "storefront_settings": settings.get("storefront"),
            }
        ),
        exception_handlers={
            Refused: answer_refused,
            Outside: answer_outside,
            HTTPException: answer_http,
            **dict.fromkeys(OUTAGES, answer_outage),
            Exception: answer_bug,
        },
        csrf_config=csrf,
        compression_config=CompressionConfig(backend="gzip", minimum_size=1000, gzip_compress_level=5),
        openapi_config=API_DESCRIPTION,
        request_max_body_size=MAX_BODY_BYTES,
        logging_config=None,
        debug=False,
    )
    complete_schema(app)
    return Front(app, pages, tools, keeper, is_secure=is_secure)


def create_app() -> ASGIApp:
    """The application of this installation, from the environment: what ``serai web`` serves."""
    observe.set_up_logging()
    settings = load_settings(os.environ)
    house = settings["foundation"]
    url = house.database_url
    if house.trace_url:
        start_tracing(house.trace_url, house.trace_share, house.process_name or "web")

    async def read_csrf_secret() -> str:
        owner = await open_database(url, role=None, size=1)
        try:
            return (await load_secrets(owner)).csrf
        finally:
            await owner.close()

    return make_app(url, asyncio.run(read_csrf_secret()), settings, joins=True)
