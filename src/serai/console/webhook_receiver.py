"""The test receiver: an endpoint of the house itself whose page shows what arrives and whether it is true."""

from typing import Any

import msgspec
from litestar import Request, Response, get, post

from serai.commerce.webhook import api as webhooks
from serai.commerce.webhook.types import Endpoint, Receipt
from serai.console.desk import AtDesk, Desk
from serai.console.form import fill_form, read_form
from serai.console.webhook import PATH, PERMISSION, crumbs
from serai.foundation.database import Transaction
from serai.foundation.errors import Refused, _

HERE = f"{PATH}/receiver"
SHOWN = 25
ANSWERS = ((204, _("204: heard")), (500, _("500: broken")), (503, _("503: too busy")))


class Shown(msgspec.Struct, frozen=True):
    """A receipt and its body as people read it."""

    receipt: Receipt
    body: str


async def _find(tx: Transaction) -> Endpoint | None:
    return next((each for each in await webhooks.list_endpoints(tx) if each.is_receiver), None)


@get("/webhooks/receiver")
async def show_receiver(desk: AtDesk) -> Response[str]:
    """What came, the newest first; the page looks again by itself."""
    desk.require(PERMISSION)
    receipts: list[Receipt] = []
    async with desk.reading() as tx:
        endpoint = await _find(tx)
        if endpoint:
            receipts = await webhooks.list_receipts(tx, endpoint_id=endpoint.endpoint_id, limit=SHOWN)
    title = desk.say(_("Test receiver"))
    return desk.page(
        "webhook_receiver.html",
        "webhook",
        title,
        crumbs=crumbs(desk, (title, "")),
        block="arrivals" if desk.is_partial else None,
        endpoint=endpoint,
        received=[Shown(each, webhooks.shown_data(each)) for each in receipts],
        answers=[(status, desk.say(label)) for status, label in ANSWERS],
        action_form=fill_form("act"),
    )


@post("/webhooks/receiver", status_code=303)
async def use_receiver(request: Request[Any, Any, Any], desk: AtDesk) -> Response[Any]:
    """Set the receiver up, send it a message, or choose what it answers."""
    desk.require(PERMISSION)
    form = read_form("act", await request.form())
    what, status = form.values.get("what", ""), form.values.get("status", "")
    try:
        await desk.do_once(f"webhook.receiver.{what[:20]}", form, lambda tx: _use(tx, desk, what, status))
    except Refused as error:
        return desk.go(HERE, error.message, tone="bad", **error.data)
    return desk.go(HERE)


async def _use(tx: Transaction, desk: Desk, what: str, status: str) -> dict[str, str]:
    hostname = desk.merchant.hostnames[0] if desk.merchant.hostnames else ""
    endpoint = await webhooks.add_receiver(tx, commerce=desk.commerce, hostname=hostname, by=desk.by)
    if what == "answer":
        number = int(status) if status.isascii() and status.isdigit() and len(status) == 3 else 0
        await webhooks.set_answer(tx, endpoint_id=endpoint.endpoint_id, status=number)
    else:
        await webhooks.send_test(tx, endpoint_id=endpoint.endpoint_id, by=desk.by)
    return {"endpoint_id": str(endpoint.endpoint_id)}
