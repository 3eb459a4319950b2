"""What every page of the account needs: who is signed in, from where, and the way to sign in first."""

from typing import Any
from urllib.parse import quote

from litestar import Response
from litestar.response import Redirect

from serai.foundation.database import Transaction
from serai.foundation.errors import Unauthorised, _
from serai.foundation.i18n import translate
from serai.foundation.pages import request_locale
from serai.identity.member.types import Member
from serai.storefront import cookie
from serai.storefront.notice import Kind, Notice, leave_notice
from serai.storefront.view import Asked, find_signed_in, safe_next

AGENT_LIMIT = 300
LOOPBACK = frozenset({"127.0.0.1", "::1"})


async def load_member(request: Asked, tx: Transaction) -> Member:
    """Who is signed in. Unauthorised ``member.signed_out`` when nobody is."""
    member = await find_signed_in(request, tx)
    if member is None:
        raise Unauthorised("member.signed_out", _("Please sign in to go on."))
    return member


def sign_in_first(path: str) -> Response[Any]:
    """To the sign-in form, and afterwards to ``path``."""
    return Redirect(f"/account/sign-in?next={quote(path)}", status_code=303)


def go(request: Asked, path: str, message: str = "", kind: Kind = "ok", **data: Any) -> Response[Any]:
    """On to another page, with a marked message to be shown there."""
    response = Redirect(path, status_code=303)
    if message:
        leave_notice(request, response, Notice(kind, translate(message, request_locale(request), data)))
    return response


def client_ip(request: Asked) -> str:
    """The address that the request came from.

    Of a proxy on this machine it is the address that the proxy saw, the last one of ``X-Forwarded-For``: earlier ones,
    and the header of anybody else, are whatever the client wrote.
    """
    host = request.client.host if request.client else ""
    seen = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    return seen[:64] if seen and host in LOOPBACK else host


def client_agent(request: Asked) -> str:
    """What the browser calls itself."""
    return request.headers.get("user-agent", "")[:AGENT_LIMIT]


def member_token(request: Asked) -> str:
    """The token of this browser's session, empty without one."""
    return cookie.read_secret(request, cookie.MEMBER) or ""


def enter(request: Asked, token: str, next_url: str | None) -> Response[Any]:
    """Signed in: keep the session's token in this browser and go on."""
    response = Redirect(safe_next(next_url or "/account"), status_code=303)
    cookie.set_cookie(request, response, cookie.MEMBER, token, days=cookie.MEMBER_DAYS)
    return response
