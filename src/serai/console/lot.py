"""Lots at the desk: what is near its date, who got a lot, and which goods are kept by lots."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.params import FromPath

from serai.commerce.catalogue.api import find_product, find_variant
from serai.commerce.lot import api
from serai.commerce.lot.types import LotMark
from serai.commerce.place.api import list_places
from serai.console.desk import AtDesk, link, not_found
from serai.console.form import Form, read_form
from serai.foundation import clock
from serai.foundation.errors import Forbidden, Invalid, Refused, _

PATH = "/console/lots"
SPANS = (7, 14, 30, 90)
AnyRequest = Request[Any, Any, Any]


def read_mark(form: Form) -> LotMark | None:
    """What was typed of a lot; None when nothing was. Invalid ``lot.date_invalid``."""
    code, text = form.values.get("lot", "").strip(), form.values.get("best_before", "").strip()
    if not code and not text:
        return None
    try:
        return LotMark(code, date.fromisoformat(text) if text else None)
    except ValueError as error:
        raise Invalid(
            "lot.date_invalid", _("Please give a date such as 2027-03-31."), field="best_before"
        ) from error


@get("/lots")
async def show_expiring(desk: AtDesk) -> Response[str]:
    """What lies somewhere and is near its date, or past it."""
    desk.require("stock.read")
    asked = desk.query("days")
    days = next((each for each in SPANS if str(each) == asked), 14)
    async with desk.reading() as tx:
        rows = await api.list_expiring(tx, until=clock.now().date() + timedelta(days=days))
    title = desk.say(_("Best before"))
    return desk.page(
        "lot_list.html",
        "stock",
        title,
        crumbs=[(desk.say(_("Stock")), "/console/stock"), (title, "")],
        rows=rows,
        days=days,
        tabs=[
            (desk.say(_("%(count)s days"), count=each), link(PATH, days=str(each)), each == days)
            for each in SPANS
        ],
    )


@get("/lots/{lot_id:uuid}")
async def show_lot(desk: AtDesk, lot_id: FromPath[UUID]) -> Response[str]:
    """Where a lot lies, and which orders got some of it."""
    desk.require("stock.read")
    desk.require("order.read")
    async with desk.reading() as tx:
        lot = await api.load_lot(tx, lot_id=lot_id)
        variant = await find_variant(tx, sku_id=lot.sku_id)
        if variant is None:
            raise not_found()
        product = await find_product(tx, product_id=variant.product_id, published=None)
        levels = [each for each in await api.list_levels(tx, sku_ids=[lot.sku_id]) if each.lot_id == lot_id]
        orders = await api.list_lot_orders(tx, lot_id=lot_id)
        names = {place.place_id: place.name for place in await list_places(tx)}
    title = lot.code or desk.say(_("Lot unknown"))
    return desk.page(
        "lot.html",
        "stock",
        title,
        crumbs=[(desk.say(_("Stock")), "/console/stock"), (desk.say(_("Best before")), PATH), (title, "")],
        lot=lot,
        variant=variant,
        product=product.label(desk.locale) if product else variant.sku,
        levels=[(names.get(each.place_id, ""), each.on_hand) for each in levels],
        orders=orders,
    )


@post("/lots/rules/{sku_id:uuid}", status_code=200)
async def save_rule(request: AnyRequest, desk: AtDesk, sku_id: FromPath[UUID]) -> Response[Any]:
    """Keep a SKU by lots, or no longer."""
    desk.require("stock.write")
    form = read_form("lots", await request.form())
    back = f"/console/stock/{sku_id}"
    text = form.values.get("rest_days", "").strip()
    try:
        await desk.claim_form(f"lots.{sku_id}", form)
        if form.values.get("stop"):
            days = None
        elif text.isascii() and text.isdigit() and len(text) <= 4:
            days = int(text)
        else:
            raise Invalid("lot.rest_invalid", _("Please give days from 0 to 3650."), field="rest_days")
        await api.keep_lots(desk.commerce, desk.merchant_id, sku_id=sku_id, rest_days=days, by=desk.by)
    except Forbidden:
        raise
    except Refused as error:
        return desk.go(back, desk.explain(error))
    return desk.go(back, _("Kept by lots.") if days is not None else _("No longer kept by lots."))


STEPS = [show_expiring, show_lot, save_rule]
