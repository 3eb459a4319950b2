"""Kept pages in front of the application: found, sent, and forgotten when what they show has changed.

Kept are the pages that everybody sees alike: without a cart, a sign-in or a notice. What else may differ (language, chosen
store, address) is part of the name under which a page is kept.
"""

import asyncio
import logging
import re
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any
from uuid import UUID

import msgspec
from litestar.config.csrf import CSRFConfig
from litestar.datastructures.cookie import Cookie
from litestar.middleware.csrf import generate_csrf_token
from litestar.types import HTTPScope, Send

from serai.commerce.order.api import list_sold
from serai.foundation.database import Database
from serai.foundation.event import Event, EventTail
from serai.foundation.i18n import LOCALE_COOKIE, choose_locale
from serai.foundation.metric import Gauge
from serai.foundation.page_store import KeptPage, PageStore
from serai.foundation.pages import PageSlot
from serai.storefront.view import PAGE_HEADERS

log = logging.getLogger("serai.web")

LOOK_EVERY_S = 0.1
# Where pages are kept longer, so as not to render them again for every order: changes are followed this often, and a page
# that nothing has changed may be this much older.
LOOK_LONGER_S = 5.0
GRACE_S = 45.0
TOKEN = re.compile(rb"[0-9a-f]{128}")
PLACE_COOKIE = "place"
LONGEST_ADDRESS = 400
# With these an order's goods are free again (or taken again); the order knows which.
GIVES_BACK = frozenset({"OrderCancelled", "OrderExpired", "OrderLapsed", "OrderRevived"})
# Which parts of an event name what it changes on pages; nothing: no page that everybody sees shows it. An event that is not
# named here may have changed anything.
SHOWS: dict[str, tuple[str, ...]] = {
    "OrderPlaced": ("lines",),
    "StockMoved": ("sku_id",),
    "PriceChanged": ("sku_id", "product_id"),
    "ProductChanged": ("product_id",),
    "OfferAdded": ("sku_id", "product_id"),
    "OfferEnded": ("sku_id", "product_id"),
    "GroupOpened": ("group_id", "promotion_id"),
    "GroupEnded": ("group_id", "promotion_id"),
    "QuestionAsked": ("product_id",),
    "QuestionAnswered": ("product_id",),
} | dict.fromkeys(
    (
        *("OrderPaid", "OrderFulfilled", "OrderCancelled", "OrderExpired", "OrderRevived", "OrderLapsed"),
        *(
            "PaymentLate",
            "PaymentMismatch",
            "RefundRequested",
            "RefundDone",
            "RefundFailed",
            "TenderRefunded",
        ),
        *("CouponsIssued", "CouponUsed", "CouponEnded", "PriceClaimed", "MemberErased"),
        *("GiftCardsIssued", "GiftCardBlocked", "GiftCardExpired", "BalanceAdjusted", "PointsExpired"),
    ),
    (),
)


class Visit(msgspec.Struct, frozen=True):
    """A request that a kept page could answer: under which name, with which form token (None: a new one), and how."""

    address: tuple[Any, ...]
    token: str | None
    takes_gzip: bool
    known_tag: str


@lru_cache(maxsize=2_000)
def _locale(cookie: str | None, languages: str | None) -> str:
    return choose_locale(cookie, languages)


def read_visit(scope: HTTPScope) -> Visit | None:
    """The request as a visit; None when its page is not for everybody or not worth keeping."""
    path = scope["path"]
    if scope["method"] != "GET" or not (path in ("/", "/help") or path.startswith(("/p/", "/c/"))):
        return None
    headers: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        headers.setdefault(name, value)
    query = scope["query_string"]
    if b"hx-request" in headers or len(path) + len(query) > LONGEST_ADDRESS:
        return None
    cookies = {}
    for pair in headers.get(b"cookie", b"").split(b";"):
        name, _is, value = pair.strip().partition(b"=")
        if name:
            cookies[name.decode("latin-1")] = value
    token = cookies.pop("csrftoken", None)
    locale_cookie, place = cookies.pop(LOCALE_COOKIE, None), cookies.pop(PLACE_COOKIE, b"")
    if cookies or (token is not None and not TOKEN.fullmatch(token)):
        return None
    languages = headers.get(b"accept-language")
    locale = _locale(
        locale_cookie.decode("latin-1") if locale_cookie else None,
        languages.decode("latin-1") if languages else None,
    )
    return Visit(
        (headers.get(b"host", b""), path, query, locale, place),
        token.decode() if token else None,
        b"gzip" in headers.get(b"accept-encoding", b""),
        headers.get(b"if-none-match", b"").decode("latin-1"),
    )


KEPT = Gauge("serai_kept_pages", "Pages that this process keeps rendered.")


class KeptPages:
    """The pages kept by this process, and how they are sent."""

    def __init__(self, csrf: CSRFConfig) -> None:
        self.store = PageStore()
        self.sent = 0
        KEPT.read_from(lambda: [((), len(self.store))])
        self._csrf = csrf
        self._headers = [(b"content-type", b"text/html; charset=utf-8")]
        headers = PAGE_HEADERS | {"vary": f"{PAGE_HEADERS['vary']}, Accept-Encoding"}
        self._headers += [(name.encode(), value.encode()) for name, value in headers.items()]

    async def answer(self, scope: HTTPScope, send: Send, merchant_id: UUID) -> bool:
        """Send a kept page. False when there is none; the application's page is then kept, if it may be."""
        visit = read_visit(scope)
        if visit is None:
            return False
        page = self.store.find(merchant_id, visit.address)
        if page is None:
            scope["state"]["page_slot"] = PageSlot(self.store, visit.address, self.store.mark())
            return False
        self.sent += 1
        await self._send(send, page, visit)
        return True

    async def _send(self, send: Send, page: KeptPage, visit: Visit) -> None:
        token = visit.token or generate_csrf_token(self._csrf.secret)
        tag = page.tag(token)
        headers = [*self._headers, (b"etag", tag.encode())]
        if visit.token is None:
            cookie = Cookie(
                key=self._csrf.cookie_name,
                value=token,
                path=self._csrf.cookie_path,
                secure=self._csrf.cookie_secure,
                httponly=self._csrf.cookie_httponly,
                samesite=self._csrf.cookie_samesite,
                domain=self._csrf.cookie_domain,
            )
            headers.append((b"set-cookie", cookie.to_header(header="").encode("latin-1")))
        status, body = 200, b""
        if visit.known_tag == tag:
            status = 304
        elif visit.takes_gzip:
            body = page.fill_packed(token)
            headers.append((b"content-encoding", b"gzip"))
        else:
            body = page.fill(token)
        if status == 200:
            headers.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})


async def forget_changed(owner: Database, store: PageStore, events: list[Event] | None) -> None:
    """Drop the pages that show what events have changed; None: anything may have."""
    if events is None:
        store.forget_all()
        return
    ended = [(event.merchant_id, event.subject_id) for event in events if event.name in GIVES_BACK]
    if ended:
        store.forget(await list_sold(owner, orders=ended))
    for event in events:
        names = SHOWS.get(event.name)
        if names is None:
            store.forget_merchant(event.merchant_id)
            continue
        found: set[UUID] = set()
        for name in names:
            _read_ids(event.data.get(name), found)
        if found:
            store.forget(found)


def _read_ids(value: Any, found: set[UUID]) -> None:
    """UUIDs in JSON, where they are texts."""
    if isinstance(value, str):
        try:
            found.add(UUID(value))
        except ValueError:
            return
    elif isinstance(value, dict):
        for each in value.values():
            _read_ids(each, found)
    elif isinstance(value, list):
        for each in value:
            _read_ids(each, found)


async def watch_changes(
    owner: Database, store: PageStore, *, keeps_longer: Callable[[], bool] = lambda: False
) -> None:
    """Follow the event log until cancelled. While the database does not answer, nothing is kept for longer than usual."""
    tail = EventTail()
    while True:
        try:
            if len(store):
                await forget_changed(owner, store, await tail.read(owner))
            elif await tail.skip(owner):
                # Nothing is kept, but a page may be on its way that was read before.
                store.forget_all()
        except Exception as error:  # noqa: BLE001 - a page of some seconds ago serves better than none
            log.warning("changes could not be followed: %s", error)
            store.forget_all()
            tail = EventTail()
        looked = time.monotonic()
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            store.grace_s = GRACE_S if keeps_longer() else 0.0
            if not store.grace_s or time.monotonic() - looked >= LOOK_LONGER_S:
                break
