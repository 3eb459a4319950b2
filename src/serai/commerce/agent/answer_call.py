"""The edge that all protocols of agents share: who calls, what was sent, and one answer per Idempotency-Key."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from litestar import Request, Response

from serai.commerce.agent.edit_agent import recognise_agent
from serai.commerce.agent.types import Agent
from serai.commerce.types import Commerce
from serai.foundation.errors import Invalid, Refused, _
from serai.foundation.idempotency import Call, ReplyRow, find_reply, in_flight, make_call, save_replies
from serai.foundation.ids import MerchantId, new_id

Asked = Request[Any, Any, Any]
T = TypeVar("T")
Rendered = tuple[int, dict[str, Any]]
# Refusals that a repeat of the same call gets again: what was wrong with it stays wrong.
KEPT = frozenset({400, 402, 405, 422})
MAX_DEPTH = 60


class AgentCaller(msgspec.Struct, frozen=True):
    """An agent that calls, and the tools to serve it. ``base_url`` is the shop's address, as it was asked."""

    merchant_id: MerchantId
    agent: Agent
    commerce: Commerce
    base_url: str


async def recognise_key(
    commerce: Commerce,
    merchant_id: MerchantId,
    *,
    authorization: str | None,
    base_url: str,
    needs: tuple[str, ...],
) -> AgentCaller:
    """The agent behind an ``Authorization`` header. Unauthorised, Limited as of :func:`recognise_agent`."""
    async with commerce.db.transaction(merchant_id) as tx:
        agent = await recognise_agent(
            tx,
            authorization=authorization,
            calls_per_minute=commerce.settings.agent_calls_per_minute,
            needs=needs,
        )
    return AgentCaller(merchant_id, agent, commerce, base_url)


async def recognise_caller(request: Asked, *needs: str) -> AgentCaller:
    """The agent behind a request. Unauthorised, Limited as of :func:`recognise_agent`."""
    return await recognise_key(
        request.app.state.commerce,
        MerchantId(request.scope["state"]["merchant"].merchant_id),
        authorization=request.headers.get("authorization"),
        base_url=base_url_of(request),
        needs=needs,
    )


def base_url_of(request: Asked) -> str:
    """Where this shop answers, as it was asked."""
    commerce: Commerce = request.app.state.commerce
    return (commerce.settings.public_url or str(request.base_url)).rstrip("/")


async def read_json(request: Asked) -> Any:
    """The body as JSON values; an empty one is an empty object. Invalid ``agent.body_malformed``."""
    raw = await request.body()
    if not raw.strip():
        return {}
    try:
        return tidy_numbers(msgspec.json.decode(raw))
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise Invalid("agent.body_malformed", _("The body is not JSON.")) from error


def tidy_numbers(value: Any, depth: int = 0) -> Any:
    """JSON values with 1.0 as 1, so that bodies which mean the same are the same. Invalid ``agent.body_malformed``."""
    if depth > MAX_DEPTH:
        raise Invalid("agent.body_malformed", _("The body is not JSON."))
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if isinstance(value, list):
        return [tidy_numbers(each, depth + 1) for each in value]
    if isinstance(value, dict):
        return {key: tidy_numbers(each, depth + 1) for key, each in value.items()}
    return value


def convert_body(body: Any, kind: type[T]) -> T:
    """The body as a Struct; fields that it does not know are passed over. Invalid ``agent.body_invalid`` with ``path``."""
    try:
        return msgspec.convert(body, kind)
    except msgspec.ValidationError as error:
        text, _at, path = str(error).partition(" - at ")
        raise Invalid(
            "agent.body_invalid", _("%(text)s"), text=text[:300], path=path.strip("`")[:200] or "$"
        ) from error


async def answer_once(
    request: Asked,
    caller: AgentCaller,
    *,
    operation: str,
    body: Any,
    effect: Callable[[UUID], Awaitable[dict[str, Any]]],
    render: Callable[[Refused], Rendered],
    status: int = 200,
    key_needed: bool = False,
) -> Response[Any]:
    """Answer a mutating call: the same key and body again get the same answer, refusals included.

    Args:
        effect: does what is asked, once per id that it is given.
        render: a refusal in the protocol's words, as (status, body).
        key_needed: without a key ``idempotency.key_needed`` is raised; else such a call is one of its own.

    Raises:
        Conflict: ``idempotency.in_flight``. Invalid: ``idempotency.body_differs``, ``…key_needed``, ``…key_invalid``.
    """
    key = request.headers.get("idempotency-key") or (None if key_needed else str(new_id()))
    call = make_call(f"agent:{caller.agent.agent_id}", f"{operation} {request.url.path}", key, body)
    effect_id: UUID = call.effect_id(caller.merchant_id)
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        earlier = await find_reply(tx, call)
    if earlier is not None:
        return _respond(earlier.status, earlier.body, replayed=True)
    under_way: set[UUID] = request.app.state.calls_under_way
    if effect_id in under_way:
        raise in_flight()
    under_way.add(effect_id)
    try:
        try:
            answer, code = await effect(effect_id), status
        except Refused as refusal:
            code, answer = render(refusal)
            if code not in KEPT:
                raise
        code, answer = await _keep(caller, call, code, answer)
    finally:
        under_way.discard(effect_id)
    return _respond(code, answer, replayed=False)


async def _keep(caller: AgentCaller, call: Call, status: int, answer: dict[str, Any]) -> Rendered:
    """Store an answer and read back the one that is kept: a twin elsewhere may have been first."""
    async with caller.commerce.db.transaction(caller.merchant_id) as tx:
        await save_replies(tx, [ReplyRow(call, status, msgspec.to_builtins(answer))])
        kept = await find_reply(tx, call)
    assert kept is not None
    return kept.status, kept.body


def _respond(status: int, body: Any, *, replayed: bool) -> Response[Any]:
    headers = {"idempotent-replayed": "true"} if replayed else {}
    return Response(body, status_code=status, headers=headers)
