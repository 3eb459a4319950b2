"""A market's settlement: what is owed to every member and what it is made of, payouts with their statements, as pages and
as CSV."""

import csv
import io
from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath

from serai.commerce.market import api
from serai.commerce.market.api import Payout
from serai.console.desk import AnyRequest, AtDesk, Desk, not_found
from serai.console.form import fill_form, read_form
from serai.foundation.errors import NotFound, Refused, _
from serai.foundation.money import minor_digits
from serai.identity.merchant.api import list_merchants

PATH = "/console/settlement"
PERMISSION = "settings.write"


async def _names(desk: Desk) -> dict[UUID, str]:
    return {merchant.merchant_id: merchant.name for merchant in await list_merchants(desk.db)}


def _check_market(desk: Desk) -> None:
    desk.require("audit.read")
    if desk.merchant.kind != "market":
        raise not_found()


@get("/settlement")
async def show_settlement(desk: AtDesk) -> Response[str]:
    """Where every member stands, what the next payout would be, and the payouts so far. Only markets have such a page."""
    _check_market(desk)
    return await _show(desk)


async def _show(desk: Desk, *, refusal: str = "", status_code: int = 200) -> Response[str]:
    currency = desk.merchant.currency
    async with desk.reading() as tx:
        rows = await api.list_settlements(tx, currency=currency)
        lines = {line.member_id: line for line in await api.plan_payout(tx, currency=currency)}
        payouts = await api.list_payouts(tx)
    return desk.page(
        "settlement.html",
        "market",
        desk.say(_("Settlement")),
        status_code=status_code,
        rows=[(row, lines[row.member_id]) for row in rows],
        names=await _names(desk),
        sold_minor=sum(row.sold_minor for row in rows),
        due_minor=sum(row.due_minor for row in rows),
        payable_minor=sum(max(0, line.net_minor) for line in lines.values()),
        payouts=payouts,
        form=fill_form("payout"),
        refusal=refusal,
    )


@post("/settlement/payouts", status_code=303)
async def pay(request: AnyRequest, desk: AtDesk) -> Response[Any]:
    """Pay every member what it is owed; the form sent twice pays once."""
    _check_market(desk)
    desk.require(PERMISSION)
    form = read_form("payout", await request.form())
    try:
        await desk.claim_form("market.payout", form)
        payout = await api.pay_members(
            desk.commerce, desk.merchant_id, currency=desk.merchant.currency, by=desk.by
        )
    except Refused as error:
        return await _show(desk, refusal=desk.explain(error), status_code=error.status)
    return desk.go(
        f"{PATH}/payouts/{payout.payout_id}", _("Payout %(number)s is recorded."), number=payout.payout_no
    )


@get("/settlement/payouts/{payout_id:uuid}")
async def show_payout(desk: AtDesk, payout_id: FromPath[UUID]) -> Response[str]:
    """The statement of a payout."""
    _check_market(desk)
    return await _show_payout(desk, payout_id)


async def _load(desk: Desk, payout_id: UUID) -> Payout:
    try:
        async with desk.reading() as tx:
            return await api.load_payout(tx, payout_id=payout_id)
    except NotFound as error:
        raise not_found() from error


async def _show_payout(
    desk: Desk, payout_id: UUID, *, refusal: str = "", status_code: int = 200
) -> Response[str]:
    payout = await _load(desk, payout_id)
    title = desk.say(_("Payout %(number)s"), number=payout.payout_no)
    return desk.page(
        "payout.html",
        "market",
        title,
        crumbs=[(desk.say(_("Settlement")), PATH), (title, "")],
        status_code=status_code,
        payout=payout,
        names=await _names(desk),
        refusal=refusal,
    )


@get("/settlement/payouts/{payout_id:uuid}/statement.csv")
async def export_payout(desk: AtDesk, payout_id: FromPath[UUID]) -> Response[str]:
    """The statement as CSV: one row per member, amounts as decimals, refunds and commission as what they take."""
    _check_market(desk)
    payout = await _load(desk, payout_id)
    names = await _names(desk)
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(
        ["payout", "paid_at", "member", "currency", "sales", "discounts", "commission", "refunds", "net"]
    )
    for line in payout.lines:
        amounts = (
            line.sales_minor,
            line.discounts_minor,
            -line.commission_minor,
            -line.refunds_minor,
            line.net_minor,
        )
        writer.writerow(
            [
                payout.payout_no,
                payout.paid_at.isoformat(),
                _plain(names.get(line.member_id, str(line.member_id))),
                payout.currency,
                *(_decimal(minor, payout.currency) for minor in amounts),
            ]
        )
    headers = {
        "content-disposition": f'attachment; filename="payout-{payout.payout_no}.csv"',
        "cache-control": "no-store",
    }
    return Response("\ufeff" + file.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


def _plain(text: str) -> str:
    """A name that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _decimal(minor: int, currency: str) -> str:
    digits = minor_digits(currency)
    sign, (whole, part) = "-" if minor < 0 else "", divmod(abs(minor), 10**digits)
    return f"{sign}{whole}.{part:0{digits}}" if digits else f"{sign}{whole}"


@post("/settlement/payouts/{payout_id:uuid}/reverse", status_code=303)
async def reverse(desk: AtDesk, payout_id: FromPath[UUID]) -> Response[Any]:
    """Call a payout back by the opposite transfers."""
    _check_market(desk)
    desk.require(PERMISSION)
    await _load(desk, payout_id)
    try:
        payout = await api.reverse_payout(desk.commerce, desk.merchant_id, payout_id=payout_id, by=desk.by)
    except Refused as error:
        return await _show_payout(desk, payout_id, refusal=desk.explain(error), status_code=error.status)
    return desk.go(
        f"{PATH}/payouts/{payout_id}",
        _("Payout %(number)s is called back; what it was made of is owed again."),
        tone="warn",
        number=payout.payout_no,
    )
