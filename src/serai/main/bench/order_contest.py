"""Orders per second: the lane driven directly, one transaction per order, and the JSON API over HTTP.

An order has three lines, an address, an idempotency key with its stored reply, and an event, on every side the same.
``lane_budget`` and ``one_by_one_budget`` add one transfer to each order, out of an account that all orders share, as
they would share a coupon's budget; ``lane`` and ``one_by_one`` settle plain orders. ``http``, ``lane_full`` and
``one_by_one_full`` are about full orders: a member's, under a promotion with a budget and with a coupon, both shared by all.
"""

import random
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from uuid import UUID

from serai.ledger.api import Lane
from serai.ledger.types import Group, Outcome
from serai.main.bench import rival
from serai.main.bench.arena import Arena
from serai.main.bench.figure import Contest, Side, Turn, cpu_per_unit, cpu_ratio, ratio
from serai.main.bench.full_order import encode_full_order, open_campaign, open_full_book
from serai.main.bench.load import drive_http, keyed, write_request
from serai.main.bench.orders import OrderBook, Settle
from serai.main.bench.shop import Shop, load_items, open_shop

PRODUCTS = 500
SPREAD_PRODUCTS = 20_000
QUICK_SPREAD_PRODUCTS = 1_000
LANE_CALLERS = 768  # three batches at the database while the next one collects
HTTP_CONNECTIONS = 256
HTTP_WORKERS = 2
HTTP_BODIES = 500
FIRST_ORDERS = 1_000
QUICK_FIRST_ORDERS = 100
FIRST_GUESS_PER_S = 1_000.0
# Groups are made ahead for a turn; so many times what the side settled in the turn before.
AHEAD = 1.5
CHOICE_S = 1.0
QUICK_CHOICE_S = 0.1

FIGURES = (
    ratio(
        "orders.lane_over_one_by_one",
        "lane_budget",
        "one_by_one_budget",
        "orders that share one budget: through the lane, over one transaction per order on 16 connections",
        must=10,
    ),
    ratio(
        "orders.lane_over_one_by_one_plain",
        "lane",
        "one_by_one",
        "the same without the shared budget; they still share the merchant's money accounts",
    ),
    cpu_ratio(
        "orders.one_by_one_cpu_over_lane",
        "one_by_one_budget",
        "lane_budget",
        ("client", "database"),
        "CPU per order that shares a budget: one transaction per order, over the lane; client and database together",
    ),
    ratio(
        "orders.http_over_lane",
        "http",
        "lane_full",
        "full orders (member, promotion, coupon) over HTTP on two web workers, over the lane driven with the same groups",
        must=0.4,
        aim=0.5,
    ),
    ratio(
        "orders.http_over_one_by_one",
        "http",
        "one_by_one_full",
        "full orders over HTTP, over one transaction per order with row locks on 16 connections, without HTTP",
        must=10,
        aim=15,
    ),
    cpu_per_unit("orders.cpu_us", "http", ("web",), "CPU per full order on the web workers", unit="us"),
)


class Driver:
    """Settles groups in this process, one side at a time, and knows how many to make ahead for each."""

    def __init__(self, book: OrderBook) -> None:
        self._book = book
        self._rates: dict[str, float] = {}

    async def run(self, seconds: float, *, name: str, settle: Settle, callers: int, budget: bool) -> Turn:
        """One turn. Fault when an order is refused."""
        count = int(self._rates.get(name, FIRST_GUESS_PER_S) * seconds * AHEAD) + callers
        groups = await self._book.make_groups(count, budget=budget)
        turn = await self._book.settle_all(groups, settle, callers=callers, seconds=seconds)
        self._rates[name] = turn.rate
        return turn

    async def choose_rival(self, forms: Mapping[str, Settle], seconds: float, *, budget: bool) -> str:
        """The classical form that settles the most."""
        rates = {}
        for name, settle in forms.items():
            # The first turn fills caches and plans; the second one counts.
            for _ in range(2):
                turn = await self.run(
                    seconds, name=name, settle=settle, callers=rival.CONNECTIONS, budget=budget
                )
            rates[name] = turn.rate
        return max(rates, key=lambda name: rates[name])


class OverHttp:
    """Orders over HTTP: whole orders in one call each, with drawn lines and a new idempotency key."""

    def __init__(self, arena: Arena, shop: Shop, port: int, sku_ids: Sequence[UUID]) -> None:
        self.placed = 0
        self._arena = arena
        self._port = port
        draw = random.Random(2)
        headers = keyed({"authorization": f"Bearer {shop.secret}"})
        self._requests = [
            write_request(
                "POST", "/api/v1/orders", shop.host, headers, encode_full_order(draw, shop, sku_ids)
            )
            for _ in range(HTTP_BODIES)
        ]

    async def run(self, seconds: float) -> Turn:
        """One turn. Fault when an answer is not 201."""
        turn = await drive_http(
            self._arena,
            self._port,
            self._requests,
            seconds,
            connections=HTTP_CONNECTIONS,
            expect=201,
        )
        self.placed += turn.count
        return turn


@asynccontextmanager
async def open_orders(arena: Arena, needed: frozenset[str]) -> AsyncIterator[Mapping[str, Side]]:
    """The sides of the orders' contest; at the end, all that was acknowledged must be there, and nothing else."""
    shop = await open_shop(arena, "orders", products=PRODUCTS)
    book = OrderBook(arena, shop, await load_items(arena, shop))
    await rival.fund_budget(arena.db, shop.merchant_id)
    driver = Driver(book)
    sides: dict[str, Side] = {}
    async with AsyncExitStack() as stack:
        lane = await stack.enter_async_context(run_lane(arena))
        await open_for_business(arena, book, partial(lane.submit, shop.merchant_id))
        await open_campaign(arena, shop, lane)
        full_book = await open_full_book(arena, shop)
        await open_for_business(arena, full_book, partial(lane.submit, shop.merchant_id))
        full = Driver(full_book)
        for name, budget in (("lane_budget", True), ("lane", False), ("lane_full", False)):
            settle = partial(lane.submit, shop.merchant_id)
            run = full.run if name == "lane_full" else driver.run
            sides[name] = Side(
                partial(run, name=name, settle=settle, callers=LANE_CALLERS, budget=budget),
                f"{LANE_CALLERS} callers",
            )
        for name, budget in (("one_by_one_budget", True), ("one_by_one", False), ("one_by_one_full", False)):
            if name in needed:
                by = full if name == "one_by_one_full" else driver
                sides[name] = await choose_side(arena, shop, by, name, budget=budget)
        over_http = None
        if "http" in needed:
            port = await stack.enter_async_context(arena.run_web(workers=HTTP_WORKERS))
            over_http = OverHttp(arena, shop, port, shop.sku_ids)
            sides["http"] = Side(
                over_http.run, f"{HTTP_CONNECTIONS} connections, {HTTP_WORKERS} web workers", "web"
            )
        yield sides
    await book.require_placed(book.placed + full_book.placed + (over_http.placed if over_http else 0))
    await arena.require_clean()


async def open_for_business(arena: Arena, book: OrderBook, settle: Settle) -> None:
    """A shop that has sold before: its tables are not empty, and the database knows how they look."""
    count = QUICK_FIRST_ORDERS if arena.quick else FIRST_ORDERS
    groups = await book.make_groups(count, budget=False)
    await book.settle_all(groups, settle, callers=count, seconds=60)
    await arena.gather_statistics()


@asynccontextmanager
async def run_lane(arena: Arena) -> AsyncIterator[Lane]:
    """A lane of this process."""
    lane = Lane(arena.db)
    lane.start()
    try:
        yield lane
    finally:
        await lane.stop()


async def choose_side(arena: Arena, shop: Shop, driver: Driver, name: str, *, budget: bool) -> Side:
    """One transaction per order, in its faster form."""
    forms: dict[str, Settle] = {
        "the lane's transaction with one group": partial(
            rival.settle_as_lane_of_one, arena.db, shop.merchant_id
        ),
        "documents first, then locks": partial(rival.settle_documents_first, arena.db, shop.merchant_id),
    }
    seconds = QUICK_CHOICE_S if arena.quick else CHOICE_S
    chosen = await driver.choose_rival(forms, seconds, budget=budget)
    run = partial(driver.run, name=name, settle=forms[chosen], callers=rival.CONNECTIONS, budget=budget)
    return Side(run, f"{rival.CONNECTIONS} connections; faster form: {chosen}")


@asynccontextmanager
async def open_spread(arena: Arena, _needed: frozenset[str]) -> AsyncIterator[Mapping[str, Side]]:
    """Orders of one line each: all on one SKU, or spread over many."""
    shop = await open_shop(
        arena, "spread", products=QUICK_SPREAD_PRODUCTS if arena.quick else SPREAD_PRODUCTS
    )
    items = await load_items(arena, shop)
    books = {
        "hot": OrderBook(arena, shop, items, pick=1, lines=1),
        "spread": OrderBook(arena, shop, items, lines=1),
    }
    async with run_lane(arena) as lane:

        async def settle(group: Group) -> Outcome:
            return await lane.submit(shop.merchant_id, group)

        for book in books.values():
            await open_for_business(arena, book, settle)
        yield {
            name: Side(
                partial(Driver(book).run, name=name, settle=settle, callers=LANE_CALLERS, budget=False),
                f"one line per order, {len(shop.sku_ids) if name == 'spread' else 1} SKUs",
            )
            for name, book in books.items()
        }
    await books["hot"].require_placed(sum(book.placed for book in books.values()))
    await arena.require_clean()


CONTESTS = (
    Contest("orders", FIGURES, open_orders),
    Contest(
        "spread",
        (
            ratio(
                "orders.hot_over_spread",
                "hot",
                "spread",
                f"orders through the lane: all on one SKU, over orders spread over {SPREAD_PRODUCTS:,} SKUs",
                must=0.9,
            ),
        ),
        open_spread,
    ),
)
