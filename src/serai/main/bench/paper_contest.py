"""What it costs to draw an invoice: 20 lines of three rates with discounts, with its e-invoice, in English and in Chinese.

Only drawing is measured, without database and disk; every file is looked at, so that none is taken for another.
"""

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial

from serai.commerce.paper.api import draw_content_now, sum_taxes
from serai.commerce.paper.types import Content, LineSaving, PaperLine, Party
from serai.main.bench.arena import Arena
from serai.main.bench.figure import Contest, Figure, Side, Turn
from serai.main.fault import Fault

LINES = 20
RATES = (190_000, 70_000, 0)
AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
TITLES = {
    "en": "Sourdough rye bread with caraway, sliced, 1 kg",
    "zh_Hans": "高山云雾绿茶 明前特级 250 克 礼盒装",
}
NAMES = {"en": "Corner Shop Ltd", "zh_Hans": "上海晴川食品有限公司"}


def make_invoice(locale: str, number: int) -> Content:
    """An invoice that differs from every other by its number."""
    lines = []
    for n in range(LINES):
        rate = RATES[n % len(RATES)]
        net = (1999 + 137 * n) * (n % 3 + 1) - 100
        tax = net * rate // (1_000_000 + rate)
        lines.append(
            PaperLine(
                n + 1, f"{TITLES[locale]} {n}", n % 3 + 1, 0, "pc", 1999 + 137 * n, net + 100,
                (LineSaving("11.11", 100),), "S" if rate else "Z", rate, "VAT", net - tax, tax, f"SKU-{n}",
            )
        )  # fmt: skip
    taxes = sum_taxes(lines, None)
    base, tax_minor = sum(tax.base_minor for tax in taxes), sum(tax.tax_minor for tax in taxes)
    seller = Party(
        NAMES[locale], "1 Main Street", city="Berlin", country="DE", vat_id="DE123456789", tax_number="29/123/45678"
    )  # fmt: skip
    return Content(
        kind="invoice", number=f"INV-2026-{number:06}", issued_at=AT, locale=locale, zone="UTC", currency="EUR",
        seller=seller, buyer=seller, ship_to=None, order_number="A7K2-93QF",
        order_url="https://shop.example.com/orders/0198aaaa?key=abcdefghijklmnopqrstuvwx", placed_at=AT, delivery="ship",
        lines=tuple(lines), charge=None, taxes=taxes, prices_include_tax=True, base_minor=base, tax_minor=tax_minor,
        total_minor=base + tax_minor, paid_minor=base + tax_minor, delivered_at=AT,
    )  # fmt: skip


class Drawer:
    """Draws one invoice after the other in a language."""

    def __init__(self, arena: Arena, locale: str) -> None:
        self.arena = arena
        self.locale = locale
        self.drawn = 0
        draw_content_now(make_invoice(locale, 0))

    async def run(self, seconds: float) -> Turn:
        """As many as fit into the time, at least one."""
        used, began, count = self.arena.read_cpu(), time.perf_counter(), 0
        while count == 0 or time.perf_counter() - began < seconds:
            self.drawn += 1
            file = draw_content_now(make_invoice(self.locale, self.drawn))
            if not file.startswith(b"%PDF-") or b"factur-x.xml" not in file:
                raise Fault("An invoice was drawn without its e-invoice.", "This is a bug.")
            count += 1
        return Turn(count, time.perf_counter() - began, used())


@asynccontextmanager
async def open_drawers(arena: Arena, needed: frozenset[str]) -> AsyncIterator[Mapping[str, Side]]:
    """One for each language that is needed."""
    yield {
        locale: Side(partial(Drawer(arena, locale).run), f"invoices of {LINES} lines", "client")
        for locale in TITLES
        if locale in needed
    }


def _per_cpu_second(name: str, side: str, meaning: str) -> Figure:
    return Figure(
        name=name,
        unit="PDFs/s",
        meaning=meaning,
        sides=(side,),
        of_turns=lambda turns: turns[side].count / turns[side].cpu_s["client"],
    )


CONTESTS = (
    Contest(
        "papers",
        (
            _per_cpu_second("papers.english_per_cpu_s", "en", "invoices of 20 lines drawn per second of CPU"),
            _per_cpu_second("papers.chinese_per_cpu_s", "zh_Hans", "the same in Chinese"),
        ),
        open_drawers,
        runs_most=3,
    ),
)
