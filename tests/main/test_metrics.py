"""/metrics in one process: what is counted is exact, labels are bounded, and strangers read nothing."""

import re
from collections.abc import AsyncIterator

import httpx
import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.durability.running import describe_order
from tests.shop import api_client

from serai.foundation import measure_http
from serai.foundation.metric import Counter, Gauge, Histogram, find_quantile

Figures = dict[tuple[str, frozenset[tuple[str, str]]], float]


def read_figures(text: str) -> Figures:
    """Every sample by name and labels, the process left out; a figure that stands twice is a fault."""
    figures: Figures = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            key = (sample.name, frozenset(sample.labels.items()))
            assert key not in figures, key
            figures[key] = sample.value
    return figures


def total(figures: Figures, name: str, **labels: str) -> float:
    """The sum over all samples of a name that have these labels."""
    return sum(
        v for (each, own), v in figures.items() if each == name and labels.items() <= dict(own).items()
    )


@pytest.fixture
async def visitor(application) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(application, client=("127.0.0.1", 4711))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8460") as client:
        yield client


async def scrape(visitor: httpx.AsyncClient) -> Figures:
    answer = await visitor.get("/metrics")
    assert answer.status_code == 200, answer.text
    return read_figures(answer.text)


async def test_orders_are_counted_once_and_repeats_as_replays(visitor, transport, shop):
    sku_id = await shop.add_product(stock=9)
    before = await scrape(visitor)
    async with api_client(transport, shop, await shop.make_key()) as api:
        for key in ("one-order", "one-order", "other-order"):
            answer = await api.post(
                "/api/v1/orders", json=describe_order((sku_id, 1)), headers={"idempotency-key": key}
            )
            assert answer.status_code == 201, answer.text
    after = await scrape(visitor)

    def grown(name: str, **labels: str) -> float:
        return total(after, name, **labels) - total(before, name, **labels)

    assert grown("serai_http_requests_total", route="/api/v1/orders", method="POST", status="201") == 3
    assert grown("serai_http_request_seconds_count", route="/api/v1/orders") == 3
    assert grown("serai_orders_placed_total") == 2
    assert grown("serai_facts_total", event="OrderPlaced") == 2
    assert total(after, "serai_database_up") == 1
    assert total(after, "serai_process_up") == 1


async def test_labels_do_not_grow_with_what_callers_write(visitor, transport, shop):
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{shop.host}") as client:
        await client.get("/no/such/page-1")
        await client.request("BREW", "/no/such/page-1")
        known = len(measure_http.REQUESTS.values)
        for number in range(2, 40):
            await client.get(f"/no/such/page-{number}")
            await client.request(f"BREW{number}", "/p/x")
        await client.get("/static/none-1.css")
    assert len(measure_http.REQUESTS.values) <= known + 4
    assert not any("page-" in value for labels in measure_http.REQUESTS.values for value in labels)


@pytest.mark.parametrize(
    "headers",
    [{"host": "shop.example.com"}, {"x-forwarded-for": "203.0.113.9"}, {"forwarded": "for=203.0.113.9"}],
)
async def test_a_stranger_behind_a_local_proxy_reads_nothing(visitor, headers):
    answer = await visitor.get("/metrics", headers=headers)
    assert answer.status_code == 403
    assert answer.json()["code"] == "metrics.closed"
    assert "serai_" not in answer.text.replace("SERAI_", "")


async def test_another_machine_reads_nothing(application):
    transport = httpx.ASGITransport(application, client=("203.0.113.9", 4711))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8460") as client:
        assert (await client.get("/metrics")).status_code == 403


async def test_with_a_token_only_the_token_opens_it(application, visitor):
    state = application.app.state
    before = state.house
    state.house = msgspec.structs.replace(before, metrics_token="a-long-token")
    try:
        for given in (
            "",
            "Bearer ",
            "Bearer a-long-toke",
            "Bearer a-long-token2",
            "Basic a-long-token",
            "Bearer ü",
        ):
            headers = [(b"authorization", given.encode())] if given else []
            answer = await visitor.get("/metrics", headers=headers)
            assert answer.status_code == 401, given
        distant = httpx.ASGITransport(application, client=("203.0.113.9", 4711))
        async with httpx.AsyncClient(transport=distant, base_url="http://metrics.example.com") as client:
            answer = await client.get("/metrics", headers={"authorization": "Bearer a-long-token"})
        assert answer.status_code == 200
    finally:
        state.house = before


async def test_where_shoppers_come_through_a_proxy_only_the_token_opens_it(application, visitor):
    state = application.app.state
    before = state.house
    state.house = msgspec.structs.replace(before, public_url="https://shop.example.com")
    try:
        assert (await visitor.get("/metrics")).status_code == 403
    finally:
        state.house = before


async def test_every_answer_carries_a_request_id_and_keeps_a_sound_one(visitor):
    own = (await visitor.get("/healthz")).headers["x-request-id"]
    assert re.fullmatch(r"[0-9a-f]{12}-[0-9a-f]+", own)
    kept = await visitor.get("/healthz", headers={"x-request-id": "gateway-7f3a"})
    assert kept.headers["x-request-id"] == "gateway-7f3a"
    for bad in ("short", "x" * 65, "semi;colon-inside", '"quoted-text"'):
        answer = await visitor.get("/healthz", headers={"x-request-id": bad})
        assert answer.headers["x-request-id"] != bad


def test_a_histogram_counts_on_the_bound_and_above_the_last():
    histogram = Histogram("serai_test_seconds", "Test.", ("route",), bounds=(1.0, 2.0))
    for value in (0.5, 1.0, 1.5, 9.0):
        histogram.observe(value, "r")
    samples = {(s, labels.get("le")): v for s, labels, v in histogram.family().samples}
    assert samples == {
        ("_bucket", "1.0"): 2, ("_bucket", "2.0"): 3, ("_bucket", "+Inf"): 4, ("_count", None): 4, ("_sum", None): 12,
    }  # fmt: skip


def test_a_quantile_lies_within_its_bucket():
    assert find_quantile((1.0, 2.0), [0, 0, 0], 0.5) is None
    assert find_quantile((1.0, 2.0), [10, 0, 0], 0.5) == pytest.approx(0.5)
    assert find_quantile((1.0, 2.0), [5, 5, 0], 0.99) == pytest.approx(1.98)
    assert find_quantile((1.0, 2.0), [0, 0, 3], 0.5) == 2.0
    assert find_quantile((1.0, 2.0), [0, 1, 0], 0.0) == pytest.approx(1.0)


def test_gauges_add_their_readers_up_and_forget_them():
    gauge = Gauge("serai_test_gauge", "Test.", ("state",))
    forget = gauge.read_from(lambda: [(("busy",), 2)])
    gauge.read_from(lambda: [(("busy",), 3), (("idle",), 1)])
    assert gauge.get("busy") == 5
    forget()
    assert {labels["state"]: value for _s, labels, value in gauge.family().samples} == {"busy": 3, "idle": 1}


def test_counters_begin_at_zero_where_they_have_no_labels():
    assert Counter("serai_test_total", "Test.").family().samples == [("", {}, 0.0)]
