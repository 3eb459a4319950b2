"""Agents that shop for people: who may, within which limits, and how much they have placed. For owners."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath

from serai.commerce.agent.api import (
    AGENT_SCOPES,
    count_agent_orders,
    create_agent,
    edit_agent,
    list_agents,
    load_agent,
    revoke_agent,
    signing_secret,
)
from serai.commerce.agent.types import Agent, AgentLimits
from serai.commerce.catalogue.api import list_categories
from serai.console.desk import AtDesk, Desk, not_found
from serai.console.form import Form, fill_form, note_refusal, parse_uuid, read_form, take_amount, take_text
from serai.console.staff import Secret
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Refused, _
from serai.foundation.money import minor_digits

PATH = "/console/agents"
PERMISSION = "apikey.manage"
SCOPE_NOTES = {
    "catalogue:read": _("Find products"),
    "checkout:write": _("Fill checkouts and place orders"),
    "order:read": _("Follow the orders that it placed"),
}
SENT = ("name", "order", "day", "hour", "expires", "is_open", "is_test", "key")
MAX_HOUR_DIGITS = 6
AnyRequest = Request[Any, Any, Any]


class AgentRow(msgspec.Struct, frozen=True):
    """An agent in the list: how it stands, and what it has placed."""

    agent: Agent
    state: str
    orders: int
    amount_minor: int


def _state(agent: Agent) -> str:
    if agent.revoked_at is not None:
        return "revoked"
    return "expired" if agent.expires_at is not None and agent.expires_at <= clock.now() else "active"


async def _show_list(desk: Desk, *, secret: Secret | None = None) -> Response[str]:
    async with desk.reading() as tx:
        agents, counts = await list_agents(tx), await count_agent_orders(tx)
        names = {
            each.category_id: each.label(desk.locale) for each in await list_categories(tx, is_counted=False)
        }
    rows = [AgentRow(agent, _state(agent), *counts.get(agent.agent_id, (0, 0))) for agent in agents]
    return desk.page("agent_list.html", "agent", desk.say(_("Agents")), rows=rows, names=names, secret=secret)


@get("/agents")
async def show_agents(desk: AtDesk) -> Response[str]:
    """All agents, revoked ones at the end."""
    desk.require(PERMISSION)
    return await _show_list(desk)


async def _show_form(
    desk: Desk,
    form: Form,
    *,
    agent: Agent | None,
    scopes: list[str],
    categories: list[str],
    status_code: int = 200,
) -> Response[str]:
    async with desk.reading() as tx:
        known = await list_categories(tx, is_counted=False)
    title = desk.say(_("Agent “%(name)s”"), name=agent.name) if agent else desk.say(_("New agent"))
    return desk.page(
        "agent_form.html",
        "agent",
        title,
        crumbs=((desk.say(_("Agents")), PATH), (title, "")),
        status_code=status_code,
        form=form,
        agent=agent,
        scopes=[(scope, desk.say(SCOPE_NOTES[scope])) for scope in AGENT_SCOPES],
        chosen_scopes=scopes,
        departments=[each for each in known if each.parent_id is None],
        chosen_categories=categories,
        signing=signing_secret(desk.commerce.secret, desk.merchant_id, agent.agent_id) if agent else "",
    )


@get("/agents/new")
async def show_new(desk: AtDesk) -> Response[str]:
    """The form of a new agent, with limits that a shop may well begin with."""
    desk.require(PERMISSION)
    form = fill_form("agent", name="", order="200", day="1000", hour="20", expires="", is_open="", is_test="")
    return await _show_form(desk, form, agent=None, scopes=list(AGENT_SCOPES), categories=[])


@get("/agents/{agent_id:str}/edit")
async def show_edit(desk: AtDesk, agent_id: FromPath[str]) -> Response[str]:
    """An agent's limits, to be changed."""
    desk.require(PERMISSION)
    agent = await _load(desk, agent_id)
    expires = _day_of(desk, agent.expires_at - timedelta(days=1)) if agent.expires_at else ""
    form = fill_form(
        "agent",
        name=agent.name,
        order=_plain(desk, agent.order_minor),
        day=_plain(desk, agent.day_minor),
        hour=agent.hour_orders or "",
        expires=expires,
        is_open="1" if agent.is_open else "",
        is_test="1" if agent.is_test else "",
    )
    chosen = [str(each) for each in agent.category_ids]
    return await _show_form(desk, form, agent=agent, scopes=list(agent.scopes), categories=chosen)


async def _load(desk: Desk, agent_id: str) -> Agent:
    wanted = parse_uuid(agent_id)
    if wanted is None:
        raise not_found()
    async with desk.reading() as tx:
        return await load_agent(tx, agent_id=wanted)


def _day_of(desk: Desk, moment: datetime) -> str:
    return moment.astimezone(ZoneInfo(desk.merchant.time_zone)).date().isoformat()


def _plain(desk: Desk, minor: int | None) -> str:
    """An amount as it is typed."""
    digits = minor_digits(desk.merchant.currency)
    return "" if minor is None else f"{minor / 10**digits:.{digits}f}"


class _Sent(msgspec.Struct, frozen=True):
    form: Form
    name: str
    limits: AgentLimits
    scopes: list[str]
    categories: list[str]


async def _read(request: AnyRequest, desk: Desk) -> _Sent:
    """What was sent, with an error at every field that makes no sense."""
    sent = await request.form()
    form = read_form("agent", {name: sent.get(name) for name in SENT})
    scopes = [each for each in sent.getall("scopes", []) if each in AGENT_SCOPES]
    categories = [each for each in sent.getall("categories", []) if isinstance(each, str)][:50]
    form.values["scopes"], form.values["categories"] = " ".join(scopes), " ".join(categories)[:2000]
    name = take_text(
        form,
        "name",
        limit=100,
        missing=desk.say(_("Please give the agent a name.")),
        too_long=desk.say(_("That is too long.")),
    )
    if not scopes:
        form.errors["scopes"] = desk.say(_("Please choose what the agent may do."))
    limits = AgentLimits(
        scopes=tuple(scopes),
        order_minor=_take_limit(desk, form, "order"),
        day_minor=_take_limit(desk, form, "day"),
        hour_orders=_take_count(desk, form),
        category_ids=tuple(found for found in map(parse_uuid, categories) if found is not None),
        expires_at=_take_day(desk, form),
        is_open=form.values.get("is_open") == "1",
        is_test=form.values.get("is_test") == "1",
    )
    return _Sent(form, name, limits, scopes, categories)


def _take_limit(desk: Desk, form: Form, field: str) -> int | None:
    if not form.values.get(field):
        return None
    wrong = desk.say(_("Please give an amount such as 250, or leave it empty."))
    return take_amount(form, field, desk.merchant.currency, wrong=wrong) or None


def _take_count(desk: Desk, form: Form) -> int | None:
    text = form.values.get("hour", "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < MAX_HOUR_DIGITS and int(text)):
        form.errors["hour"] = desk.say(_("Please give a whole number above zero, or leave it empty."))
        return None
    return int(text)


def _take_day(desk: Desk, form: Form) -> datetime | None:
    """The end of the day that was chosen, in the merchant's time zone."""
    text = form.values.get("expires", "")
    if not text:
        return None
    try:
        day = datetime.fromisoformat(text[:10]).replace(tzinfo=ZoneInfo(desk.merchant.time_zone))
        return day + timedelta(days=1)
    except (ValueError, OverflowError):
        form.errors["expires"] = desk.say(_("Please give a day, such as 2026-12-31."))
        return None


@post("/agents/new", status_code=200)
async def create(request: AnyRequest, desk: AtDesk) -> Response[Any]:
    """Issue a key. It is in this answer only: a digest is all that is kept."""
    desk.require(PERMISSION)
    sent = await _read(request, desk)
    made: list[Secret] = []

    async def effect(tx: Transaction) -> dict[str, str]:
        agent, secret = await create_agent(tx, name=sent.name, limits=sent.limits, by=desk.by)
        made.append(Secret(agent.name, secret))
        return {"agent_id": str(agent.agent_id)}

    if sent.form.errors:
        return await _show_sent(desk, sent, None, 422)
    try:
        await desk.do_once("agent.create", sent.form, effect)
    except Refused as error:
        note_refusal(sent.form, error, desk.explain(error))
        return await _show_sent(desk, sent, None, error.status)
    if not made:
        message = _(
            "The agent “%(name)s” has been made already. If its key was missed, revoke it and make another."
        )
        return desk.go(PATH, message, tone="warn", name=sent.name)
    return await _show_list(desk, secret=made[0])


async def _show_sent(desk: Desk, sent: _Sent, agent: Agent | None, status_code: int) -> Response[str]:
    return await _show_form(
        desk, sent.form, agent=agent, scopes=sent.scopes, categories=sent.categories, status_code=status_code
    )


@post("/agents/{agent_id:str}/edit", status_code=200)
async def edit(request: AnyRequest, desk: AtDesk, agent_id: FromPath[str]) -> Response[Any]:
    """Change an agent's limits; they hold from its next call on."""
    desk.require(PERMISSION)
    agent = await _load(desk, agent_id)
    sent = await _read(request, desk)

    async def effect(tx: Transaction) -> dict[str, str]:
        await edit_agent(tx, agent_id=agent.agent_id, name=sent.name, limits=sent.limits, by=desk.by)
        return {}

    if sent.form.errors:
        return await _show_sent(desk, sent, agent, 422)
    try:
        await desk.do_once("agent.edit", sent.form, effect)
    except Refused as error:
        note_refusal(sent.form, error, desk.explain(error))
        return await _show_sent(desk, sent, agent, error.status)
    return desk.go(PATH, _("The limits of “%(name)s” hold from now on."), name=sent.name)


@post("/agents/{agent_id:str}/revoke", status_code=303)
async def revoke(desk: AtDesk, agent_id: FromPath[str]) -> Response[Any]:
    """End an agent's key for good."""
    desk.require(PERMISSION)
    wanted: UUID | None = parse_uuid(agent_id)
    if wanted is None:
        raise not_found()
    async with desk.db.transaction(desk.merchant_id) as tx:
        agent = await revoke_agent(tx, agent_id=wanted, by=desk.by)
    return desk.go(PATH, _("The key of “%(name)s” is revoked."), name=agent.name)
