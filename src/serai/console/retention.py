"""How long personal data is kept: decided here after a look at what it would forget today. For owners."""

from typing import Any

from litestar import Request, Response, get, post

from serai.commerce.retention import api as retention
from serai.commerce.retention.types import Forgotten, RetentionPolicy
from serai.console.desk import AtDesk, Desk
from serai.console.form import Form, fill_form, note_refusal, read_form
from serai.console.variant import read_version
from serai.foundation.database import Transaction
from serai.foundation.errors import Refused, _

PATH = "/console/settings/retention"
PERMISSION = "settings.write"
FIELDS = ("order_days", "unpaid_days", "member_days")
AnyRequest = Request[Any, Any, Any]


def _fill(policy: RetentionPolicy) -> Form:
    return fill_form("retention", version=policy.version, **{name: getattr(policy, name) for name in FIELDS})


def _read_policy(desk: Desk, form: Form) -> RetentionPolicy:
    """The policy as it was typed; what is no whole number is noted at its field."""
    days: dict[str, int | None] = {}
    for name in FIELDS:
        text = form.values.get(name, "")
        days[name] = int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None
        if text and days[name] is None:
            form.errors[name] = desk.say(_("Please enter a whole number of days, or nothing."))
    return RetentionPolicy(**days, version=read_version(form.values.get("version", "")))


async def _show(
    desk: Desk, *, form: Form | None = None, preview: Forgotten | None = None, status_code: int = 200
) -> Response[str]:
    async with desk.reading() as tx:
        policy = await retention.load_policy(tx)
        due = await retention.preview_policy(tx, policy=policy)
    return desk.page(
        "retention.html",
        "setting",
        desk.say(_("Personal data")),
        crumbs=[(desk.say(_("Settings")), "/console/settings"), (desk.say(_("Personal data")), "")],
        status_code=status_code,
        form=form or _fill(policy),
        policy=policy,
        due=due,
        preview=preview,
    )


@get("/settings/retention")
async def show_retention(desk: AtDesk) -> Response[str]:
    """What is decided, and what the next run forgets."""
    desk.require(PERMISSION)
    return await _show(desk)


@post("/settings/retention", status_code=200)
async def save_retention(request: AnyRequest, desk: AtDesk) -> Response[Any]:
    """Show what the typed policy would forget today, or decide on it."""
    desk.require(PERMISSION)
    form = read_form("retention", await request.form())
    policy = _read_policy(desk, form)
    if form.errors:
        return await _show(desk, form=form, status_code=422)
    try:
        retention.check_policy(policy)
        if form.values.get("act") != "save":
            async with desk.reading() as tx:
                preview = await retention.preview_policy(tx, policy=policy)
            return await _show(desk, form=form, preview=preview)

        async def effect(tx: Transaction) -> dict[str, int]:
            return {"version": (await retention.save_policy(tx, policy=policy, by=desk.by)).version}

        await desk.do_once("setting.retention", form, effect)
    except Refused as error:
        if error.code == "retention.edited_meanwhile":
            async with desk.reading() as tx:
                form.values["version"] = str((await retention.load_policy(tx)).version)
        note_refusal(form, error, desk.explain(error))
        return await _show(desk, form=form, status_code=error.status)
    return desk.go(PATH, _("Saved. The next run is tonight."))


HANDLERS = [show_retention, save_retention]
