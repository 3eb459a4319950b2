"""The Agentic Commerce Protocol over REST: ``/.well-known/acp.json`` and everything below ``/acp``."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath

from serai.commerce.acp.read_body import CompleteBody, SessionBody, read_buyer, read_change, read_credential
from serai.commerce.acp.show_session import (
    DECLINED,
    VERSIONS,
    render_refusal,
    show_discovery,
    show_session,
)
from serai.commerce.acp.show_session import (
    HANDLERS as PAYMENT_HANDLERS,
)
from serai.commerce.agent import api
from serai.commerce.agent.types import Change, Problem, Stand
from serai.commerce.types import Commerce
from serai.foundation.errors import Conflict, Invalid, Limited, NotFound, Outside, Refused, Unauthorised, _
from serai.foundation.i18n import translate
from serai.foundation.ids import MerchantId
from serai.identity.merchant.api import load_merchant

ROOT = "/acp/checkout_sessions"
Work = Callable[[api.AgentCaller, Any, UUID], Awaitable[Any]]


async def _guard(request: api.Asked, work: Awaitable[Response[Any]]) -> Response[Any]:
    """Every expected failure in the protocol's words; keys of a call are said back."""
    try:
        response = await work
    except Refused as refusal:
        status, body = render_refusal(refusal)
        response = Response(body, status_code=status)
        if isinstance(refusal, Limited) or "retry_after_s" in refusal.data:
            response.headers["retry-after"] = str(refusal.data.get("retry_after_s", 5))
    except Outside:
        text = "A partner service does not answer. Please ask again."
        body = {"type": "service_unavailable", "code": "service_unavailable", "message": text}
        response = Response(body, status_code=503, headers={"retry-after": "2"})
    for name in ("idempotency-key", "request-id"):
        value = request.headers.get(name, "")
        if value and len(value) <= 255 and value.isprintable() and value.isascii():
            response.headers[name] = value
    return response


async def _recognise(request: api.Asked) -> api.AgentCaller:
    """The agent behind a call, its version understood and its signature checked where it signs.

    Raises:
        Invalid: ``agent.version``. Unauthorised: as of :func:`recognise_caller`; ``agent.signature``.
    """
    version = request.headers.get("api-version", "")
    if version not in VERSIONS:
        raise Invalid(
            "agent.version",
            _("Please name a version of the protocol that this shop speaks."),
            sent=version[:40],
        )
    caller = await api.recognise_caller(request, "checkout:write")
    signature = request.headers.get("signature")
    if signature is not None:
        secret = api.signing_secret(caller.commerce.secret, caller.merchant_id, caller.agent.agent_id)
        sent_at = request.headers.get("timestamp", "")
        if not api.check_signature(secret, sent_at, await request.body(), signature):
            raise Unauthorised("agent.signature", _("The signature does not fit, or was made too long ago."))
    return caller


def _session_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("agent.session_unknown", _("There is no such checkout.")) from None


async def _mutate(request: api.Asked, operation: str, work: Work, status: int = 200) -> Response[Any]:
    caller = await _recognise(request)
    body = await api.read_json(request)

    async def effect(effect_id: UUID) -> dict[str, Any]:
        return show_session(await work(caller, body, effect_id), base_url=caller.base_url)

    return await api.answer_once(
        request,
        caller,
        operation=operation,
        body=body,
        effect=effect,
        render=render_refusal,
        status=status,
        key_needed=True,
    )


async def _change(caller: api.AgentCaller, body: Any) -> Change:
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        currency = (await load_merchant(tx)).currency
    return read_change(api.convert_body(body, SessionBody), currency)


@get("/.well-known/acp.json", include_in_schema=False)
async def get_discovery(request: api.Asked) -> Response[Any]:
    """What this shop speaks, for whoever asks."""
    merchant_id = MerchantId(request.scope["state"]["merchant"].merchant_id)
    commerce: Commerce = request.app.state.commerce
    async with commerce.db.transaction(merchant_id, "read") as tx:
        currency = (await load_merchant(tx)).currency
    shown = show_discovery(api.base_url_of(request), currency)
    return Response(shown, headers={"cache-control": "public, max-age=3600"})


@post(ROOT, include_in_schema=False)
async def post_session(request: api.Asked) -> Response[Any]:
    """Open a checkout."""

    async def work(caller: api.AgentCaller, body: Any, effect_id: UUID) -> Any:
        change = await _change(caller, body)
        if not change.lines:
            raise Invalid("agent.incomplete", _("Please say what to buy."), path="$.line_items")
        return await api.open_session(
            caller.commerce,
            caller.merchant_id,
            agent=caller.agent,
            protocol="acp",
            key=effect_id,
            change=change,
        )

    return await _guard(request, _mutate(request, "acp create", work, 201))


@get(f"{ROOT}/{{session_id:str}}", include_in_schema=False)
async def get_session(request: api.Asked, session_id: FromPath[str]) -> Response[Any]:
    """A checkout as it stands now."""

    async def answer() -> Response[Any]:
        caller = await _recognise(request)
        stand = await api.load_stand(
            caller.commerce, caller.merchant_id, agent=caller.agent, session_id=_session_id(session_id)
        )
        return Response(show_session(stand, base_url=caller.base_url))

    return await _guard(request, answer())


@post(f"{ROOT}/{{session_id:str}}", include_in_schema=False, status_code=200)
async def post_update(request: api.Asked, session_id: FromPath[str]) -> Response[Any]:
    """Change a checkout; what is left out stays."""

    async def work(caller: api.AgentCaller, body: Any, _effect_id: UUID) -> Any:
        return await api.update_session(
            caller.commerce,
            caller.merchant_id,
            agent=caller.agent,
            session_id=_session_id(session_id),
            change=await _change(caller, body),
        )

    return await _guard(request, _mutate(request, "acp update", work))


@post(f"{ROOT}/{{session_id:str}}/complete", include_in_schema=False, status_code=200)
async def post_complete(request: api.Asked, session_id: FromPath[str]) -> Response[Any]:
    """Place the order and pay it with the agent's token."""

    async def work(caller: api.AgentCaller, body: Any, effect_id: UUID) -> Any:
        told = api.convert_body(body, CompleteBody)
        credential = read_credential(told, PAYMENT_HANDLERS)
        buyer = read_buyer(told.buyer)
        if buyer is not None:
            await _name_buyer(caller, _session_id(session_id), Change(buyer=buyer))
        try:
            return await api.complete_session(
                caller.commerce,
                caller.merchant_id,
                agent=caller.agent,
                session_id=_session_id(session_id),
                credential=credential,
                base_url=caller.base_url,
                key=effect_id,
            )
        except Refused as refusal:
            if refusal.code not in ("agent.payment_declined", "payment.token_refused"):
                raise
            return await _tell_declined(caller, _session_id(session_id), refusal)

    return await _guard(request, _mutate(request, "acp complete", work))


async def _tell_declined(caller: api.AgentCaller, session_id: UUID, refusal: Refused) -> Stand:
    """The checkout that goes on after a declined payment, with the news among its messages."""
    stand = await api.load_stand(
        caller.commerce, caller.merchant_id, agent=caller.agent, session_id=session_id
    )
    news = Problem(DECLINED, translate(refusal.message, "en", refusal.data), "$.payment_data", is_error=False)
    return msgspec.structs.replace(stand, problems=(*stand.problems, news))


async def _name_buyer(caller: api.AgentCaller, session_id: UUID, change: Change) -> None:
    """The buyer may be told with the payment. A checkout that is placed already knows its own."""
    try:
        await api.update_session(
            caller.commerce, caller.merchant_id, agent=caller.agent, session_id=session_id, change=change
        )
    except Conflict as refusal:
        if refusal.code != "agent.session_over":
            raise


@post(f"{ROOT}/{{session_id:str}}/cancel", include_in_schema=False, status_code=200)
async def post_cancel(request: api.Asked, session_id: FromPath[str]) -> Response[Any]:
    """Give a checkout up; 405 when it is completed or cancelled already."""

    async def work(caller: api.AgentCaller, _body: Any, _effect_id: UUID) -> Any:
        return await api.cancel_session(
            caller.commerce, caller.merchant_id, agent=caller.agent, session_id=_session_id(session_id)
        )

    response = await _guard(request, _mutate(request, "acp cancel", work))
    if response.status_code == 409 and response.content.get("code") == "agent_session_over":
        response.status_code = 405
        response.headers["allow"] = "GET"
    return response


HANDLERS = [get_discovery, post_session, get_session, post_update, post_complete, post_cancel]
