"""Papers: invoices and credit notes with their files, a month of them at once, and what stands on them."""

from datetime import date
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath
from litestar.response import Stream

from serai.commerce.order.api import find_order
from serai.commerce.order.types import Order
from serai.commerce.paper import api as papers
from serai.commerce.paper.types import PaperKind, SellerTerms
from serai.console.desk import AtDesk, Desk, link, not_found
from serai.console.form import Form, fill_form, note_refusal, read_form
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Refused, _
from serai.foundation.i18n import LANGUAGE_NAMES, LOCALES

PATH = "/console/papers"
PAGE_SIZE = 50
FIELDS = tuple(SellerTerms.__struct_fields__)
DRAWN: dict[str, PaperKind] = {
    "receipt.pdf": "receipt",
    "delivery_note.pdf": "delivery_note",
    "gift_receipt.pdf": "gift_receipt",
}
AnyRequest = Request[Any, Any, Any]


def _file(file: papers.PaperFile) -> Response[bytes]:
    headers = {
        "content-disposition": f'attachment; filename="{file.name}"',
        "cache-control": "private, no-store",
        "x-content-type-options": "nosniff",
    }
    return Response(file.content, media_type=file.media_type, headers=headers)


async def _show_list(desk: Desk, *, export_form: Form | None = None, status_code: int = 200) -> Response[str]:
    query, cursor = desk.query("q"), desk.query("cursor")
    async with desk.reading() as tx:
        page = await papers.list_papers(tx, query=query, cursor=cursor or None, limit=PAGE_SIZE)
        exports = await papers.list_exports(tx)
        seller = await papers.load_seller(tx)
    today = clock.now().astimezone(desk.merchant.zone)
    return desk.page(
        "paper_list.html",
        "paper",
        desk.say(_("Invoices")),
        status_code=status_code,
        rows=page.items,
        query=query,
        exports=exports,
        is_running=any(export.ended_at is None for export in exports),
        is_said=seller.version > 0,
        export_form=export_form or fill_form("export", month=f"{today:%Y-%m}"),
        export_open=export_form is not None,
        first_href=link(PATH, q=query) if cursor else "",
        next_href=link(PATH, q=query, cursor=page.next_cursor) if page.next_cursor else "",
    )


@get("/papers")
async def show_papers(desk: AtDesk) -> Response[str]:
    """All invoices and credit notes, the newest first."""
    desk.require("order.read")
    return await _show_list(desk)


@post("/papers/exports", status_code=200)
async def begin_export(request: AnyRequest, desk: AtDesk) -> Response[Any]:
    """A month as one file."""
    desk.require("order.refund")
    form = read_form("export", await request.form())
    try:
        month = date.fromisoformat(form.values.get("month", "") + "-01")
    except ValueError:
        form.errors["month"] = desk.say(_("Please give a month such as 2027-01."))
        return await _show_list(desk, export_form=form, status_code=422)

    async def effect(tx: Transaction) -> dict[str, str]:
        return {"export_id": str((await papers.begin_export(tx, month=month, by=desk.by)).export_id)}

    try:
        await desk.do_once("paper.export", form, effect)
    except Refused as error:
        note_refusal(form, error, desk.explain(error))
        return await _show_list(desk, export_form=form, status_code=error.status)
    return desk.go(PATH, _("The papers of the month are being put together."))


@get("/papers/exports/{export_id:uuid}")
async def give_export(desk: AtDesk, export_id: FromPath[UUID]) -> Stream:
    """The file of a month, once it is whole."""
    desk.require("order.refund")
    async with desk.reading() as tx:
        export = await papers.load_export(tx, export_id=export_id)
    if export.ended_at is None:
        raise not_found()
    headers = {
        "content-disposition": f'attachment; filename="papers-{export.month:%Y-%m}.zip"',
        "cache-control": "private, no-store",
    }
    stream = papers.stream_export(desk.commerce, desk.merchant_id, export)
    return Stream(stream, media_type="application/zip", headers=headers)


@get("/papers/{paper_id:uuid}/{form:str}")
async def give_paper(desk: AtDesk, paper_id: FromPath[UUID], form: FromPath[str]) -> Response[bytes]:
    """An issued paper as a file: ``pdf``, or ``xml`` for its e-invoice alone."""
    desk.require("order.read")
    if form not in ("pdf", "xml"):
        raise not_found()
    async with desk.reading() as tx:
        paper = await papers.load_paper(tx, paper_id=paper_id)
    kind: papers.Form = "xml" if form == "xml" else "pdf"
    return _file(await papers.load_file(desk.commerce, desk.merchant_id, paper=paper, form=kind))


async def _load_order(desk: Desk, number: str) -> Order:
    async with desk.reading() as tx:
        order = await find_order(tx, number=number[:40])
    if order is None:
        raise not_found()
    return order


@get("/orders/{number:str}/papers/{name:str}")
async def give_drawn(desk: AtDesk, number: FromPath[str], name: FromPath[str]) -> Response[bytes]:
    """A receipt, delivery note or gift receipt of an order, in the buyer's language."""
    desk.require("order.read")
    if name not in DRAWN:
        raise not_found()
    order = await _load_order(desk, number)
    return _file(
        await papers.draw_paper(
            desk.commerce,
            desk.merchant_id,
            order=order,
            kind=DRAWN[name],
            locale=desk.query("locale", (order.locale, *LOCALES)),
            base_url=str(desk.request.base_url),
        )
    )


@post("/orders/{number:str}/invoice", status_code=200)
async def issue(request: AnyRequest, desk: AtDesk, number: FromPath[str]) -> Response[Any]:
    """Issue an order's invoice; asked again it is the same one."""
    desk.require("order.refund")
    order = await _load_order(desk, number)
    form = read_form("invoice", await request.form())
    path = f"/console/orders/{order.number}"
    locale = form.values.get("locale", "")
    try:
        paper = await papers.issue_invoice(
            desk.commerce,
            desk.merchant_id,
            order_id=order.order_id,
            by=desk.by,
            locale=locale if locale in LOCALES else "",
            base_url=str(desk.request.base_url),
        )
    except Refused as error:
        return desk.go(path, error.message, tone="bad", **error.data)
    return desk.go(path, _("Invoice %(number)s is issued."), number=paper.number)


# ---- What stands on papers ----------------------------------------------------------------------------------------


async def _show_seller(desk: Desk, *, form: Form | None = None, status_code: int = 200) -> Response[str]:
    async with desk.reading() as tx:
        seller = await papers.load_seller(tx)
    values: dict[str, object] = dict(msgspec.to_builtins(seller.terms))
    return desk.page(
        "paper_seller.html",
        "paper",
        desk.say(_("What stands on papers")),
        crumbs=[(desk.say(_("Invoices")), PATH), (desk.say(_("What stands on papers")), "")],
        status_code=status_code,
        form=form or fill_form("seller", version=seller.version, **values),
        languages=LANGUAGE_NAMES,
    )


@get("/papers/seller")
async def show_seller(desk: AtDesk) -> Response[str]:
    """Name, address, numbers, bank and the words at the foot."""
    desk.require("settings.write")
    return await _show_seller(desk)


@post("/papers/seller", status_code=200)
async def save_seller(request: AnyRequest, desk: AtDesk) -> Response[Any]:
    """Keep them; papers that were issued stay as they are."""
    desk.require("settings.write")
    form = read_form("seller", await request.form())
    version = form.values.get("version", "")

    async def effect(tx: Transaction) -> dict[str, int]:
        terms = SellerTerms(**{name: form.values.get(name, "") for name in FIELDS})
        number = int(version) if version.isdecimal() and len(version) < 9 else -1
        return {"version": (await papers.save_seller(tx, terms=terms, version=number, by=desk.by)).version}

    try:
        await desk.do_once("paper.seller", form, effect)
    except Refused as error:
        note_refusal(form, error, desk.explain(error))
        return await _show_seller(desk, form=form, status_code=error.status)
    return desk.go(PATH, _("Saved. Papers that were issued before stay as they are."))
