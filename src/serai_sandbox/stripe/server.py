"""Stripe's API as far as a shop with hosted checkout needs it, as strict as the real one about keys, bodies and amounts."""

import hashlib
import hmac
import json
import time
from typing import Any
from urllib.parse import parse_qsl

from litestar import Response, route
from msgspec import Struct

from serai_sandbox.counter.answer import AnyRequest, AnyResponse, answer, read_body
from serai_sandbox.counter.books import Books, Refund, Trade, make_token
from serai_sandbox.counter.postman import Letter, Postman, unix
from serai_sandbox.counter.statement import spoil
from serai_sandbox.stripe import hold
from serai_sandbox.stripe.balance import list_transactions
from serai_sandbox.stripe.fail import Fail

NAME = "stripe"
DAY_S = 86_400


class Account(Struct, frozen=True):
    """A merchant's keys at the simulated Stripe."""

    secret_key: str
    webhook_secret: str


class Stripe:
    """The provider: its accounts, books and webhooks."""

    def __init__(self, books: Books, postman: Postman, url: str, accounts: list[Account]) -> None:
        self.books = books
        self.postman = postman
        self.url = url
        self.accounts = accounts

    def find_account(self, header: str) -> Account:
        for account in self.accounts:
            if hmac.compare_digest(f"Bearer {account.secret_key}".encode(), header.encode()):
                return account
        raise Fail(401, "invalid_request_error", "Invalid API Key provided")

    def settle(self, trade: Trade, outcome: str) -> None:
        """The shopper has decided on the pay page."""
        if trade.status != "open":
            return
        if outcome == "declined":
            # The page stays open for another card: only an event of the failed intent is sent.
            self._tell(trade, "payment_intent.payment_failed", self.show_intent)
            return
        if outcome == "cancelled":
            return
        if trade.extra.get("capture") == "manual":
            hold.authorise(self.books, trade)
            self._tell(trade, "payment_intent.amount_capturable_updated", self.show_intent)
            self._tell(trade, "checkout.session.completed", self.show_session)
            return
        fault = self.books.take(NAME, trade.reference, "pay", "wrong_amount")
        trade.status, trade.paid_s = "paid", time.time()
        trade.paid_amount = trade.amount + (fault.delta if fault else 0)
        self.books.keep(trade)
        self._tell(trade, "payment_intent.succeeded", self.show_intent)
        self._tell(trade, "checkout.session.completed", self.show_session)

    def expire(self, trade: Trade) -> None:
        trade.status = "closed"
        self.books.keep(trade)
        self._tell(trade, "checkout.session.expired", self.show_session)

    def capture(self, trade: Trade, form: dict[str, str]) -> dict[str, Any]:
        """Take part of what is held, or all of it."""
        self._tell(trade, hold.capture(self.books, trade, form), self.show_intent)
        return self.show_intent(trade)

    def cancel(self, trade: Trade, reason: str) -> dict[str, Any]:
        """Let go of what is held."""
        hold.cancel(self.books, trade, reason)
        self._tell(trade, "payment_intent.canceled", self.show_intent)
        return self.show_intent(trade)

    def end_hold(self, trade: Trade) -> None:
        """The time of a hold is over: Stripe lets go by itself."""
        self.cancel(trade, "automatic")

    def _tell(self, trade: Trade, kind: str, show: Any) -> None:
        account = next((each for each in self.accounts if each.secret_key == trade.account), None)
        if account is None:
            return
        event_id = make_token("evt_")
        content = show(trade)

        def write(letter: Letter) -> tuple[dict[str, str], bytes]:
            told = json.loads(json.dumps(content))
            for name in ("amount_total", "amount", "amount_received"):
                if told.get(name):
                    told[name] += letter.delta
            body = json.dumps(
                {
                    "id": make_token("evt_") if letter.is_forged else event_id,
                    "object": "event",
                    "type": kind,
                    "created": int(time.time()),
                    "data": {"object": told},
                }
            ).encode()
            secret = "whsec_wrong" if letter.is_forged else account.webhook_secret
            at = unix(letter)
            mac = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
            return {"content-type": "application/json", "stripe-signature": f"t={at},v1={mac}"}, body

        self.postman.send(trade, kind, write, lambda status, _body: 200 <= status < 300)

    def show_session(self, trade: Trade) -> dict[str, Any]:
        self.books.close_old(trade)
        states = {"open": "open", "paid": "complete", "held": "complete", "closed": "expired"}
        if trade.extra.get("held"):
            states["closed"] = "complete"
        is_paid = trade.status == "paid"
        return {
            "id": trade.trade_id,
            "object": "checkout.session",
            "status": states[trade.status],
            "payment_status": "paid" if is_paid else "unpaid",
            "client_reference_id": trade.reference,
            "amount_total": trade.paid_amount if is_paid else trade.amount,
            "currency": trade.currency,
            "payment_intent": trade.extra["intent"] if states[trade.status] == "complete" else None,
            "metadata": trade.extra.get("named", {}),
            "url": f"{self.url}/stripe/pay/{trade.trade_id}" if trade.status == "open" else None,
        }

    def show_intent(self, trade: Trade) -> dict[str, Any]:
        if trade.extra.get("capture") == "manual":
            return hold.show_intent(trade)
        states = {"open": "requires_payment_method", "paid": "succeeded", "closed": "canceled"}
        return {
            "id": trade.extra["intent"],
            "object": "payment_intent",
            "status": states[trade.status],
            "amount": trade.paid_amount if trade.status == "paid" else trade.amount,
            "amount_received": trade.paid_amount,
            "currency": trade.currency,
            "metadata": trade.extra["metadata"],
        }

    def show_refund(self, trade: Trade, refund: Refund) -> dict[str, Any]:
        return {
            "id": refund.refund_id,
            "object": "refund",
            "status": refund.status,
            "amount": refund.amount,
            "currency": trade.currency,
            "payment_intent": trade.extra["intent"],
            "metadata": {"refund_id": refund.reference, "intent_id": trade.reference},
        }

    def finish_refund(self, trade: Trade, refund: Refund) -> None:
        """A pending refund ends as it was ordered."""
        refund.status = refund.will_end
        self.books.keep(trade)
        kind = "refund.updated" if refund.status == "succeeded" else "refund.failed"
        self._tell(trade, kind, lambda _trade: self.show_refund(trade, refund))

    def create_session(self, account: Account, form: dict[str, str]) -> dict[str, Any]:
        for name in ("mode", "success_url", "client_reference_id", "line_items[0][price_data][currency]"):
            if not form.get(name):
                raise Fail(
                    400, "invalid_request_error", f"Missing required param: {name}.", "parameter_missing"
                )
        amount = int(form["line_items[0][price_data][unit_amount]"]) * int(form["line_items[0][quantity]"])
        currency = form["line_items[0][price_data][currency]"]
        least = {"usd": 50, "eur": 50, "gbp": 30, "jpy": 50}.get(currency, 1)
        if amount < least or currency != currency.lower():
            raise Fail(400, "invalid_request_error", "The amount is too small.", "amount_too_small")
        now = time.time()
        metadata = {"intent_id": form.get("payment_intent_data[metadata][intent_id]", "")}
        trade = Trade(
            make_token("cs_test_"),
            NAME,
            account.secret_key,
            form["client_reference_id"],
            amount,
            currency,
            form.get("payment_intent_data[description]", ""),
            form["success_url"],
            form.get("webhook", ""),
            now,
            now + DAY_S,
            extra={"intent": make_token("pi_"), "metadata": metadata, **hold.read_session(form)},
        )
        return self.show_session(self.books.keep(trade))

    def create_refund(self, form: dict[str, str]) -> dict[str, Any]:
        trade = self.find_by_intent(form.get("payment_intent", ""))
        amount = int(form.get("amount", "0"))
        if not trade.paid_amount or amount < 1 or trade.refunded + amount > trade.paid_amount:
            raise Fail(400, "invalid_request_error", "Refund amount is greater than unrefunded amount.")
        refund = Refund(
            make_token("re_"), form.get("metadata[refund_id]", ""), amount, "succeeded", at_s=time.time()
        )
        if fault := self.books.take(NAME, trade.reference, "refund", "fails", "late"):
            if fault.name == "fails" and fault.how != "later":
                raise Fail(402, "card_error", "The bank refuses the refund.", "refund_failed")
            refund.status = "pending"
            refund.will_end = "failed" if fault.name == "fails" else "succeeded"
        trade.refunds.append(refund)
        self.books.keep(trade)
        if refund.status == "succeeded":
            self._tell(trade, "refund.updated", lambda _trade: self.show_refund(trade, refund))
        return self.show_refund(trade, refund)

    def find_by_intent(self, intent_id: str) -> Trade:
        for trade in self.books.trades.values():
            if trade.provider == NAME and trade.extra.get("intent") == intent_id:
                return trade
        raise Fail(404, "invalid_request_error", "No such payment_intent", "resource_missing")

    def find_refund(self, refund_id: str) -> tuple[Trade, Refund]:
        for trade in self.books.trades.values():
            for refund in trade.refunds:
                if trade.provider == NAME and refund.refund_id == refund_id:
                    return trade, refund
        raise Fail(404, "invalid_request_error", "No such refund", "resource_missing")

    def find_session(self, account: Account, session_id: str) -> Trade:
        trade = self.books.trades.get(session_id)
        if trade is None or trade.account != account.secret_key:
            raise Fail(404, "invalid_request_error", "No such checkout.session", "resource_missing")
        return trade

    def handle(self, account: Account, method: str, path: str, form: dict[str, str]) -> tuple[str, str, Any]:
        """(operation, reference, work) of a call; the work is done when the faults of that reference allow it."""
        match method, path.strip("/").split("/"):
            case "POST", ["checkout", "sessions"]:
                return (
                    "create",
                    form.get("client_reference_id", ""),
                    lambda: self.create_session(account, form),
                )
            case "GET", ["checkout", "sessions", session_id]:
                trade = self.find_session(account, session_id)
                return "query", trade.reference, lambda: self.show_session(trade)
            case "POST", ["checkout", "sessions", session_id, "expire"]:
                trade = self.find_session(account, session_id)
                return "close", trade.reference, lambda: self._close(trade)
            case "GET", ["payment_intents", intent_id]:
                trade = self.find_by_intent(intent_id)
                return "query", trade.reference, lambda: hold.expand(trade, self.show_intent(trade), form)
            case "POST", ["payment_intents", intent_id, "capture"]:
                trade = self.find_by_intent(intent_id)
                return "capture", trade.reference, lambda: self.capture(trade, form)
            case "POST", ["payment_intents", intent_id, "cancel"]:
                trade = self.find_by_intent(intent_id)
                return "void", trade.reference, lambda: self.cancel(trade, "requested_by_customer")
            case "POST", ["refunds"]:
                reference = self.find_by_intent(form.get("payment_intent", "")).reference
                return "refund", reference, lambda: self.create_refund(form)
            case "GET", ["refunds"]:
                trade = self.find_by_intent(form.get("payment_intent", ""))
                refunds = [self.show_refund(trade, refund) for refund in trade.refunds]
                content = {"object": "list", "data": refunds, "has_more": False, "url": "/v1/refunds"}
                return "query", trade.reference, lambda: content
            case "GET", ["balance_transactions"]:
                return "statement", "", lambda: list_transactions(self.books, account.secret_key, form)
            case "GET", ["refunds", refund_id]:
                trade, refund = self.find_refund(refund_id)
                return "query", trade.reference, lambda: self.show_refund(trade, refund)
        raise Fail(404, "invalid_request_error", "Unrecognized request URL")

    def _close(self, trade: Trade) -> dict[str, Any]:
        if trade.status != "open":
            raise Fail(400, "invalid_request_error", "Only Checkout Sessions that are open can be expired.")
        self.expire(trade)
        return self.show_session(trade)


@route("/v1/{path:path}", http_method=["GET", "POST"])
async def call(request: AnyRequest) -> AnyResponse:
    """Any call of the API."""
    provider: Stripe = request.app.state.stripe
    body = await read_body(request)
    try:
        account = provider.find_account(request.headers.get("authorization", ""))
        text = body.decode() if request.method == "POST" else request.url.query
        form = dict(parse_qsl(text, keep_blank_values=True))
        if request.method == "POST":
            form["webhook"] = request.app.state.stripe_webhook.get(account.secret_key, "")
        path = request.url.path.removeprefix("/v1")
        key = request.headers.get("idempotency-key", "")
        known = provider.books.replies.get(f"{account.secret_key}/{key}") if key else None
        if known is not None:
            fingerprint, status, reply = known
            if fingerprint != path + text:
                raise Fail(400, "idempotency_error", "Keys can only be used with the same parameters.")
            on, reference = (
                "create"
                if path.startswith("/checkout")
                else "capture"
                if path.endswith("/capture")
                else "refund",
                form.get("client_reference_id", ""),
            )
            replay = Response(
                reply,
                status_code=status,
                media_type="application/json",
                headers={"idempotent-replayed": "true"},
            )
            return await answer(provider.books, NAME, reference, on, lambda: replay)
        on, reference, work = provider.handle(account, request.method, path, form)

        def done() -> AnyResponse:
            try:
                status, content = 200, work()
            except Fail as fail:
                status, content = fail.status, _show_fail(fail)
            reply = json.dumps(content).encode()
            if on == "statement" and status == 200:
                reply = spoil(provider.books, NAME, reply)
            if key:
                provider.books.replies[f"{account.secret_key}/{key}"] = (path + text, status, reply)
            return Response(reply, status_code=status, media_type="application/json")

        return await answer(provider.books, NAME, reference, on, done)
    except Fail as fail:
        return Response(_show_fail(fail), status_code=fail.status)
    except (ValueError, KeyError):
        return Response(_show_fail(Fail(400, "invalid_request_error", "Invalid request.")), status_code=400)


def _show_fail(fail: Fail) -> dict[str, Any]:
    return {"error": {"type": fail.kind, "code": fail.code or None, "message": fail.message}}
