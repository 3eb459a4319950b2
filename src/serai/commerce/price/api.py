"""Prices beside the list price: which hold for whom, adding and ending them, and a price's history."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from serai.commerce.catalogue.api import load_variant
from serai.commerce.catalogue.types import PriceEntry, SaleItem, unit_price
from serai.commerce.price import store
from serai.commerce.price.edit_offer import add_offer, end_offer, find_offer
from serai.commerce.price.logic import (
    choose_price,
    find_reduction,
    holds_for,
    make_deal,
    make_spans,
    name_source,
)
from serai.commerce.price.types import (
    REDUCTIONS,
    Buyer,
    Deal,
    NewOffer,
    Offer,
    OfferKind,
    PriceHistory,
    PriceOffer,
    Reduction,
    SalePrice,
    Span,
)
from serai.foundation import clock
from serai.foundation.database import Transaction

__all__ = [
    "Buyer",
    "Deal",
    "NewOffer",
    "Offer",
    "OfferKind",
    "PriceHistory",
    "PriceOffer",
    "Reduction",
    "SalePrice",
    "Span",
    "add_offer",
    "choose_price",
    "end_offer",
    "find_offer",
    "list_deals",
    "list_history",
    "list_offers",
    "list_price_offers",
    "list_reductions",
    "list_unit_prices",
    "price_items",
]

MAX_HISTORY = 5_000
PUBLIC = Buyer()


async def list_offers(
    tx: Transaction,
    *,
    sku_ids: Sequence[UUID],
    channel: str = "web",
    place_id: UUID | None = None,
    member_level: str | None = None,
    at: datetime | None = None,
) -> dict[UUID, tuple[Offer, ...]]:
    """Offers that hold at a moment (now) for a channel, store and member level, the lowest of each SKU first.

    SKUs without any are left out. Whether one wins depends on the quantity: see :func:`choose_price`.
    """
    buyer = Buyer(channel, place_id, member_level)
    found = await _list_live(tx, sku_ids, buyer, at or clock.now())
    offers = {sku_id: _keep_offers(live) for sku_id, live in found.items()}
    return {sku_id: kept for sku_id, kept in offers.items() if kept}


async def price_items(
    tx: Transaction, *, items: Mapping[UUID, SaleItem], buyer: Buyer = PUBLIC, at: datetime | None = None
) -> dict[UUID, SalePrice]:
    """What some variants cost a buyer at a moment (now). A list price that is due holds even before it was entered.

    Variants without a price are left out.
    """
    found = await _list_live(tx, list(items), buyer, at or clock.now())
    priced = {}
    for sku_id, item in items.items():
        live = found.get(sku_id, ())
        # Of several that are due, the one that began last is the list price.
        due = max(
            (o for o in live if o.kind == "list"), key=lambda o: (o.valid_from, o.offer_id), default=None
        )
        list_minor = due.amount_minor if due else item.price_minor
        if list_minor is not None:
            priced[sku_id] = SalePrice(list_minor, _keep_offers(live))
    return priced


async def _list_live(
    tx: Transaction, sku_ids: Sequence[UUID], buyer: Buyer, at: datetime
) -> dict[UUID, list[PriceOffer]]:
    if not sku_ids:
        return {}
    if tx.shelf is not None:
        return await _list_kept(tx, sku_ids, buyer, at)
    found: dict[UUID, list[PriceOffer]] = {}
    level = buyer.member_level or None
    for row in await store.list_live(tx, sku_ids, buyer.channel, buyer.place_id, level, at):
        found.setdefault(row["sku_id"], []).append(PriceOffer(*row.values()))
    return found


async def _list_kept(
    tx: Transaction, sku_ids: Sequence[UUID], buyer: Buyer, at: datetime
) -> dict[UUID, list[PriceOffer]]:
    """The same, judged in memory: kept is what has not ended, for every buyer, whether it has begun or not."""

    async def load(missing: list[UUID]) -> dict[UUID, tuple[tuple[PriceOffer, ...], tuple[UUID]]]:
        found: dict[UUID, list[PriceOffer]] = {}
        for row in await store.list_unended(tx, missing, at):
            found.setdefault(row["sku_id"], []).append(PriceOffer(*row.values()))
        return {sku_id: (tuple(offers), (sku_id,)) for sku_id, offers in found.items()}

    kept = await tx.keep("price offers", sku_ids, load)
    live = {
        sku_id: [each for each in offers if holds_for(each, buyer, at)] for sku_id, offers in kept.items()
    }
    return {sku_id: offers for sku_id, offers in live.items() if offers}


def _keep_offers(live: Iterable[PriceOffer]) -> tuple[Offer, ...]:
    return tuple(
        Offer(
            name_source(each),
            each.amount_minor,
            each.min_quantity,
            each.offer_id,
            kind=each.kind,
            valid_to=each.valid_to,
            is_public=each.place_id is None and each.member_level is None and each.min_quantity == 1,
        )
        for each in live
        if each.kind != "list"
    )


async def list_price_offers(tx: Transaction, *, sku_id: UUID, limit: int = 200) -> list[PriceOffer]:
    """Every offer there ever was of a SKU, the newest first."""
    return [PriceOffer(*row.values()) for row in await store.list_offers(tx, [sku_id], limit)]


async def list_history(
    tx: Transaction, *, sku_id: UUID, channel: str = "web", at: datetime | None = None
) -> PriceHistory:
    """What everybody paid for a SKU in a channel until a moment (now), and the reduction that runs then.

    Raises:
        NotFound: ``product.unknown``.
    """
    variant = await load_variant(tx, sku_id=sku_id)
    spans = (await _load_spans(tx, [sku_id], channel, at or clock.now())).get(sku_id, [])
    return PriceHistory(variant.currency, tuple(spans), find_reduction(spans))


async def list_reductions(
    tx: Transaction, *, sku_ids: Sequence[UUID], channel: str = "web", at: datetime | None = None
) -> dict[UUID, Reduction]:
    """The reductions that may be announced now, of some SKUs; most have none, which costs one query."""
    moment = at or clock.now()
    live = await list_offers(tx, sku_ids=sku_ids, channel=channel, at=moment)
    if not live:
        return {}
    reductions = {
        sku_id: find_reduction(spans)
        for sku_id, spans in (await _load_spans(tx, list(live), channel, moment)).items()
    }
    return {sku_id: found for sku_id, found in reductions.items() if found is not None}


async def list_deals(
    tx: Transaction,
    *,
    list_minor: Mapping[UUID, int],
    channel: str = "web",
    at: datetime | None = None,
    member_level: str | None = None,
) -> dict[UUID, Deal]:
    """What everybody (or a member of a level) pays now for some variants (given with their list prices), where an offer
    makes a difference.

    Most variants have no offer and are left out, which costs one query for all of them.
    """
    moment = at or clock.now()
    found = await list_offers(
        tx, sku_ids=list(list_minor), channel=channel, at=moment, member_level=member_level
    )
    if not found:
        return {}
    contents = {row["sku_id"]: (row[1], row[2]) for row in await store.list_contents(tx, list(found))}
    reduced = [sku_id for sku_id, offers in found.items() if any(o.kind in REDUCTIONS for o in offers)]
    reductions = await list_reductions(tx, sku_ids=reduced, channel=channel, at=moment) if reduced else {}
    deals = (
        make_deal(
            sku_id, list_minor[sku_id], offers, contents.get(sku_id, (None, None)), reductions.get(sku_id)
        )
        for sku_id, offers in found.items()
    )
    return {deal.sku_id: deal for deal in deals if deal is not None}


async def list_unit_prices(
    tx: Transaction, *, prices: Mapping[UUID, int]
) -> dict[UUID, tuple[int | None, str | None]]:
    """The prices of some variants per 100 g, 100 ml or piece, as far as they have one."""
    contents = await store.list_contents(tx, list(prices)) if prices else []
    return {row["sku_id"]: unit_price(prices[row["sku_id"]], row[1], row[2]) for row in contents}


async def _load_spans(
    tx: Transaction, sku_ids: Sequence[UUID], channel: str, until: datetime
) -> dict[UUID, list[Span]]:
    entries: dict[UUID, list[PriceEntry]] = {}
    for row in await store.list_entries(tx, sku_ids, MAX_HISTORY):
        entries.setdefault(row["sku_id"], []).append(PriceEntry(*row.values()))
    offers: dict[UUID, list[PriceOffer]] = {}
    for row in await store.list_offers(tx, sku_ids, MAX_HISTORY):
        each = PriceOffer(*row.values())
        if each.channel in (None, channel):
            offers.setdefault(each.sku_id, []).append(each)
    return {
        sku_id: make_spans(found, offers.get(sku_id, ()), until=until) for sku_id, found in entries.items()
    }
