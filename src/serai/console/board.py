"""Today's board: what was sold, what waits, what runs low. The page refreshes the figures by itself."""

from litestar import Response, get

from serai.commerce.order.api import load_board
from serai.commerce.place.api import list_places
from serai.commerce.stock.api import list_stock
from serai.console.chart import draw_hours
from serai.console.desk import AtDesk
from serai.foundation import clock
from serai.foundation.errors import _

LOW_ROWS = 8


@get("/")
async def show_board(desk: AtDesk) -> Response[str]:
    """The whole page, or the figures alone for the refresh in the background."""
    desk.require("board.read")
    now = clock.now().astimezone(desk.merchant.zone)
    async with desk.reading() as tx:
        board = await load_board(tx, zone=desk.merchant.zone)
        places = await list_places(tx)
        place = next((each for each in places if each.sells_online), places[0] if places else None)
        low = await list_stock(tx, place_id=place.place_id, state="low", limit=LOW_ROWS) if place else None
    currency = desk.merchant.currency
    sold: dict[int, tuple[int, int]] = {}
    for bar in board.hourly:
        # When the clocks are put back an hour comes twice.
        orders, revenue_minor = sold.get(bar.hour.hour, (0, 0))
        sold[bar.hour.hour] = (orders + bar.orders, revenue_minor + bar.revenue_minor)
    hours = [(hour, *figures) for hour, figures in sold.items()]
    return desk.page(
        "board.html",
        "board",
        desk.say(_("Today")),
        block="figures" if desk.is_partial else None,
        board=board,
        currency=currency,
        hourly=draw_hours(hours, current_hour=now.hour, currency=currency, locale=desk.locale),
        low_stock=low.items if low else (),
        low_place=place,
        today=now.date(),
        as_of=f"{now:%H:%M:%S}",
    )
