"""The door of a worker in a running loop, and what those are told whom it turns away."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from tests.shop import Shop

from serai.foundation.pages import Pages
from serai.main.door import AHEAD_BYTES, Doorkeeper
from serai.overload.door.api import Door, Kind
from serai.overload.door.share_connections import Bulkheads
from serai.overload.settings import OverloadSettings

SMALL = OverloadSettings(initial=2, floor=2, most=2, probe=1, queue=2)


def make_door(**fields: Any) -> Door:
    given: dict[str, Any] = {"initial": 2, "floor": 2, "most": 2, "probe": 1, "queue": 2}
    return Door(OverloadSettings(**(given | fields)), 10)


def hold(over: asyncio.Event) -> Callable[[], Awaitable[int]]:
    async def work() -> int:
        await over.wait()
        return 200

    return work


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not true():  # noqa: ASYNC110 - conditions of any kind, in the same loop
            await asyncio.sleep(0)


async def test_what_finds_no_room_waits_and_is_served_in_its_turn() -> None:
    door, over = make_door(queue=50), asyncio.Event()
    tasks = [asyncio.create_task(door.serve(Kind.CRITICAL, hold(over))) for _ in range(10)]
    await until(lambda: door.gate.waiting == 8)
    assert door.gate.under_way == 2
    over.set()
    assert await asyncio.gather(*tasks) == [None] * 10
    assert (door.gate.under_way, door.gate.waiting) == (0, 0)


async def test_work_that_fails_gives_its_place_back() -> None:
    door = make_door()

    async def fail() -> int:
        raise RuntimeError("a bug")

    for _ in range(20):
        with pytest.raises(RuntimeError):
            await door.serve(Kind.NORMAL, fail)
    assert door.gate.under_way == 0


async def test_a_client_that_hangs_up_while_it_waits_holds_no_place() -> None:
    door, over = make_door(), asyncio.Event()
    tasks = [asyncio.create_task(door.serve(Kind.CRITICAL, hold(over))) for _ in range(4)]
    await until(lambda: door.gate.waiting == 2)
    for task in tasks[2:]:
        task.cancel()
    await asyncio.gather(*tasks[2:], return_exceptions=True)
    assert door.gate.waiting == 0
    over.set()
    await asyncio.gather(*tasks[:2])
    assert door.gate.under_way == 0


async def test_a_client_that_hangs_up_as_its_turn_comes_passes_the_place_on() -> None:
    door, first, over = make_door(initial=2, queue=5), asyncio.Event(), asyncio.Event()
    early = [asyncio.create_task(door.serve(Kind.CRITICAL, hold(first))) for _ in range(2)]
    late = [asyncio.create_task(door.serve(Kind.CRITICAL, hold(over))) for _ in range(3)]
    await until(lambda: door.gate.waiting == 3)
    first.set()
    await until(lambda: early[0].done() and early[1].done())
    for task in late:
        task.cancel()
    await asyncio.gather(*late, return_exceptions=True)
    assert (door.gate.under_way, door.gate.waiting) == (0, 0)


async def test_a_full_queue_turns_away_with_a_reason_and_a_time() -> None:
    door, over = make_door(), asyncio.Event()
    tasks = [asyncio.create_task(door.serve(Kind.CRITICAL, hold(over))) for _ in range(4)]
    await until(lambda: door.gate.waiting == 2)
    turned = [await door.serve(Kind.SHEDDABLE, hold(over)) for _ in range(60)]
    assert {each.code for each in turned if each} == {"overload.queue_full"}
    assert {each.status for each in turned if each} == {503}
    assert len({each.retry_after_s for each in turned if each}) > 3, "they must not all come back at once"
    over.set()
    await asyncio.gather(*tasks)


async def test_whoever_waits_too_long_is_told_so_without_anybody_finishing() -> None:
    door, over = make_door(), asyncio.Event()
    tasks = [asyncio.create_task(door.serve(Kind.CRITICAL, hold(over))) for _ in range(2)]
    await until(lambda: door.gate.under_way == 2)
    turned = await door.serve(Kind.BOT, hold(over))
    assert turned
    assert turned.code == "overload.waited_too_long"
    over.set()
    await asyncio.gather(*tasks)


async def test_without_a_limiter_nobody_waits() -> None:
    door, over = make_door(limiter=False), asyncio.Event()
    tasks = [asyncio.create_task(door.serve(Kind.BOT, hold(over))) for _ in range(50)]
    over.set()
    assert await asyncio.gather(*tasks) == [None] * 50


def test_failures_do_not_teach_the_baseline() -> None:
    """While the database is away everything fails at once; that is no latency to measure work by."""

    async def run() -> None:
        door = make_door()

        async def refuse() -> int:
            return 503

        for _ in range(500):
            await door.serve(Kind.NORMAL, refuse)
        assert door.limiter.baseline_s == 0.0

    asyncio.run(run())


def test_the_machine_itself_is_not_counted_but_whoever_it_speaks_for_is() -> None:
    door = make_door(address_per_s=1, address_burst=2)
    assert [door.check_rate(Kind.NORMAL, "127.0.0.1", {}) for _ in range(50)] == [None] * 50
    assert [bool(door.check_rate(Kind.NORMAL, "203.0.113.9", {})) for _ in range(4)] == [
        False, False, True, True,
    ]  # fmt: skip
    forged = [{b"x-forwarded-for": b"198.51.100.%d" % n} for n in range(50)]
    assert all(door.check_rate(Kind.NORMAL, "203.0.113.9", each) for each in forged)

    behind = make_door(address_per_s=1, address_burst=2, proxies="127.0.0.1, 10.0.0.2")
    seen = {b"x-forwarded-for": b"1.2.3.4, 203.0.113.9, 10.0.0.2"}
    assert [bool(behind.check_rate(Kind.NORMAL, "127.0.0.1", seen)) for _ in range(3)] == [False, False, True]
    other = {b"x-forwarded-for": b"1.2.3.4, 203.0.113.10"}
    assert behind.check_rate(Kind.NORMAL, "127.0.0.1", other) is None


def test_a_household_with_ipv6_has_one_bucket() -> None:
    door = make_door(address_per_s=1, address_burst=2, proxies="127.0.0.1")
    many = [{b"x-forwarded-for": b"2001:db8:1:2::%x" % n} for n in range(1, 40)]
    assert sum(door.check_rate(Kind.NORMAL, "127.0.0.1", each) is None for each in many) == 2


def test_keys_and_robots_have_buckets_of_their_own() -> None:
    door = make_door(key_per_s=1, key_burst=3, robot_per_s=1)
    mine, theirs = {b"authorization": b"Bearer mine"}, {b"authorization": b"Bearer theirs"}
    assert [bool(door.check_rate(Kind.NORMAL, "127.0.0.1", mine)) for _ in range(4)] == [False] * 3 + [True]
    assert door.check_rate(Kind.NORMAL, "127.0.0.1", theirs) is None
    robot = {b"user-agent": b"Googlebot"}
    assert [bool(door.check_rate(Kind.BOT, "127.0.0.1", robot)) for _ in range(4)] == [False] * 3 + [True]


async def test_a_class_holds_no_more_connections_than_its_share() -> None:
    rooms = Bulkheads(10)
    over = asyncio.Event()
    held = 0

    async def hold_one(kind: Kind) -> None:
        nonlocal held
        async with rooms.open(kind).hold():
            held += 1
            await over.wait()
            held -= 1

    tasks = [asyncio.create_task(hold_one(Kind.SHEDDABLE)) for _ in range(6)]
    await until(lambda: held == 3)
    for _ in range(100):
        await asyncio.sleep(0)
    assert held == 3
    critical = asyncio.create_task(hold_one(Kind.CRITICAL))
    await until(lambda: held == 4)
    over.set()
    await asyncio.gather(*tasks, critical)


async def test_a_request_that_holds_a_connection_gets_another_without_waiting_for_its_class() -> None:
    rooms = Bulkheads(1)
    share = rooms.open(Kind.NORMAL)
    async with asyncio.timeout(30), share.hold(), share.hold():
        pass
    async with asyncio.timeout(30), rooms.open(Kind.NORMAL).hold():
        pass


class Wire:
    """One request to the doorkeeper, and what came back."""

    def __init__(self, method: str = "GET", path: str = "/p/ice", body: bytes = b"", **headers: str) -> None:
        fields = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        self.scope: Any = {
            "type": "http", "method": method, "path": path, "query_string": b"a=%3Cb%3E&c=1",
            "headers": fields, "client": ("127.0.0.1", 1), "state": {},
        }  # fmt: skip
        self.body, self.sent = body, []

    async def receive(self) -> Any:
        body, self.body = self.body, b""
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(self, message: Any) -> None:
        self.sent.append(message)

    @property
    def answer(self) -> httpx.Response:
        head, body = self.sent
        return httpx.Response(
            head["status"],
            headers=[(name.decode(), value.decode()) for name, value in head["headers"]],
            content=body["body"],
        )


@pytest.fixture
async def full() -> Any:
    """A doorkeeper whose places and queue are taken."""
    keeper = Doorkeeper(SMALL, 10, Pages(("serai.storefront",)))
    over = asyncio.Event()
    tasks = [asyncio.create_task(keeper.door.serve(Kind.CRITICAL, hold(over))) for _ in range(4)]
    await until(lambda: keeper.door.gate.waiting == 2)
    yield keeper
    over.set()
    await asyncio.gather(*tasks)


async def ask(keeper: Doorkeeper, wire: Wire) -> httpx.Response:
    kind, headers = keeper.classify(wire.scope)

    async def never(_receive: Any, _send: Any) -> None:
        raise AssertionError("it must not begin")

    await keeper.serve(wire.scope, wire.receive, wire.send, kind, headers, never)
    return wire.answer


async def test_people_are_told_on_a_calm_page_in_their_language(full: Doorkeeper) -> None:
    answer = await ask(full, Wire(accept_language="zh-CN"))
    assert answer.status_code == 503
    assert 'lang="zh-Hans"' in answer.text
    assert "购物车" in answer.text
    assert int(answer.headers["retry-after"]) >= 1
    assert f'content="{answer.headers["retry-after"]}"' in answer.text
    assert "a=%3Cb%3E&amp;c=1" in answer.text
    english = await ask(full, Wire(accept_language="en"))
    assert "Very many are here right now" in english.text


async def test_a_form_is_not_sent_again_by_itself(full: Doorkeeper) -> None:
    answer = await ask(full, Wire("POST", "/cart/lines", b"sku=1", content_length="5"))
    assert "http-equiv" not in answer.text
    assert "changed nothing" in answer.text


async def test_programs_are_told_as_problem_json(full: Doorkeeper) -> None:
    answer = await ask(full, Wire(path="/api/v1/products"))
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["code"] == "overload.queue_full"
    assert problem["data"]["retry_after_s"] == int(answer.headers["retry-after"])


async def test_a_suggestion_that_does_not_come_changes_nothing_on_the_page(full: Doorkeeper) -> None:
    answer = await ask(full, Wire(path="/suggest", hx_request="true"))
    assert answer.headers["hx-reswap"] == "none"


async def test_a_body_is_read_before_a_place_is_taken() -> None:
    """Whoever sends slowly must not hold up the others."""
    keeper = Doorkeeper(SMALL, 10, Pages(("serai.storefront",)))
    sending = asyncio.Event()
    wire = Wire("POST", "/cart/lines", content_length="5")

    async def receive() -> Any:
        await sending.wait()
        return {"type": "http.request", "body": b"sku=1", "more_body": False}

    got: list[Any] = []

    async def work(receive: Any, send: Any) -> None:
        got.append(await receive())
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    kind, headers = keeper.classify(wire.scope)
    task = asyncio.create_task(keeper.serve(wire.scope, receive, wire.send, kind, headers, work))
    for _ in range(100):
        await asyncio.sleep(0)
    assert keeper.door.gate.under_way == 0
    sending.set()
    await task
    assert got[0]["body"] == b"sku=1"
    assert wire.answer.status_code == 200


def test_long_bodies_take_the_places_of_what_can_be_done_without() -> None:
    keeper = Doorkeeper(SMALL, 10, Pages(("serai.storefront",)))
    long = Wire("POST", "/cart/lines", content_length=str(AHEAD_BYTES + 1))
    assert keeper.classify(long.scope)[0] is Kind.SHEDDABLE
    chunked = Wire("POST", "/cart/lines", transfer_encoding="chunked")
    assert keeper.classify(chunked.scope)[0] is Kind.SHEDDABLE
    assert keeper.classify(Wire("POST", "/checkout", transfer_encoding="chunked").scope)[0] is Kind.CRITICAL


async def test_the_whole_application_serves_through_the_door(
    transport: httpx.ASGITransport, shop: Shop, application: Any
) -> None:
    before = sum(application.keeper.door.counts.admitted)
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{shop.host}") as client:
        answer = await client.get("/cart")
        health = await client.get("/healthz")
    assert (answer.status_code, health.status_code) == (200, 200)
    assert sum(application.keeper.door.counts.admitted) == before + 1
    assert application.keeper.door.gate.under_way == 0
