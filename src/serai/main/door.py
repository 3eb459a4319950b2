"""The door in front of the application: classes, limits, and what those are told who are turned away.

A reply at the door costs little by design: it needs no database, no session and, for pages, one rendering per language.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache
from html import escape
from typing import Any

import msgspec
from litestar.types import HTTPScope, Receive, Send

from serai.foundation.errors import _
from serai.foundation.http import MACHINE_PATHS, Problem
from serai.foundation.i18n import LOCALE_COOKIE, choose_locale, translate
from serai.foundation.pages import Pages
from serai.main.unread import replay
from serai.overload.door.api import Door, Kind, Turned, classify
from serai.overload.ladder.api import STATE_KEY, Ladder, find_refusal
from serai.overload.settings import OverloadSettings

# A body of this size is read before its request takes a place; whoever sends slowly then holds up nobody. Longer ones
# may take the places of what can be done without.
AHEAD_BYTES = 65_536
AHEAD_LIMIT_S = 10.0
# After so long somebody may ask again for what is left out just now.
LEFT_OUT_S = 60
# A stream that stays open by intention takes no place.
ENDLESS = ("/mcp",)
TEXTS = {
    "overload.too_many": _("Too many requests. Please wait a moment."),
    "overload.queue_full": _("Very many requests are waiting already. Please try again in a moment."),
    "overload.waited_too_long": _("It took too long until it would have been your turn. Please try again."),
    "overload.outranked": _("Orders and payments go first just now. Please try again in a moment."),
    "overload.switched_off": _("This is switched off while very many people are shopping."),
    "overload.body_too_slow": _("What was sent came too slowly."),
}
Work = Callable[[Receive, Send], Awaitable[None]]


class Doorkeeper:
    """Lets requests in to the application, one worker's worth of them at a time."""

    def __init__(self, settings: OverloadSettings, pool_size: int, pages: Pages) -> None:
        self.door = Door(settings, pool_size)
        self.ladder = Ladder()
        self._pages = pages
        self._render = lru_cache(maxsize=256)(self._render_page)

    def classify(self, scope: HTTPScope) -> tuple[Kind, dict[bytes, bytes]]:
        """The class of a request, and its headers by name; the last of a name counts."""
        headers = dict(scope["headers"])
        kind = classify(scope["method"], scope["path"], headers)
        if kind is Kind.NORMAL and _length(headers) > AHEAD_BYTES:
            kind = Kind.SHEDDABLE
        return kind, headers

    async def check(self, scope: HTTPScope, send: Send, kind: Kind, headers: dict[bytes, bytes]) -> bool:
        """Whether its caller may ask at all; if not, it has been told so."""
        client = scope.get("client")
        turned = self.door.check_rate(kind, client[0] if client else "", headers)
        if turned is None:
            turned = self._leave_out(scope)
        if turned is None:
            return True
        await self.turn_away(scope, send, turned, headers)
        return False

    def _leave_out(self, scope: HTTPScope) -> Turned | None:
        """Note what is left out of the answer, and whether that is all of it."""
        merchant = scope["state"].get("merchant")
        saved: frozenset[str] = self.ladder.find_saved(merchant.merchant_id) if merchant else frozenset()
        if not saved:
            return None
        scope["state"][STATE_KEY] = saved
        status = find_refusal(saved, scope["method"], scope["path"])
        return Turned(status, "overload.switched_off", LEFT_OUT_S) if status else None

    async def serve(
        self,
        scope: HTTPScope,
        receive: Receive,
        send: Send,
        kind: Kind,
        headers: dict[bytes, bytes],
        work: Work,
    ) -> None:
        """Do the work when it is its turn, or reply that it is not."""
        if scope["path"].startswith(ENDLESS) and scope["method"] == "GET":
            await work(receive, send)
            return
        if _length(headers):
            ahead = await _read_ahead(receive, headers)
            if ahead is None:
                await self.turn_away(scope, send, Turned(408, "overload.body_too_slow", 1), headers)
                return
            receive = ahead
        status = 500

        async def send_noting(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        async def do() -> int:
            await work(receive, send_noting)
            return status

        turned = await self.door.serve(kind, do)
        if turned:
            await self.turn_away(scope, send, turned, headers)

    async def turn_away(
        self, scope: HTTPScope, send: Send, turned: Turned, headers: Mapping[bytes, bytes]
    ) -> None:
        """Reply with the reason and when to come again: problem JSON for programs, a page for people."""
        locale = _find_locale(headers)
        path = scope["path"]
        again = str(turned.retry_after_s).encode()
        fields = [(b"retry-after", again), (b"cache-control", b"no-store")]
        body: bytes = b""
        media_type = b"text/html; charset=utf-8"
        if turned.status == 204:
            fields.clear()
        elif path.startswith(MACHINE_PATHS):
            body, media_type = _write_problem(turned, path, locale), b"application/problem+json"
        elif b"hx-request" in headers:
            text = escape(translate(TEXTS[turned.code], locale))
            body = f'<p class="notice-text" data-tone="warn">{text}</p>'.encode()
            quiet = path == "/suggest"
            fields += [(b"hx-reswap", b"none")] if quiet else [(b"hx-retarget", b"#notice")]
        else:
            merchant = scope.get("state", {}).get("merchant")
            comes_again = scope["method"] in ("GET", "HEAD")
            query = scope["query_string"].decode("latin-1")
            here = path + (f"?{query}" if query else "")
            page = self._render(
                locale, merchant.name if merchant else "Serai", turned.code, turned.retry_after_s, comes_again
            )
            body = page.replace(HERE, escape(here if comes_again else "/")).encode()
        if turned.status != 204:
            fields += [(b"content-type", media_type), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": turned.status, "headers": fields})
        await send(
            {
                "type": "http.response.body",
                "body": b"" if scope["method"] == "HEAD" else body,
                "more_body": False,
            }
        )

    def _render_page(self, locale: str, name: str, code: str, seconds: int, comes_again: bool) -> str:
        return self._pages.render_text(
            "storefront/busy.html",
            locale,
            {
                "name": name,
                "code": code,
                "seconds": seconds,
                "comes_again": comes_again,
                "here": HERE,
            },
        )


# Stands in the page of a language where each visitor's own address belongs.
HERE = "the-address-of-this-visitor"


def _write_problem(turned: Turned, path: str, locale: str) -> bytes:
    return msgspec.json.encode(
        Problem(
            f"urn:serai:problem:{turned.code}",
            translate(TEXTS[turned.code], locale),
            turned.status,
            turned.code,
            data={"retry_after_s": turned.retry_after_s},
            instance=path,
        )
    )


def _find_locale(headers: Mapping[bytes, bytes]) -> str:
    chosen = None
    for pair in headers.get(b"cookie", b"").split(b";"):
        name, _is, value = pair.strip().partition(b"=")
        if name == LOCALE_COOKIE.encode():
            chosen = value.decode("latin-1")
    languages = headers.get(b"accept-language")
    return choose_locale(chosen, languages.decode("latin-1") if languages else None)


def _length(headers: Mapping[bytes, bytes]) -> int:
    """Bytes of the body as announced; of one in chunks nobody knows, so it counts as long."""
    if b"transfer-encoding" in headers:
        return AHEAD_BYTES + 1
    text = headers.get(b"content-length", b"0")
    return int(text) if text.isdigit() and len(text) < 16 else 0


async def _read_ahead(receive: Receive, headers: Mapping[bytes, bytes]) -> Receive | None:
    """The same messages, a body of the usual size already read. None when it came too slowly."""
    messages: list[Any] = []
    size = 0
    try:
        async with asyncio.timeout(AHEAD_LIMIT_S):
            while size <= AHEAD_BYTES:
                message: Any = await receive()
                messages.append(message)
                size += len(message.get("body", b""))
                if message["type"] != "http.request" or not message.get("more_body", False):
                    break
    except TimeoutError:
        return None
    return replay(messages, receive)
