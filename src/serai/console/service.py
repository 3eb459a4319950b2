"""How the service does: a verdict in words, plots of the last minutes, and what it is made of. Refreshes by itself."""

from collections.abc import Callable, Sequence
from datetime import datetime

import msgspec
from litestar import Response, get

from serai.console.desk import AnyRequest, AtDesk, Desk, not_found
from serai.console.line_chart import Line, LineChart, draw_lines
from serai.data.service.api import load_service
from serai.data.service.types import Moment, Service
from serai.foundation import clock
from serai.foundation.errors import _

PERMISSION = "settings.write"
# The table has one row for this many moments.
ROW_EVERY = 15

VERDICTS = {
    "ok": _("All is well."),
    "warn": _("It works, but something wants looking at."),
    "bad": _("Something is broken."),
}


class Plot(msgspec.Struct, frozen=True):
    """One chart with its heading and the unit of its figures."""

    name: str
    title: str
    unit: str
    chart: LineChart


def _read(moments: Sequence[Moment], read: Callable[[Moment], float | None]) -> list[float | None]:
    return [read(moment) for moment in moments]


def make_plots(desk: Desk, service: Service) -> list[Plot]:
    """The six charts of the board."""
    moments = service.moments
    at = [moment.at for moment in moments]

    def plot(name: str, title: str, unit: str, *lines: tuple[str, Callable[[Moment], float | None]]) -> Plot:
        drawn = [Line(desk.say(label), _read(moments, read)) for label, read in lines]
        return Plot(name, desk.say(title), desk.say(unit), draw_lines(at, drawn, desk.locale))

    return [
        plot(
            "orders", _("Orders"), _("per second"), (_("Placed"), lambda m: m.placed), (_("Paid"), lambda m: m.paid)
        ),
        plot(
            "latency", _("Time to answer"), _("ms"),
            (_("Half within"), lambda m: m.p50_ms), (_("99 of 100 within"), lambda m: m.p99_ms),
        ),
        plot(
            "requests", _("Requests"), _("per second"),
            (_("Answered"), lambda m: m.requests), (_("Sent away"), lambda m: m.shed), (_("Failed"), lambda m: m.failed),
        ),
        plot(
            "lane", _("Ledger lane"), _("bookings"),
            (_("In a batch"), lambda m: m.batch), (_("Waiting"), lambda m: m.depth),
        ),
        plot(
            "database", _("Database connections"), _("connections"),
            (_("Busy"), lambda m: m.busy), (_("Open"), lambda m: m.connections), (_("Waited for"), lambda m: m.waiting),
        ),
        plot(
            "commit", _("Commit and event log"), _("ms"),
            (_("Time of a commit"), lambda m: m.commit_ms), (_("Event log behind"), lambda m: m.lag_s * 1_000),
        ),
    ]  # fmt: skip


@get("/service")
async def show_service(request: AnyRequest, desk: AtDesk) -> Response[str]:
    """The whole page, or the figures alone for the refresh in the background."""
    desk.require(PERMISSION)
    if not desk.merchant.is_default:
        raise not_found()
    service = await load_service(request.app.state.lookout)
    now = clock.now().astimezone(desk.merchant.zone)
    return desk.page(
        "service.html",
        "service",
        desk.say(_("Service")),
        block="figures" if desk.is_partial else None,
        service=service,
        verdict=desk.say(VERDICTS[service.tone]),
        findings=[(each.tone, desk.say(each.message, **each.data)) for each in service.findings],
        plots=make_plots(desk, service),
        rows=[
            (f"{datetime.fromtimestamp(moment.at, desk.merchant.zone):%H:%M:%S}", moment)
            for moment in service.moments[::-1][::ROW_EVERY]
        ],
        as_of=f"{now:%H:%M:%S}",
    )
