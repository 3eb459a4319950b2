"""Returns as shoppers ask for and follow them: by the link that guests get to an order, or in the account."""

from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect

from serai.commerce.catalogue import api as catalogue
from serai.commerce.order import api as order_api
from serai.commerce.order.types import Order
from serai.commerce.place.api import find_place
from serai.commerce.returns import api
from serai.commerce.returns.types import Return, ReturnableLine, WantedLine, Wish
from serai.commerce.stock.api import load_available
from serai.foundation.database import Transaction
from serai.foundation.errors import NotFound, Refused, _
from serai.foundation.i18n import translate
from serai.foundation.ids import new_id
from serai.foundation.pages import request_locale
from serai.storefront.account import link_member
from serai.storefront.form import Form, read_values
from serai.storefront.member import load_member
from serai.storefront.notice import Notice, leave_notice
from serai.storefront.order_link import KEY_LIMIT, OrderLink, read_link
from serai.storefront.view import (
    Asked,
    Shell,
    commerce_of,
    database_of,
    is_market,
    load_shell,
    merchant_id_of,
    parse_uuid,
    show,
)

UNKNOWN = _("There is no such order, or the link is not complete.")


async def _find_order(request: Asked, tx: Transaction, reference: str) -> tuple[Order, OrderLink]:
    """The order of an address, with the link that was asked: an id with a guest's key, or a member's number."""
    order_id = parse_uuid(reference)
    if request.url.path.startswith("/account/"):
        member = await load_member(request, tx)
        order = await order_api.find_order(tx, number=reference[:40], member_id=member.member_id)
        link = link_member(reference[:40])
    else:
        key = request.query_params.get("key", "")[:KEY_LIMIT]
        order = None
        if key and order_id is not None and not is_market(request):
            order = await order_api.find_order(tx, order_id=order_id, access_token=key)
        link = read_link(request, order_id or UUID(int=0))
    if order is None:
        raise NotFound("order.unknown", UNKNOWN)
    return order, link


async def _find_return(
    request: Asked, tx: Transaction, reference: str, return_id: UUID
) -> tuple[Order, OrderLink, Return]:
    order, link = await _find_order(request, tx, reference)
    found = await api.find_return(tx, return_id=return_id)
    if found is None or found.order_id != order.order_id:
        raise NotFound("return.unknown", _("There is no such return."))
    return order, link, found


# ---- Asking -------------------------------------------------------------------------------------------------------


async def _show_form(
    request: Asked,
    tx: Transaction,
    order: Order,
    link: OrderLink,
    form: Form | None = None,
    status_code: int = 200,
) -> Response[str]:
    terms = await api.load_terms(tx)
    returnable = await api.list_returnable(tx, order=order, terms=terms)
    cards = await catalogue.find_cards(tx, product_ids=[line.product_id for line in order.lines])
    may_exchange = terms.exchanges and await api.find_exchange(tx, order_id=order.order_id) is None
    choices = await _list_choices(request, tx, order, returnable) if may_exchange else {}
    return show(
        request,
        "return_form.html",
        shell=await load_shell(request, tx),
        status_code=status_code,
        here_url=link.to("returns"),
        order=order,
        link=link,
        form=form or Form({"form": str(new_id()), "wish": "refund"}),
        rows=_list_rows(order, returnable),
        open_count=sum(not row.code for row in returnable),
        until=next((row.until for row in returnable if row.until), None),
        reasons=[(reason.code, reason.label(request_locale(request))) for reason in terms.reasons],
        terms=terms,
        percent_text=f"{terms.restocking_bp / 100:g} %" if terms.restocking_bp else "",
        choices=choices,
        motifs={card.product_id: card.motif for card in cards},
        labels={card.product_id: card.label(request_locale(request)) for card in cards},
        is_account=not link.key,
    )


def _list_rows(order: Order, returnable: tuple[ReturnableLine, ...]) -> list[tuple[Any, ReturnableLine]]:
    by_no = {line.line_no: line for line in order.lines}
    return [(by_no[row.line_no], row) for row in returnable]


async def _list_choices(
    request: Asked, tx: Transaction, order: Order, returnable: tuple[ReturnableLine, ...]
) -> dict[int, list[tuple[UUID, str]]]:
    """What may be had instead of each line: the versions of its product that are there, the same one first."""
    locale = request_locale(request)
    choices: dict[int, list[tuple[UUID, str]]] = {}
    open_lines = {row.line_no for row in returnable if not row.code and not row.whole_only}
    for line in order.lines:
        product = None
        if line.line_no in open_lines and not line.parts:
            product = await catalogue.find_product(tx, product_id=line.product_id, published=True)
        if product is None:
            continue
        variants = [v for v in product.variants if v.active and not v.scale and v.currency == order.currency]
        left = await load_available(
            tx, sku_ids=[variant.sku_id for variant in variants], place_id=order.place_id
        )
        found = [
            (
                variant.sku_id,
                " · ".join(filter(None, (product.label(locale), *(variant.choices or (variant.option,))))),
            )
            for variant in sorted(variants, key=lambda variant: variant.sku_id != line.sku_id)
            if left.get(variant.sku_id, 0) > 0
        ]
        if found:
            choices[line.line_no] = found
    return choices


async def _show_asked(request: Asked, reference: str) -> Response[str]:
    async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
        order, link = await _find_order(request, tx, reference)
        return await _show_form(request, tx, order, link)


async def _ask(request: Asked, reference: str) -> Response[Any]:
    values = await read_values(request)
    form = Form(values)
    async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
        order, link = await _find_order(request, tx, reference)
    key = parse_uuid(values.get("form"))
    wish: Wish = "exchange" if values.get("wish") == "exchange" else "refund"
    try:
        found = await api.request_return(
            commerce_of(request),
            merchant_id_of(request),
            order_id=order.order_id,
            lines=_read_lines(order, values, wish),
            wish=wish,
            words=values.get("words", ""),
            by="shopper",
            key=f"shop:{key or new_id()}",
        )
    except Refused as refusal:
        form.take_refusal(refusal, locale=request_locale(request))
        async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
            order, link = await _find_order(request, tx, reference)
            return await _show_form(request, tx, order, link, form, refusal.status)
    return Redirect(link.to(f"returns/{found.return_id}", new="1"), status_code=303)


def _read_lines(order: Order, values: dict[str, str], wish: Wish) -> list[WantedLine]:
    """The lines with a quantity; a text that is no number is one that cannot be, and is refused as such."""
    lines = []
    for line in order.lines:
        text = values.get(f"quantity-{line.line_no}", "").strip()
        if text in ("", "0"):
            continue
        quantity = int(text) if text.isdecimal() and len(text) <= 9 else -1
        reason = values.get(f"reason-{line.line_no}", "")
        sku_id = parse_uuid(values.get(f"replacement-{line.line_no}")) if wish == "exchange" else None
        lines.append(WantedLine(line.line_no, quantity, reason, sku_id))
    return lines


# ---- Following ----------------------------------------------------------------------------------------------------


async def _show_return(request: Asked, reference: str, return_id: UUID) -> Response[str]:
    async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
        order, link, found = await _find_return(request, tx, reference, return_id)
        shell = await load_shell(request, tx)
        return await _show_found(request, tx, shell, order, link, found)


async def _show_found(
    request: Asked, tx: Transaction, shell: Shell, order: Order, link: OrderLink, found: Return
) -> Response[str]:
    terms = await api.load_terms(tx)
    cards = await catalogue.find_cards(tx, product_ids=[line.product_id for line in found.lines])
    locale = request_locale(request)
    planned = None if found.settled_at else await api.estimate(tx, order, found, terms)
    exchange = None
    if found.exchange_order_id is not None:
        exchange = await order_api.load_order(tx, order_id=found.exchange_order_id)
    reasons = {reason.code: reason.label(locale) for reason in terms.reasons}
    secret = commerce_of(request).secret
    return show(
        request,
        "return.html",
        shell=shell,
        here_url=link.to(f"returns/{found.return_id}"),
        order=order,
        found=found,
        link=link,
        path=link.to(f"returns/{found.return_id}"),
        to=lambda what: link.to(f"returns/{found.return_id}/{what}"),
        reasons=reasons,
        planned=planned,
        exchange=exchange,
        exchange_url=_exchange_url(exchange, link, secret) if exchange else "",
        refund=next((each for each in order.refunds if each.refund_id == found.refund_id), None),
        step=find_step(found),
        can_withdraw=api.is_allowed(found.state, "withdraw"),
        can_send=api.is_allowed(found.state, "send"),
        motifs={card.product_id: card.motif for card in cards},
        labels={card.product_id: card.label(locale) for card in cards},
        is_new="new" in request.query_params,
        is_account=not link.key,
        place=await find_place(tx, place_id=found.place_id),
    )


def _exchange_url(exchange: Order, link: OrderLink, secret: bytes) -> str:
    if not link.key:
        return link_member(exchange.number).to("")
    key = order_api.access_token(secret, exchange.order_id)
    return OrderLink(f"/orders/{exchange.order_id}", key).to("")


def find_step(found: Return) -> int:
    """How many steps of the path are done."""
    if found.settled_at is not None:
        return 5
    if found.received_at is not None:
        return 4
    if found.sent_at is not None:
        return 3
    return 2 if found.approved_at is not None else 1


async def _change(request: Asked, reference: str, return_id: UUID, move: str) -> Response[Any]:
    values = await read_values(request)
    async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
        _order, link, found = await _find_return(request, tx, reference, return_id)
    response = Redirect(link.to(f"returns/{found.return_id}"), status_code=303)
    commerce, merchant_id = commerce_of(request), merchant_id_of(request)
    try:
        if move == "withdraw":
            await api.withdraw_return(commerce, merchant_id, return_id=return_id, by="shopper")
        else:
            await api.send_return(
                commerce,
                merchant_id,
                return_id=return_id,
                carrier=values.get("carrier", ""),
                tracking=values.get("tracking", ""),
                by="shopper",
            )
    except Refused as refusal:
        text = translate(refusal.message, request_locale(request), refusal.data)
        leave_notice(request, response, Notice("warn", text))
    return response


# ---- Addresses: a guest's link, and the account ---------------------------------------------------------------------


@get("/orders/{order_id:uuid}/returns", include_in_schema=False)
async def show_guest_form(request: Asked, order_id: FromPath[UUID]) -> Response[str]:
    """What a guest may send back."""
    return await _show_asked(request, str(order_id))


@post("/orders/{order_id:uuid}/returns", include_in_schema=False)
async def ask_as_guest(request: Asked, order_id: FromPath[UUID]) -> Response[Any]:
    """A guest asks."""
    return await _ask(request, str(order_id))


@get("/orders/{order_id:uuid}/returns/{return_id:uuid}", include_in_schema=False)
async def show_guest_return(
    request: Asked, order_id: FromPath[UUID], return_id: FromPath[UUID]
) -> Response[str]:
    """How a guest's return is doing."""
    return await _show_return(request, str(order_id), return_id)


@post("/orders/{order_id:uuid}/returns/{return_id:uuid}/withdraw", include_in_schema=False)
async def withdraw_as_guest(
    request: Asked, order_id: FromPath[UUID], return_id: FromPath[UUID]
) -> Response[Any]:
    """A guest keeps the goods after all."""
    return await _change(request, str(order_id), return_id, "withdraw")


@post("/orders/{order_id:uuid}/returns/{return_id:uuid}/sent", include_in_schema=False)
async def send_as_guest(request: Asked, order_id: FromPath[UUID], return_id: FromPath[UUID]) -> Response[Any]:
    """A guest has sent the goods."""
    return await _change(request, str(order_id), return_id, "send")


@get("/account/orders/{number:str}/returns", include_in_schema=False)
async def show_member_form(request: Asked, number: FromPath[str]) -> Response[str]:
    """What a member may send back of an own order."""
    return await _show_asked(request, number)


@post("/account/orders/{number:str}/returns", include_in_schema=False)
async def ask_as_member(request: Asked, number: FromPath[str]) -> Response[Any]:
    """A member asks."""
    return await _ask(request, number)


@get("/account/orders/{number:str}/returns/{return_id:uuid}", include_in_schema=False)
async def show_member_return(
    request: Asked, number: FromPath[str], return_id: FromPath[UUID]
) -> Response[str]:
    """How a member's return is doing."""
    return await _show_return(request, number, return_id)


@post("/account/orders/{number:str}/returns/{return_id:uuid}/withdraw", include_in_schema=False)
async def withdraw_as_member(
    request: Asked, number: FromPath[str], return_id: FromPath[UUID]
) -> Response[Any]:
    """A member keeps the goods after all."""
    return await _change(request, number, return_id, "withdraw")


@post("/account/orders/{number:str}/returns/{return_id:uuid}/sent", include_in_schema=False)
async def send_as_member(request: Asked, number: FromPath[str], return_id: FromPath[UUID]) -> Response[Any]:
    """A member has sent the goods."""
    return await _change(request, number, return_id, "send")


HANDLERS = [
    show_guest_form,
    ask_as_guest,
    show_guest_return,
    withdraw_as_guest,
    send_as_guest,
    show_member_form,
    ask_as_member,
    show_member_return,
    withdraw_as_member,
    send_as_member,
]
