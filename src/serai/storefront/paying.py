"""How a shopper pays: the choice among what is offered, remembered in this browser, and the page with a code to scan."""

from contextlib import suppress
from typing import Any
from uuid import UUID

import msgspec
import segno
from litestar import Response, get
from litestar.params import FromPath
from litestar.response import Redirect

from serai.commerce.checkout import api as checkout_api
from serai.commerce.order import api as order_api
from serai.commerce.order.types import Order
from serai.commerce.payment.types import Payment
from serai.commerce.payway.api import list_offers
from serai.commerce.payway.types import Offer
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import NotFound, Outside, _
from serai.storefront import cookie
from serai.storefront.order_link import OrderLink, link_guest, read_link
from serai.storefront.view import (
    Asked,
    commerce_of,
    database_of,
    load_shell,
    merchant_id_of,
    show,
    wants_fragment,
)

FIELD = "pay_with"
CODE_SCHEME = "weixin:"
# A page that waits looks into our own books; the provider itself is asked in one look of five.
POLL_S = 3
ASK_EVERY_S = 15


class Ways(msgspec.Struct, frozen=True):
    """The ways to pay that are shown, and the one that is marked."""

    offers: tuple[Offer, ...]
    chosen: str

    @property
    def is_choice(self) -> bool:
        return len(self.offers) > 1


async def list_ways(
    request: Asked, tx: Transaction, *, amount_minor: int, currency: str, wanted: str = "", last: str = ""
) -> Ways:
    """What is offered for an amount; marked is what was chosen just now, tried before, or remembered here."""
    offers = await list_offers(
        tx, known=commerce_of(request).providers, amount_minor=amount_minor, currency=currency
    )
    names = [offer.provider for offer in offers]
    remembered = request.cookies.get(cookie.PAY, "")
    chosen = next((each for each in (wanted, last, remembered, *names) if each in names), "")
    return Ways(offers, chosen)


async def list_order_ways(request: Asked, tx: Transaction, order: Order) -> Ways:
    """The ways in which an order can be paid now."""
    last = order.payments[-1].provider if order.payments else ""
    return await list_ways(request, tx, amount_minor=order.due_minor, currency=order.currency, last=last)


def read_choice(values: dict[str, str]) -> str | None:
    """The provider that a form names; None when it names none, or any that is online."""
    chosen = values.get(FIELD, "")[:40]
    return chosen if chosen not in ("", "online") else None


def device_of(request: Asked) -> str:
    """``phone`` for a browser that says so; it decides between a code to scan and an app to open, nothing else."""
    if request.headers.get("sec-ch-ua-mobile") == "?1" or "Mobi" in request.headers.get("user-agent", ""):
        return "phone"
    return "desktop"


def go_to_pay(
    request: Asked, pay_url: str, *, order_id: UUID, access_key: str, chosen: str | None
) -> Response[Any]:
    """To the provider's page, or to ours with a code; the choice is remembered."""
    address = pay_url
    if pay_url.startswith(CODE_SCHEME):
        address = link_guest(order_id, access_key).to("scan")
    response: Response[Any] = Redirect(address, status_code=303)
    if chosen:
        cookie.set_cookie(request, response, cookie.PAY, chosen, days=cookie.PAY_DAYS)
    return response


@get("/orders/{order_id:uuid}/scan", include_in_schema=False)
async def show_code(request: Asked, order_id: FromPath[UUID]) -> Response[Any]:
    """The code to scan, until the payment is settled."""
    link = read_link(request, order_id)
    async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
        order = await order_api.find_order(tx, order_id=order_id, access_token=link.key) if link.key else None
        shell = await load_shell(request, tx)
    if order is None:
        raise NotFound("order.unknown", _("There is no such order, or the link is not complete."))
    waiting = _find_code(order)
    if waiting is not None and _is_time_to_ask(request, waiting):
        with suppress(Outside):
            order = await checkout_api.refresh_payment(
                commerce_of(request), merchant_id_of(request), order_id=order_id
            )
            waiting = _find_code(order)
    if waiting is None or waiting.pay_url is None:
        return _leave(request, link)
    return show(
        request,
        "parts/scan.html" if wants_fragment(request) else "scan.html",
        shell=shell,
        fragment="scan" if wants_fragment(request) else None,
        here_url=link.to("scan"),
        order=order,
        payment=waiting,
        link=link,
        code=draw_code(waiting.pay_url),
        seconds_left=max(0, int((order.expires_at - clock.now()).total_seconds())),
        poll_s=POLL_S,
    )


def _find_code(order: Order) -> Payment | None:
    """The open attempt whose code is to be scanned; None when the order waits for no such payment."""
    last = order.payments[-1] if order.payments else None
    if order.state not in ("awaiting_payment", "awaiting_deposit", "awaiting_balance") or last is None:
        return None
    is_code = (last.pay_url or "").startswith(CODE_SCHEME)
    return last if is_code and last.state == "created" else None


def _is_time_to_ask(request: Asked, payment: Payment) -> bool:
    if not wants_fragment(request):
        return True
    return int((clock.now() - payment.created_at).total_seconds()) % ASK_EVERY_S < POLL_S


def _leave(request: Asked, link: OrderLink) -> Response[Any]:
    address = link.to("", new="1")
    if wants_fragment(request):
        return Response(b"", headers={"hx-redirect": address})
    return Redirect(address, status_code=303)


def draw_code(text: str) -> str:
    """A QR code as SVG without a size of its own; the style sheet gives it one."""
    drawn = segno.make(text, error="m", micro=False)
    return str(drawn.svg_inline(border=2, omitsize=True, svgclass="code-drawing", lineclass=None))
