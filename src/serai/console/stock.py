"""Stock: what lies where, the three movements staff make, and the ledger behind each number."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Literal

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath

from serai.commerce.catalogue.api import find_product, find_variant
from serai.commerce.catalogue.types import Product, Variant
from serai.commerce.lot.api import find_rules
from serai.commerce.lot.api import list_levels as list_lot_levels
from serai.commerce.place.api import default_place, find_place, list_places
from serai.commerce.place.types import Place
from serai.commerce.stock.api import (
    LOW,
    adjust_stock,
    list_levels,
    list_movements,
    list_stock,
    receive_stock,
    transfer_stock,
)
from serai.commerce.stock.types import Movement
from serai.console.desk import AtDesk, Desk, link, not_found
from serai.console.form import Form, fill_form, note_refusal, parse_uuid, read_form, take_quantity, take_text
from serai.console.lot import read_mark
from serai.foundation.database import Transaction
from serai.foundation.errors import Refused, _
from serai.foundation.ids import new_id

PATH = "/console/stock"
PAGE_SIZE = 50
MOVEMENTS = 50
State = Literal["all", "low", "out"]
STATES: tuple[State, ...] = ("all", "low", "out")
# What stands at the other end of a movement where it is no place of the merchant's.
COUNTERPARTS = {"supplier": _("Supplier"), "customer": _("Shoppers"), "shrink": _("Shrinkage")}
# Reasons that the house itself gives; staff's own words are shown as they wrote them.
REASONS = {
    "order": _("Reserved for an order"),
    "shipped": _("Handed over"),
    "cancel": _("Order cancelled"),
    "expire": _("Order expired"),
}
AnyRequest = Request[Any, Any, Any]
Move = Callable[[], Awaitable[bool]]


class MovementView(msgspec.Struct, frozen=True):
    """A movement in words. ``href`` leads to the order behind it, where there is one."""

    movement: Movement
    reason: str
    other: str
    href: str


class Item(msgspec.Struct, frozen=True):
    """The SKU that a stock page is about."""

    variant: Variant
    product: Product

    def label(self, locale: str) -> str:
        """Its title, with the option where there are several."""
        title = self.product.label(locale)
        return f"{title}, {self.variant.option}" if self.variant.option else title


async def _choose_place(tx: Transaction, code: str) -> Place:
    """The place asked for, else the one that sells online, else the first there is."""
    place = await find_place(tx, code=code) if code else None
    return place or await default_place(tx)


@get("/stock")
async def show_stock(desk: AtDesk) -> Response[str]:
    """A place's stock list."""
    desk.require("stock.read")
    query, cursor = desk.query("q"), desk.query("cursor")
    asked = desk.query("state")
    state: State = next((each for each in STATES if each == asked), "all")
    async with desk.reading() as tx:
        place = await _choose_place(tx, desk.query("place"))
        places = await list_places(tx)
        page = await list_stock(
            tx, place_id=place.place_id, query=query, state=state, cursor=cursor or None, limit=PAGE_SIZE
        )
    kept = {"place": place.code, "q": query, "state": state if state != "all" else ""}
    labels = {"all": _("Everything"), "low": _("Running low"), "out": _("Sold out")}
    tabs = [
        {
            "label": desk.say(labels[name]),
            "href": link(PATH, **{**kept, "state": name if name != "all" else ""}),
            "active": name == state,
        }
        for name in STATES
    ]
    return desk.page(
        "stock_list.html",
        "stock",
        desk.say(_("Stock")),
        rows=page.items,
        tabs=tabs,
        query=query,
        state=state,
        place=place,
        place_choices=[(each.code, each.name) for each in places],
        low_at=LOW,
        first_href=link(PATH, **kept) if cursor else "",
        next_href=link(PATH, **kept, cursor=page.next_cursor) if page.next_cursor else "",
    )


# ---- One SKU ------------------------------------------------------------------------------------------------------


async def _load_item(tx: Transaction, sku_id: str) -> Item:
    wanted = parse_uuid(sku_id)
    variant = await find_variant(tx, sku_id=wanted) if wanted else None
    product = await find_product(tx, product_id=variant.product_id, published=None) if variant else None
    if variant is None or product is None:
        raise not_found()
    return Item(variant, product)


async def _show_item(
    desk: Desk,
    item: Item,
    *,
    forms: dict[str, Form] | None = None,
    open_action: str = "",
    status_code: int = 200,
) -> Response[str]:
    cursor = desk.query("cursor") if desk.request.method == "GET" else ""
    sku_id = item.variant.sku_id
    async with desk.reading() as tx:
        place = await _choose_place(tx, desk.query("place"))
        places = await list_places(tx)
        levels = await list_levels(tx, sku_id=sku_id)
        rule = (await find_rules(tx, sku_ids=[sku_id])).get(sku_id)
        lots = await list_lot_levels(tx, sku_ids=[sku_id]) if rule else []
        page = await list_movements(
            tx, sku_id=sku_id, place_id=place.place_id, cursor=cursor or None, limit=MOVEMENTS
        )
    filled = {
        "receive": fill_form("receive", place=place.code, quantity="", reason="", lot="", best_before=""),
        "transfer": fill_form("transfer", from_place=place.code, to_place="", quantity="", reason=""),
        "adjust": fill_form("adjust", place=place.code, delta="", reason=""),
    } | (forms or {})
    path = f"{PATH}/{sku_id}"
    title = item.label(desk.locale)
    return desk.page(
        "stock.html",
        "stock",
        title,
        crumbs=[(desk.say(_("Stock")), link(PATH, place=place.code)), (title, "")],
        status_code=status_code,
        sku=item.variant.sku,
        sku_id=sku_id,
        product_id=item.product.product_id,
        levels=levels,
        place=place,
        place_choices=[(each.code, each.name) for each in places],
        rule=rule,
        lots=lots,
        place_names={each.place_id: each.name for each in places},
        lot_form=fill_form("lots", rest_days=str(rule.rest_days) if rule else "0"),
        movements=[_view(desk, movement) for movement in page.items],
        open_action=open_action,
        receive_form=filled["receive"],
        transfer_form=filled["transfer"],
        adjust_form=filled["adjust"],
        first_href=link(path, place=place.code) if cursor else "",
        next_href=link(path, place=place.code, cursor=page.next_cursor) if page.next_cursor else "",
    )


def _view(desk: Desk, movement: Movement) -> MovementView:
    known = COUNTERPARTS.get(movement.other)
    href = f"/console/orders/{movement.document_id}" if movement.document_id else ""
    reason = REASONS.get(movement.reason) if movement.document_id else None
    return MovementView(
        movement,
        desk.say(reason) if reason else movement.reason,
        desk.say(known) if known else movement.other,
        href,
    )


@get("/stock/{sku_id:str}")
async def show_item(desk: AtDesk, sku_id: FromPath[str]) -> Response[str]:
    """Levels by place, and the movements at one of them."""
    desk.require("stock.read")
    async with desk.reading() as tx:
        item = await _load_item(tx, sku_id)
    return await _show_item(desk, item)


@post("/stock/{sku_id:str}/receive", status_code=200)
async def receive(request: AnyRequest, desk: AtDesk, sku_id: FromPath[str]) -> Response[Any]:
    """Goods came in."""

    def prepare(item: Item, form: Form, places: dict[str, Place]) -> Move | None:
        quantity = take_quantity(form, "quantity", wrong=explain_quantity(desk))
        reason = _take_reason(desk, form)
        if form.errors:
            return None
        return partial(
            receive_stock,
            desk.commerce,
            desk.merchant_id,
            sku_id=item.variant.sku_id,
            place_id=places["place"].place_id,
            quantity=quantity,
            reason=reason,
            by=desk.by,
            key=form.key,
            lot=read_mark(form),
        )

    return await _run_movement(request, desk, sku_id, "receive", prepare, _("The goods are booked in."))


@post("/stock/{sku_id:str}/adjust", status_code=200)
async def adjust(request: AnyRequest, desk: AtDesk, sku_id: FromPath[str]) -> Response[Any]:
    """The books follow what was counted."""

    def prepare(item: Item, form: Form, places: dict[str, Place]) -> Move | None:
        wrong = desk.say(_("Please give a whole number other than zero, such as -2 or 3."))
        delta = take_quantity(form, "delta", wrong=wrong, negative=True)
        reason = _take_reason(desk, form)
        if form.errors:
            return None
        return partial(
            adjust_stock,
            desk.commerce,
            desk.merchant_id,
            sku_id=item.variant.sku_id,
            place_id=places["place"].place_id,
            delta=delta,
            reason=reason,
            by=desk.by,
            key=form.key,
        )

    return await _run_movement(request, desk, sku_id, "adjust", prepare, _("The difference is booked."))


@post("/stock/{sku_id:str}/transfer", status_code=200)
async def transfer(request: AnyRequest, desk: AtDesk, sku_id: FromPath[str]) -> Response[Any]:
    """Goods go from one place to another."""

    def prepare(item: Item, form: Form, places: dict[str, Place]) -> Move | None:
        quantity = take_quantity(form, "quantity", wrong=explain_quantity(desk))
        reason = _take_reason(desk, form)
        if form.values.get("from_place") == form.values.get("to_place"):
            form.errors["to_place"] = desk.say(_("Please choose two different places."))
        if form.errors:
            return None
        return partial(
            transfer_stock,
            desk.commerce,
            desk.merchant_id,
            sku_id=item.variant.sku_id,
            from_place_id=places["from_place"].place_id,
            to_place_id=places["to_place"].place_id,
            quantity=quantity,
            reason=reason,
            by=desk.by,
            key=form.key,
        )

    return await _run_movement(request, desk, sku_id, "transfer", prepare, _("The goods are moved."))


def explain_quantity(desk: Desk) -> str:
    """What a number of pieces looks like."""
    return desk.say(_("Please give a whole number of at least 1."))


def _take_reason(desk: Desk, form: Form) -> str:
    return take_text(
        form,
        "reason",
        limit=200,
        missing=desk.say(_("Please give a reason.")),
        too_long=desk.say(_("That is too long.")),
    )


async def _run_movement(
    request: AnyRequest,
    desk: Desk,
    sku_id: str,
    action: str,
    prepare: Callable[[Item, Form, dict[str, Place]], Move | None],
    message: str,
) -> Response[Any]:
    """Read the form, find its places, move through the lane, and go back to the ledger of the first place.

    ``prepare`` checks the fields and returns the movement, or None when it left messages in the form.
    """
    desk.require("stock.write")
    form = read_form(action, await request.form())
    fields = ("from_place", "to_place") if action == "transfer" else ("place",)
    async with desk.reading() as tx:
        item = await _load_item(tx, sku_id)
        found = {name: await find_place(tx, code=form.values.get(name, "")) for name in fields}
    places = {name: place for name, place in found.items() if place is not None}
    for name in fields:
        if name not in places:
            form.errors[name] = desk.say(_("Please choose a place."))
    try:
        move = prepare(item, form, places)
    except Refused as error:
        note_refusal(form, error, desk.explain(error))
        move = None
    if move is None:
        return await _show_item(desk, item, forms={action: form}, open_action=action, status_code=422)
    try:
        await desk.claim_form(f"stock.{action}.{item.variant.sku_id}", form)
        await move()
    except Refused as error:
        # Nothing was moved, so a corrected form is a new one.
        form.key = str(new_id())
        note_refusal(form, error, desk.explain(error))
        return await _show_item(
            desk, item, forms={action: form}, open_action=action, status_code=error.status
        )
    return desk.go(link(f"{PATH}/{item.variant.sku_id}", place=places[fields[0]].code), message)
