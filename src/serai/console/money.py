"""Money that has not come: what is to be collected, invoiced or held, with what staff say about it."""

from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath

from serai.commerce.capture.api import capture_payment
from serai.commerce.collect import api as collect
from serai.commerce.order.api import find_order
from serai.commerce.order.types import Order
from serai.commerce.pledge import api as pledges
from serai.commerce.pledge.types import Kind
from serai.commerce.reconciliation import api as reconciliation
from serai.console.desk import AnyRequest, AtDesk, Desk, link, not_found
from serai.console.form import fill_form, read_form, take_amount
from serai.console.product import explain_amount
from serai.foundation import clock
from serai.foundation.errors import Outside, Refused, _

PATH = "/console/money"
FILTERS: dict[str, tuple[Kind, ...]] = {
    "": ("cash_on_delivery", "invoice", "authorised"),
    "overdue": ("invoice",),
    "invoice": ("invoice",),
    "cash": ("cash_on_delivery",),
    "held": ("authorised",),
}


async def show_open(desk: Desk, *, problem: str = "", status_code: int = 200) -> Response[str]:
    """What is open, the one that is due first before the others."""
    chosen = desk.query("show", tuple(FILTERS))
    async with desk.reading() as tx:
        page = await pledges.list_open(
            tx, kinds=FILTERS[chosen], overdue=chosen == "overdue", cursor=desk.query("cursor") or None
        )
        sums = await pledges.sum_open(tx)
        differences = await reconciliation.count_open(tx)
        standings = await reconciliation.list_standings(tx)
    return desk.page(
        "money.html",
        "money",
        desk.say(_("Money")),
        status_code=status_code,
        rows=page.items,
        chosen=chosen,
        sums={each.kind: each for each in sums},
        differences=differences,
        standings=standings,
        now=clock.now(),
        problem=problem,
        forms={row.intent_id: fill_form(f"take-{row.intent_id}") for row in page.items},
        may_collect=desk.staff.may("order.fulfil"),
        may_write_off=desk.staff.may("order.refund"),
        first_href=link(PATH, show=chosen) if desk.query("cursor") else "",
        next_href=link(PATH, show=chosen, cursor=page.next_cursor) if page.next_cursor else "",
    )


@get("/money")
async def show_money(desk: AtDesk) -> Response[str]:
    """Everything that has not come, and what providers hold by our books."""
    desk.require("order.read")
    return await show_open(desk)


async def _load(desk: Desk, number: str) -> Order:
    async with desk.reading() as tx:
        order = await find_order(tx, number=number)
    if order is None:
        raise not_found()
    return order


def _back(desk: Desk, order: Order, form_values: dict[str, str], message: str, number: str) -> Any:
    path = f"/console/orders/{order.number}" if form_values.get("back") == "order" else PATH
    return desk.go(path, message, number=number)


@post("/orders/{number:str}/collect", status_code=200)
async def collect_money(request: AnyRequest, desk: AtDesk, number: FromPath[str]) -> Response[Any]:
    """Say that part of what is open has come, or take it from what a provider holds; all of it without an amount."""
    desk.require("order.fulfil")
    order = await _load(desk, number)
    form = read_form("take", await request.form())
    amount: int | None = None
    if form.values.get("amount", "").strip():
        amount = take_amount(form, "amount", order.currency, wrong=explain_amount(desk))
    if form.errors:
        return await show_open(desk, problem=f"{number}: {form.errors['amount']}", status_code=422)
    try:
        await capture_payment(
            desk.commerce,
            desk.merchant_id,
            order_id=order.order_id,
            amount_minor=amount,
            by=desk.by,
            key=f"form:{form.key}",
            reason=form.values.get("reason", ""),
        )
    except Refused as error:
        return await show_open(desk, problem=f"{number}: {desk.explain(error)}", status_code=error.status)
    return _back(desk, order, form.values, _("Order %(number)s: the money is booked."), number=number)


@post("/orders/{number:str}/refuse", status_code=200)
async def refuse(request: AnyRequest, desk: AtDesk, number: FromPath[str]) -> Response[Any]:
    """Say that a delivery was refused: the order is called off and its goods are back."""
    desk.require("order.cancel")
    order = await _load(desk, number)
    form = read_form("refuse", await request.form())
    try:
        await collect.refuse_delivery(
            desk.commerce,
            desk.merchant_id,
            order_id=order.order_id,
            by=desk.by,
            reason=form.values.get("reason", ""),
        )
    except Refused as error:
        return await show_open(desk, problem=f"{number}: {desk.explain(error)}", status_code=error.status)
    return _back(
        desk,
        order,
        form.values,
        _("Order %(number)s is called off, and its goods are back on the shelf."),
        number=number,
    )


@post("/orders/{number:str}/write-off", status_code=200)
async def write_off(request: AnyRequest, desk: AtDesk, number: FromPath[str]) -> Response[Any]:
    """Give up what is open of an order that has left."""
    desk.require("order.refund")
    order = await _load(desk, number)
    form = read_form("loss", await request.form())
    try:
        await collect.write_off(
            desk.commerce,
            desk.merchant_id,
            order_id=order.order_id,
            reason=form.values.get("reason", ""),
            by=desk.by,
        )
    except Refused as error:
        return await show_open(desk, problem=f"{number}: {desk.explain(error)}", status_code=error.status)
    return _back(desk, order, form.values, _("Order %(number)s: the rest is written off."), number=number)


@post("/refunds/{refund_id:uuid}/paid-back", status_code=303)
async def pay_back(desk: AtDesk, refund_id: FromPath[UUID]) -> Response[Any]:
    """Say that a refund was paid by hand."""
    desk.require("order.refund")
    try:
        order = await collect.pay_back(desk.commerce, desk.merchant_id, refund_id=refund_id, by=desk.by)
    except (Refused, Outside) as error:
        text = desk.explain(error) if isinstance(error, Refused) else str(error)
        return await show_open(desk, problem=text, status_code=409)
    return desk.go(f"/console/orders/{order.number}", _("The refund is marked as paid."))
