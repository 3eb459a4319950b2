"""Prices on the shop's pages: deals of cards and products, and the chart of a price, drawn on the server."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from serai.commerce.catalogue.types import Product, ProductCard, Variant
from serai.commerce.price import api as price
from serai.commerce.price.types import Deal, PriceHistory, Span
from serai.foundation import clock
from serai.foundation.database import Transaction

CHART_DAYS = 180
WIDTH, HEIGHT, MARGIN = 600, 120, 6


async def load_deals(tx: Transaction, cards: Iterable[ProductCard]) -> dict[UUID, Deal]:
    """Deals of the goods of a page by SKU; empty for most pages."""
    listed = {card.sku_id: card.price_minor for card in cards if card.sku_id and card.price_minor is not None}
    return await price.list_deals(
        tx, list_minor={sku_id: minor for sku_id, minor in listed.items() if minor is not None}
    )


async def load_prices(
    tx: Transaction, product: Product, variant: Variant
) -> tuple[Product, Variant, dict[str, Any]]:
    """A product and one of its versions at the prices that everybody pays now, and what its page tells of prices:
    ``deal`` and ``chart``, each None when there is nothing to tell."""
    history = await price.list_history(tx, sku_id=variant.sku_id)
    deals = await price.list_deals(
        tx, list_minor={v.sku_id: v.price_minor for v in product.variants if v.price_minor is not None}
    )
    variants = tuple(
        msgspec.structs.replace(each, price_minor=deals[each.sku_id].price_minor)
        if each.sku_id in deals
        else each
        for each in product.variants
    )
    return (
        msgspec.structs.replace(product, variants=variants),
        next(each for each in variants if each.sku_id == variant.sku_id),
        {"deal": deals.get(variant.sku_id), "chart": draw_price(history, until=clock.now())},
    )


async def price_chosen(
    tx: Transaction, chosen: Sequence[tuple[Product, Variant]]
) -> list[tuple[Product, Variant]]:
    """Products with one of their versions each, at the prices that everybody pays now."""
    deals = await price.list_deals(
        tx, list_minor={v.sku_id: v.price_minor for _p, v in chosen if v.price_minor is not None}
    )
    return [
        (product, msgspec.structs.replace(variant, price_minor=deals[variant.sku_id].price_minor))
        if variant.sku_id in deals
        else (product, variant)
        for product, variant in chosen
    ]


class PriceChart(msgspec.Struct, frozen=True):
    """A price over time as a line in steps; ``cuts`` are its reduced parts. Rows tell the same in figures, newest first.

    Coordinates are those of a box of ``width`` x ``height`` that the page stretches.
    """

    width: int
    height: int
    path: str
    cuts: tuple[str, ...]
    end_x: float
    end_y: float
    since: datetime
    until: datetime
    lowest_minor: int
    highest_minor: int
    currency: str
    rows: tuple[Span, ...]


def draw_price(history: PriceHistory, *, until: datetime) -> PriceChart | None:
    """Lay out the last 180 days; None when the price has not moved in them."""
    since = max(until - timedelta(days=CHART_DAYS), history.spans[0].start) if history.spans else until
    spans = [span for span in history.spans if span.end > since or span.end == until]
    if len(spans) < 2:
        return None
    lowest = min(span.amount_minor for span in spans)
    highest = max(span.amount_minor for span in spans)
    whole_s = max((until - since).total_seconds(), 1)

    def place_x(at: datetime) -> float:
        share = min(max((at - since).total_seconds() / whole_s, 0), 1)
        return round(share * (WIDTH - MARGIN), 1)

    def place_y(amount_minor: int) -> float:
        share = (amount_minor - lowest) / (highest - lowest) if highest > lowest else 0.5
        return round(HEIGHT - MARGIN - share * (HEIGHT - 2 * MARGIN), 1)

    path = f"M{place_x(since)} {place_y(spans[0].amount_minor)}"
    for span in spans[1:]:
        path += f"H{place_x(span.start)}V{place_y(span.amount_minor)}"
    end_x, end_y = place_x(until), place_y(spans[-1].amount_minor)
    return PriceChart(
        WIDTH,
        HEIGHT,
        f"{path}H{end_x}",
        _draw_cuts(spans, place_x, place_y),
        end_x,
        end_y,
        since,
        until,
        lowest,
        highest,
        history.currency,
        tuple(reversed(spans)),
    )


def _draw_cuts(
    spans: Sequence[Span], place_x: Callable[[datetime], float], place_y: Callable[[int], float]
) -> tuple[str, ...]:
    return tuple(
        f"M{place_x(span.start)} {place_y(span.amount_minor)}H{place_x(span.end)}"
        for span in spans
        if span.is_reduced
    )
