"""The carrier's HTTP: an API behind a secret, and webhooks that go out signed, and wrongly when asked to."""

import hashlib
import hmac
import json
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

from serai_sandbox.carrier.books import Books, Refusal, Shipment

MAX_BODY = 64 * 1024
LOOPBACK = ("127.0.0.1", "localhost", "::1")
TRIES = 5


class Carrier:
    """Books with the accounts that may use them: secret → (slug, webhook secret)."""

    def __init__(self, accounts: dict[str, tuple[str, str]]) -> None:
        self.accounts = accounts
        self.books = Books()
        self.closing = Event()
        self._held: list[tuple[Shipment, dict[str, Any], str]] = []

    def tell(self, shipment: Shipment, event: dict[str, Any], webhook_secret: str) -> None:
        """Send an event's webhook, or what the fault that strikes makes of it."""
        if not shipment.webhook_url:
            return
        fault = self.books.take_fault(
            "webhook_never", "webhook_duplicate", "webhook_out_of_order", "webhook_forged"
        )
        name = fault["fault"] if fault else ""
        if name == "webhook_never":
            return
        if name == "webhook_out_of_order":
            self._held.append((shipment, event, webhook_secret))
            return
        if name == "webhook_forged":
            forged = {**event, "event_id": "ev_forged", "kind": "delivered"}
            self._post(shipment, forged, "somebody else's secret")
            return
        for _copy in range(2 if name == "webhook_duplicate" else 1):
            self._post(shipment, event, webhook_secret)
        held, self._held = self._held, []
        for each in held:
            self._post(*each)

    def _post(self, shipment: Shipment, event: dict[str, Any], webhook_secret: str) -> None:
        body = json.dumps(event).encode()
        for attempt in range(TRIES):
            now = str(int(time.time()))
            digest = hmac.new(webhook_secret.encode(), now.encode() + b"." + body, hashlib.sha256).hexdigest()
            request = urllib.request.Request(
                shipment.webhook_url,
                body,
                {"content-type": "application/json", "carrier-signature": f"t={now},v1={digest}"},
            )
            try:
                with urllib.request.urlopen(request, timeout=10) as answer:
                    if answer.status < 300:
                        return
            except OSError:
                pass
            if event["event_id"] == "ev_forged" or self.closing.wait(0.2 * 2**attempt):
                return


class Handler(BaseHTTPRequestHandler):
    """One call. The server's ``carrier`` holds the state."""

    protocol_version = "HTTP/1.1"
    server: "Server"

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._serve({})

    def do_POST(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        if length > MAX_BODY:
            self._answer(413, {"error": "too_large"})
            return
        try:
            body = json.loads(self.rfile.read(length) or b"{}")
        except ValueError:
            self._answer(400, {"error": "not_json"})
            return
        self._serve(body if isinstance(body, dict) else {})

    def _serve(self, body: dict[str, Any]) -> None:
        carrier = self.server.carrier
        url = urlsplit(self.path)
        if url.path == "/healthz":
            self._answer(200, {"status": "ok"})
            return
        secret = (self.headers.get("authorization") or "").removeprefix("Bearer ")
        account = carrier.accounts.get(secret)
        if account is None:
            self._answer(401, {"error": "unauthorised"})
            return
        try:
            status, content = self._route(url.path, parse_qs(url.query), body, account)
        except Refusal as refusal:
            status, content = refusal.status, {"error": refusal.code}
        if status:
            self._answer(status, content)

    def _route(
        self, path: str, query: dict[str, list[str]], body: dict[str, Any], account: tuple[str, str]
    ) -> tuple[int, dict[str, Any]]:
        """The answer of a call; status 0 for none at all."""
        books = self.server.carrier.books
        slug, webhook_secret = account
        if path == "/v1/faults":
            books.order_fault(str(body.get("fault")), int(body.get("count", 1)), dict(body.get("params", {})))
            return 201, {}
        if path.startswith("/v1/test/advance/"):
            shipment = books.load(slug, path.rpartition("/")[2])
            event = books.advance(shipment, str(body.get("kind")), str(body.get("place", "")))
            Thread(
                target=self.server.carrier.tell, args=(shipment, event, webhook_secret), daemon=True
            ).start()
            return 201, event
        operation = self._name(path)
        fault = books.take_fault("slow", "no_answer", "error_500", on=operation)
        if fault is not None:
            if fault["fault"] == "error_500":
                return 500, {"error": "internal"}
            self.server.carrier.closing.wait(fault["params"].get("delay_ms", 3000) / 1000)
            if fault["fault"] == "no_answer":
                self.close_connection = True
                return 0, {}
        return self._do(operation, path, query, body, slug)

    def _name(self, path: str) -> str:
        if path == "/v1/rates":
            return "quote"
        if path.endswith("/void"):
            return "void"
        return "buy" if path == "/v1/shipments" and self.command == "POST" else "read"

    def _do(
        self, operation: str, path: str, query: dict[str, list[str]], body: dict[str, Any], slug: str
    ) -> tuple[int, dict[str, Any]]:
        books = self.server.carrier.books
        if operation == "quote":
            return 200, {"rates": books.quote(body)}
        if operation == "buy":
            target = str(body.get("webhook_url", ""))
            if (
                target
                and urlsplit(target).hostname not in LOOPBACK
                and not target.split("/")[2].split(":")[0].endswith(".localhost")
            ):
                raise Refusal(422, "webhook_url")
            shipment, is_new = books.buy(slug, body)
            if books.take_fault("timeout_after_label") is not None:
                self.close_connection = True
                return 0, {}
            return 201 if is_new else 200, shipment.show()
        if operation == "void":
            shipment = books.load(slug, path.split("/")[3])
            books.void(shipment)
            return 200, shipment.show()
        if path == "/v1/shipments":
            found = books.find(slug, (query.get("reference") or [""])[0])
            return 200, {"shipments": [found.show()] if found else []}
        if path.startswith("/v1/shipments/"):
            return 200, books.load(slug, path.split("/")[3]).show()
        raise Refusal(404, "unknown")

    def _answer(self, status: int, content: dict[str, Any]) -> None:
        data = json.dumps(content).encode()
        try:
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
        except OSError:
            self.close_connection = True


class Server(ThreadingHTTPServer):
    """Listens on 127.0.0.1 only."""

    daemon_threads = True

    def __init__(self, port: int, carrier: Carrier) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.carrier = carrier
