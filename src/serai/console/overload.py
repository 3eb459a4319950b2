"""What is left out when very many come: how pressed the shop is, and a switch for everything that can be left out."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath

from serai.console.desk import AtDesk
from serai.console.form import fill_form, read_form
from serai.foundation.database import Transaction
from serai.foundation.errors import Refused, _
from serai.identity.audit import api as audit
from serai.overload.ladder import api as ladder

PATH = "/console/overload"
PERMISSION = "overload.write"
AnyRequest = Request[Any, Any, Any]


@get("/overload")
async def show_overload(desk: AtDesk) -> Response[str]:
    """The level now and every switch; the upper part alone for the refresh in the background."""
    desk.require(PERMISSION)
    async with desk.reading() as tx:
        states = await ladder.list_states(tx)
    pressure = await ladder.load_pressure(desk.db)
    saved = ladder.list_saved(pressure.level, {name: state.mode for name, state in states.items()})
    return desk.page(
        "overload.html",
        "overload",
        desk.say(_("Peak switches")),
        block="now" if desk.is_partial else None,
        pressure=pressure,
        levels=ladder.LEVELS,
        switches=[(each, states[each.name], each.name in saved) for each in ladder.SWITCHES],
        saved=saved,
        form_for=lambda name: fill_form(f"switch-{name}"),
    )


@post("/overload/{name:str}", status_code=303)
async def turn_switch(request: AnyRequest, desk: AtDesk, name: FromPath[str]) -> Response[Any]:
    """Decide about one switch."""
    desk.require(PERMISSION)
    form = read_form("switch", await request.form())
    mode = form.values.get("mode", "")

    async def effect(tx: Transaction) -> dict[str, str]:
        before = await ladder.set_switch(tx, name=name, mode=mode, by=desk.by)
        if before != mode:
            await audit.record(
                tx,
                actor=desk.by,
                action="overload.switched",
                subject_kind="switch",
                subject_id=name,
                before={"mode": before},
                after={"mode": mode},
            )
        return {"mode": mode}

    try:
        await desk.do_once(f"overload.{name}", form, effect)
    except Refused as error:
        return desk.go(PATH, error.message, tone="bad", **error.data)
    return desk.go(PATH, _("Saved. Every web worker follows within a second."))


HANDLERS = [show_overload, turn_switch]
