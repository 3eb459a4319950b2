"""What only a sandbox has: ordering faults, paying without a browser, and looking at the webhooks that were sent."""

from typing import Annotated, Any

from litestar import Response, delete, get, post
from msgspec import Meta, Struct

from serai_sandbox.pay.answer import AnyRequest, AnyResponse, Subject
from serai_sandbox.pay.api import authenticate, find_sandbox, load_payment, read_body, respond
from serai_sandbox.pay.delivery import now_ms
from serai_sandbox.pay.event import make_id
from serai_sandbox.pay.fault import ACTIVE_LIMIT, CreateFault, Fault, order_fault
from serai_sandbox.pay.payment import decide_payment, open_pay_page
from serai_sandbox.pay.redirect import build_return_url
from serai_sandbox.pay.refusal import Refusal
from serai_sandbox.pay.types import Method, Outcome, format_time

DELIVERY_LIMIT = 500


class DecideForTest(Struct, frozen=True, forbid_unknown_fields=True):
    """Body of `POST /v1/test/pay/{id}`: what the shopper does, and faults ordered for this payment just before."""

    outcome: Outcome
    method: Method = "card"
    faults: Annotated[list[CreateFault], Meta(max_length=13)] = []


def _render_fault(fault: Fault) -> dict[str, Any]:
    return {
        "fault_id": fault.fault_id,
        "fault": fault.fault,
        "scope": fault.scope,
        "remaining": fault.remaining,
        "params": fault.params,
    }


@post("/v1/faults")
async def post_fault(request: AnyRequest) -> AnyResponse:
    """Order a fault."""
    sandbox, account = find_sandbox(request), authenticate(request)
    body = await read_body(request, CreateFault)
    with sandbox.books.store.transact():
        fault = order_fault(sandbox.books.store, account.slug, make_id("flt"), body, now_ms())
    return respond(_render_fault(fault), 201)


@get("/v1/faults")
async def list_faults(request: AnyRequest) -> AnyResponse:
    """List the account's faults that have not been used up."""
    sandbox, account = find_sandbox(request), authenticate(request)
    faults = sandbox.books.store.list_faults(Fault, account.slug, None, ACTIVE_LIMIT)
    return respond({"faults": [_render_fault(fault) for fault in faults]})


@delete("/v1/faults", status_code=200)
async def delete_faults(request: AnyRequest) -> AnyResponse:
    """Remove all faults of the account."""
    sandbox, account = find_sandbox(request), authenticate(request)
    return respond({"removed": sandbox.books.store.delete_faults(account.slug, None)})


@delete("/v1/faults/{fault_id:str}", status_code=204)
async def delete_fault(request: AnyRequest, fault_id: str) -> Response[None]:
    """Remove one fault."""
    sandbox, account = find_sandbox(request), authenticate(request)
    if sandbox.books.store.delete_faults(account.slug, fault_id) == 0:
        raise Refusal(404, "fault_unknown", "No active fault of this account has that id.")
    return Response(None, status_code=204)


@post("/v1/test/pay/{payment_id:str}", status_code=200)
async def post_test_pay(request: AnyRequest, payment_id: str) -> AnyResponse:
    """Do what the shopper would do on the pay page and tell where the browser would go."""
    sandbox, account = find_sandbox(request), authenticate(request)
    body = await read_body(request, DecideForTest)
    payment = load_payment(sandbox, account, payment_id)
    store = sandbox.books.store
    with store.transact():
        for wanted in body.faults:
            if wanted.scope != "account":
                raise Refusal(
                    422,
                    "body_invalid",
                    "Faults given here are of this payment; leave out scope.",
                    field="faults",
                )
            own = CreateFault(wanted.fault, f"payment:{payment_id}", wanted.count, wanted.params)
            order_fault(store, account.slug, make_id("flt"), own, now_ms())
        payment = open_pay_page(sandbox.books, payment, now_ms())
        payment = decide_payment(sandbox.books, payment, body.outcome, body.method, now_ms())
    sandbox.postman.wake()
    subject = Subject(account.slug, "pay", payment_id, payment.reference)
    is_lost = bool(subject.take(sandbox, "timeout_after_charge"))
    return respond(
        {
            "payment": sandbox.books.render(payment),
            "redirect_url": None if is_lost else build_return_url(payment),
        }
    )


@get("/v1/test/deliveries/{payment_id:str}")
async def list_deliveries(request: AnyRequest, payment_id: str) -> AnyResponse:
    """List the webhook messages of a payment and how they were received."""
    sandbox, account = find_sandbox(request), authenticate(request)
    load_payment(sandbox, account, payment_id)
    found = sandbox.books.store.list_deliveries(account.slug, payment_id, DELIVERY_LIMIT)
    return respond(
        {
            "deliveries": [
                {
                    "event_id": delivery.event_id,
                    "sequence": delivery.sequence,
                    "state": delivery.state,
                    "is_forged": delivery.is_forged,
                    "attempt_count": delivery.attempt_count,
                    "answer_status": delivery.answer_status,
                    "answer_error": delivery.answer_error,
                    "due_at": format_time(delivery.due_ms),
                }
                for delivery in found
            ]
        }
    )


HANDLERS = [
    post_fault,
    list_faults,
    delete_faults,
    delete_fault,
    post_test_pay,
    list_deliveries,
]
