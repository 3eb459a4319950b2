"""For tests: order faults, let the shopper decide, end late refunds, and look at the books. Behind a key of its own."""

import hmac
from typing import Any, Literal

import msgspec
from litestar import Response, delete, get, post
from msgspec import Struct

from serai_sandbox.counter.answer import AnyRequest, AnyResponse, read_body
from serai_sandbox.counter.books import Fault
from serai_sandbox.payments.page import settle
from serai_sandbox.stripe.balance import PAGE


class Decision(Struct, forbid_unknown_fields=True):
    """What the shopper does with a trade, named by the merchant's own number."""

    provider: str
    reference: str
    outcome: Literal["paid", "declined", "cancelled"] = "paid"


def _refuse(request: AnyRequest) -> AnyResponse | None:
    given = request.headers.get("x-control-key", "")
    if hmac.compare_digest(given.encode(), request.app.state.control_key.encode()):
        return None
    return Response({"error": "the control key is wrong"}, status_code=401)


def _find(request: AnyRequest, provider: str, reference: str) -> Any:
    trades = request.app.state.books.trades.values()
    found = [trade for trade in trades if trade.provider == provider and trade.reference == reference]
    return found[-1] if found else None


@post("/_control/faults", status_code=201)
async def order_fault(request: AnyRequest) -> AnyResponse:
    """Order a fault."""
    if refusal := _refuse(request):
        return refusal
    request.app.state.books.faults.append(msgspec.json.decode(await read_body(request), type=Fault))
    return Response({})


@delete("/_control/faults", status_code=200)
async def remove_faults(request: AnyRequest) -> AnyResponse:
    """Remove every fault."""
    if refusal := _refuse(request):
        return refusal
    request.app.state.books.faults.clear()
    return Response({})


@post("/_control/decide", status_code=200)
async def decide(request: AnyRequest) -> AnyResponse:
    """The shopper decides."""
    if refusal := _refuse(request):
        return refusal
    decision = msgspec.json.decode(await read_body(request), type=Decision)
    trade = _find(request, decision.provider, decision.reference)
    if trade is None:
        return Response({"error": "no such trade"}, status_code=404)
    settle(request.app.state, trade, decision.outcome)
    return Response(msgspec.to_builtins(trade))


@post("/_control/finish-refunds", status_code=200)
async def finish_refunds(request: AnyRequest) -> AnyResponse:
    """Pending refunds of every provider end."""
    if refusal := _refuse(request):
        return refusal
    state = request.app.state
    providers = {"stripe": state.stripe, "wechat": state.wechat, "alipay": state.alipay}
    for trade in list(state.books.trades.values()):
        for refund in trade.refunds:
            if refund.status == "pending":
                providers[trade.provider].finish_refund(trade, refund)
    return Response({})


@post("/_control/end-holds", status_code=200)
async def end_holds(request: AnyRequest) -> AnyResponse:
    """The time of held money is over, of one merchant's number with ``?reference=``."""
    if refusal := _refuse(request):
        return refusal
    wanted = request.query_params.get("reference")
    for trade in list(request.app.state.books.trades.values()):
        if trade.status == "held" and wanted in (None, trade.reference):
            request.app.state.stripe.end_hold(trade)
    return Response({})


@post("/_control/forget-keys", status_code=200)
async def forget_keys(request: AnyRequest) -> AnyResponse:
    """A day has passed: what was answered under an idempotency key is forgotten."""
    if refusal := _refuse(request):
        return refusal
    request.app.state.books.replies.clear()
    return Response({})


@post("/_control/page-limit", status_code=200)
async def limit_pages(request: AnyRequest) -> AnyResponse:
    """Stripe's pages have at most ``?limit=`` rows from now on."""
    if refusal := _refuse(request):
        return refusal
    PAGE["most"] = int(request.query_params["limit"])
    return Response({})


@get("/_control/trades")
async def list_trades(request: AnyRequest) -> AnyResponse:
    """Trades, of one merchant's number with ``?reference=``."""
    if refusal := _refuse(request):
        return refusal
    wanted = request.query_params.get("reference")
    trades = [t for t in request.app.state.books.trades.values() if wanted in (None, t.reference)]
    return Response([msgspec.to_builtins(trade) for trade in trades])


@get("/_control/deliveries")
async def list_deliveries(request: AnyRequest) -> AnyResponse:
    """Notifications and how they were received, of one trade with ``?trade_id=``."""
    if refusal := _refuse(request):
        return refusal
    wanted = request.query_params.get("trade_id")
    found = [d for d in request.app.state.postman.deliveries if wanted in (None, d.trade_id)]
    return Response([msgspec.to_builtins(delivery) for delivery in found])


HANDLERS = [
    order_fault,
    remove_faults,
    decide,
    finish_refunds,
    end_holds,
    forget_keys,
    list_trades,
    list_deliveries,
]
