"""An order's papers as its shopper gets them: receipt, gift receipt, invoice and credit notes, and whose name is on them.

The same for guests, by their link, and for members, in the account. Of anybody else's papers there is no trace.
"""

import re
from typing import Any
from urllib.parse import quote
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect

from serai.commerce.order.api import find_order
from serai.commerce.order.types import Order
from serai.commerce.paper import api as papers
from serai.commerce.paper.types import BuyerDetails, Paper, PaperKind
from serai.foundation.database import Transaction
from serai.foundation.errors import NotFound, Refused, _
from serai.foundation.pages import request_locale
from serai.storefront.form import Form, read_values
from serai.storefront.member import go, load_member, sign_in_first
from serai.storefront.order_link import OrderLink, link_guest, read_link
from serai.storefront.view import (
    Asked,
    Shell,
    commerce_of,
    database_of,
    load_shell,
    merchant_id_of,
    show,
)

# What a shopper gets: the note in the parcel is for staff.
OWN: tuple[PaperKind, ...] = ("receipt", "gift_receipt")
NAME = re.compile(r"([0-9a-f-]{36}|receipt|gift_receipt)\.(pdf|xml)")
FIELDS = tuple(BuyerDetails.__struct_fields__)


async def _find_by_link(request: Asked, tx: Transaction, order_id: UUID) -> tuple[Order, OrderLink]:
    link = read_link(request, order_id)
    order = await find_order(tx, order_id=order_id, access_token=link.key) if link.key else None
    if order is None:
        raise NotFound("order.unknown", _("There is no such order, or the link is not complete."))
    return order, link_guest(order_id, link.key)


async def _find_own(request: Asked, tx: Transaction, number: str) -> tuple[Order, OrderLink]:
    member = await load_member(request, tx)
    order = await find_order(tx, number=number[:40], member_id=member.member_id)
    if order is None:
        raise NotFound("order.unknown", _("There is no such order in your account."))
    return order, OrderLink(f"/account/orders/{quote(order.number, safe='')}")


@get("/orders/{order_id:uuid}/papers", include_in_schema=False)
async def show_guest_papers(request: Asked, order_id: FromPath[UUID]) -> Response[str]:
    """The papers of an order, by the guest's link."""
    async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
        order, link = await _find_by_link(request, tx, order_id)
        return await _show(request, tx, await load_shell(request, tx), order, link)


@get("/orders/{order_id:uuid}/papers/{name:str}", include_in_schema=False)
async def give_guest_paper(request: Asked, order_id: FromPath[UUID], name: FromPath[str]) -> Response[bytes]:
    """One of them as a file."""
    async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
        order, _link = await _find_by_link(request, tx, order_id)
    return await _give(request, order, name)


@post("/orders/{order_id:uuid}/papers", include_in_schema=False)
async def ask_guest_invoice(request: Asked, order_id: FromPath[UUID]) -> Response[Any]:
    """The invoice, with whatever name is to stand on it."""
    async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
        order, link = await _find_by_link(request, tx, order_id)
    return await _ask_invoice(request, order, link)


@get("/account/orders/{number:str}/papers", include_in_schema=False)
async def show_member_papers(request: Asked, number: FromPath[str]) -> Response[Any]:
    """The papers of an own order."""
    async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
        shell = await load_shell(request, tx)
        if shell.member is None:
            return sign_in_first(f"/account/orders/{quote(number, safe='')}/papers")
        order, link = await _find_own(request, tx, number)
        return await _show(request, tx, shell, order, link)


@get("/account/orders/{number:str}/papers/{name:str}", include_in_schema=False)
async def give_member_paper(request: Asked, number: FromPath[str], name: FromPath[str]) -> Response[bytes]:
    """One of them as a file."""
    async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
        order, _link = await _find_own(request, tx, number)
    return await _give(request, order, name)


@post("/account/orders/{number:str}/papers", include_in_schema=False)
async def ask_member_invoice(request: Asked, number: FromPath[str]) -> Response[Any]:
    """The invoice of an own order."""
    async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
        order, link = await _find_own(request, tx, number)
    return await _ask_invoice(request, order, link)


async def _show(
    request: Asked,
    tx: Transaction,
    shell: Shell,
    order: Order,
    link: OrderLink,
    *,
    form: Form | None = None,
    status_code: int = 200,
) -> Response[str]:
    found = await papers.list_of_order(tx, order=order)
    if form is None:
        details = await papers.find_buyer(tx, order_id=order.order_id) or BuyerDetails()
        form = Form(values={name: str(value) for name, value in msgspec.to_builtins(details).items()})
    return show(
        request,
        "paper.html",
        shell=shell,
        here_url=link.to("papers"),
        order=order,
        link=link,
        is_account=not link.key,
        issued=found.issued,
        drawn=[kind for kind in found.drawn if kind in OWN],
        may_invoice=found.may_invoice,
        form=form,
        status_code=status_code,
    )


async def _give(request: Asked, order: Order, name: str) -> Response[bytes]:
    asked = NAME.fullmatch(name)
    if asked is None:
        raise NotFound("paper.unknown", _("There is no such paper."))
    what, ending = asked.groups()
    commerce, merchant_id = commerce_of(request), merchant_id_of(request)
    if what in OWN:
        if ending != "pdf":
            raise NotFound("paper.unknown", _("There is no such paper."))
        file = await papers.draw_paper(
            commerce,
            merchant_id,
            order=order,
            kind=what,
            locale=request_locale(request),
            base_url=str(request.base_url),
        )
    else:
        paper = await _load_issued(request, order, what)
        file = await papers.load_file(
            commerce, merchant_id, paper=paper, form="xml" if ending == "xml" else "pdf"
        )
    return Response(
        file.content,
        media_type=file.media_type,
        headers={
            "content-disposition": f'attachment; filename="{file.name}"',
            "cache-control": "private, no-store",
            "x-content-type-options": "nosniff",
        },
    )


async def _load_issued(request: Asked, order: Order, paper_id: str) -> Paper:
    async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
        found = await papers.list_of_order(tx, order=order)
    for paper in found.issued:
        if str(paper.paper_id) == paper_id:
            return paper
    raise NotFound("paper.unknown", _("There is no such paper."))


async def _ask_invoice(request: Asked, order: Order, link: OrderLink) -> Response[Any]:
    sent = await read_values(request)
    form = Form(values={name: sent.get(name, "") for name in FIELDS})
    locale = request_locale(request)
    details = BuyerDetails(**{name: form.text(name) for name in FIELDS})
    by = order.email or "guest"
    try:
        if details != BuyerDetails():
            async with database_of(request).transaction(merchant_id_of(request)) as tx:
                await papers.save_buyer(tx, order_id=order.order_id, details=details, by=by)
        await papers.issue_invoice(
            commerce_of(request),
            merchant_id_of(request),
            order_id=order.order_id,
            by=by,
            locale=locale,
            base_url=str(request.base_url),
        )
    except Refused as refusal:
        if refusal.code == "paper.issued_already":
            # Sent twice, or from an old page: what is there is there.
            return Redirect(link.to("papers"), status_code=303)
        form.take_refusal(refusal, locale=locale)
        async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
            shell = await load_shell(request, tx)
            return await _show(request, tx, shell, order, link, form=form, status_code=refusal.status)
    return go(request, link.to("papers"), _("Your invoice is ready."))
