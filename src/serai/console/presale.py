"""Presales at the console: the list, the writer with its preview, one presale with its report, publish and stop."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath

from serai.commerce.presale import api
from serai.commerce.presale.types import Presale, PresaleTerms
from serai.console.desk import AtDesk, Desk, link, not_found
from serai.console.form import Form, note_refusal, parse_uuid, read_form
from serai.console.presale_form import SENT, TIERS, fill_terms, note_faults, read_terms
from serai.console.promotion import explain_refusal
from serai.console.promotion_scope import name_skus
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Invalid, NotFound, Refused, _

PATH = "/console/presales"
PAGE_SIZE = 25
AnyRequest = Request[Any, Any, Any]


@get("/presales")
async def show_presales(desk: AtDesk) -> Response[str]:
    """All presales, the one changed last first."""
    desk.require("product.read")
    query, cursor = desk.query("q"), desk.query("cursor")
    async with desk.reading() as tx:
        page = await api.list_presales(tx, query=query, cursor=cursor or None, limit=PAGE_SIZE)
        counts = await api.count_pieces(tx, presale_ids=[each.presale_id for each in page.items])
    now = clock.now()
    return desk.page(
        "presale_list.html",
        "presale",
        desk.say(_("Presales")),
        rows=[(each, each.stand(now), counts[each.presale_id]) for each in page.items],
        query=query,
        first_href=link(PATH, q=query) if cursor else "",
        next_href=link(PATH, q=query, cursor=page.next_cursor) if page.next_cursor else "",
    )


@get("/presales/new")
async def show_new(desk: AtDesk) -> Response[str]:
    """An empty form."""
    desk.require("promotion.write")
    return _show_writer(desk, fill_terms(None, [], desk.merchant.currency, desk.merchant.zone), None, None)


def _show_writer(
    desk: Desk, form: Form, presale: Presale | None, preview: PresaleTerms | None, *, status_code: int = 200
) -> Response[str]:
    title = presale.terms.label(desk.locale) if presale else desk.say(_("New presale"))
    rows = next((n for n in range(TIERS, 0, -1) if form.values.get(f"tier_least_{n}")), 0)
    return desk.page(
        "presale_form.html",
        "presale",
        title,
        crumbs=[(desk.say(_("Presales")), PATH), (title, "")],
        status_code=status_code,
        form=form,
        presale=presale,
        preview=preview,
        action=f"{PATH}/{presale.presale_id}/edit" if presale else f"{PATH}/new",
        tier_rows=range(1, min(TIERS, rows + 1) + 1),
        currency=desk.merchant.currency,
    )


@post("/presales/new", status_code=200)
async def add(request: AnyRequest, desk: AtDesk) -> Response[Any]:
    """Keep a new presale as a draft, or count a preview."""
    desk.require("promotion.write")
    sent = await request.form()
    return await _write(desk, read_form("presale", {name: sent.get(name) for name in SENT}), None)


@get("/presales/{presale_id:str}/edit")
async def show_edit(desk: AtDesk, presale_id: FromPath[str]) -> Response[Any]:
    """The form of a draft."""
    desk.require("promotion.write")
    async with desk.reading() as tx:
        presale = await load_asked(tx, presale_id)
        names = await name_skus(tx, presale.terms.sku_ids)
    if presale.state != "draft":
        return desk.go(
            f"{PATH}/{presale_id}",
            _("What was published stays as it is: its buyers agreed to it."),
            tone="warn",
        )
    skus = [names[each] for each in presale.terms.sku_ids if each in names]
    form = fill_terms(presale.terms, skus, desk.merchant.currency, desk.merchant.zone, presale.version)
    return _show_writer(desk, form, presale, presale.terms)


@post("/presales/{presale_id:str}/edit", status_code=200)
async def edit(request: AnyRequest, desk: AtDesk, presale_id: FromPath[str]) -> Response[Any]:
    """Give a draft other terms, or count a preview."""
    desk.require("promotion.write")
    sent = await request.form()
    async with desk.reading() as tx:
        presale = await load_asked(tx, presale_id)
    return await _write(desk, read_form("presale", {name: sent.get(name) for name in SENT}), presale)


async def _write(desk: Desk, form: Form, presale: Presale | None) -> Response[Any]:
    async with desk.reading() as tx:
        terms = await read_terms(tx, desk, form)
    if terms is None:
        return _show_writer(desk, form, presale, None, status_code=422)
    if form.values.pop("intent", "") == "preview":
        for fault in api.check_terms(terms):
            note_faults(desk, form, _as_refusal(fault.field, fault.message, fault.data))
        return _show_writer(desk, form, presale, terms, status_code=422 if form.errors else 200)

    async def effect(tx: Transaction) -> dict[str, str]:
        if presale is None:
            kept = await api.create_presale(tx, terms=terms, by=desk.by)
        else:
            text = form.values.get("version", "")
            version = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
            kept = await api.edit_presale(
                tx, presale_id=presale.presale_id, version=version, terms=terms, by=desk.by
            )
        return {"presale_id": str(kept.presale_id)}

    try:
        reply = await desk.do_once("presale", form, effect)
    except Refused as error:
        if isinstance(error, Invalid) and error.data.get("reasons"):
            note_faults(desk, form, error)
        else:
            note_refusal(form, error, desk.explain(error))
        return _show_writer(desk, form, presale, terms, status_code=error.status)
    return desk.go(
        f"{PATH}/{reply.body['presale_id']}", _("Kept as a draft. Shoppers see it once it is published.")
    )


def _as_refusal(field: str, message: str, data: dict[str, Any]) -> Invalid:
    return Invalid("presale.invalid", message, reasons=[{"field": field, "message": message, **data}])


async def load_asked(tx: Transaction, presale_id: str) -> Presale:
    """The presale of an address. NotFound ``console.not_found``."""
    found = parse_uuid(presale_id)
    if found is None:
        raise not_found()
    try:
        return await api.load_presale(tx, presale_id=found)
    except NotFound as error:
        raise not_found() from error


@get("/presales/{presale_id:str}")
async def show_presale(desk: AtDesk, presale_id: FromPath[str]) -> Response[str]:
    """One presale: what its buyers pay, and what it has come to."""
    desk.require("product.read")
    async with desk.reading() as tx:
        presale = await load_asked(tx, presale_id)
        report = await api.load_report(tx, presale_id=presale.presale_id)
        names = await name_skus(tx, presale.terms.sku_ids)
    title = presale.terms.label(desk.locale)
    return desk.page(
        "presale.html",
        "presale",
        title,
        crumbs=[(desk.say(_("Presales")), PATH), (title, "")],
        presale=presale,
        terms=presale.terms,
        stand=presale.stand(clock.now()),
        report=report,
        reached=presale.percent or presale.terms.percent_at(report.count.sold),
        skus=[names.get(each, "–") for each in presale.terms.sku_ids],
        path=f"{PATH}/{presale.presale_id}",
        currency=desk.merchant.currency,
    )


@post("/presales/{presale_id:str}/publish", status_code=303)
async def publish(request: AnyRequest, desk: AtDesk, presale_id: FromPath[str]) -> Response[Any]:
    """Let the version that was looked at take deposits."""
    desk.require("promotion.write")
    sent = str((await request.form()).get("version", ""))
    version = int(sent) if sent.isascii() and sent.isdigit() and len(sent) < 10 else 0
    async with desk.reading() as tx:
        presale = await load_asked(tx, presale_id)
    path = f"{PATH}/{presale.presale_id}"
    try:
        await api.publish_presale(
            desk.commerce, desk.merchant_id, presale_id=presale.presale_id, version=version, by=desk.by
        )
    except Refused as error:
        return desk.go(path, explain_refusal(desk, error), tone="bad")
    return desk.go(path, _("“%(name)s” takes deposits in its time."), name=presale.terms.name)


@post("/presales/{presale_id:str}/stop", status_code=303)
async def stop(desk: AtDesk, presale_id: FromPath[str]) -> Response[Any]:
    """Take no more deposits."""
    desk.require("promotion.write")
    async with desk.db.transaction(desk.merchant_id) as tx:
        presale = await load_asked(tx, presale_id)
        await api.stop_presale(tx, presale_id=presale.presale_id, by=desk.by)
    return desk.go(
        f"{PATH}/{presale.presale_id}",
        _("No more deposits are taken. Those that were paid count, and balances come as agreed."),
    )
