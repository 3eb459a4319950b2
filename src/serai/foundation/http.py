"""The HTTP edge: refusals as RFC 9457 problem JSON or as pages, security headers, and the tenant of a request."""

import logging
import traceback
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import asyncpg
import msgspec
from litestar import Request, Response
from litestar.enums import MediaType
from litestar.exceptions import HTTPException

from serai.foundation.database import DatabaseUnreachable
from serai.foundation.errors import Limited, Outside, Refused, _
from serai.foundation.i18n import translate
from serai.foundation.pages import request_locale
from serai.foundation.trace import find_trace_id

log = logging.getLogger("serai.http")

MACHINE_PATHS = (
    "/api/",
    "/webhooks/",
    "/ucp/",
    "/acp/",
    "/mcp",
    "/.well-known/",
    "/healthz",
    "/readyz",
    "/metrics",
)
MAX_BODY_BYTES = 1_000_000
# PostgreSQL stores every character but U+0000: as text it raises the first of these, inside JSON the second.
NOT_STORABLE = (asyncpg.CharacterNotInRepertoireError, asyncpg.UntranslatableCharacterError)

SECURITY_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "x-frame-options": "DENY",
    "content-security-policy": (
        "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; script-src 'self';"
        " object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self' http://127.0.0.1:*"
        " http://localhost:* https://checkout.stripe.com https://*.alipay.com https://*.alipaydev.com https://wx.tenpay.com"
    ),
}

TITLES = {
    400: _("That request could not be understood."),
    401: _("Please sign in."),
    403: _("You may not do that."),
    404: _("There is nothing here."),
    405: _("That cannot be done here."),
    409: _("That is no longer possible."),
    413: _("That is too large."),
    415: _("That format is not accepted."),
    422: _("Something in it is not right."),
    429: _("Too many requests. Please wait a moment."),
    500: _("Something went wrong on our side."),
    502: _("A partner service does not answer."),
    503: _("The shop cannot answer just now. Please try again in a moment."),
}


class Problem(msgspec.Struct, omit_defaults=True):
    """An RFC 9457 problem: ``code`` is stable and dotted, ``data`` holds the facts behind it."""

    type: str
    title: str
    status: int
    code: str
    detail: str = ""
    data: dict[str, Any] = {}
    instance: str = ""
    trace_id: str = ""


ErrorPage = Callable[[Request[Any, Any, Any], int, str, str, dict[str, Any]], Response[Any]]


def wants_json(request: Request[Any, Any, Any]) -> bool:
    """Whether the answer goes to a program."""
    return request.url.path.startswith(MACHINE_PATHS)


def answer_refused(request: Request[Any, Any, Any], error: Refused) -> Response[Any]:
    """An expected refusal, in the reader's language."""
    headers = {}
    if isinstance(error, Limited):
        headers["retry-after"] = str(error.data.get("retry_after_s", 5))
    return answer(request, error.status, error.code, error.message, dict(error.data), headers)


def answer_outside(request: Request[Any, Any, Any], error: Outside) -> Response[Any]:
    """Another party failed: 503 for our own database, 502 for a partner. Its own words go to the log only."""
    log.warning("outside: %s", error)
    if isinstance(error, DatabaseUnreachable):
        return answer(request, 503, "service.unavailable", TITLES[503], {}, {"retry-after": "2"})
    return answer(request, 502, f"outside.{error.party}", TITLES[502], {}, {"retry-after": "5"})


def answer_http(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    """An error that the framework found: unknown path, malformed body, wrong type, missing CSRF token."""
    status = error.status_code
    data: dict[str, Any] = {}
    extra = getattr(error, "extra", None)
    if isinstance(extra, list):
        data["errors"] = extra
    title = TITLES.get(status, TITLES[500] if status >= 500 else TITLES[400])
    code = {404: "not_found", 403: "forbidden", 413: "too_large", 400: "malformed"}.get(
        status, f"http_{status}"
    )
    if status == 403 and "CSRF" in error.detail:
        code, title = "csrf", _("This form has expired. Please go back, reload the page and try again.")
    return answer(request, status, code, title, data, dict(error.headers or {}))


def answer_bug(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Anything else is a bug: logged whole under a reference, told without any detail.

    Two kinds of hostile input are only found deep below, and are the caller's fault all the same.
    """
    if isinstance(error, NOT_STORABLE):
        return answer(request, 422, "text.character_invalid", TITLES[422], {})
    if _stopped_decoder(error):
        return answer(request, 400, "malformed", TITLES[400], {})
    reference = uuid4().hex[:10]
    log.error("bug %s at %s %s", reference, request.method, request.url.path, exc_info=error)
    return answer(request, 500, "internal", TITLES[500], {"reference": reference})


def _stopped_decoder(error: Exception) -> bool:
    """Whether decoding the body ended with it: nested too deep, or no UTF-8. The framework takes neither for malformed."""
    if not isinstance(error, (RecursionError, UnicodeDecodeError)):
        return False
    *_outer, (innermost, _line) = traceback.walk_tb(error.__traceback__)
    return str(innermost.f_globals.get("__name__")).startswith("litestar.serialization")


def answer(
    request: Request[Any, Any, Any],
    status: int,
    code: str,
    message: str,
    data: dict[str, Any],
    headers: dict[str, str] | None = None,
) -> Response[Any]:
    """One refusal as problem JSON for programs, or as a page of the surface that was asked."""
    locale = request_locale(request)
    if wants_json(request):
        problem = Problem(
            f"urn:serai:problem:{code}",
            translate(message, locale, data),
            status,
            code,
            data=data,
            instance=request.url.path,
            trace_id=find_trace_id(),
        )
        return Response(
            problem, status_code=status, media_type="application/problem+json", headers=headers or {}
        )
    page: ErrorPage | None = getattr(request.app.state, "error_page", None)
    if page is None:
        return Response(translate(message, locale, data), status_code=status, media_type=MediaType.TEXT)
    response = page(request, status, code, translate(message, locale, data), data)
    for name, value in (headers or {}).items():
        response.headers[name] = value
    return response
