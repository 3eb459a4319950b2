"""The shop as an application of its own: its routes, with the tenant, CSRF and refusals as the house wires them."""

from typing import Any

from litestar import Litestar
from litestar.config.csrf import CSRFConfig
from litestar.exceptions import HTTPException
from litestar.types import ASGIApp, Receive, Scope, Send

from serai.commerce.types import Commerce
from serai.foundation.errors import Outside, Refused
from serai.foundation.http import answer_bug, answer_http, answer_outside, answer_refused
from serai.foundation.pages import Pages
from serai.identity.merchant.api import MerchantRegistry
from serai.storefront.error import render_error
from serai.storefront.routes import ROUTES
from serai.storefront.settings import StorefrontSettings

# Small, so that a handful of products makes several pages.
PAGE_SIZE = 4


def make_app(commerce: Commerce, registry: MerchantRegistry) -> Litestar:
    """The shop over a database and a lane that are running already."""

    def tenancy(app: ASGIApp) -> ASGIApp:
        async def resolve(scope: Scope, receive: Receive, send: Send) -> None:
            host = dict(scope.get("headers", [])).get(b"host", b"").decode()
            scope.setdefault("state", {})["merchant"] = registry.resolve(host)
            await app(scope, receive, send)

        return resolve

    handlers: dict[type[Exception] | int, Any] = {
        Refused: answer_refused,
        Outside: answer_outside,
        HTTPException: answer_http,
        Exception: answer_bug,
    }
    app = Litestar(
        route_handlers=ROUTES,
        middleware=[tenancy],
        csrf_config=CSRFConfig(secret="a secret of this test only"),
        exception_handlers=handlers,
        openapi_config=None,
    )
    app.state.commerce = commerce
    app.state.pages = Pages(("serai.storefront",))
    app.state.error_page = render_error
    app.state.storefront_settings = StorefrontSettings(page_size=PAGE_SIZE)
    return app
