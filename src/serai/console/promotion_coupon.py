"""Coupons of a promotion at the console: issued, shown once or as a file once, looked for by code, revoked."""

import csv
import io
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.params import FromPath

from serai.commerce.promotion import api
from serai.commerce.promotion.types import Coupon, IssuedCoupon
from serai.console.desk import AtDesk, Desk, not_found
from serai.console.form import Form, note_refusal, parse_uuid, read_form, take_quantity
from serai.console.price import take_moment
from serai.console.promotion import PATH, load_asked, show_view
from serai.foundation.errors import Refused, _
from serai.identity.member.api import find_member

AnyRequest = Request[Any, Any, Any]


def _write_csv(coupons: Sequence[IssuedCoupon]) -> bytes:
    """Codes as a file; a code that a spreadsheet would take for a formula cannot occur, codes are letters and digits."""
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(["code", "coupon_id"])
    rows.writerows([coupon.code, str(coupon.coupon_id)] for coupon in coupons)
    return b"\xef\xbb\xbf" + text.getvalue().encode()


async def _read_holder(desk: Desk, form: Form) -> UUID | None:
    """The member that a field names by id; None when it is empty."""
    text = form.values.get("holder", "")
    if not text:
        return None
    member_id = parse_uuid(text)
    async with desk.reading() as tx:
        if member_id is None or await find_member(tx, member_id=member_id) is None:
            form.errors["holder"] = desk.say(_("There is no such member."))
            return None
    return member_id


@post("/promotions/{promotion_id:str}/coupons", status_code=200)
async def issue(request: AnyRequest, desk: AtDesk, promotion_id: FromPath[str]) -> Response[Any]:
    """Issue coupons. Their codes are in this answer only: digests are all that is kept."""
    desk.require("promotion.write")
    form = read_form("issue", await request.form())
    intent = form.values.pop("intent", "")
    wrong = desk.say(_("Please give a whole number of at least 1."))
    count, uses = take_quantity(form, "count", wrong=wrong), take_quantity(form, "uses", wrong=wrong)
    expires_at = take_moment(desk, form, "expires_at")
    holder_id = await _read_holder(desk, form)
    async with desk.reading() as tx:
        promotion = await load_asked(tx, promotion_id)
    issued: tuple[IssuedCoupon, ...] = ()
    status = 422
    if not form.errors:
        try:
            await desk.claim_form(f"coupon.issue.{promotion.promotion_id}", form)
            issued = await api.issue_coupons(
                desk.commerce,
                desk.merchant_id,
                promotion_id=promotion.promotion_id,
                count=count,
                uses=uses,
                code=form.values.get("code") or None,
                holder_id=holder_id,
                expires_at=expires_at,
                by=desk.by,
                key=parse_uuid(form.key),
            )
            status = 200
        except Refused as error:
            note_refusal(form, error, desk.explain(error))
            status = error.status
    if issued and intent == "csv":
        name = f"coupons-{str(promotion.promotion_id)[-6:]}.csv"
        headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
        return Response(_write_csv(issued), media_type="text/csv", headers=headers)
    more = {"issued": issued} if issued else {"issue_form": form, "issue_open": True}
    async with desk.reading() as tx:
        return await show_view(desk, tx, promotion, status_code=status, **more)


@get("/promotions/{promotion_id:str}/coupons")
async def find(desk: AtDesk, promotion_id: FromPath[str]) -> Response[str]:
    """The coupon with a code, among those of the promotion."""
    desk.require("product.read")
    code = desk.query("code")
    found: Coupon | None = None
    refusal = ""
    async with desk.reading() as tx:
        promotion = await load_asked(tx, promotion_id)
        if code:
            try:
                found = await api.find_coupon_by_code(tx, code=code)
            except Refused as error:
                refusal = desk.explain(error)
        if found is not None and found.promotion_id != promotion.promotion_id:
            found, refusal = None, desk.say(_("This code belongs to another promotion."))
        return await show_view(desk, tx, promotion, code=code, found=found, code_refusal=refusal)


@post("/promotions/{promotion_id:str}/coupons/{coupon_id:str}/revoke", status_code=303)
async def revoke(desk: AtDesk, promotion_id: FromPath[str], coupon_id: FromPath[str]) -> Response[Any]:
    """End a coupon."""
    desk.require("promotion.write")
    wanted = parse_uuid(coupon_id)
    async with desk.reading() as tx:
        promotion = await load_asked(tx, promotion_id)
        page = await api.list_coupons(tx, coupon_ids=[wanted]) if wanted else None
    if wanted is None or not page or not page.items or page.items[0].promotion_id != promotion.promotion_id:
        raise not_found()
    await api.revoke_coupon(desk.commerce, desk.merchant_id, coupon_id=wanted, by=desk.by)
    path = f"{PATH}/{promotion.promotion_id}"
    return desk.go(path, _("The coupon …%(end)s is revoked."), end=page.items[0].code_end)
