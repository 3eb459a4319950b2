"""Labels of parcels, and pick-ups: buy, print, ready, handed over for a code."""

from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath

from serai.commerce.carrier import api as carrier
from serai.commerce.fulfilment import api
from serai.commerce.order.api import load_order
from serai.commerce.parcel.api import load_parcel
from serai.console.desk import AtDesk, not_found
from serai.console.form import Form, parse_uuid
from serai.console.fulfilment import AnyRequest, Work
from serai.console.fulfilment_step import do_parcel_step
from serai.foundation.errors import _


@post("/fulfilment/{fulfilment_id:str}/parcels/{parcel_id:str}/label", status_code=200)
async def buy_label(
    request: AnyRequest, desk: AtDesk, fulfilment_id: FromPath[str], parcel_id: FromPath[str]
) -> Response[Any]:
    """Buy a label of a carrier, to be printed."""

    async def act(_work: Work, form: Form, wanted: UUID) -> str:
        name, _colon, service = form.values.get("service", "").partition(":")
        label = await carrier.buy_label(
            desk.commerce,
            desk.merchant_id,
            parcel_id=wanted,
            carrier=name,
            service=service,
            by=desk.by,
            base_url=str(request.base_url),
        )
        if label.state == "asked":
            return _("The carrier has not answered yet; the label appears here as soon as it does.")
        return _("The label is bought. Print it and stick it on.")

    return await do_parcel_step(request, desk, fulfilment_id, parcel_id, act, step="label")


@get("/fulfilment/labels/{label_id:str}")
async def show_label(desk: AtDesk, label_id: FromPath[str]) -> Response[str]:
    """A label as a picture for the printer."""
    desk.require("order.read")
    wanted = parse_uuid(label_id)
    if wanted is None:
        raise not_found()
    async with desk.reading() as tx:
        label = await carrier.load_label(tx, label_id=wanted)
        parcel = await load_parcel(tx, parcel_id=label.parcel_id)
        order = await load_order(tx, order_id=parcel.order_id)
    if label.state != "bought":
        raise not_found()
    picture = carrier.draw_label(order, parcel, label, sender=desk.merchant.name)
    headers = {
        "cache-control": "no-store",
        "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'",
    }
    return Response(picture, media_type="image/svg+xml", headers=headers)


@post("/fulfilment/{fulfilment_id:str}/parcels/{parcel_id:str}/ready", status_code=200)
async def make_ready(
    request: AnyRequest, desk: AtDesk, fulfilment_id: FromPath[str], parcel_id: FromPath[str]
) -> Response[Any]:
    """A pick-up waits for its buyer, who is told."""

    async def act(work: Work, _form: Form, wanted: UUID) -> str:
        await api.make_ready(
            desk.commerce, desk.merchant_id, order_id=work.order.order_id, parcel_id=wanted, by=desk.by
        )
        return _("The buyer is told that it can be collected.")

    return await do_parcel_step(request, desk, fulfilment_id, parcel_id, act)


@post("/fulfilment/{fulfilment_id:str}/parcels/{parcel_id:str}/collect", status_code=200)
async def hand_over(
    request: AnyRequest, desk: AtDesk, fulfilment_id: FromPath[str], parcel_id: FromPath[str]
) -> Response[Any]:
    """A pick-up is handed over to who shows its code."""

    async def act(work: Work, form: Form, wanted: UUID) -> str:
        await api.hand_over(
            desk.commerce,
            desk.merchant_id,
            order_id=work.order.order_id,
            parcel_id=wanted,
            code=form.values.get("code", "")[:20],
            by=desk.by,
        )
        return _("Handed over.")

    return await do_parcel_step(request, desk, fulfilment_id, parcel_id, act)


@post("/fulfilment/{fulfilment_id:str}/parcels/{parcel_id:str}/unlock", status_code=200)
async def unlock(
    request: AnyRequest, desk: AtDesk, fulfilment_id: FromPath[str], parcel_id: FromPath[str]
) -> Response[Any]:
    """After too many wrong codes: codes may be shown again."""

    async def act(work: Work, _form: Form, wanted: UUID) -> str:
        await api.unlock_pickup(
            desk.commerce, desk.merchant_id, order_id=work.order.order_id, parcel_id=wanted, by=desk.by
        )
        return _("Unlocked: the code may be shown again.")

    return await do_parcel_step(request, desk, fulfilment_id, parcel_id, act, permission="order.refund")


STEPS = [buy_label, show_label, make_ready, hand_over, unlock]
