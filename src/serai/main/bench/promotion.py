"""What it costs to price a cart under live promotions: the engine alone, without a database, by cart and rule count.

Carts and rules come from a seeded chance, so that every run prices the same ones. Rules are of the usual mix; every tenth
is about everything in the shop, the others about a category, a brand or some goods.
"""

import random
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any
from uuid import UUID

import msgspec

from serai.commerce.promotion.api import compile_rules, quote
from serai.commerce.promotion.types import (
    AmountOff,
    Benefit,
    HeldCoupon,
    Line,
    NthPiece,
    PercentOff,
    PiecesPercent,
    PiecesPrice,
    Request,
    Rule,
    Scope,
    ShippingOff,
    Terms,
    Tier,
    UnitPrice,
)
from serai.foundation import clock
from serai.foundation.ids import derive_id
from serai.main.bench.arena import Arena
from serai.main.bench.figure import Contest, Side, Turn, cpu_per_unit
from serai.main.fault import Fault

SEED = 11
CATEGORIES, BRANDS = 20, 30
MUST_US = 1000.0
BATCH = 20
KINDS: tuple[tuple[int, Callable[[random.Random], Benefit]], ...] = (
    (1, lambda r: UnitPrice("channel", percent_off=r.randrange(100, 2000))),
    (2, lambda r: PiecesPercent((Tier(2, 500), Tier(5, r.randrange(600, 1500))))),
    (2, lambda r: NthPiece(r.randrange(2, 4), 5000)),
    (2, lambda r: PiecesPrice(3, r.randrange(2000, 6000))),
    (3, lambda r: AmountOff((Tier(10_000, r.randrange(500, 1000)), Tier(20_000, 2500)))),
    (3, lambda _: PercentOff((Tier(15_000, 500),))),
    (4, lambda r: AmountOff((Tier(5000, r.randrange(300, 900)),))),
    (5, lambda _: AmountOff((Tier(30_000, 4000),), every=True)),
    (6, lambda _: ShippingOff(None, 9900)),
)


class Case(msgspec.Struct, frozen=True):
    """How large a cart under how many rules; ``coupons`` the buyer holds."""

    name: str
    lines: int
    rules: int
    coupons: int = 0


SIZES, RULE_COUNTS = (1, 20, 100), (0, 10, 50, 200)
CASES = (
    Case("promotion.quote_us", 20, 50),
    *(
        Case(f"promotion.quote_{lines}x{rules}_us", lines, rules)
        for lines in SIZES
        for rules in RULE_COUNTS
        if (lines, rules) != (20, 50)
    ),
    Case("promotion.quote_20x500_us", 20, 500),
    Case("promotion.quote_coupons_us", 20, 50, 5),
)


def make_rules(count: int) -> list[Rule]:
    """Live promotions of the usual mix."""
    chance = random.Random(SEED)
    rules = []
    for n in range(count):
        layer, make = KINDS[n % len(KINDS)]
        terms = Terms(
            name=f"Rule {n}",
            layer=layer,
            benefit=make(chance),
            scope=_make_scope(n, chance),
            coupon=layer == 4,
            exclusive_group=f"coupon {n}" if layer == 4 else "shop" if layer == 3 else "",
            cap_minor=12_000 if layer == 5 else None,
        )
        rules.append(Rule(derive_id("bench rule", n), 1, terms))
    return rules


def _make_scope(number: int, chance: random.Random) -> Scope:
    if number % 10 == 0:
        return Scope(everything=True)
    match number % 3:
        case 0:
            return Scope(category_ids=(_id("category", chance.randrange(CATEGORIES)),))
        case 1:
            return Scope(brands=(f"Brand {chance.randrange(BRANDS)}",))
        case _:
            return Scope(sku_ids=tuple(_id("sku", chance.randrange(200)) for _ in range(8)))


def _id(kind: str, number: int) -> UUID:
    return derive_id("bench", kind, number)


def make_request(case: Case, rules: list[Rule]) -> Request:
    """A cart of the case's size."""
    chance = random.Random(SEED)
    lines = tuple(
        Line(
            f"line {n}",
            _id("sku", n),
            _id("product", n),
            chance.randrange(1, 5),
            chance.randrange(99, 4999),
            0,
            (_id("category", n % CATEGORIES), _id("department", n % 3)),
            f"Brand {n % BRANDS}",
        )
        for n in range(case.lines)
    )
    coupons = [rule for rule in rules if rule.terms.coupon][: case.coupons]
    return Request(
        lines=lines,
        now=clock.now(),
        shipping_minor=599,
        coupons=tuple(HeldCoupon(derive_id("bench coupon", r.promotion_id), r.promotion_id) for r in coupons),
    )


def _open_side(case: Case) -> Side:
    rules = make_rules(case.rules)
    program, request = compile_rules(rules), make_request(case, rules)
    expected = quote(program, request).total_minor

    async def run(seconds: float) -> Turn:
        count, start, cpu = 0, time.perf_counter(), time.process_time()
        while time.perf_counter() - start < seconds:
            for _ in range(BATCH):
                result = quote(program, request)
            count += BATCH
            if result.total_minor != expected:
                raise Fault(f"{case.name}: a repeated quote came to another total.", "This is a bug.")
        return Turn(count, time.perf_counter() - start, {"engine": time.process_time() - cpu})

    note = f"{case.lines} lines, {case.rules} live rules, {case.coupons} coupons, comes to {expected}"
    return Side(run, note)


@asynccontextmanager
async def open_contest(_arena: Arena, needed: frozenset[str]) -> AsyncIterator[Mapping[str, Side]]:
    """The cases as sides; nothing is stored, so there is nothing to be checked afterwards."""
    sides: dict[str, Callable[[], Any]] = {case.name: partial(_open_side, case) for case in CASES}
    yield {name: make() for name, make in sides.items() if name in needed}


CONTESTS = (
    Contest(
        "promotion",
        tuple(
            cpu_per_unit(
                case.name,
                case.name,
                ("engine",),
                f"CPU to price a cart of {case.lines} lines under {case.rules} live promotions"
                + (f" with {case.coupons} coupons" if case.coupons else ""),
                unit="us",
                must=MUST_US if case.name == "promotion.quote_us" else None,
            )
            for case in CASES
        ),
        open_contest,
    ),
)
