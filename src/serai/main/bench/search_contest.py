"""How fast a search answers: the queries of shoppers in both languages, one after the other, as the API runs them.

The catalogue has as many products as the demo (92,331), or a million where that is asked for by name (``search_million``);
building that one takes minutes.
"""

import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial

from serai.commerce.catalogue.api import add_categories, add_products, list_products, search_products, suggest
from serai.commerce.search import jobs as search_jobs
from serai.commerce.types import Commerce
from serai.foundation.database import Transaction
from serai.foundation.ids import MerchantId, derive_id
from serai.identity.merchant.api import add_merchant
from serai.ledger.api import Lane
from serai.main.bench.arena import Arena
from serai.main.bench.figure import Contest, Figure, Side, Turn
from serai.main.bench.search_goods import (
    CURRENCY,
    KIND_PAIRS,
    SEED,
    TRAIT_PAIRS,
    list_categories,
    make_goods,
    make_name,
)

PRODUCTS = 92_331
MILLION = 1_000_000
QUICK = 5_000
BATCH = 4_000
QUERIES = 420
KINDS_OF_QUERIES = 14
# A 99th percentile of one turn means nothing below some hundreds of queries.
LEAST_RUNS = 420
BY = "bench"

Ask = Callable[[Transaction, str], Awaitable[object]]


async def ask_list(tx: Transaction, query: str) -> object:
    return await list_products(tx, query=query)


async def ask_page(tx: Transaction, query: str) -> object:
    return await search_products(tx, query=query)


async def ask_narrowed(tx: Transaction, query: str) -> object:
    """As someone who has chosen two brands and a price on the page."""
    return await search_products(
        tx, query=query, brands=[make_name(0), make_name(1)], min_minor=200, max_minor=5_000
    )


async def ask_suggestions(tx: Transaction, query: str) -> object:
    return await suggest(tx, query=query[: max(2, len(query) // 2)])


ASKS: Mapping[str, Ask] = {
    "list": ask_list,
    "page": ask_page,
    "narrowed": ask_narrowed,
    "suggest": ask_suggestions,
}


def make_queries(count: int) -> list[str]:
    """What shoppers type, kinds in turn: a kind of goods in English and in Chinese, a trait and a kind in both, a measure,
    a name, a kind and a name, half a word, pinyin, a code, a word with a letter missing, the words that most goods have."""
    chance = random.Random(SEED)
    found = []
    for number in range(count):
        english, chinese = chance.choice(KIND_PAIRS)
        trait, chinese_trait = chance.choice(TRAIT_PAIRS)
        slip = chance.randrange(1, len(english) - 1)
        common, chinese_common = TRAIT_PAIRS[chance.randrange(3)]
        found.append(
            (
                english,
                chinese,
                f"{trait} {english}",
                f"{chinese_trait}{chinese}",
                f"{english} {chance.choice(('500 g', '1 kg', '12 oz'))}",
                make_name(chance.randrange(500)),
                f"{english} {make_name(chance.randrange(200))}",
                chinese[:2],
                english[: max(3, len(english) // 2)],
                "maoqin",
                f"g{chance.randrange(90_000):08}",
                english[:slip] + english[slip + 1 :],
                common,
                chinese_common,
            )[number % KINDS_OF_QUERIES]
        )
    return found


@asynccontextmanager
async def open_search(
    products: int, prefix: str, arena: Arena, needed: frozenset[str]
) -> AsyncIterator[Mapping[str, Side]]:
    """A merchant with so many generated goods, its vocabulary counted in and its best sellers kept apart."""
    merchant_id = MerchantId(derive_id("bench merchant", prefix))
    await add_merchant(
        arena.owner,
        merchant_id=merchant_id,
        slug=prefix.replace("_", "-"),
        name="Bench search",
        currency=CURRENCY,
        hostnames=(f"{prefix.replace('_', '-')}.localhost",),
        support_email="bench@serai.example",
    )
    async with arena.db.transaction(merchant_id) as tx:
        await add_categories(tx, categories=list_categories(merchant_id))
    batch = []
    for number, product in enumerate(make_goods(merchant_id, QUICK if arena.quick else products), 1):
        batch.append(product)
        if len(batch) == BATCH or number == products:
            async with arena.db.transaction(merchant_id) as tx:
                await add_products(tx, products=batch, by=BY, reason="opening price")
            batch = []
    if batch:
        async with arena.db.transaction(merchant_id) as tx:
            await add_products(tx, products=batch, by=BY, reason="opening price")
    # Who has most of the goods, and how common words are, is told by statistics.
    await arena.owner.execute("ANALYZE commerce.search_entry")
    commerce = Commerce(arena.db, Lane(arena.db), {}, arena.settings, b"bench")
    await search_jobs.count_words(commerce, arena.owner)
    await search_jobs.refresh_search(commerce, arena.owner)
    await arena.owner.execute("VACUUM ANALYZE")
    queries = make_queries(QUERIES)
    yield {
        f"{prefix}.{name}": Side(
            partial(drive_searches, arena, merchant_id, ask, queries),
            f"{len(queries)} queries in turn, one at a time, in English, Chinese and pinyin",
            "database",
        )
        for name, ask in ASKS.items()
        if f"{prefix}.{name}" in needed
    }
    await arena.require_clean()


async def drive_searches(
    arena: Arena, merchant_id: MerchantId, ask: Ask, queries: Sequence[str], seconds: float
) -> Turn:
    """Ask one query after the other for about so many seconds, each in a transaction of its own."""
    used = arena.read_cpu()
    took: list[float] = []
    began = time.perf_counter()
    while time.perf_counter() - began < seconds or len(took) < LEAST_RUNS:
        start = time.perf_counter()
        async with arena.db.transaction(merchant_id, "read") as tx:
            await ask(tx, queries[len(took) % len(queries)])
        took.append(1000 * (time.perf_counter() - start))
    wall_s = time.perf_counter() - began
    took.sort()
    return Turn(
        len(took),
        wall_s,
        used(),
        latency_ms=(took[len(took) // 2], took[min(len(took) - 1, len(took) * 99 // 100)]),
    )


def _latency(name: str, side: str, place: int, meaning: str, *, aim: float | None = None) -> Figure:
    def of_turns(turns: Mapping[str, Turn]) -> float:
        latency = turns[side].latency_ms
        return latency[place] if latency else float("nan")

    return Figure(
        name=name, unit="ms", meaning=meaning, sides=(side,), of_turns=of_turns, better="less", aim=aim
    )


def _figures(prefix: str, among: str, aim: float) -> tuple[Figure, ...]:
    return (
        _latency(
            f"{prefix}.p50_ms",
            f"{prefix}.list",
            0,
            f"half of the searches among {among} products answer within",
        ),
        _latency(
            f"{prefix}.p99_ms",
            f"{prefix}.list",
            1,
            f"99 of 100 searches among {among} products answer within",
            aim=aim,
        ),
        _latency(
            f"{prefix}.page_p99_ms",
            f"{prefix}.page",
            1,
            "the same with facets and the mending of typos, as the shop's page",
        ),
        _latency(
            f"{prefix}.narrowed_p99_ms",
            f"{prefix}.narrowed",
            1,
            "the page narrowed to two brands and a range of prices",
        ),
        _latency(
            f"{prefix}.suggest_p99_ms",
            f"{prefix}.suggest",
            1,
            "products for half a query, as suggested while typing",
            aim=10,
        ),
    )


CONTESTS = (
    Contest(
        "search", _figures("search", "92,331", 20), partial(open_search, PRODUCTS, "search"), runs_most=5
    ),
    Contest(
        "search_million",
        _figures("search_million", "1,000,000", 100),
        partial(open_search, MILLION, "search_million"),
        is_long=True,
        runs_most=5,
    ),
)
