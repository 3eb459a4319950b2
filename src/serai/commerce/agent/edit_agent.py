"""Agents at the desk: issue a key with limits, change the limits, revoke. Every change is in the audit log."""

import secrets
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from serai.commerce.agent import store
from serai.commerce.agent.types import AGENT_SCOPES, Agent, AgentLimits
from serai.commerce.catalogue.api import list_categories
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, Invalid, NotFound, Unauthorised, _
from serai.foundation.ids import new_id
from serai.foundation.limit import take_token
from serai.identity.audit import api as audit
from serai.identity.session.api import digest_token

PREFIX = "ag_"
MAX_MINOR = 10**12
MAX_HOUR = 100_000
MAX_CATEGORIES = 50


def read_agent(row: Any) -> Agent:
    """A database row as an agent."""
    values = dict(row)
    return Agent(
        **{
            **values,
            "scopes": tuple(values["scopes"]),
            "category_ids": tuple(UUID(str(each)) for each in values["category_ids"]),
        }
    )


async def create_agent(tx: Transaction, *, name: str, limits: AgentLimits, by: str) -> tuple[Agent, str]:
    """Issue a key to an agent. Returns it with its secret, which is shown once and not kept.

    Raises:
        Invalid: ``agent.name_missing``, ``agent.scope_unknown``, ``agent.limit_invalid``, ``agent.expiry_invalid``,
            ``agent.category_unknown``.
        Conflict: ``agent.open_taken`` when another agent is open already.
    """
    name = _tidy_name(name)
    await _check_limits(tx, limits)
    secret = PREFIX + secrets.token_urlsafe(32)
    agent_id = new_id()
    values = (
        agent_id,
        name,
        secret[:9],
        digest_token(secret),
        sorted(set(limits.scopes)),
        limits.is_open,
        limits.is_test,
        limits.order_minor,
        limits.day_minor,
        limits.hour_orders,
        list(limits.category_ids),
        limits.expires_at,
        by,
        clock.now(),
    )
    try:
        agent = read_agent(await store.insert_agent(tx, values))
    except asyncpg.UniqueViolationError as error:
        raise _open_taken() from error
    await _record(tx, by, "agent.created", agent, None)
    return agent, secret


async def edit_agent(tx: Transaction, *, agent_id: UUID, name: str, limits: AgentLimits, by: str) -> Agent:
    """Change an agent's name and limits; they hold from its next call on.

    Raises:
        NotFound: ``agent.unknown``. Conflict: ``agent.revoked``, ``agent.open_taken``. Invalid as of :func:`create_agent`.
    """
    name = _tidy_name(name)
    row = await store.lock_agent(tx, agent_id)
    if row is None:
        raise _unknown()
    before = read_agent(row)
    if before.revoked_at is not None:
        raise Conflict("agent.revoked", _("This agent's key was revoked."))
    await _check_limits(tx, limits)
    values = (
        name,
        sorted(set(limits.scopes)),
        limits.is_open,
        limits.is_test,
        limits.order_minor,
        limits.day_minor,
        limits.hour_orders,
        list(limits.category_ids),
        limits.expires_at,
    )
    try:
        agent = read_agent(await store.update_agent(tx, agent_id, values))
    except asyncpg.UniqueViolationError as error:
        raise _open_taken() from error
    await _record(tx, by, "agent.changed", agent, before)
    return agent


async def revoke_agent(tx: Transaction, *, agent_id: UUID, by: str) -> Agent:
    """End an agent's key for good; orders that it placed stand. NotFound ``agent.unknown``."""
    row = await store.revoke_agent(tx, agent_id, clock.now())
    if row is None:
        raise _unknown()
    agent = read_agent(row)
    await audit.record(
        tx, actor=by, action="agent.revoked", subject_kind="agent", subject_id=agent_id, after={}
    )
    return agent


async def list_agents(tx: Transaction) -> list[Agent]:
    """All agents, the newest first, revoked ones at the end."""
    return [read_agent(row) for row in await store.list_agents(tx)]


async def load_agent(tx: Transaction, *, agent_id: UUID) -> Agent:
    """One agent. NotFound ``agent.unknown``."""
    row = await store.find_agent(tx, agent_id)
    if row is None:
        raise _unknown()
    return read_agent(row)


async def recognise_agent(
    tx: Transaction, *, authorization: str | None, calls_per_minute: int, needs: Sequence[str] = ()
) -> Agent:
    """The agent behind an ``Authorization: Bearer`` header; without one the open agent, if the shop has one.

    Raises:
        Unauthorised: ``agent.key_missing``, ``agent.key_wrong``, ``agent.key_expired``, ``agent.scope``.
        Limited: ``limit.reached``.
    """
    scheme, _space, secret = (authorization or "").partition(" ")
    digest = None
    if authorization:
        if scheme.lower() != "bearer" or not secret.strip().startswith(PREFIX):
            raise Unauthorised("agent.key_wrong", _("This agent's key is not valid."))
        digest = digest_token(secret.strip())
    now = clock.now()
    row = await store.use_agent(tx, digest, now)
    if row is None:
        if digest is None:
            raise Unauthorised("agent.key_missing", _("Agents need a key to shop here."))
        raise Unauthorised("agent.key_wrong", _("This agent's key is not valid."))
    agent = read_agent(row)
    if agent.expires_at is not None and agent.expires_at <= now:
        raise Unauthorised("agent.key_expired", _("This agent's key has expired."))
    for scope in needs:
        if scope not in agent.scopes:
            raise Unauthorised("agent.scope", _("This agent's key may not do that."), needed=scope)
    await take_token(tx, name="agent calls", who=str(agent.agent_id), most=calls_per_minute, per_s=60)
    return agent


def _unknown() -> NotFound:
    return NotFound("agent.unknown", _("There is no such agent."))


def _open_taken() -> Conflict:
    return Conflict(
        "agent.open_taken",
        _("Another agent already stands for callers without a key. Close that one first."),
        field="is_open",
    )


def _tidy_name(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > 100 or not name.isprintable():
        raise Invalid(
            "agent.name_missing", _("Please give the agent a name of at most 100 characters."), field="name"
        )
    return name


async def _check_limits(tx: Transaction, limits: AgentLimits) -> None:
    if not limits.scopes or any(scope not in AGENT_SCOPES for scope in limits.scopes):
        raise Invalid("agent.scope_unknown", _("Please choose what the agent may do."), field="scopes")
    for field, most in (("order_minor", MAX_MINOR), ("day_minor", MAX_MINOR), ("hour_orders", MAX_HOUR)):
        value = getattr(limits, field)
        if value is not None and not 0 < value <= most:
            raise Invalid("agent.limit_invalid", _("A limit is a number above zero."), field=field)
    if limits.expires_at is not None and limits.expires_at <= clock.now():
        raise Invalid("agent.expiry_invalid", _("Please choose a day in the future."), field="expires_at")
    if limits.category_ids:
        known = {category.category_id for category in await list_categories(tx, is_counted=False)}
        if len(limits.category_ids) > MAX_CATEGORIES or not known.issuperset(limits.category_ids):
            raise Invalid(
                "agent.category_unknown", _("Please choose departments of this shop."), field="category_ids"
            )


async def _record(tx: Transaction, by: str, action: str, agent: Agent, before: Agent | None) -> None:
    await audit.record(
        tx,
        actor=by,
        action=action,
        subject_kind="agent",
        subject_id=agent.agent_id,
        before=_describe(before) if before else None,
        after=_describe(agent),
    )


def _describe(agent: Agent) -> dict[str, Any]:
    kept = (
        "name",
        "scopes",
        "is_open",
        "is_test",
        "order_minor",
        "day_minor",
        "hour_orders",
        "category_ids",
        "expires_at",
    )
    described: dict[str, Any] = msgspec.to_builtins({name: getattr(agent, name) for name in kept})
    return described
