"""Handing over: what waits at which place, pick lists, and one order's work with its parcels."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get
from litestar.params import FromPath

from serai.commerce.carrier.api import list_labels
from serai.commerce.carrier.types import Label
from serai.commerce.catalogue.types import show_amount
from serai.commerce.fulfilment import api
from serai.commerce.fulfilment.types import STAGES, Fulfilment, PickRow, Stage
from serai.commerce.order.api import load_order
from serai.commerce.order.types import Order
from serai.commerce.parcel.types import Parcel
from serai.commerce.place.api import find_place, list_places
from serai.commerce.place.types import Place
from serai.console.desk import AtDesk, Desk, link, not_found
from serai.console.form import Form, fill_form, parse_uuid
from serai.foundation.database import Transaction
from serai.foundation.errors import _

PATH = "/console/fulfilment"
SECTION = "fulfilment"
PAGE_SIZE = 50
STAGE_WORDS = {
    "accept": _("To accept"),
    "pick": _("To pick"),
    "pack": _("To pack"),
    "ship": _("To ship"),
    "collect": _("To collect"),
}
# What spoke against a place, as routing tells it.
WHY = {
    "short": _("does not have all of it: %(missing)s missing"),
    "expiring": _("has too little that is good for long enough: %(missing)s missing"),
    "more_parcels": _("would need more parcels"),
    "farther": _("is farther away (%(nearness)s)"),
    "busier": _("has more to do: %(load)s orders"),
    "later": _("is listed after it"),
    "excluded": _("did not accept in time"),
}
NEARNESS = {
    "same postcode": _("same postcode"),
    "same city": _("same city"),
    "same region": _("same region"),
    "same country": _("same country"),
    "far": _("far, or not told"),
}
AnyRequest = Request[Any, Any, Any]


class Work(msgspec.Struct, frozen=True):
    """One order's work at a place: what is to be picked and packed, and the parcels that were packed there."""

    fulfilment: Fulfilment
    order: Order
    rows: tuple[PickRow, ...]
    parcels: tuple[Parcel, ...]
    titles: Mapping[tuple[int, UUID], str]
    labels: Mapping[UUID, Label] = {}

    def content(self, parcel: Parcel) -> list[tuple[str, str]]:
        """(amount, title) of what lies in a parcel."""
        return view_content(self.order, parcel, self.titles)


def view_content(
    order: Order, parcel: Parcel, titles: Mapping[tuple[int, UUID], str]
) -> list[tuple[str, str]]:
    """(amount, title) of what lies in a parcel of an order; a bundle's part by its own title where it is known."""
    lines = {line.line_no: line for line in order.lines}
    found = []
    for each in parcel.lines:
        line = lines[each.line_no]
        other = order.find_substitute(each.line_no, each.sku_id)
        if other is not None:
            found.append((other.show(each.quantity), other.title))
            continue
        is_whole = not line.parts
        amount = show_amount(each.quantity, line.scale if is_whole else 0, line.unit if is_whole else "pc")
        found.append((amount, titles.get((each.line_no, each.sku_id), line.title)))
    return found


@get("/fulfilment")
async def show_board(desk: AtDesk) -> Response[str]:
    """What waits, by place and by what is to be done next."""
    desk.require("order.read")
    asked = desk.query("stage")
    stage: Stage | None = next((each for each in STAGES if each == asked), None)
    cursor = desk.query("cursor")
    async with desk.reading() as tx:
        place = await find_place(tx, code=desk.query("place")) if desk.query("place") else None
        place_id = place.place_id if place else None
        counts = await api.count_fulfilments(tx, place_id=place_id)
        page = await api.list_fulfilments(
            tx, place_id=place_id, stage=stage, cursor=cursor or None, limit=PAGE_SIZE
        )
        places = await list_places(tx)
    kept = {"place": place.code if place else ""}
    tabs = [(desk.say(_("All")), link(PATH, **kept), stage is None, sum(counts.values()))]
    tabs += [
        (desk.say(STAGE_WORDS[each]), link(PATH, **kept, stage=each), each == stage, counts[each])
        for each in STAGES
    ]
    return desk.page(
        "fulfilment_list.html",
        SECTION,
        desk.say(_("Fulfilment")),
        items=page.items,
        tabs=tabs,
        stage=stage or "",
        stage_words={name: desk.say(words) for name, words in STAGE_WORDS.items()},
        place=place,
        place_choices=[(each.code, each.name) for each in places],
        picks_href=link(f"{PATH}/picks", **kept) if place else "",
        first_href=link(PATH, **kept, stage=stage or "") if cursor else "",
        next_href=link(PATH, **kept, stage=stage or "", cursor=page.next_cursor) if page.next_cursor else "",
    )


@get("/fulfilment/picks")
async def show_picks(desk: AtDesk) -> Response[str]:
    """What is to be taken from the shelves of a place, for many orders at once, to be printed."""
    desk.require("order.read")
    async with desk.reading() as tx:
        place = await find_place(tx, code=desk.query("place")) if desk.query("place") else None
        if place is None:
            raise not_found()
        rows = await api.list_picks(tx, place_id=place.place_id)
    aisles: dict[str, list[PickRow]] = {}
    for row in rows:
        aisles.setdefault(row.aisle, []).append(row)
    title = desk.say(_("Pick list"))
    return desk.page(
        "pick_list.html",
        SECTION,
        title,
        crumbs=[(desk.say(_("Fulfilment")), link(PATH, place=place.code)), (title, "")],
        place=place,
        aisles=aisles,
        orders=len({row.order_id for row in rows}),
        rows=len(rows),
    )


async def load_work(tx: Transaction, fulfilment_id: str) -> Work:
    """An order's work at a place. NotFound when there is none, or it is done."""
    wanted = parse_uuid(fulfilment_id)
    found = await api.find_fulfilment(tx, fulfilment_id=wanted) if wanted else None
    if found is None:
        raise not_found()
    order = await load_order(tx, order_id=found.order_id)
    rows = await api.list_picks(tx, place_id=found.place_id, order_ids=[found.order_id])
    parcels = tuple(
        each for each in order.parcels if each.place_id == found.place_id and each.state != "unpacked"
    )
    skus = [line.sku_id for each in parcels for line in each.lines]
    names = await api.list_titles(tx, sku_ids=skus) if skus else {}
    titles = {(line.line_no, line.sku_id): names[line.sku_id] for each in parcels for line in each.lines
              if line.sku_id in names}  # fmt: skip
    labels = await list_labels(tx, parcel_ids=[each.parcel_id for each in parcels]) if parcels else []
    living = {each.parcel_id: each for each in labels if each.state in ("asked", "bought")}
    return Work(found, order, rows, parcels, titles, living)


@get("/fulfilment/{fulfilment_id:str}")
async def show_work(desk: AtDesk, fulfilment_id: FromPath[str]) -> Response[str]:
    """One order's work: why it is here, what to pick and pack, its parcels."""
    desk.require("order.read")
    async with desk.reading() as tx:
        work = await load_work(tx, fulfilment_id)
    return await render_work(desk, work)


async def render_work(
    desk: Desk, work: Work, *, form: Form | None = None, step: str = "", status_code: int = 200
) -> Response[str]:
    """The page of one order's work; ``form`` is the one that was refused, of the step ``step``."""
    async with desk.reading() as tx:
        places = await list_places(tx)
        agreed = await api.list_wishes(
            tx, order_id=work.order.order_id, line_nos=[each.line_no for each in work.rows]
        )
    forms = {
        name: fill_form(name) for name in ("accept", "scan", "pick", "pack", "ship", "move", "rest", "label")
    }
    forms["move"].values["place"] = ""
    if form is not None:
        forms[step] = form
    title = work.order.number
    return desk.page(
        "fulfilment.html",
        SECTION,
        title,
        crumbs=[(desk.say(_("Fulfilment")), PATH), (title, "")],
        status_code=status_code,
        work=work,
        order=work.order,
        item=work.fulfilment,
        forms=forms,
        step=step,
        stage_words={name: desk.say(words) for name, words in STAGE_WORDS.items()},
        reasons=_explain_choice(desk, work.fulfilment.choice),
        place_choices=_list_others(places, work.fulfilment.place_id),
        services=[
            (f"{name}:{service}", f"{each.title} {service}")
            for name, each in desk.commerce.carriers.items()
            for service in each.services
        ],
        may_fulfil=desk.staff.may("order.fulfil"),
        agreed=agreed,
        may_cancel=desk.staff.may("order.cancel") and desk.staff.may("order.refund"),
    )


def _list_others(places: Sequence[Place], place_id: UUID) -> list[tuple[str, str]]:
    return [(each.code, each.name) for each in places if each.place_id != place_id]


def _explain_choice(desk: Desk, choice: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(place, words) of what spoke for the chosen places and against the others."""
    told = []
    for each in choice.get("chosen", ()):
        words = NEARNESS.get(str(each.get("nearness", "")))
        told.append((str(each["name"]), desk.say(_("sends it")) + (f" ({desk.say(words)})" if words else "")))
    for each in choice.get("losers", ()):
        words = WHY.get(str(each.get("why")))
        near = NEARNESS.get(str(each.get("nearness", "")))
        facts = {
            "missing": each.get("missing", 0),
            "load": each.get("load", 0),
            "nearness": desk.say(near) if near else "",
        }
        told.append((str(each["name"]), desk.say(words, **facts) if words else str(each.get("why"))))
    return told
