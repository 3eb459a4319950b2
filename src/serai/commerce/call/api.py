"""The JSON API's edge: who calls, with which key, and the one way in which a mutating call is answered."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response
from litestar.types import Empty
from litestar.utils.scope.state import ScopeState

from serai.commerce.call.check_types import check_types
from serai.commerce.types import Commerce
from serai.foundation.database import Transaction
from serai.foundation.errors import Refused
from serai.foundation.idempotency import (
    Call,
    Reply,
    ReplyRow,
    find_reply,
    in_flight,
    make_call,
    run_once,
    save_replies,
)
from serai.foundation.ids import MerchantId
from serai.identity.apikey.api import ApiKey, KeyRing, require_scope

Asked = Request[Any, Any, Any]
API = "/api/v1"


class Caller(msgspec.Struct, frozen=True):
    """A program with its key, and the tools to serve it."""

    merchant_id: MerchantId
    key: ApiKey
    commerce: Commerce

    @property
    def actor(self) -> str:
        """As the audit log names it."""
        return f"api:{self.key.name}"

    @property
    def owner(self) -> str:
        """As carts know their owner."""
        return f"api:{self.key.key_id}"


async def recognise_caller(request: Asked, scope: str) -> Caller:
    """The caller behind the request's key. Unauthorised or Forbidden when there is none or it may not."""
    merchant_id = MerchantId(request.scope["state"]["merchant"].merchant_id)
    keys: KeyRing = request.app.state.api_keys
    key = await keys.recognise(merchant_id, request.headers.get("authorization"))
    require_scope(key, scope)
    commerce: Commerce = request.app.state.commerce
    return Caller(merchant_id, key, commerce)


def describe_call(request: Asked, caller: Caller, operation: str, body: Any) -> Call:
    """The call with its Idempotency-Key and body.

    Raises:
        Invalid: the key is missing; ``body.type_wrong`` for a whole number that was sent as something else.
    """
    check_sent(request, body)
    return make_call(
        str(caller.key.key_id),
        f"{operation} {request.scope['path']}",
        request.headers.get("idempotency-key"),
        body,
    )


def check_sent(request: Asked, body: Any) -> None:
    """Refuse a body with a whole number that was sent as something else. Invalid ``body.type_wrong``."""
    sent = ScopeState.from_scope(request.scope).json
    if sent is not Empty:
        check_types(sent, body)


async def answer_in_transaction(
    request: Asked,
    caller: Caller,
    operation: str,
    body: Any,
    effect: Callable[[Transaction], Awaitable[Any]],
    *,
    status: int = 200,
) -> Response[Any]:
    """Answer a mutating call whose effect is one transaction: the stored reply commits with it."""
    call = describe_call(request, caller, operation, body)

    async def run(tx: Transaction) -> tuple[int, Any]:
        return status, await effect(tx)

    return to_response(await run_once(caller.commerce.db, caller.merchant_id, call, run))


async def answer_through_lane(
    request: Asked,
    caller: Caller,
    operation: str,
    body: Any,
    effect: Callable[[UUID], Awaitable[Any]],
    *,
    status: int = 200,
) -> Response[Any]:
    """Answer a mutating call whose effect goes through the ledger's lane, which knows its repeats by the given id.

    The reply is stored after the effect: a crash in between makes the repeat find the effect done and store it then.
    """
    call = describe_call(request, caller, operation, body)
    effect_id = call.effect_id(caller.merchant_id)
    earlier = await _find_earlier(caller, call)
    if earlier is not None:
        return to_response(earlier)
    with _under_way(request, effect_id):
        kept = await _store_reply(caller, call, status, await effect(effect_id))
    return to_response(Reply(kept.status, kept.body))


async def answer_with_document(
    request: Asked,
    caller: Caller,
    call: Call,
    effect: Callable[[UUID], Awaitable[tuple[Any, bool]]],
    *,
    status: int = 200,
) -> Response[Any]:
    """Answer a mutating call whose group in the ledger's lane carries the stored reply, as one of its documents.

    A first call then costs no statement beside the effect's own. A repeat is known by the lane, or by the refusal of what
    its first has used up, and is answered with what was stored.

    Args:
        effect: gives (content, whether it had been done before); it writes the ``ReplyRow`` of ``call`` with its group.
    """
    effect_id = call.effect_id(caller.merchant_id)
    with _under_way(request, effect_id):
        try:
            content, replayed = await effect(effect_id)
        except Refused:
            earlier = await _find_earlier(caller, call)
            if earlier is None:
                raise
            return to_response(earlier)
        if replayed:
            return to_response(await _store_reply(caller, call, status, content))
    return to_response(Reply(status, msgspec.to_builtins(content)))


@contextmanager
def _under_way(request: Asked, effect_id: UUID) -> Iterator[None]:
    """Conflict ``idempotency.in_flight`` while a twin of the call is worked on in this process."""
    under_way: set[UUID] = request.app.state.calls_under_way
    if effect_id in under_way:
        raise in_flight()
    under_way.add(effect_id)
    try:
        yield
    finally:
        under_way.discard(effect_id)


async def _find_earlier(caller: Caller, call: Call) -> Reply | None:
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        return await find_reply(tx, call)


async def _store_reply(caller: Caller, call: Call, status: int, content: Any) -> Reply:
    """Store an answer and read back the one that is kept. Invalid when that belongs to another body."""
    async with caller.commerce.db.transaction(caller.merchant_id) as tx:
        await save_replies(tx, [ReplyRow(call, status, msgspec.to_builtins(content))])
        # A twin in another process may have been first: its body must be this one, and its reply is the one kept.
        kept = await find_reply(tx, call)
    assert kept is not None
    return kept


def to_response(reply: Reply) -> Response[Any]:
    """A reply over HTTP; a repeated one says so."""
    headers = {"idempotent-replayed": "true"} if reply.replayed else {}
    return Response(reply.body, status_code=reply.status, headers=headers)
