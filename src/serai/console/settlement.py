"""A market's settlement report: what was sold for every member, what was kept as commission, what is owed."""

from litestar import Response, get

from serai.commerce.market.api import list_settlements
from serai.console.desk import AtDesk, not_found
from serai.foundation.errors import _
from serai.identity.merchant.api import list_merchants


@get("/settlement")
async def show_settlement(desk: AtDesk) -> Response[str]:
    """Where every member stands. Only markets have such a page."""
    desk.require("audit.read")
    if desk.merchant.kind != "market":
        raise not_found()
    async with desk.reading() as tx:
        rows = await list_settlements(tx, currency=desk.merchant.currency)
    names = {merchant.merchant_id: merchant.name for merchant in await list_merchants(desk.db)}
    return desk.page(
        "settlement.html",
        "market",
        desk.say(_("Settlement")),
        rows=rows,
        names=names,
        sold_minor=sum(row.sold_minor for row in rows),
        due_minor=sum(row.due_minor for row in rows),
    )
