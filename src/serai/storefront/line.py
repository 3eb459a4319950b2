"""The line before scarce goods: whoever puts them into the cart stands in it first, and comes in in turn."""

from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Response, get
from litestar.params import FromPath
from litestar.response import Redirect

from serai.commerce.catalogue import api as catalogue
from serai.commerce.stock.api import load_available
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import NotFound, _
from serai.foundation.pages import request_locale
from serai.overload.room import api as room_api
from serai.overload.room.types import Room, Standing
from serai.storefront import cookie
from serai.storefront.view import (
    Asked,
    Shell,
    database_of,
    find_signed_in,
    load_shell,
    merchant_id_of,
    show,
    wants_fragment,
)

# Seconds until the page looks again by itself: soon when it is nearly one's turn, seldom far back.
LOOK_S = ((5, 2), (50, 4), (500, 8))
LOOK_FAR_S = 15


async def stand_in_line(request: Asked, sku_id: UUID, token: str) -> Response[Any] | None:
    """Lead a buyer into the line before a SKU; None when there is none, or it is the buyer's turn."""
    if not room_api.has_room(merchant_id_of(request), sku_id):
        return None
    async with database_of(request).transaction(merchant_id_of(request)) as tx:
        room = await room_api.find_room_of(tx, sku_id=sku_id)
        if room is None:
            return None
        buyers = await _name_buyer(request, tx, token)
        await room_api.join(tx, room_id=room.room_id, buyers=buyers)
        standing = await _look(request, tx, room, buyers, await load_shell(request, tx))
    if standing and standing.told == "admitted":
        return None
    address = f"/line/{room.room_id}"
    response: Response[Any] = (
        Response(None, status_code=204, headers={"hx-redirect": address})
        if wants_fragment(request)
        else Redirect(address, status_code=303)
    )
    cookie.set_cookie(request, response, cookie.CART, token, days=cookie.CART_DAYS)
    return response


async def _name_buyer(request: Asked, tx: Transaction, token: str) -> list[str]:
    """The names a buyer goes by: the member's, then the browser's."""
    member = await find_signed_in(request, tx)
    return [*([f"member:{member.member_id}"] if member else []), f"web:{token}"]


async def _look(
    request: Asked, tx: Transaction, room: Room, buyers: list[str], shell: Shell
) -> Standing | None:
    place = shell.online

    async def available() -> int:
        if place is None:
            return 0
        return (await load_available(tx, sku_ids=[room.sku_id], place_id=place.place_id))[room.sku_id]

    return await room_api.look(tx, room_id=room.room_id, buyers=buyers, available=available)


@get("/line/{room_id:uuid}", include_in_schema=False)
async def show_line(request: Asked, room_id: FromPath[UUID]) -> Response[str]:
    """How it stands; the page looks again by itself, with a script or without."""
    token = cookie.read_secret(request, cookie.CART)
    async with database_of(request).transaction(merchant_id_of(request)) as tx:
        room = await room_api.find_room(tx, room_id=room_id)
        if room is None:
            raise NotFound("room.unknown", _("There is no such line (any more)."))
        shell = await load_shell(request, tx)
        standing = None
        if token:
            standing = await _look(request, tx, room, await _name_buyer(request, tx, token), shell)
        item = (await catalogue.list_sale_items(tx, sku_ids=[room.sku_id])).get(room.sku_id)
    again_s = _look_again_s(standing) if standing else None
    fragment = "line" if wants_fragment(request) else None
    return show(
        request,
        "parts/line.html" if fragment else "line.html",
        shell=shell,
        fragment=fragment,
        room=room,
        standing=standing,
        again_s=again_s,
        left_s=_left_s(standing.until) if standing and standing.until else 0,
        title=item.label(request_locale(request)) if item else room.title,
    )


def _look_again_s(standing: Standing) -> int | None:
    """After how many seconds the page looks again; None when nothing changes any more."""
    if standing.told not in ("waiting", "spoken_for"):
        return None
    return next((seconds for ahead, seconds in LOOK_S if standing.ahead <= ahead), LOOK_FAR_S)


def _left_s(until: datetime) -> int:
    return max(0, int((until - clock.now()).total_seconds()))
