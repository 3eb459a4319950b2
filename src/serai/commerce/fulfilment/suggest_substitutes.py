"""What could come instead of something short: of the same category, at the nearest unit price, in stock at the place."""

from uuid import UUID

from serai.commerce.catalogue.api import list_sale_items
from serai.commerce.fulfilment import store
from serai.commerce.fulfilment.types import Suggestion
from serai.commerce.order.api import load_order
from serai.commerce.price.api import Buyer, choose_price, list_unit_prices, price_items
from serai.commerce.stock.api import list_stock, load_available
from serai.commerce.tax.api import load_classes
from serai.foundation.database import Transaction
from serai.foundation.errors import Invalid, _

# So many of a category are looked at; of them those that are there are told.
LOOKED_AT = 60
TOLD = 12


async def suggest_substitutes(
    tx: Transaction,
    *,
    order_id: UUID,
    line_no: int,
    place_id: UUID,
    sku_id: UUID | None = None,
    query: str = "",
) -> tuple[Suggestion, ...]:
    """At most 12 things that could come instead of a line's goods, the most similar first; with a query, what matches it.

    Only what the place has, sold on the order's channel and taxed alike is told.

    Raises:
        NotFound: ``order.unknown``. Invalid: ``substitute.line_unknown``.
    """
    order = await load_order(tx, order_id=order_id)
    line = next((each for each in order.lines if each.line_no == line_no), None)
    if line is None:
        raise Invalid("substitute.line_unknown", _("This order has no such line."), field="line_no")
    wanted = sku_id or line.sku_id
    if query.strip():
        page = await list_stock(tx, place_id=place_id, query=query[:200], limit=LOOKED_AT)
        found = {row.sku_id: (row.sku, row.available) for row in page.items}
    else:
        rows = await store.list_similar(tx, wanted, order.currency, LOOKED_AT)
        stocked = await load_available(tx, sku_ids=[row["sku_id"] for row in rows], place_id=place_id)
        found = {row["sku_id"]: (row["sku"], stocked[row["sku_id"]]) for row in rows}
    own = {line.sku_id, wanted, *(part.sku_id for part in line.parts)}
    there = [each for each, (_sku, available) in found.items() if available > 0 and each not in own]
    if not there:
        return ()
    items = await list_sale_items(tx, sku_ids=there, channel=order.channel)
    prices = await price_items(tx, items=items, buyer=Buyer(order.channel))
    classes = await load_classes(tx, sku_ids=[wanted, *there])
    fit = [
        each
        for each in there
        if each in prices
        and items[each].sellable
        and items[each].currency == order.currency
        and classes[each] == classes[wanted]
    ][:TOLD]
    minor = {each: choose_price(prices[each].list_minor, prices[each].offers, 1)[0] for each in fit}
    units = await list_unit_prices(tx, prices=minor)
    return tuple(
        Suggestion(
            each,
            found[each][0],
            items[each].title,
            items[each].scale,
            items[each].unit,
            minor[each],
            items[each].currency,
            found[each][1],
            *units.get(each, (None, None)),
        )
        for each in fit
    )
