"""The console as an application of its own: its routes, with the tenant, CSRF and refusals as the house wires them."""

from typing import Any

from litestar import Litestar, Request
from litestar.config.csrf import CSRFConfig
from litestar.exceptions import HTTPException
from litestar.types import ASGIApp, Receive, Scope, Send

from serai.commerce.settings import CommerceSettings
from serai.commerce.types import Commerce
from serai.console.refusal import show_refusal
from serai.console.routes import ROUTES
from serai.foundation.database import Database
from serai.foundation.errors import Outside, Refused
from serai.foundation.http import answer_bug, answer_http, answer_outside, answer_refused
from serai.foundation.pages import Pages
from serai.identity.merchant.api import MerchantRegistry
from serai.ledger.api import Lane


def make_commerce(db: Database, lane: Lane, providers: dict[str, Any]) -> Commerce:
    return Commerce(db, lane, providers, CommerceSettings(), b"the secret of these tests")


def make_app(commerce: Commerce, registry: MerchantRegistry) -> Litestar:
    """The console over a database and a lane that are running already."""

    def tenancy(app: ASGIApp) -> ASGIApp:
        async def resolve(scope: Scope, receive: Receive, send: Send) -> None:
            host = dict(scope.get("headers", [])).get(b"host", b"").decode()
            scope.setdefault("state", {})["merchant"] = registry.resolve(host)
            await app(scope, receive, send)

        return resolve

    app = Litestar(
        route_handlers=ROUTES,
        middleware=[tenancy],
        csrf_config=CSRFConfig(secret="a secret of this test only"),
        exception_handlers={
            Refused: answer_refused,
            Outside: answer_outside,
            HTTPException: answer_http,
            Exception: answer_bug,
        },
        openapi_config=None,
    )
    app.state.db = commerce.db
    app.state.commerce = commerce
    app.state.pages = Pages(("serai.console",))
    app.state.error_page = show_error
    return app


def show_error(
    request: Request[Any, Any, Any], status: int, code: str, text: str, data: dict[str, Any]
) -> Any:
    return show_refusal(request, status, code, text, data)
