"""Staff: list, invite, change a role, let out and in again, give a new one-time password. For owners."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath

from serai.console.desk import AtDesk, Desk, not_found
from serai.console.form import Form, fill_form, note_refusal, parse_uuid, read_form, take_text
from serai.foundation.database import Transaction
from serai.foundation.errors import Invalid, Refused, _
from serai.foundation.ids import new_id
from serai.identity.staff.api import change_staff, invite_staff, list_staff, reset_password
from serai.identity.staff.types import ROLES, Role, Staff

ROLE_NOTES: tuple[tuple[Role, str, str], ...] = (
    ("owner", _("Owner"), _("Everything, staff and API keys included.")),
    ("manager", _("Manager"), _("Orders, refunds, products, prices and stock; reads the audit log.")),
    ("clerk", _("Clerk"), _("Orders and stock. No prices, no refunds.")),
)
PATH = "/console/staff"


class Secret(msgspec.Struct, frozen=True):
    """Something shown once: a one-time password or an API key."""

    name: str
    value: str
    email: str = ""


def _list_roles(desk: Desk) -> list[tuple[str, str, str]]:
    return [(role, desk.say(name), desk.say(note)) for role, name, note in ROLE_NOTES]


async def _show_list(
    desk: Desk, form: Form, *, secret: Secret | None = None, open_action: str = "", status_code: int = 200
) -> Response[str]:
    async with desk.reading() as tx:
        people = await list_staff(tx)
    roles = _list_roles(desk)
    return desk.page(
        "staff_list.html",
        "staff",
        desk.say(_("Staff")),
        status_code=status_code,
        people=people,
        person_keys={person.staff_id: new_id() for person in people},
        roles=roles,
        role_choices=[(value, label) for value, label, _note in roles],
        invite_form=form,
        open_action=open_action,
        secret=secret,
    )


def _new_form() -> Form:
    return fill_form("invite", name="", email="", role="clerk")


@get("/staff")
async def show_staff(desk: AtDesk) -> Response[str]:
    """Everybody who may sign in, or once could."""
    desk.require("staff.manage")
    return await _show_list(desk, _new_form())


@post("/staff/invite", status_code=200)
async def invite(request: Request[Any, Any, Any], desk: AtDesk) -> Response[Any]:
    """Add somebody. The one-time password is in this answer only: it is kept nowhere, so no redirect can show it."""
    desk.require("staff.manage")
    form = read_form("invite", await request.form())
    too_long = desk.say(_("That is too long."))
    name = take_text(form, "name", limit=100, missing=desk.say(_("Please give a name.")), too_long=too_long)
    email = take_text(
        form, "email", limit=200, missing=desk.say(_("Please give an e-mail address.")), too_long=too_long
    )
    role = _read_role(form.values.get("role", ""))
    if role is None:
        form.errors["role"] = desk.say(_("There is no such role."))
    if form.errors or role is None:
        return await _show_list(desk, form, open_action="invite", status_code=422)
    made: list[Secret] = []

    async def effect(tx: Transaction) -> dict[str, str]:
        person, password = await invite_staff(tx, email=email, name=name, role=role, by=desk.by)
        made.append(Secret(person.name, password, person.email))
        return {"staff_id": str(person.staff_id)}

    try:
        await desk.do_once("staff.invite", form, effect)
    except Refused as error:
        note_refusal(form, error, desk.explain(error))
        return await _show_list(desk, form, open_action="invite", status_code=error.status)
    if not made:
        message = _("%(name)s has been invited already. If the password was missed, give a new one.")
        return desk.go(PATH, message, tone="warn", name=name)
    return await _show_list(desk, _new_form(), secret=made[0])


def _read_role(text: str) -> Role | None:
    return next((role for role in ROLES if role == text), None)


async def _load_person(tx: Transaction, desk: Desk, staff_id: UUID) -> Staff:
    """Somebody else of this merchant; nobody locks themselves out by a slip here."""
    person = next((p for p in await list_staff(tx) if p.staff_id == staff_id), None)
    if person is None:
        raise not_found()
    if person.staff_id == desk.staff.staff_id:
        raise Invalid("console.not_oneself", _("Ask another owner to change your own role or access."))
    return person


async def _change(
    desk: Desk, staff_id: str, message: str, *, role: Role | None = None, active: bool | None = None
) -> Response[Any]:
    desk.require("staff.manage")
    wanted = parse_uuid(staff_id)
    if wanted is None:
        raise not_found()
    try:
        async with desk.db.transaction(desk.merchant_id) as tx:
            person = await _load_person(tx, desk, wanted)
            await change_staff(
                tx,
                staff_id=wanted,
                role=role or person.role,
                active=person.active if active is None else active,
                by=desk.by,
            )
    except Refused as error:
        if error.status == 404:
            raise
        return desk.go(PATH, error.message, tone="bad", **error.data)
    return desk.go(PATH, message, name=person.name)


@post("/staff/{staff_id:str}/role", status_code=303)
async def set_role(request: Request[Any, Any, Any], desk: AtDesk, staff_id: FromPath[str]) -> Response[Any]:
    """Give somebody another role, from their next click on."""
    desk.require("staff.manage")
    role = _read_role(str((await request.form()).get("role", "")))
    if role is None:
        return desk.go(PATH, _("There is no such role."), tone="bad")
    return await _change(desk, staff_id, _("The role of %(name)s is changed."), role=role)


@post("/staff/{staff_id:str}/deactivate", status_code=303)
async def deactivate(desk: AtDesk, staff_id: FromPath[str]) -> Response[Any]:
    """Let somebody out; their sessions end at once."""
    return await _change(desk, staff_id, _("%(name)s can no longer sign in."), active=False)


@post("/staff/{staff_id:str}/activate", status_code=303)
async def activate(desk: AtDesk, staff_id: FromPath[str]) -> Response[Any]:
    """Let somebody in again with the password they had."""
    return await _change(desk, staff_id, _("%(name)s can sign in again."), active=True)


@post("/staff/{staff_id:str}/password", status_code=200)
async def give_password(
    request: Request[Any, Any, Any], desk: AtDesk, staff_id: FromPath[str]
) -> Response[Any]:
    """A new one-time password for somebody who forgot theirs; shown in this answer only."""
    desk.require("staff.manage")
    wanted = parse_uuid(staff_id)
    if wanted is None:
        raise not_found()
    form = read_form("reset", await request.form())
    made: list[Secret] = []

    async def effect(tx: Transaction) -> dict[str, str]:
        person = await _load_person(tx, desk, wanted)
        password = await reset_password(tx, staff_id=wanted, by=desk.by)
        made.append(Secret(person.name, password, person.email))
        return {"staff_id": str(wanted)}

    await desk.do_once("staff.password", form, effect)
    if not made:
        return desk.go(PATH, _("A new password has been given already; it was shown once."), tone="warn")
    return await _show_list(desk, _new_form(), secret=made[0])
