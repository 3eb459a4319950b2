"""The shop's cookies: which there are, how long they live, and that scripts cannot read them."""

import re
import secrets
from typing import Any

from litestar import Request, Response

CART = "cart"
MEMBER = "member"
PLACE = "place"
NOTICE = "notice"
RECENT = "recent"
PAY = "pay"

CART_DAYS = 90
MEMBER_DAYS = 60
PLACE_DAYS = 365
RECENT_DAYS = 90
PAY_DAYS = 180
PLACE_LIMIT = 60
DAY_S = 86_400

# What secrets.token_urlsafe(32) makes. Anything else was not made here, so it is not even looked up.
SECRET = re.compile(r"[A-Za-z0-9_-]{43}")


def read_secret(request: Request[Any, Any, Any], name: str) -> str | None:
    """A secret token as we once set it, None when it is missing or misshapen."""
    value = request.cookies.get(name, "")
    return value if SECRET.fullmatch(value) else None


def make_secret() -> str:
    """32 random bytes as base64url."""
    return secrets.token_urlsafe(32)


def set_cookie(
    request: Request[Any, Any, Any], response: Response[Any], name: str, value: str, *, days: int
) -> None:
    """Set a cookie that scripts cannot read and other sites cannot send along with a form."""
    response.set_cookie(
        key=name,
        value=value,
        max_age=days * DAY_S,
        path="/",
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )
