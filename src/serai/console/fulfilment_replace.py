"""Picking something else instead of what is short: what the place has that is similar, or what is searched for."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.params import FromPath

from serai.commerce.cart.api import parse_amount
from serai.commerce.catalogue.api import list_sale_items
from serai.commerce.fulfilment import api
from serai.commerce.fulfilment.types import PickRow, Replacement, show_plain
from serai.console.desk import AtDesk, Desk, not_found
from serai.console.form import Form, fill_form, parse_uuid, read_form
from serai.console.fulfilment import PATH, SECTION, Work, load_work
from serai.foundation.errors import Forbidden, Invalid, Refused, _
from serai.foundation.ids import new_id

AnyRequest = Request[Any, Any, Any]
ROW = "/fulfilment/{fulfilment_id:str}/replace/{line_no:int}/{sku_id:uuid}"


def _find_row(work: Work, line_no: int, sku_id: UUID) -> PickRow:
    row = next((each for each in work.rows if (each.line_no, each.sku_id) == (line_no, sku_id)), None)
    if row is None or row.open == row.packed:
        raise not_found()
    return row


@get(ROW)
async def show_choice(
    desk: AtDesk, fulfilment_id: FromPath[str], line_no: FromPath[int], sku_id: FromPath[UUID]
) -> Response[str]:
    """What could come instead of a row of the pick list."""
    desk.require("order.fulfil")
    desk.require("order.refund")
    async with desk.reading() as tx:
        work = await load_work(tx, fulfilment_id)
    return await _render(desk, work, _find_row(work, line_no, sku_id))


async def _render(
    desk: Desk, work: Work, row: PickRow, *, form: Form | None = None, status_code: int = 200
) -> Response[str]:
    query = desk.query("q")[:200]
    item = work.fulfilment
    async with desk.reading() as tx:
        found = await api.suggest_substitutes(
            tx,
            order_id=item.order_id,
            line_no=row.line_no,
            place_id=item.place_id,
            sku_id=row.sku_id,
            query=query,
        )
        agreed = await api.list_wishes(tx, order_id=item.order_id, line_nos=[row.line_no])
    missing = row.open - row.picked or row.open - row.packed
    filled = form or fill_form("replace", count=show_plain(missing, row.scale), reason="")
    title = desk.say(_("Something else instead"))
    return desk.page(
        "fulfilment_replace.html",
        SECTION,
        title,
        crumbs=[
            (desk.say(_("Fulfilment")), PATH),
            (work.order.number, f"{PATH}/{item.fulfilment_id}"),
            (title, ""),
        ],
        status_code=status_code,
        row=row,
        line=next(each for each in work.order.lines if each.line_no == row.line_no),
        order=work.order,
        item=item,
        found=found,
        query=query,
        agreed=agreed[row.line_no],
        missing=show_plain(missing, row.scale),
        form=filled,
        base=f"{PATH}/{item.fulfilment_id}/replace/{row.line_no}/{row.sku_id}",
        back=f"{PATH}/{item.fulfilment_id}",
    )


@post(ROW, status_code=200)
async def replace(
    request: AnyRequest,
    desk: AtDesk,
    fulfilment_id: FromPath[str],
    line_no: FromPath[int],
    sku_id: FromPath[UUID],
) -> Response[Any]:
    """It was picked instead: the buyer gets the difference back where it costs less."""
    desk.require("order.fulfil")
    desk.require("order.refund")
    async with desk.reading() as tx:
        work = await load_work(tx, fulfilment_id)
    row = _find_row(work, line_no, sku_id)
    form = read_form("replace", await request.form())
    try:
        await desk.claim_form(f"fulfilment.replace.{work.fulfilment.fulfilment_id}", form)
        await api.substitute_goods(
            desk.commerce,
            desk.merchant_id,
            order_id=work.order.order_id,
            place_id=work.fulfilment.place_id,
            replacement=await _read(desk, row, form),
            by=desk.by,
            key=f"desk:{form.key}",
            reason=form.values.get("reason", "")[:200],
        )
    except Forbidden:
        raise
    except Refused as error:
        form.errors[""] = desk.explain(error)
        form.key = str(new_id())
        return await _render(desk, work, row, form=form, status_code=error.status)
    return desk.go(f"{PATH}/{fulfilment_id}", _("It comes instead, and lies apart."))


async def _read(desk: Desk, row: PickRow, form: Form) -> Replacement:
    """What was chosen, and how much of it. Invalid ``substitute.nothing_chosen``, ``cart.quantity_invalid``."""
    new_sku_id = parse_uuid(form.values.get("sku") or "")
    async with desk.reading() as tx:
        items = await list_sale_items(tx, sku_ids=[new_sku_id]) if new_sku_id else {}
    item = items.get(new_sku_id) if new_sku_id else None
    if item is None:
        raise Invalid("substitute.nothing_chosen", _("Please choose what comes instead."), field="sku")
    count = parse_amount(form.values.get("count") or "", scale=row.scale, unit=row.unit)
    text = form.values.get(f"amount_{item.sku_id.hex}") or form.values.get("count") or ""
    return Replacement(
        row.line_no, count, item.sku_id, parse_amount(text, scale=item.scale, unit=item.unit), row.sku_id
    )


STEPS = [show_choice, replace]
