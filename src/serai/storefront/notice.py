"""A word to the shopper that survives one redirect ("In the cart: ..."), carried in a short-lived cookie."""

import base64
import binascii
from typing import Any, Literal

import msgspec
from litestar import Request, Response

from serai.storefront import cookie

Kind = Literal["ok", "warn", "danger"]
LIFE_S = 60
LIMIT_CHARS = 2000


class Notice(msgspec.Struct, frozen=True):
    """One sentence in the shopper's language, with a link where there is a natural next step."""

    kind: Kind
    text: str
    href: str = ""
    link: str = ""


def leave_notice(request: Request[Any, Any, Any], response: Response[Any], notice: Notice) -> None:
    """Let the next page say it."""
    value = base64.urlsafe_b64encode(msgspec.json.encode(notice)).decode().rstrip("=")
    if len(value) <= LIMIT_CHARS:
        response.set_cookie(
            key=cookie.NOTICE,
            value=value,
            max_age=LIFE_S,
            path="/",
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
        )


def read_notice(request: Request[Any, Any, Any]) -> Notice | None:
    """What the last form left to say. It is text only: pages escape it, and its link must stay in this shop."""
    value = request.cookies.get(cookie.NOTICE, "")
    if not value or len(value) > LIMIT_CHARS:
        return None
    try:
        notice = msgspec.json.decode(base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)), type=Notice)
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        return None
    if notice.href and (not notice.href.startswith("/") or notice.href.startswith(("//", "/\\"))):
        return None
    return notice
