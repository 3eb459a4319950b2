"""The Universal Commerce Protocol over REST: ``/.well-known/ucp`` and everything below ``/ucp/v1``."""

import hmac
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from litestar import Response, get, post, put
from litestar.params import FromPath

from serai.commerce.agent import api
from serai.commerce.agent.types import Change
from serai.commerce.order.api import fulfil_order
from serai.commerce.types import Commerce
from serai.commerce.ucp.read_body import (
    CheckoutBody,
    CompleteBody,
    OrderBody,
    read_change,
    read_credential,
)
from serai.commerce.ucp.show_checkout import (
    HANDLERS as PAYMENT_HANDLERS,
)
from serai.commerce.ucp.show_checkout import (
    VERSION,
    render_refusal,
    show_checkout,
    show_order,
    show_profile,
)
from serai.foundation.errors import Forbidden, Invalid, Limited, NotFound, Outside, Refused, _
from serai.foundation.ids import MerchantId
from serai.identity.merchant.api import load_merchant

ROOT = "/ucp/v1"
T = TypeVar("T")


async def _guard(work: Awaitable[Response[Any]]) -> Response[Any]:
    """Every expected failure in the protocol's words."""
    try:
        return await work
    except Refused as refusal:
        status, body = render_refusal(refusal)
        headers = (
            {"retry-after": str(refusal.data.get("retry_after_s", 5))} if isinstance(refusal, Limited) else {}
        )
        return Response(body, status_code=status, headers=headers)
    except Outside:
        text = "A partner service does not answer. Please ask again."
        message = {"type": "error", "code": "service_unavailable", "content": text, "severity": "recoverable"}
        body = {"detail": text, "code": "service_unavailable", "messages": [message]}
        return Response(body, status_code=503, headers={"retry-after": "2"})


async def _recognise(request: api.Asked, *needs: str) -> tuple[api.AgentCaller, str]:
    """The agent, and the address of its profile. Invalid ``agent.version`` for a version newer than ours."""
    profile, version = api.read_agent_header(request.headers.get("ucp-agent", ""))
    if version and version > VERSION:
        raise Invalid("agent.version", _("This shop speaks version %(known)s."), known=VERSION)
    return await api.recognise_caller(request, *needs), profile


async def _currency(caller: api.AgentCaller) -> str:
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        return (await load_merchant(tx)).currency


def _show(caller: api.AgentCaller, stand: Any) -> dict[str, Any]:
    return show_checkout(stand, base_url=caller.base_url, is_test=caller.agent.is_test)


def _session_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("agent.session_unknown", _("There is no such checkout.")) from None


async def _change(
    request: api.Asked,
    operation: str,
    effect_of: Callable[[api.AgentCaller, UUID, Change], Awaitable[Any]],
    status: int,
) -> Response[Any]:
    caller, profile = await _recognise(request, "checkout:write")
    body = await api.read_json(request)

    async def effect(effect_id: UUID) -> dict[str, Any]:
        change = read_change(api.convert_body(body, CheckoutBody), await _currency(caller))
        if profile:
            url = await api.find_webhook_url(caller.commerce.settings, profile)
            change = msgspec.structs.replace(change, webhook_url=url or None)
        return _show(caller, await effect_of(caller, effect_id, change))

    return await api.answer_once(
        request, caller, operation=operation, body=body, effect=effect, render=render_refusal, status=status
    )


@get(["/.well-known/ucp", f"{ROOT}/.well-known/ucp"], include_in_schema=False)
async def get_profile(request: api.Asked) -> Response[Any]:
    """What this shop offers to agents, and the key that signs what it tells them."""
    merchant_id = MerchantId(request.scope["state"]["merchant"].merchant_id)
    commerce: Commerce = request.app.state.commerce
    async with commerce.db.transaction(merchant_id, "read") as tx:
        agents = await api.list_agents(tx)
    is_test = any(each.is_open and each.is_test and each.revoked_at is None for each in agents)
    key = api.public_key(commerce.secret, merchant_id)
    shown = show_profile(api.base_url_of(request), key, is_test=is_test)
    return Response(shown, headers={"cache-control": "public, max-age=60"})


@post(f"{ROOT}/checkout-sessions", include_in_schema=False)
async def post_session(request: api.Asked) -> Response[Any]:
    """Open a checkout."""

    async def opened(caller: api.AgentCaller, effect_id: UUID, change: Change) -> Any:
        if change.lines is None:
            raise Invalid("agent.incomplete", _("Please say what to buy."), path="$.line_items")
        return await api.open_session(
            caller.commerce,
            caller.merchant_id,
            agent=caller.agent,
            protocol="ucp",
            key=effect_id,
            change=change,
        )

    return await _guard(_change(request, "ucp create", opened, 201))


@get(f"{ROOT}/checkout-sessions/{{session_id:str}}", include_in_schema=False)
async def get_session(request: api.Asked, session_id: FromPath[str]) -> Response[Any]:
    """A checkout as it stands now."""

    async def answer() -> Response[Any]:
        caller, _profile = await _recognise(request, "checkout:write")
        stand = await api.load_stand(
            caller.commerce, caller.merchant_id, agent=caller.agent, session_id=_session_id(session_id)
        )
        return Response(_show(caller, stand))

    return await _guard(answer())


@put(f"{ROOT}/checkout-sessions/{{session_id:str}}", include_in_schema=False)
async def put_session(request: api.Asked, session_id: FromPath[str]) -> Response[Any]:
    """Change a checkout; what is left out stays."""

    async def updated(caller: api.AgentCaller, _effect_id: UUID, change: Change) -> Any:
        return await api.update_session(
            caller.commerce,
            caller.merchant_id,
            agent=caller.agent,
            session_id=_session_id(session_id),
            change=change,
        )

    return await _guard(_change(request, "ucp update", updated, 200))


@post(f"{ROOT}/checkout-sessions/{{session_id:str}}/complete", include_in_schema=False)
async def post_complete(request: api.Asked, session_id: FromPath[str]) -> Response[Any]:
    """Place the order and pay it with the agent's token."""

    async def answer() -> Response[Any]:
        caller, _profile = await _recognise(request, "checkout:write")
        body = await api.read_json(request)

        async def effect(effect_id: UUID) -> dict[str, Any]:
            credential = read_credential(api.convert_body(body, CompleteBody), frozenset(PAYMENT_HANDLERS))
            stand = await api.complete_session(
                caller.commerce,
                caller.merchant_id,
                agent=caller.agent,
                session_id=_session_id(session_id),
                credential=credential,
                base_url=caller.base_url,
                key=effect_id,
            )
            return _show(caller, stand)

        return await api.answer_once(
            request, caller, operation="ucp complete", body=body, effect=effect, render=render_refusal
        )

    return await _guard(answer())


@post(f"{ROOT}/checkout-sessions/{{session_id:str}}/cancel", include_in_schema=False)
async def post_cancel(request: api.Asked, session_id: FromPath[str]) -> Response[Any]:
    """Give a checkout up."""

    async def answer() -> Response[Any]:
        caller, _profile = await _recognise(request, "checkout:write")
        body = await api.read_json(request)

        async def effect(_effect_id: UUID) -> dict[str, Any]:
            stand = await api.cancel_session(
                caller.commerce, caller.merchant_id, agent=caller.agent, session_id=_session_id(session_id)
            )
            return _show(caller, stand)

        return await api.answer_once(
            request, caller, operation="ucp cancel", body=body, effect=effect, render=render_refusal
        )

    return await _guard(answer())


def _order_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("order.unknown", _("There is no such order.")) from None


@get(f"{ROOT}/orders/{{order_id:str}}", include_in_schema=False)
async def get_order(request: api.Asked, order_id: FromPath[str]) -> Response[Any]:
    """An order that this agent placed."""

    async def answer() -> Response[Any]:
        caller, _profile = await _recognise(request, "order:read")
        async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
            found = await api.load_placed(tx, agent=caller.agent, order_id=_order_id(order_id))
        url = caller.base_url + api.order_path(caller.commerce, found[0].order_id)
        return Response(show_order(*found, url=url))

    return await _guard(answer())


@put(f"{ROOT}/orders/{{order_id:str}}", include_in_schema=False)
async def put_order(request: api.Asked, order_id: FromPath[str]) -> Response[Any]:
    """Report what an agent knows of its order. It is kept as the agent's word: neither goods nor money move."""

    async def answer() -> Response[Any]:
        caller, _profile = await _recognise(request, "order:read")
        body = api.convert_body(await api.read_json(request), OrderBody)
        async with caller.commerce.db.transaction(caller.merchant_id) as tx:
            order, mark, session = await api.load_placed(tx, agent=caller.agent, order_id=_order_id(order_id))
            own = {str(refund.refund_id) for refund in order.refunds} | {f"shipped_{order.order_id.hex[:12]}"}
            events = body.fulfillment.events if body.fulfillment and body.fulfillment.events else []
            reports: dict[str, list[dict[str, Any]]] = {
                "events": [_tidy(each) for each in events if each.id not in own],
                "adjustments": [_tidy(each) for each in body.adjustments or [] if each.id not in own],
            }
            mark = await api.keep_reports(tx, mark=mark, reports=reports)
        url = caller.base_url + api.order_path(caller.commerce, order.order_id)
        return Response(show_order(order, mark, session, url=url))

    return await _guard(answer())


def _tidy(report: msgspec.Struct) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.to_builtins(report)
    return {name: value for name, value in told.items() if value is not None}


@post(f"{ROOT}/testing/simulate-shipping/{{order_id:str}}", include_in_schema=False, status_code=200)
async def post_shipping(request: api.Asked, order_id: FromPath[str]) -> Response[Any]:
    """Ship a test agent's order, where the installation's settings allow such rehearsals."""

    async def answer() -> Response[Any]:
        caller, _profile = await _recognise(request, "order:read")
        secret = caller.commerce.settings.ucp_simulation_secret
        if not secret or not caller.agent.is_test:
            raise NotFound("agent.no_rehearsal", _("This shop rehearses no shipping."))
        if not hmac.compare_digest(request.headers.get("simulation-secret", "").encode(), secret.encode()):
            raise Forbidden("agent.rehearsal_refused", _("That is not the secret of rehearsals."))
        async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
            order, _mark, _session = await api.load_placed(
                tx, agent=caller.agent, order_id=_order_id(order_id)
            )
        await fulfil_order(
            caller.commerce,
            caller.merchant_id,
            order_id=order.order_id,
            tracking="TEST-1",
            by=caller.agent.actor,
        )
        return Response({"status": "shipped", "order_id": str(order.order_id)})

    return await _guard(answer())


HANDLERS = [
    get_profile,
    post_session,
    get_session,
    put_session,
    post_complete,
    post_cancel,
    get_order,
    put_order,
    post_shipping,
]
