"""JSON API of webhooks, and the door of the console's own receiver."""

from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import MediaType, Response, delete, get, post, put
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import Meta

from serai.commerce.call.api import API, Asked, answer_in_transaction, recognise_caller
from serai.commerce.types import Commerce, Page
from serai.commerce.webhook import api
from serai.commerce.webhook.keep_receipts import take_message
from serai.commerce.webhook.types import (
    Attempt,
    Delivery,
    DeliveryState,
    Endpoint,
    EndpointTerms,
    EventKind,
    NewSecret,
    SecretStand,
)
from serai.foundation.database import Transaction
from serai.foundation.ids import MerchantId


class EndpointBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where messages go and of which events."""

    url: Annotated[str, Meta(min_length=1, max_length=2000)]
    events: Annotated[tuple[Annotated[str, Meta(max_length=60)], ...], Meta(min_length=1, max_length=100)]
    description: Annotated[str, Meta(max_length=200)] = ""
    version: Annotated[str, Meta(max_length=20)] = "1"

    def terms(self) -> EndpointTerms:
        """As the house keeps it."""
        return EndpointTerms(self.url, self.description, self.events, self.version)


class StateBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether messages go out or collect."""

    state: Literal["active", "paused"]


class SecretBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether the secrets before sign no more, since somebody else may know them."""

    at_once: bool = False


class EndpointDetail(msgspec.Struct, frozen=True):
    """An endpoint, and which of its secrets sign until when."""

    endpoint: Endpoint
    secrets: tuple[SecretStand, ...]


class DeliveryDetail(msgspec.Struct, frozen=True):
    """A delivery with its attempts, the newest first."""

    delivery: Delivery
    attempts: tuple[Attempt, ...]


class ResentCount(msgspec.Struct, frozen=True):
    """How many messages are sent again."""

    count: int


@get(f"{API}/webhook-events", tags=["webhooks"])
async def get_events(request: Asked) -> list[EventKind]:
    """Every event that can be subscribed to, with the JSON Schema of its messages."""
    await recognise_caller(request, "webhook:read")
    return api.list_event_kinds()


@get(f"{API}/webhook-endpoints", tags=["webhooks"])
async def get_endpoints(request: Asked) -> list[Endpoint]:
    """All endpoints."""
    caller = await recognise_caller(request, "webhook:read")
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        return await api.list_endpoints(tx)


@post(f"{API}/webhook-endpoints", tags=["webhooks"])
async def post_endpoint(request: Asked, data: JSONBody[EndpointBody]) -> Response[Any]:
    """Add an endpoint. Its secret is in this answer (and its repeats) only. Private addresses are refused."""
    caller = await recognise_caller(request, "webhook:write")
    await api.check_endpoint_url(data.url, loopback_allowed=caller.commerce.settings.webhook_loopback)

    async def effect(tx: Transaction) -> NewSecret:
        return await api.add_endpoint(tx, commerce=caller.commerce, terms=data.terms(), by=caller.actor)

    return await answer_in_transaction(request, caller, "webhook", data, effect, status=201)


@get(f"{API}/webhook-endpoints/{{endpoint_id:uuid}}", tags=["webhooks"])
async def get_endpoint(request: Asked, endpoint_id: FromPath[UUID]) -> EndpointDetail:
    """One endpoint."""
    caller = await recognise_caller(request, "webhook:read")
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        endpoint = await api.load_endpoint(tx, endpoint_id=endpoint_id)
        return EndpointDetail(endpoint, tuple(await api.list_secrets(tx, endpoint_id=endpoint_id)))


@put(f"{API}/webhook-endpoints/{{endpoint_id:uuid}}", tags=["webhooks"])
async def put_endpoint(
    request: Asked, endpoint_id: FromPath[UUID], data: JSONBody[EndpointBody]
) -> Response[Any]:
    """Change an endpoint. What waits goes to the new address."""
    caller = await recognise_caller(request, "webhook:write")
    await api.check_endpoint_url(data.url, loopback_allowed=caller.commerce.settings.webhook_loopback)

    async def effect(tx: Transaction) -> Endpoint:
        return await api.change_endpoint(tx, endpoint_id=endpoint_id, terms=data.terms(), by=caller.actor)

    return await answer_in_transaction(request, caller, "webhook", data, effect)


@put(f"{API}/webhook-endpoints/{{endpoint_id:uuid}}/state", tags=["webhooks"])
async def put_state(request: Asked, endpoint_id: FromPath[UUID], data: JSONBody[StateBody]) -> Response[Any]:
    """Pause an endpoint, during which its messages collect, or let it go on, also after it was disabled."""
    caller = await recognise_caller(request, "webhook:write")

    async def effect(tx: Transaction) -> Endpoint:
        return await api.set_endpoint_state(tx, endpoint_id=endpoint_id, state=data.state, by=caller.actor)

    return await answer_in_transaction(request, caller, "webhook.state", data, effect)


@delete(f"{API}/webhook-endpoints/{{endpoint_id:uuid}}", tags=["webhooks"], status_code=200)
async def delete_endpoint(request: Asked, endpoint_id: FromPath[UUID]) -> Response[Any]:
    """Delete an endpoint; what waits for it is parked."""
    caller = await recognise_caller(request, "webhook:write")

    async def effect(tx: Transaction) -> Endpoint:
        return await api.delete_endpoint(tx, endpoint_id=endpoint_id, by=caller.actor)

    return await answer_in_transaction(request, caller, "webhook.delete", None, effect)


@post(f"{API}/webhook-endpoints/{{endpoint_id:uuid}}/secret", tags=["webhooks"])
async def post_secret(
    request: Asked, endpoint_id: FromPath[UUID], data: JSONBody[SecretBody]
) -> Response[Any]:
    """A new secret, in this answer (and its repeats) only. The one before signs beside it for a while, if wanted."""
    caller = await recognise_caller(request, "webhook:write")

    async def effect(tx: Transaction) -> NewSecret:
        return await api.rotate_secret(
            tx, commerce=caller.commerce, endpoint_id=endpoint_id, by=caller.actor, at_once=data.at_once
        )

    return await answer_in_transaction(request, caller, "webhook.secret", data, effect, status=201)


@post(f"{API}/webhook-endpoints/{{endpoint_id:uuid}}/test", tags=["webhooks"])
async def post_test(request: Asked, endpoint_id: FromPath[UUID]) -> Response[Any]:
    """Send a message that tells of nothing."""
    caller = await recognise_caller(request, "webhook:write")

    async def effect(tx: Transaction) -> Delivery:
        return await api.send_test(tx, endpoint_id=endpoint_id, by=caller.actor)

    return await answer_in_transaction(request, caller, "webhook.test", None, effect, status=201)


@post(f"{API}/webhook-endpoints/{{endpoint_id:uuid}}/resend-parked", tags=["webhooks"], status_code=200)
async def post_resend_parked(request: Asked, endpoint_id: FromPath[UUID]) -> Response[Any]:
    """Send everything again that is parked for an endpoint."""
    caller = await recognise_caller(request, "webhook:write")

    async def effect(tx: Transaction) -> ResentCount:
        return ResentCount(await api.resend_parked(tx, endpoint_id=endpoint_id, by=caller.actor))

    return await answer_in_transaction(request, caller, "webhook.resend", None, effect)


@get(f"{API}/webhook-deliveries", tags=["webhooks"])
async def get_deliveries(
    request: Asked,
    endpoint_id: FromQuery[UUID | None] = None,
    delivery_state: Annotated[DeliveryState | None, QueryParameter(name="state")] = None,
    event: Annotated[str | None, QueryParameter(max_length=60)] = None,
    object_id: FromQuery[UUID | None] = None,
    cursor: Annotated[str | None, QueryParameter(max_length=100)] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=100)] = 50,
) -> Page[Delivery]:
    """Deliveries, the newest first."""
    caller = await recognise_caller(request, "webhook:read")
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        return await api.list_deliveries(
            tx,
            endpoint_id=endpoint_id,
            state=delivery_state,
            event=event,
            object_id=object_id,
            cursor=cursor,
            limit=limit,
        )


@get(f"{API}/webhook-deliveries/{{delivery_id:uuid}}", tags=["webhooks"])
async def get_delivery(request: Asked, delivery_id: FromPath[UUID]) -> DeliveryDetail:
    """One delivery with its attempts."""
    caller = await recognise_caller(request, "webhook:read")
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        delivery = await api.load_delivery(tx, delivery_id=delivery_id)
        return DeliveryDetail(delivery, tuple(await api.list_attempts(tx, delivery_id=delivery_id)))


@post(f"{API}/webhook-deliveries/{{delivery_id:uuid}}/resend", tags=["webhooks"], status_code=200)
async def post_resend(request: Asked, delivery_id: FromPath[UUID]) -> Response[Any]:
    """Send a message again: the same id, body and number."""
    caller = await recognise_caller(request, "webhook:write")

    async def effect(tx: Transaction) -> Delivery:
        return await api.resend_delivery(tx, delivery_id=delivery_id, by=caller.actor)

    return await answer_in_transaction(request, caller, "webhook.resend", None, effect)


@post("/webhooks/receiver/{endpoint_id:uuid}", include_in_schema=False)
async def post_receiver(request: Asked, endpoint_id: FromPath[UUID]) -> Response[str]:
    """A message for the console's own receiver."""
    commerce: Commerce = request.app.state.commerce
    merchant_id = MerchantId(request.scope["state"]["merchant"].merchant_id)
    status = await take_message(
        commerce, merchant_id, endpoint_id=endpoint_id, headers=request.headers, body=await request.body()
    )
    return Response("", status_code=status, media_type=MediaType.TEXT)


HANDLERS = [
    get_events,
    get_endpoints,
    post_endpoint,
    get_endpoint,
    put_endpoint,
    put_state,
    delete_endpoint,
    post_secret,
    post_test,
    post_resend_parked,
    get_deliveries,
    get_delivery,
    post_resend,
    post_receiver,
]
