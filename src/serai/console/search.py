"""One search over orders and products: a page of results, and hits below the field while typing."""

from typing import Any

from litestar import Response, get
from litestar.response import Redirect

from serai.commerce.catalogue.api import list_products
from serai.commerce.order.api import list_orders
from serai.console.desk import AtDesk
from serai.foundation.errors import _

HITS = 5
RESULTS = 10


@get("/search")
async def search(desk: AtDesk) -> Response[Any]:
    """Orders by number, e-mail or name and products by title or SKU. An order's whole number leads straight to it."""
    text = desk.query("q")
    limit = HITS if desk.is_partial else RESULTS
    orders: tuple[Any, ...] = ()
    products: tuple[Any, ...] = ()
    if text:
        async with desk.reading() as tx:
            if desk.staff.may("order.read"):
                orders = (await list_orders(tx, query=text, limit=limit)).items
            if desk.staff.may("product.read"):
                products = (await list_products(tx, query=text, published=None, limit=limit)).items
    if not desk.is_partial and len(orders) == 1 and orders[0].number.lower() == text.lower():
        return Redirect(f"/console/orders/{orders[0].number}", status_code=303)
    return desk.page(
        "search.html",
        "",
        desk.say(_("Search")),
        block="hits" if desk.is_partial else None,
        search_text=text,
        orders=orders,
        products=products,
    )
