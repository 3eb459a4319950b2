"""What a shopper looked for lately, kept in their browser and nowhere else, and the way to forget it."""

import base64
from typing import Any

import msgspec
from litestar import Response, post
from litestar.response import Redirect

from serai.storefront import cookie
from serai.storefront.form import read_values
from serai.storefront.view import Asked, safe_next

LIMIT = 6
WORDS_LIMIT = 60


def read_recent(request: Asked) -> tuple[str, ...]:
    """The latest searches, the last one first. A cookie that we did not write so is as good as none."""
    text = request.cookies.get(cookie.RECENT, "")
    try:
        words = msgspec.json.decode(base64.urlsafe_b64decode(text), type=list[str])
    except ValueError:
        return ()
    return tuple(word for word in words if word and len(word) <= WORDS_LIMIT and word.isprintable())[:LIMIT]


def remember(request: Asked, response: Response[Any], words: str) -> None:
    """Put a search in front of the others."""
    if len(words) > WORDS_LIMIT or not words.isprintable():
        return
    before = [each for each in read_recent(request) if each.casefold() != words.casefold()]
    kept = msgspec.json.encode([words, *before][:LIMIT])
    cookie.set_cookie(
        request,
        response,
        cookie.RECENT,
        base64.urlsafe_b64encode(kept).decode(),
        days=cookie.RECENT_DAYS,
    )


@post("/search/forget", include_in_schema=False)
async def forget_searches(request: Asked) -> Response[Any]:
    """Forget what was looked for."""
    values = await read_values(request)
    response = Redirect(safe_next(values.get("next")), status_code=303)
    response.delete_cookie(cookie.RECENT)
    return response
