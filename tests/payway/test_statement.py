"""Statements of Stripe, WeChat Pay and Alipay, fetched over their true protocols and held against our books."""

import gzip
import io
import zipfile
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from tests.durability.running import find_breaches
from tests.payway.world import PROVIDERS, World

from serai.commerce.aftersale.api import refund_order
from serai.commerce.order.types import Order
from serai.commerce.payway.unpack_bill import MAX_BYTES, unpack_gzip, unpack_zip
from serai.commerce.reconciliation import api
from serai.commerce.reconciliation.fetch_statement import fetch_statements
from serai.commerce.reconciliation.types import JudgedLine, Statement, StatementFetch
from serai.commerce.types import StatementSource
from serai.foundation import clock
from serai.foundation.errors import Outside

pytestmark = pytest.mark.xdist_group("payway")
each_provider = pytest.mark.parametrize("provider", PROVIDERS)


class Desk:
    """What tests do with the statements of one provider."""

    def __init__(self, world: World, provider: str) -> None:
        self.world = world
        self.provider = provider
        self.merchant_id = world.shop(provider).merchant_id

    async def sell(self, *, back: int = 0) -> tuple[Order, str]:
        """A paid order and the provider's name of its payment, part of it given back."""
        order = await self.world.place(self.provider)
        trade = await self.world.pay(self.provider, order.order_id)
        order = await self.world.wait_state(self.provider, order.order_id, "paid")
        if back:
            await refund_order(
                self.world.commerce,
                self.merchant_id,
                order_id=order.order_id,
                amount_minor=back,
                reason="test",
                by="test",
                key="r",
            )
        return order, str(trade["reference"])

    def day_of(self, at: datetime) -> date:
        source: object = self.world.commerce.providers[self.provider]
        assert isinstance(source, StatementSource)
        return (at + timedelta(hours=source.day_offset_h)).date()

    async def fetch(self, order: Order, *, days_later: float = 2) -> Statement:
        """The statement of an order's day, looked at when that day is long over."""
        assert order.paid_at is not None
        with clock.clock_shifted(timedelta(days=days_later)):
            return await api.fetch_statement(
                self.world.commerce,
                self.merchant_id,
                provider=self.provider,
                day=self.day_of(order.paid_at),
                by="test",
            )

    async def lines(self, order: Order) -> list[JudgedLine]:
        """What statements tell of an order, its refund last."""
        found: list[JudgedLine] = []
        cursor = None
        while True:
            async with self.world.platform.db.transaction(self.merchant_id, "read") as tx:
                page = await api.list_lines(tx, cursor=cursor, limit=200)
            found += [line for line in page.items if line.order_id == order.order_id]
            if (cursor := page.next_cursor) is None:
                return sorted(found, key=lambda line: line.kind)

    async def failing(self) -> list[StatementFetch]:
        async with self.world.platform.db.transaction(self.merchant_id, "read") as tx:
            found = await api.list_fetches(tx)
        return [each for each in found if each.provider == self.provider]

    async def fault(self, name: str, **more: Any) -> None:
        await self.world.sim.fault(self.provider, name, "statement", **more)


def words(lines: list[JudgedLine]) -> list[tuple[str, str, int]]:
    return [(line.kind, line.verdict, line.amount_minor) for line in lines]


@pytest.fixture
def desk(world: World, provider: str) -> Desk:
    return Desk(world, provider)


@each_provider
async def test_what_agrees_is_settled_with_its_fee(desk: Desk) -> None:
    order, _reference = await desk.sell(back=700)
    await desk.fetch(order)
    lines = await desk.lines(order)
    assert words(lines) == [("capture", "matched", order.total_minor), ("refund", "matched", 700)]
    assert lines[0].fee_minor == (order.total_minor * 6 + 500) // 1000
    again = await desk.fetch(order)
    assert again.is_repeat
    assert not await find_breaches(desk.world.platform.owner)


@each_provider
@pytest.mark.parametrize(
    ("fault", "verdict"), [("missing_line", "missing_there"), ("wrong_amount", "amount_differs")]
)
async def test_what_differs_waits_for_staff(desk: Desk, fault: str, verdict: str) -> None:
    order, reference = await desk.sell()
    await desk.fault(fault, reference=reference, delta=-3)
    # What moved in a day's last hours is looked for with the next day's statement.
    await desk.fetch(order)
    async with desk.world.platform.db.transaction(desk.merchant_id, "read") as tx:
        before = await api.count_open(tx)
    if verdict == "missing_there" and not await desk.lines(order):
        pytest.skip("this order was paid in the last hours of the provider's day")
    (line,) = await desk.lines(order)
    assert (line.verdict, line.is_open, line.ours_minor) == (verdict, True, order.total_minor)
    assert before >= 1
    if verdict == "missing_there":
        await desk.fetch(order, days_later=3)
        lines = await desk.lines(order)
        assert sorted((each.verdict, each.is_open) for each in lines) == [
            ("matched", False),
            ("missing_there", False),
        ]
    assert not await find_breaches(desk.world.platform.owner)


@each_provider
async def test_a_line_that_nobody_knows_waits_for_staff(desk: Desk) -> None:
    order, reference = await desk.sell()
    await desk.fault("unknown_line", reference=reference)
    statement = await desk.fetch(order)
    async with desk.world.platform.db.transaction(desk.merchant_id, "read") as tx:
        lines = (
            await api.list_lines(tx, statement_id=statement.statement_id, only_open=True, limit=200)
        ).items
    strangers = [line for line in lines if line.verdict == "missing_here"]
    assert [(line.amount_minor, line.order_id) for line in strangers] == [(777, None)]


@pytest.mark.parametrize(
    ("provider", "fault", "reason"),
    [
        ("stripe", "not_ready", "RateLimitError"),
        ("stripe", "truncated", "stripe"),
        ("stripe", "error_500", "stripe"),
        ("wechat", "not_ready", "no bill of that day yet"),
        ("wechat", "truncated", "not the one it told of"),
        ("wechat", "wrong_hash", "not the one it told of"),
        ("wechat", "forged_answer", "without a right signature"),
        ("wechat", "error_500", "500"),
        ("alipay", "truncated", "no zip folder"),
        ("alipay", "cut_inside", "cannot be read"),
        ("alipay", "forged_answer", "without a right signature"),
        ("alipay", "error_500", "500"),
    ],
)
async def test_a_statement_that_does_not_come_whole_is_not_kept_and_comes_later(
    desk: Desk, fault: str, reason: str
) -> None:
    order, _reference = await desk.sell()
    await desk.fault(fault)
    with pytest.raises(Outside, match=reason):
        await desk.fetch(order)
    assert await desk.lines(order) == []
    await desk.fetch(order)
    assert words(await desk.lines(order)) == [("capture", "matched", order.total_minor)]


@pytest.mark.parametrize("provider", ["wechat", "alipay"])
@pytest.mark.parametrize(
    ("fault", "more"),
    [("error_500", {}), ("lost_answer", {}), ("lost_answer", {"how": "drop", "delay_ms": 10})],
)
async def test_a_file_that_is_lost_on_its_way_comes_later(
    desk: Desk, fault: str, more: dict[str, Any]
) -> None:
    order, _reference = await desk.sell()
    await desk.world.sim.fault(desk.provider, fault, "download", **more)
    with pytest.raises(Outside):
        await desk.fetch(order)
    await desk.fetch(order)
    assert words(await desk.lines(order)) == [("capture", "matched", order.total_minor)]


@each_provider
async def test_the_job_asks_again_shows_why_and_stops_when_it_has_come(desk: Desk) -> None:
    order, _reference = await desk.sell()
    assert order.paid_at is not None
    wanted = desk.day_of(order.paid_at)
    await desk.fault("error_500", count=None)
    commerce, owner = desk.world.commerce, desk.world.platform.owner
    # Other tests have fetched this day already.
    await owner.execute("DELETE FROM commerce.statement_fetch WHERE provider = $1", desk.provider)

    async def run(minutes: float) -> None:
        with clock.clock_shifted(timedelta(days=2, minutes=minutes)):
            await fetch_statements(commerce, owner, [desk.merchant_id])

    async def look() -> StatementFetch | None:
        with clock.clock_shifted(timedelta(days=2)):
            return next((each for each in await desk.failing() if each.day == wanted), None)

    await run(0)
    failed = await look()
    assert failed is not None
    assert (failed.attempts, failed.failure.startswith(desk.provider)) == (1, True)
    await run(1)
    assert await look() == failed
    await run(16)
    again = await look()
    assert again is not None
    assert again.attempts == 2
    assert again.next_at - failed.next_at > failed.next_at - (failed.tried_at or failed.next_at)
    await desk.world.sim.clear()
    await run(60)
    assert await look() is None
    assert words(await desk.lines(order)) == [("capture", "matched", order.total_minor)]
    assert not await find_breaches(owner)


async def test_stripes_pages_are_all_read(world: World) -> None:
    desk = Desk(world, "stripe")
    order, _reference = await desk.sell()
    assert order.paid_at is not None
    for _more in range(2):
        await desk.sell(back=100)
    adapter: Any = world.commerce.providers["stripe"]
    day = desk.day_of(order.paid_at)
    whole = await adapter.load_statement(desk.merchant_id, day)
    await world.sim.client.post("/_control/page-limit", params={"limit": "2"})
    paged = await adapter.load_statement(desk.merchant_id, day)
    await world.sim.client.post("/_control/page-limit", params={"limit": "100"})
    assert paged == whole
    assert len(whole) >= 5


def test_a_package_is_unpacked_within_limits() -> None:
    assert unpack_gzip(gzip.compress(b"bill")) == b"bill"
    for content in (b"", b"bill", gzip.compress(b"bill")[:-5], gzip.compress(b"bill") + b"more"):
        with pytest.raises(ValueError, match=r"gzip|cut off"):
            unpack_gzip(content)
    with pytest.raises(ValueError, match="too large"):
        unpack_gzip(gzip.compress(b"0" * (MAX_BYTES + 1)))


def test_a_folder_has_one_table_within_limits() -> None:
    def pack(**files: bytes) -> bytes:
        folder = io.BytesIO()
        with zipfile.ZipFile(folder, "w", zipfile.ZIP_DEFLATED) as found:
            for name, content in files.items():
                found.writestr(name, content)
        return folder.getvalue()

    assert unpack_zip(pack(a=b"sums", b=b"mark: table"), b"mark") == b"mark: table"
    for content in (b"", b"PK", pack(a=b"sums"), pack(a=b"mark", b=b"mark"), pack(a=b"mark")[:-30]):
        with pytest.raises(ValueError, match=r"zip folder|table"):
            unpack_zip(content, b"mark")
    with pytest.raises(ValueError, match="too large"):
        unpack_zip(pack(a=b"mark" * (MAX_BYTES // 4 + 1)), b"mark")
    with pytest.raises(ValueError, match="too many"):
        unpack_zip(pack(**{str(n): b"x" for n in range(30)}), b"mark")
