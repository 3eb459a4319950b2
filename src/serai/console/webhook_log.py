"""One message of a webhook: what was sent, every attempt and its answer; send it again."""

from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath

from serai.commerce.webhook import api as webhooks
from serai.console.desk import AtDesk
from serai.console.form import fill_form, read_form
from serai.console.webhook import PATH, PERMISSION, crumbs, take_id
from serai.foundation.database import Transaction
from serai.foundation.errors import Refused, _


@get("/webhooks/messages/{delivery_id:str}")
async def show_message(desk: AtDesk, delivery_id: FromPath[str]) -> Response[str]:
    """A message with its attempts, the newest first."""
    desk.require(PERMISSION)
    async with desk.reading() as tx:
        delivery = await webhooks.load_delivery(tx, delivery_id=take_id(delivery_id))
        attempts = await webhooks.list_attempts(tx, delivery_id=delivery.delivery_id)
        endpoints = {each.endpoint_id: each for each in await webhooks.list_endpoints(tx)}
    endpoint = endpoints.get(delivery.endpoint_id)
    name = (endpoint.description if endpoint else "") or desk.say(
        _("Test receiver") if endpoint and endpoint.is_receiver else _("Endpoint")
    )
    above = f"{PATH}/{delivery.endpoint_id}" if endpoint else PATH
    return desk.page(
        "webhook_message.html",
        "webhook",
        delivery.event,
        crumbs=crumbs(desk, (name, above), (delivery.event, "")),
        delivery=delivery,
        endpoint=endpoint,
        attempts=attempts,
        body=msgspec.json.format(delivery.body.encode(), indent=2).decode(),
        action_form=fill_form("act"),
    )


@post("/webhooks/messages/{delivery_id:str}/resend", status_code=303)
async def resend(request: Request[Any, Any, Any], desk: AtDesk, delivery_id: FromPath[str]) -> Response[Any]:
    """Send it again: the same id, body and number."""
    desk.require(PERMISSION)
    wanted, form = take_id(delivery_id), read_form("act", await request.form())

    async def effect(tx: Transaction) -> dict[str, str]:
        await webhooks.resend_delivery(tx, delivery_id=wanted, by=desk.by)
        return {}

    back = f"{PATH}/messages/{wanted}"
    try:
        await desk.do_once(f"webhook.resend.{wanted}", form, effect)
    except Refused as error:
        if error.code == "webhook.delivery_unknown":
            raise
        return desk.go(back, error.message, tone="bad", **error.data)
    return desk.go(back, _("It is sent again."))
