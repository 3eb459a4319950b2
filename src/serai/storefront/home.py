"""The home page, the help page and the choice of language."""

from litestar import Response, get, post
from litestar.response import Redirect

from serai.commerce.catalogue import api as catalogue
from serai.foundation.i18n import LOCALE_COOKIE, LOCALES
from serai.foundation.pages import request_locale
from serai.storefront import market_browse
from serai.storefront.cookie import PLACE_DAYS, set_cookie
from serai.storefront.form import read_values
from serai.storefront.price import load_deals
from serai.storefront.view import Asked, database_of, is_market, load_shell, merchant_id_of, safe_next, show

FEATURED = 10


@get("/", include_in_schema=False)
async def show_home(request: Asked) -> Response[str]:
    """Departments, what sells best, and the terms in three sentences."""
    if is_market(request):
        return await market_browse.show_home(request)
    async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
        shell = await load_shell(request, tx)
        featured = await catalogue.list_featured(tx, limit=FEATURED)
        deals = await load_deals(tx, featured, shell, request_locale(request))
    product_count = sum(department.product_count for department in shell.departments)
    return show(
        request,
        "home.html",
        shell=shell,
        keeps=True,
        featured=featured,
        deals=deals,
        product_count=product_count,
    )


@get("/help", include_in_schema=False)
async def show_help(request: Asked) -> Response[str]:
    """Delivery, payment, returns and contact, from the settings that are in force."""
    async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
        shell = await load_shell(request, tx)
    return show(request, "help.html", shell=shell, keeps=True)


@post("/locale", include_in_schema=False)
async def choose_language(request: Asked) -> Redirect:
    """Remember the language and stay on the page."""
    values = await read_values(request)
    response = Redirect(safe_next(values.get("next")), status_code=303)
    if values.get("locale") in LOCALES:
        set_cookie(request, response, LOCALE_COOKIE, values["locale"], days=PLACE_DAYS)
    return response
