"""Choosing the place to shop at: delivery from the warehouse, or a store for its stock and pick-up."""

from litestar import Response, get, post
from litestar.response import Redirect

from serai.commerce.cart import api as cart_api
from serai.commerce.place import api as place_api
from serai.commerce.place.types import Place
from serai.foundation.errors import NotFound, _
from serai.foundation.i18n import translate
from serai.foundation.pages import request_locale
from serai.storefront import cookie
from serai.storefront.form import read_values
from serai.storefront.notice import Notice, leave_notice
from serai.storefront.view import (
    Asked,
    database_of,
    label_place,
    load_shell,
    merchant_id_of,
    owner_of,
    safe_next,
    show,
)

SHOWN = 60


@get("/stores", include_in_schema=False)
async def show_stores(request: Asked) -> Response[str]:
    """All places, or those whose name or code holds what was typed."""
    find = " ".join(request.query_params.get("find", "").split())[:60]
    async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
        shell = await load_shell(request, tx)
        places = await place_api.list_places(tx)
    fitting = match_places(places, find)
    return show(
        request,
        "stores.html",
        shell=shell,
        places=fitting[:SHOWN],
        is_cut=len(fitting) > SHOWN,
        find=find,
        next_url=safe_next(request.query_params.get("next")),
    )


def match_places(places: list[Place], find: str) -> list[Place]:
    """Where a shopper may shop: the stores, and the warehouse that sells online. A number that ends a name comes first."""
    open_to_shoppers = [p for p in places if p.active and (p.kind == "store" or p.sells_online)]
    if not find:
        return open_to_shoppers
    words = find.casefold()
    fitting = [p for p in open_to_shoppers if words in p.name.casefold() or words in p.code.casefold()]
    return sorted(fitting, key=lambda p: p.name.casefold().split()[-1:] != [words])


@post("/stores", include_in_schema=False)
async def choose_store(request: Asked) -> Redirect:
    """Remember the place, and move the cart along. NotFound ``place.unknown`` for a place that is none."""
    values = await read_values(request)
    locale = request_locale(request)
    owner = owner_of(request)
    async with database_of(request).transaction(merchant_id_of(request), "write") as tx:
        place = await place_api.find_place(tx, code=values.get("place", "")[: cookie.PLACE_LIMIT])
        if place is None or place not in match_places([place], ""):
            raise NotFound("place.unknown", _("There is no such store."))
        if owner and await cart_api.find_cart(tx, owner=owner):
            await cart_api.set_cart_place(tx, owner=owner, place_id=place.place_id)
    response = Redirect(safe_next(values.get("next")), status_code=303)
    cookie.set_cookie(request, response, cookie.PLACE, place.code, days=cookie.PLACE_DAYS)
    text = translate(_("You are now shopping at %(place)s."), locale, {"place": label_place(place, locale)})
    leave_notice(request, response, Notice("ok", text))
    return response
