"""Members: search them, see whether their address is proven, give them a price level."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.params import FromPath

from serai.console.desk import AtDesk, Desk, link
from serai.console.form import Form, fill_form, parse_uuid, read_form
from serai.foundation.errors import Refused, _
from serai.identity.member.api import list_members, set_member_level

PATH = "/console/members"
PAGE_SIZE = 50


@get("/members")
async def show_members(desk: AtDesk) -> Response[str]:
    """The list, the newest first."""
    desk.require("order.read")
    return await _show(desk)


async def _show(
    desk: Desk, *, form: Form | None = None, open_id: UUID | None = None, status_code: int = 200
) -> Response[str]:
    query, before = desk.query("q"), parse_uuid(desk.query("before"))
    async with desk.reading() as tx:
        found = await list_members(tx, query=query, before=before, limit=PAGE_SIZE + 1)
    members = found[:PAGE_SIZE]
    more = members[-1].member_id if len(found) > PAGE_SIZE else None
    return desk.page(
        "member_list.html",
        "member",
        desk.say(_("Members")),
        status_code=status_code,
        members=members,
        query=query,
        form=form,
        open_id=open_id,
        level_form=lambda member: fill_form(f"m{member.member_id.hex[-8:]}", level=member.level),
        may_set=desk.staff.may("price.write"),
        first_href=link(PATH, q=query) if before else "",
        next_href=link(PATH, q=query, before=more) if more else "",
    )


@post("/members/{member_id:uuid}/level", status_code=200)
async def set_level(
    request: Request[Any, Any, Any], desk: AtDesk, member_id: FromPath[UUID]
) -> Response[Any]:
    """Give a price level; an empty one is the ordinary one."""
    desk.require("price.write")
    form = read_form(f"m{member_id.hex[-8:]}", await request.form())
    try:
        async with desk.db.transaction(desk.merchant_id) as tx:
            member = await set_member_level(
                tx, member_id=member_id, level=form.values.get("level", "").lower(), by=desk.by
            )
    except Refused as error:
        if error.status == 404:
            raise
        form.errors["level"] = desk.explain(error)
        return await _show(desk, form=form, open_id=member_id, status_code=error.status)
    return desk.go(link(PATH, q=member.number), _("The level of %(number)s is saved."), number=member.number)
