"""Waiting lines before scarce goods: opened, watched, made faster or slower, and closed again."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.params import FromPath

from serai.commerce.catalogue import api as catalogue
from serai.console.desk import AtDesk, Desk
from serai.console.form import Form, fill_form, note_refusal, read_form
from serai.foundation.database import Transaction
from serai.foundation.errors import NotFound, Refused, _
from serai.identity.audit import api as audit
from serai.overload.room import api as rooms

PATH = "/console/lines"
PERMISSION = "overload.write"
LONGEST = 12
AnyRequest = Request[Any, Any, Any]


def _fresh() -> Form:
    return fill_form("line", sku="", per_minute="60", minutes="10", units="1")


def _read_number(desk: Desk, form: Form, name: str) -> int:
    text = form.values.get(name, "")
    if text.isascii() and text.isdecimal() and len(text) <= LONGEST and int(text) > 0:
        return int(text)
    form.errors[name] = desk.say(_("Please enter a whole number above 0."))
    return 1


async def _show(desk: Desk, *, form: Form | None = None, status_code: int = 200) -> Response[str]:
    async with desk.reading() as tx:
        found = await rooms.list_rooms(tx)
    return desk.page(
        "line_list.html",
        "line",
        desk.say(_("Waiting lines")),
        status_code=status_code,
        block="lines" if desk.is_partial else None,
        rooms=found,
        form=form or _fresh(),
        form_for=lambda name: fill_form(f"line-{name}"),
    )


@get("/lines")
async def show_lines(desk: AtDesk) -> Response[str]:
    """Every line with those who stand in it; the list alone for the refresh in the background."""
    desk.require(PERMISSION)
    return await _show(desk)


@post("/lines", status_code=200)
async def open_line(request: AnyRequest, desk: AtDesk) -> Response[Any]:
    """Open a line before a SKU."""
    desk.require(PERMISSION)
    form = read_form("line", await request.form())
    per_minute, minutes, units = (
        _read_number(desk, form, name) for name in ("per_minute", "minutes", "units")
    )
    if form.errors:
        return await _show(desk, form=form, status_code=422)

    async def effect(tx: Transaction) -> dict[str, str]:
        variant = await catalogue.find_variant(tx, sku=form.values.get("sku", ""))
        product = await catalogue.find_product(tx, product_id=variant.product_id) if variant else None
        if variant is None or product is None:
            raise NotFound("room.sku_unknown", _("There is no such SKU."), field="sku")
        room = await rooms.open_room(
            tx,
            sku_id=variant.sku_id,
            title=product.title,
            per_s=per_minute / 60,
            hold_s=minutes * 60,
            units_each=units * variant.increment,
        )
        await _record(tx, desk, "line.opened", room.room_id, {"sku": variant.sku, "per_minute": per_minute})
        return {"room_id": str(room.room_id)}

    try:
        await desk.do_once("line.open", form, effect)
    except Refused as error:
        note_refusal(form, error, desk.explain(error))
        return await _show(desk, form=form, status_code=error.status)
    return desk.go(PATH, _("The line is open. Within a second every order of this passes it."))


@post("/lines/{room_id:uuid}/{what:str}", status_code=303)
async def change_line(
    request: AnyRequest, desk: AtDesk, room_id: FromPath[UUID], what: FromPath[str]
) -> Response[Any]:
    """Let in twice or half as many, or close the line."""
    desk.require(PERMISSION)
    form = read_form("line", await request.form())

    async def effect(tx: Transaction) -> dict[str, str]:
        room = await rooms.load_room(tx, room_id=room_id)
        if what == "close":
            await rooms.close_room(tx, room_id=room_id)
            await _record(tx, desk, "line.closed", room_id, {})
        elif what in ("faster", "slower"):
            per_s = room.per_s * (2 if what == "faster" else 0.5)
            await rooms.set_rate(tx, room_id=room_id, per_s=per_s)
            await _record(tx, desk, "line.rate_changed", room_id, {"per_minute": round(per_s * 60, 2)})
        else:
            raise NotFound("room.unknown", _("There is no such line (any more)."))
        return {"what": what}

    try:
        await desk.do_once(f"line.{what}.{room_id}", form, effect)
    except Refused as error:
        return desk.go(PATH, error.message, tone="bad", **error.data)
    return desk.go(PATH, _("Saved."))


async def _record(tx: Transaction, desk: Desk, action: str, room_id: UUID, after: dict[str, Any]) -> None:
    await audit.record(tx, actor=desk.by, action=action, subject_kind="line", subject_id=room_id, after=after)


HANDLERS = [show_lines, open_line, change_line]
