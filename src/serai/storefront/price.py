"""Prices on the shop's pages: deals of cards and products, and the chart of a price, drawn on the server."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import msgspec

from serai.commerce.catalogue.types import Product, ProductCard, SaleItem, Variant
from serai.commerce.checkout.api import Shopper, price_each
from serai.commerce.price import api as price
from serai.commerce.price.types import Deal, PriceHistory, Reduction, Span
from serai.commerce.promotion.api import SinglePrice
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.storefront.view import Onlooker, Shell

CHART_DAYS = 180
WIDTH, HEIGHT, MARGIN = 600, 120, 6


class OwnPrice(msgspec.Struct, frozen=True):
    """What one unit costs whoever looks at a page, where that differs from the list price.

    ``kind`` is ``offer`` (for everybody, of the price list), ``member``, ``flash`` or ``promotion``; ``name`` that of the
    promotion. ``other_minor`` is what it costs otherwise, told beside the price but never struck: only ``reduction`` may
    strike one. ``left_s`` counts down to ``ends_at`` by the shop's clock, ``left`` is how many are left at the price.
    """

    price_minor: int
    kind: Literal["offer", "member", "flash", "promotion"]
    other_minor: int | None = None
    name: str = ""
    unit_price_minor: int | None = None
    unit_price_per: str | None = None
    reduction: Reduction | None = None
    ends_at: datetime | None = None
    left_s: int = 0
    left: int | None = None


async def load_deals(
    tx: Transaction, cards: Iterable[ProductCard], shell: Shell | Onlooker, locale: str
) -> dict[UUID, OwnPrice]:
    """What the goods of a page cost whoever looks at it, by SKU, where that differs from the list price."""
    listed = {
        card.sku_id: (card.price_minor, card.currency)
        for card in cards
        if card.sku_id and card.price_minor is not None
    }
    currency = next((each[1] for each in listed.values()), "")
    return await load_own_prices(
        tx, {sku_id: each[0] for sku_id, each in listed.items()}, currency, shell, locale
    )


async def load_own_prices(
    tx: Transaction, list_minor: Mapping[UUID, int], currency: str, shell: Shell | Onlooker, locale: str
) -> dict[UUID, OwnPrice]:
    """The same for goods given with their list prices. A handful of queries for all of them, none of them per product."""
    level = shell.member.level or None if shell.member else None
    deals = await price.list_deals(tx, list_minor=list_minor, member_level=level)
    found = {sku_id: _from_deal(deal) for sku_id, deal in deals.items() if deal.price_minor < deal.list_minor}
    if shell.online is None:
        return found
    plain = {
        sku_id: (found[sku_id].price_minor if sku_id in found else minor, minor)
        for sku_id, minor in list_minor.items()
    }
    singles = await price_each(
        tx,
        prices=plain,
        currency=currency,
        place_id=shell.online.place_id,
        shopper=Shopper(member_id=shell.member.member_id if shell.member else None, member_level=level),
    )
    per_unit = await price.list_unit_prices(
        tx, prices={sku_id: single.price_minor for sku_id, single in singles.items()}
    )
    return found | {
        sku_id: _from_promotion(single, plain[sku_id][0], per_unit.get(sku_id, (None, None)), locale)
        for sku_id, single in singles.items()
    }


async def load_item_prices(
    tx: Transaction, items: Iterable[SaleItem], shell: Shell, locale: str
) -> dict[UUID, OwnPrice]:
    """The same for goods as they are sold; those without a price are left out."""
    priced = [item for item in items if item.price_minor is not None]
    listed = {item.sku_id: item.price_minor for item in priced if item.price_minor is not None}
    return await load_own_prices(tx, listed, priced[0].currency if priced else "", shell, locale)


def _from_deal(deal: Deal) -> OwnPrice:
    return OwnPrice(
        deal.price_minor,
        "member" if deal.is_for_members else "offer",
        deal.list_minor if deal.is_for_members else None,
        "",
        deal.unit_price_minor,
        deal.unit_price_per,
        None if deal.is_for_members else deal.reduction,
        deal.valid_to,
        left_s(deal.valid_to) if deal.valid_to else 0,
    )


def _from_promotion(
    single: SinglePrice, other_minor: int, per_unit: tuple[int | None, str | None], locale: str
) -> OwnPrice:
    kinds: dict[str, Literal["flash", "member"]] = {"flash_price": "flash", "member_price": "member"}
    return OwnPrice(
        single.price_minor,
        kinds.get(single.kind, "promotion"),
        other_minor,
        single.label(locale),
        *per_unit,
        None,
        single.ends_at,
        left_s(single.ends_at) if single.ends_at else 0,
        single.left,
    )


async def price_alone(tx: Transaction, item: SaleItem) -> tuple[int, int]:
    """What everybody pays for one unit now, and its list price. For goods that have a price."""
    assert item.price_minor is not None, "only goods with a price are asked for"
    deal = (await price.list_deals(tx, list_minor={item.sku_id: item.price_minor})).get(item.sku_id)
    return (deal.price_minor, deal.list_minor) if deal else (item.price_minor, item.price_minor)


def left_s(moment: datetime) -> int:
    """Seconds until a moment, by the shop's own clock; the page counts on from there."""
    return max(0, int((moment - clock.now()).total_seconds()))


async def load_prices(
    tx: Transaction, product: Product, variant: Variant, *, draws: bool = True
) -> tuple[Product, Variant, dict[str, Any]]:
    """A product and one of its versions at the prices that everybody pays now, and what its page tells of prices:
    ``deal`` and ``chart``, each None when there is nothing to tell, and no chart unless it ``draws``."""
    history = await price.list_history(tx, sku_id=variant.sku_id) if draws else None
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
        {
            "deal": deals.get(variant.sku_id),
            "chart": draw_price(history, until=clock.now()) if history else None,
        },
    )


async def price_chosen(
    tx: Transaction, chosen: Sequence[tuple[Product, Variant]], shell: Shell, locale: str
) -> list[tuple[Product, Variant]]:
    """Products with one of their versions each, at the prices that whoever looks would pay."""
    listed = {v.sku_id: v.price_minor for _p, v in chosen if v.price_minor is not None}
    own = await load_own_prices(tx, listed, chosen[0][1].currency if chosen else "", shell, locale)
    return [
        (product, msgspec.structs.replace(variant, price_minor=own[variant.sku_id].price_minor))
        if variant.sku_id in own
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
