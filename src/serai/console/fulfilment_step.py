"""Steps of handing over: accept, scan, pick, pack, ship, move on, call the rest off."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from litestar import Request, Response, post
from litestar.params import FromPath

from serai.commerce.cart.api import parse_amount
from serai.commerce.catalogue.api import parse_scan
from serai.commerce.fulfilment import api
from serai.commerce.fulfilment.types import Content, Pick, PickRow, Size
from serai.commerce.place.api import find_place
from serai.console.desk import AtDesk, Desk, not_found
from serai.console.form import Form, parse_uuid, read_form, take_text
from serai.console.fulfilment import PATH, Work, load_work, render_work
from serai.foundation.errors import Forbidden, Invalid, Refused, _
from serai.foundation.ids import new_id

AnyRequest = Request[Any, Any, Any]
Step = Callable[[Work, Form], Awaitable[str]]


async def do_step(
    request: AnyRequest, desk: Desk, fulfilment_id: str, step: str, permission: str, act: Step
) -> Response[Any]:
    """One step of an order's work: done, or the page again with the refusal. ``act`` returns what to say."""
    desk.require(permission)
    async with desk.reading() as tx:
        work = await load_work(tx, fulfilment_id)
    form = read_form(step, await request.form())
    try:
        await desk.claim_form(f"fulfilment.{step}.{work.fulfilment.fulfilment_id}", form)
        message = await act(work, form)
    except Forbidden:
        raise
    except Refused as error:
        form.errors[""] = desk.explain(error)
        # Its key is bound to the values that were refused; what is sent next is another form.
        form.key = str(new_id())
        async with desk.reading() as tx:
            work = await load_work(tx, fulfilment_id)
        return await render_work(desk, work, form=form, step=step, status_code=error.status)
    async with desk.reading() as tx:
        is_open = await api.find_fulfilment(tx, fulfilment_id=work.fulfilment.fulfilment_id) is not None
    return desk.go(f"{PATH}/{fulfilment_id}" if is_open else f"/console/orders/{work.order.number}", message)


ParcelStep = Callable[[Work, Form, UUID], Awaitable[str]]


async def do_parcel_step(
    request: AnyRequest,
    desk: Desk,
    fulfilment_id: str,
    parcel_id: str,
    act: ParcelStep,
    *,
    step: str = "ship",
    permission: str = "order.fulfil",
) -> Response[Any]:
    """:func:`do_step` on one parcel of the order; ``act`` gets its id. NotFound for what is none."""
    desk.require(permission)
    wanted = parse_uuid(parcel_id)
    if wanted is None:
        raise not_found()

    async def act_on_it(work: Work, form: Form) -> str:
        return await act(work, form, wanted)

    return await do_step(request, desk, fulfilment_id, step, permission, act_on_it)


@post("/fulfilment/{fulfilment_id:str}/accept", status_code=200)
async def accept(request: AnyRequest, desk: AtDesk, fulfilment_id: FromPath[str]) -> Response[Any]:
    """The place takes the work on."""

    async def act(work: Work, _form: Form) -> str:
        async with desk.db.transaction(desk.merchant_id) as tx:
            await api.accept_fulfilment(tx, fulfilment_id=work.fulfilment.fulfilment_id, by=desk.by)
        return _("Accepted. Now it can be picked.")

    return await do_step(request, desk, fulfilment_id, "accept", "order.fulfil", act)


def _field(kind: str, row: PickRow) -> str:
    """The name of a row's field."""
    return f"{kind}_{row.line_no}_{row.sku_id.hex}"


def _steps(row: PickRow, text: str) -> int:
    """Steps out of what was typed for a row; nothing and 0 are none. Invalid ``cart.quantity_invalid``."""
    text = text.strip()
    if text in ("", "0", "0.0", "0.00", "0.000"):
        return 0
    return parse_amount(text, scale=row.scale, unit=row.unit)


@post("/fulfilment/{fulfilment_id:str}/scan", status_code=200)
async def scan(request: AnyRequest, desk: AtDesk, fulfilment_id: FromPath[str]) -> Response[Any]:
    """A barcode was read: one more of that lies apart, of goods by weight what the label says."""

    async def act(work: Work, form: Form) -> str:
        found = parse_scan(form.values.get("code", ""))
        row = next(
            (
                each
                for each in work.rows
                if each.gtin and each.gtin.zfill(14) == found.gtin and each.picked < each.open
            ),
            None,
        )
        if row is None:
            raise Invalid(
                "pick.code_unknown", _("Nothing with this barcode is left to pick here."), field="code"
            )
        more = 1
        if row.scale:
            if found.weight_kg is None:
                raise Invalid(
                    "pick.weight_missing", _("This barcode tells no weight; please type it."), field="code"
                )
            more = _steps(row, found.weight_kg)
        pick = Pick(row.line_no, row.picked + more, row.sku_id)
        await _pick(desk, work, [pick], form)
        return _("Picked.")

    return await do_step(request, desk, fulfilment_id, "scan", "order.fulfil", act)


async def _pick(desk: Desk, work: Work, picks: list[Pick], form: Form, reason: str = "") -> None:
    await api.pick_goods(
        desk.commerce,
        desk.merchant_id,
        order_id=work.order.order_id,
        place_id=work.fulfilment.place_id,
        picks=picks,
        by=desk.by,
        key=f"desk:{form.key}",
        reason=reason,
    )


@post("/fulfilment/{fulfilment_id:str}/pick", status_code=200)
async def pick(request: AnyRequest, desk: AtDesk, fulfilment_id: FromPath[str]) -> Response[Any]:
    """What lies apart of each line; for those that are ticked there is no more, so the buyer gets the rest back."""

    async def act(work: Work, form: Form) -> str:
        picks = []
        is_all = form.values.get("all") == "1"
        for row in work.rows:
            text = form.values.get(_field("pick", row))
            if text is None and not is_all:
                continue
            picked = row.open if is_all else _steps(row, text or "")
            is_final = form.values.get(_field("final", row)) == "1" and not is_all
            if is_final and picked < row.open:
                desk.require("order.refund")
            picks.append(Pick(row.line_no, picked, row.sku_id, is_final))
        if picks:
            await _pick(desk, work, picks, form, form.values.get("reason", "")[:200])
        return _("Saved what was picked.")

    return await do_step(request, desk, fulfilment_id, "pick", "order.fulfil", act)


@post("/fulfilment/{fulfilment_id:str}/pack", status_code=200)
async def pack(request: AnyRequest, desk: AtDesk, fulfilment_id: FromPath[str]) -> Response[Any]:
    """A parcel is closed with what was typed for each line."""

    async def act(work: Work, form: Form) -> str:
        contents = []
        for row in work.rows:
            steps = _steps(row, form.values.get(_field("pack", row), ""))
            if steps:
                contents.append(Content(row.line_no, steps, row.sku_id))
        if not contents:
            raise Invalid("parcel.nothing_chosen", _("Please say what goes into the parcel."))
        parcel = await api.pack_parcel(
            desk.commerce,
            desk.merchant_id,
            order_id=work.order.order_id,
            place_id=work.fulfilment.place_id,
            contents=contents,
            by=desk.by,
            key=f"desk:{form.key}",
            size=_read_size(form),
        )
        return desk.say(_("Parcel %(number)s is packed."), number=parcel.parcel_no)

    return await do_step(request, desk, fulfilment_id, "pack", "order.fulfil", act)


def _read_size(form: Form) -> Size:
    """Weight in kilograms and measures in centimetres, as people type them. Invalid ``parcel.size_invalid``."""
    found: dict[str, int] = {}
    for name, field, factor, most in (
        ("weight", "weight_g", 1000, 1_000_000),
        ("length", "length_mm", 10, 10_000),
        ("width", "width_mm", 10, 10_000),
        ("height", "height_mm", 10, 10_000),
    ):
        text = form.values.get(name, "").replace(",", ".")
        if not text:
            continue
        try:
            number = round(float(text) * factor)
        except (ValueError, OverflowError):
            number = 0
        if not 1 <= number <= most:
            raise Invalid(
                "parcel.size_invalid",
                _("Please give the weight in kilograms and the measures in centimetres."),
                field=name,
            )
        found[field] = number
    return Size(**found)


@post("/fulfilment/{fulfilment_id:str}/parcels/{parcel_id:str}/ship", status_code=200)
async def ship(
    request: AnyRequest, desk: AtDesk, fulfilment_id: FromPath[str], parcel_id: FromPath[str]
) -> Response[Any]:
    """A packed parcel has left, or was handed over."""

    async def act(work: Work, form: Form, wanted: UUID) -> str:
        await api.ship_parcel(
            desk.commerce,
            desk.merchant_id,
            order_id=work.order.order_id,
            parcel_id=wanted,
            by=desk.by,
            carrier=take_text(form, "carrier", limit=60, too_long="")[:60],
            tracking=take_text(form, "tracking", limit=100, too_long="")[:100],
        )
        return _("The parcel has left.")

    return await do_parcel_step(request, desk, fulfilment_id, parcel_id, act)


@post("/fulfilment/{fulfilment_id:str}/parcels/{parcel_id:str}/unpack", status_code=200)
async def unpack(
    request: AnyRequest, desk: AtDesk, fulfilment_id: FromPath[str], parcel_id: FromPath[str]
) -> Response[Any]:
    """The goods come out of a parcel again."""

    async def act(work: Work, _form: Form, wanted: UUID) -> str:
        await api.unpack_parcel(
            desk.commerce, desk.merchant_id, order_id=work.order.order_id, parcel_id=wanted, by=desk.by
        )
        return _("The parcel is unpacked.")

    return await do_parcel_step(request, desk, fulfilment_id, parcel_id, act)


@post("/fulfilment/{fulfilment_id:str}/move", status_code=200)
async def move(request: AnyRequest, desk: AtDesk, fulfilment_id: FromPath[str]) -> Response[Any]:
    """What is not picked yet goes to another place."""

    async def act(work: Work, form: Form) -> str:
        async with desk.reading() as tx:
            place = await find_place(tx, code=form.values.get("place") or "-")
        if place is None:
            raise not_found()
        await api.move_order(
            desk.commerce,
            desk.merchant_id,
            order_id=work.order.order_id,
            from_place_id=work.fulfilment.place_id,
            to_place_id=place.place_id,
            by=desk.by,
        )
        return desk.say(_("%(place)s sends it now."), place=place.name)

    return await do_step(request, desk, fulfilment_id, "move", "order.fulfil", act)


@post("/fulfilment/{fulfilment_id:str}/rest", status_code=200)
async def cancel_rest(request: AnyRequest, desk: AtDesk, fulfilment_id: FromPath[str]) -> Response[Any]:
    """What has not left is called off; what was paid for it goes back."""
    desk.require("order.refund")

    async def act(work: Work, form: Form) -> str:
        reason = form.values.get("reason", "")[:200]
        await api.cancel_rest(
            desk.commerce, desk.merchant_id, order_id=work.order.order_id, by=desk.by, reason=reason
        )
        return _("The rest is called off.")

    return await do_step(request, desk, fulfilment_id, "rest", "order.cancel", act)


STEPS = [accept, scan, pick, pack, ship, unpack, move, cancel_rest]
