"""Traces: off they cost nothing and bring nothing in; on, a request, its quote, lane group and calls are one trace."""

import asyncio
import json
import logging
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from tests.durability.running import describe_order
from tests.shop import api_client

from serai.foundation.observe import JsonFormatter
from serai.foundation.trace import find_trace_id, request_id, span
from serai.main.tracing import start_tracing, stop_tracing

CALLER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    start_tracing("http://127.0.0.1:1/none", 0.0, "test", SimpleSpanProcessor(exporter))
    try:
        yield exporter
    finally:
        stop_tracing()


@pytest.fixture
async def api(transport, shop) -> AsyncIterator[httpx.AsyncClient]:
    async with api_client(transport, shop, await shop.make_key()) as client:
        yield client


async def test_an_order_is_one_trace_from_the_callers_on(api, shop, spans):
    sku_id = await shop.add_product(stock=5)
    spans.clear()
    answer = await api.post(
        "/api/v1/orders", json=describe_order((sku_id, 1)), headers={"traceparent": CALLER}
    )
    assert answer.status_code == 201
    assert answer.headers["x-trace-id"] == TRACE
    found = {each.name: each for each in spans.get_finished_spans()}
    assert {"POST /api/v1/orders", "quote", "place order", "lane group", "database transaction"} <= set(found)
    # The lane's own batches belong to many callers at once and stand alone.
    ours = [each for each in found.values() if f"{each.context.trace_id:032x}" == TRACE]
    assert {"POST /api/v1/orders", "quote", "place order", "lane group"} <= {each.name for each in ours}
    request = found["POST /api/v1/orders"]
    assert f"{request.parent.span_id:016x}" == "00f067aa0ba902b7"
    assert found["lane group"].parent.span_id == found["place order"].context.span_id
    assert request.attributes["http.response.status_code"] == 201


async def test_what_nobody_decided_to_trace_follows_the_share(api, shop, spans):
    await api.get("/api/v1/products")
    assert spans.get_finished_spans() == ()


async def test_a_refusal_names_its_trace(api, spans):
    answer = await api.get(
        "/api/v1/orders/00000000-0000-0000-0000-000000000001", headers={"traceparent": CALLER}
    )
    assert answer.status_code == 404
    assert answer.json()["trace_id"] == TRACE


@pytest.mark.parametrize("header", ["", "00-zz-zz-01", "00-" + "0" * 32 + "-00f067aa0ba902b7-01", "ü" * 300])
async def test_a_broken_context_begins_no_trace_and_hurts_nobody(api, spans, header):
    answer = await api.get("/api/v1/products", headers=[("traceparent", header.encode())])
    assert answer.status_code == 200
    assert TRACE not in str(spans.get_finished_spans())


async def test_calls_to_others_carry_the_context_on(spans):
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers.get("traceparent", ""))
        return httpx.Response(200)

    with span("outer"):
        pass
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        await client.get("http://provider.example/pay")
    assert len(seen) == 1
    assert seen[0].startswith("00-")


async def test_without_traces_nothing_is_sent_along(api):
    answer = await api.get(
        "/api/v1/orders/00000000-0000-0000-0000-000000000001", headers={"traceparent": CALLER}
    )
    assert "trace_id" not in answer.json()
    assert "x-trace-id" not in answer.headers
    assert find_trace_id() == ""


def test_without_traces_the_sdk_is_not_even_imported():
    code = "import sys, serai.main.web; print([m for m in sys.modules if m.startswith('opentelemetry.sdk')])"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


def test_log_lines_name_request_and_trace(spans):
    record = logging.LogRecord("serai.test", logging.INFO, "", 0, "something", (), None)
    token = request_id.set("gateway-7f3a")
    try:
        line = json.loads(JsonFormatter().format(record))
    finally:
        request_id.reset(token)
    assert line["request_id"] == "gateway-7f3a"
    assert "request_id" not in json.loads(JsonFormatter().format(record))


async def test_spans_reach_a_collector_over_http():
    received: list[bytes] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            return

    with HTTPServer(("127.0.0.1", 0), Collector) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        start_tracing(f"http://127.0.0.1:{server.server_port}/v1/traces", 1.0, "web-1")
        with span("quote", lines=3):
            await asyncio.sleep(0)
        await asyncio.to_thread(stop_tracing)
        server.shutdown()
    sent = ExportTraceServiceRequest.FromString(received[0])
    [resource] = sent.resource_spans
    assert {a.key: a.value.string_value for a in resource.resource.attributes}["service.name"] == "serai"
    assert [each.name for scope in resource.scope_spans for each in scope.spans] == ["quote"]


async def test_a_dead_collector_disturbs_no_request(api):
    start_tracing("http://127.0.0.1:1/v1/traces", 1.0, "web-1")
    try:
        assert (await api.get("/api/v1/products")).status_code == 200
    finally:
        await asyncio.to_thread(stop_tracing)
