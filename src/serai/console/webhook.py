"""Webhooks: where messages go and of which events; pause, new secrets, test messages. For owners."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath

from serai.commerce.types import Page
from serai.commerce.webhook import api as webhooks
from serai.commerce.webhook.types import Delivery, Endpoint, EndpointCounts, EndpointTerms, SecretStand
from serai.console.desk import AtDesk, Desk, link, not_found
from serai.console.form import Form, fill_form, note_refusal, parse_uuid, read_form
from serai.console.staff import Secret
from serai.foundation.database import Transaction
from serai.foundation.errors import Refused, _

PATH = "/console/webhooks"
PERMISSION = "settings.write"
PAGE_SIZE = 30
AnyRequest = Request[Any, Any, Any]
GROUPS = (
    (_("Orders and money"), ("order", "coupon")),
    (_("Goods, prices, stock"), ("product", "price", "offer", "stock")),
    (_("Promotions"), ("promotion",)),
    (_("Questions"), ("question",)),
)
STATES = (
    ("", _("All")),
    ("waiting", _("Waiting")),
    ("delivered", _("Delivered")),
    ("parked", _("Undelivered")),
)


class Line(msgspec.Struct, frozen=True):
    """An endpoint with how its deliveries stand."""

    endpoint: Endpoint
    counts: EndpointCounts


def crumbs(desk: Desk, *more: tuple[str, str]) -> list[tuple[str, str]]:
    """The way to a page below the list."""
    return [(desk.say(_("Webhooks")), PATH), *more]


def take_id(text: str) -> UUID:
    """The id in an address. NotFound when it is none."""
    found = parse_uuid(text)
    if found is None:
        raise not_found()
    return found


@get("/webhooks")
async def show_webhooks(desk: AtDesk) -> Response[str]:
    """All endpoints."""
    desk.require(PERMISSION)
    async with desk.reading() as tx:
        endpoints = await webhooks.list_endpoints(tx)
        counts = await webhooks.count_deliveries(tx)
    lines = [Line(each, counts.get(each.endpoint_id, EndpointCounts())) for each in endpoints]
    return desk.page(
        "webhook_list.html", "webhook", desk.say(_("Webhooks")), lines=lines, all_events=len(webhooks.NAMES)
    )


def _show_form(
    desk: Desk,
    form: Form,
    chosen: tuple[str, ...],
    *,
    endpoint: Endpoint | None = None,
    status_code: int = 200,
) -> Response[str]:
    title = desk.say(_("Change endpoint")) if endpoint else desk.say(_("New endpoint"))
    groups = [
        (desk.say(label), [view for view in webhooks.VIEWS if view.name.split(".")[0] in prefixes])
        for label, prefixes in GROUPS
    ]
    return desk.page(
        "webhook_form.html",
        "webhook",
        title,
        crumbs=crumbs(desk, (title, "")),
        status_code=status_code,
        form=form,
        chosen=chosen,
        groups=groups,
        endpoint=endpoint,
    )


async def _read_terms(request: AnyRequest) -> tuple[Form, EndpointTerms]:
    sent = await request.form()
    form = read_form("webhook", {name: sent.get(name) for name in ("url", "description", "key")})
    events = tuple(name for name in sent.getall("events", []) if isinstance(name, str))[:100]
    form.values["events"] = " ".join(events)[:2000]
    return form, EndpointTerms(form.values.get("url", ""), form.values.get("description", ""), events)


@get("/webhooks/new")
async def show_new(desk: AtDesk) -> Response[str]:
    """An empty form."""
    desk.require(PERMISSION)
    return _show_form(desk, fill_form("webhook", url="", description=""), webhooks.NAMES)


@post("/webhooks/new", status_code=200)
async def add(request: AnyRequest, desk: AtDesk) -> Response[Any]:
    """Add an endpoint. Its secret is in this answer only."""
    desk.require(PERMISSION)
    form, terms = await _read_terms(request)
    made: list[webhooks.NewSecret] = []

    async def effect(tx: Transaction) -> dict[str, str]:
        new = await webhooks.add_endpoint(tx, commerce=desk.commerce, terms=terms, by=desk.by)
        made.append(new)
        return {"endpoint_id": str(new.endpoint.endpoint_id)}

    try:
        await webhooks.check_endpoint_url(terms.url, loopback_allowed=desk.commerce.settings.webhook_loopback)
        reply = await desk.do_once("webhook.add", form, effect)
    except Refused as error:
        note_refusal(form, error, desk.explain(error))
        return _show_form(desk, form, terms.events, status_code=error.status)
    if not made:
        message = _("The endpoint is there already. If its secret was missed, make a new one.")
        return desk.go(f"{PATH}/{reply.body['endpoint_id']}", message, tone="warn")
    return await _show(desk, made[0].endpoint.endpoint_id, secret=made[0])


@get("/webhooks/{endpoint_id:str}/edit")
async def show_edit(desk: AtDesk, endpoint_id: FromPath[str]) -> Response[str]:
    """The form of an endpoint."""
    desk.require(PERMISSION)
    async with desk.reading() as tx:
        endpoint = await webhooks.load_endpoint(tx, endpoint_id=take_id(endpoint_id))
    form = fill_form("webhook", url=endpoint.url, description=endpoint.description)
    return _show_form(desk, form, endpoint.events, endpoint=endpoint)


@post("/webhooks/{endpoint_id:str}/edit", status_code=200)
async def edit(request: AnyRequest, desk: AtDesk, endpoint_id: FromPath[str]) -> Response[Any]:
    """Change an endpoint."""
    desk.require(PERMISSION)
    wanted = take_id(endpoint_id)
    form, terms = await _read_terms(request)
    async with desk.reading() as tx:
        before = await webhooks.load_endpoint(tx, endpoint_id=wanted)

    async def effect(tx: Transaction) -> dict[str, str]:
        await webhooks.change_endpoint(tx, endpoint_id=wanted, terms=terms, by=desk.by)
        return {}

    try:
        if terms.url.strip() != before.url:
            await webhooks.check_endpoint_url(
                terms.url, loopback_allowed=desk.commerce.settings.webhook_loopback
            )
        await desk.do_once(f"webhook.edit.{wanted}", form, effect)
    except Refused as error:
        note_refusal(form, error, desk.explain(error))
        return _show_form(desk, form, terms.events, endpoint=before, status_code=error.status)
    return desk.go(f"{PATH}/{wanted}", _("Saved."))


async def _show(desk: Desk, endpoint_id: UUID, *, secret: webhooks.NewSecret | None = None) -> Response[str]:
    state = desk.query("state", [value for value, _label in STATES])
    event = desk.query("event", ["", *webhooks.NAMES, webhooks.TEST_EVENT])
    about, cursor = desk.query("object"), desk.query("cursor")
    object_id = parse_uuid(about) if about else None
    async with desk.reading() as tx:
        endpoint = await webhooks.load_endpoint(tx, endpoint_id=endpoint_id)
        counts = (await webhooks.count_deliveries(tx)).get(endpoint_id, EndpointCounts())
        secrets: list[SecretStand] = await webhooks.list_secrets(tx, endpoint_id=endpoint_id)
        page: Page[Delivery] = Page(())
        if not about or object_id:
            page = await webhooks.list_deliveries(
                tx,
                endpoint_id=endpoint_id,
                state=state or None,
                event=event or None,
                object_id=object_id,
                cursor=cursor or None,
                limit=PAGE_SIZE,
            )
    here = f"{PATH}/{endpoint_id}"
    name = endpoint.description or desk.say(_("Test receiver") if endpoint.is_receiver else _("Endpoint"))
    following = link(here, state=state, event=event, object=about, cursor=page.next_cursor or "")
    return desk.page(
        "webhook.html",
        "webhook",
        name,
        crumbs=crumbs(desk, (name, "")),
        endpoint=endpoint,
        counts=counts,
        secrets=secrets,
        secret=Secret(name, secret.secret) if secret else None,
        deliveries=page.items,
        states=[
            (value, desk.say(label), link(here, state=value, event=event, object=about))
            for value, label in STATES
        ],
        state=state,
        event=event,
        about=about,
        event_names=(*endpoint.events, webhooks.TEST_EVENT),
        action_form=fill_form("act"),
        first_href=link(here, state=state, event=event, object=about) if cursor else "",
        next_href=following if page.next_cursor else "",
        overlap_hours=desk.commerce.settings.webhook_overlap_hours,
    )


@get("/webhooks/{endpoint_id:str}")
async def show_webhook(desk: AtDesk, endpoint_id: FromPath[str]) -> Response[str]:
    """An endpoint with its log."""
    desk.require(PERMISSION)
    return await _show(desk, take_id(endpoint_id))


@post("/webhooks/{endpoint_id:str}/secret", status_code=200)
async def rotate(request: AnyRequest, desk: AtDesk, endpoint_id: FromPath[str]) -> Response[Any]:
    """A new secret, in this answer only."""
    desk.require(PERMISSION)
    wanted, form = take_id(endpoint_id), read_form("act", await request.form())
    at_once = form.values.get("at_once") == "1"
    made: list[webhooks.NewSecret] = []

    async def effect(tx: Transaction) -> dict[str, str]:
        new = await webhooks.rotate_secret(
            tx, commerce=desk.commerce, endpoint_id=wanted, by=desk.by, at_once=at_once
        )
        made.append(new)
        return {}

    await desk.do_once(f"webhook.secret.{wanted}", form, effect)
    if not made:
        return desk.go(
            f"{PATH}/{wanted}",
            _("That secret was made already. If it was missed, make a new one."),
            tone="warn",
        )
    return await _show(desk, wanted, secret=made[0])


@post("/webhooks/{endpoint_id:str}/act", status_code=303)
async def act(request: AnyRequest, desk: AtDesk, endpoint_id: FromPath[str]) -> Response[Any]:
    """Pause, resume, send a test message, send again what is parked, or delete."""
    desk.require(PERMISSION)
    wanted, form = take_id(endpoint_id), read_form("act", await request.form())
    what = form.values.get("what", "")
    done = ACTS.get(what)
    if done is None:
        raise not_found()

    async def effect(tx: Transaction) -> dict[str, int]:
        match what:
            case "pause":
                await webhooks.set_endpoint_state(tx, endpoint_id=wanted, state="paused", by=desk.by)
            case "resume":
                await webhooks.set_endpoint_state(tx, endpoint_id=wanted, state="active", by=desk.by)
            case "test":
                await webhooks.send_test(tx, endpoint_id=wanted, by=desk.by)
            case "resend":
                return {"count": await webhooks.resend_parked(tx, endpoint_id=wanted, by=desk.by)}
            case "delete":
                await webhooks.delete_endpoint(tx, endpoint_id=wanted, by=desk.by)
        return {"count": 1}

    back = PATH if what == "delete" else f"{PATH}/{wanted}"
    try:
        await desk.do_once(f"webhook.{what}.{wanted}", form, effect)
    except Refused as error:
        if error.code == "webhook.endpoint_unknown":
            raise
        return desk.go(back, error.message, tone="bad", **error.data)
    return desk.go(back, done)


ACTS = {
    "pause": _("It is paused; messages collect."),
    "resume": _("Messages go out again."),
    "test": _("A test message is on its way; look at the log in a moment."),
    "resend": _("What was parked is sent again."),
    "delete": _("The endpoint is deleted."),
}
