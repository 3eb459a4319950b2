"""Pure rules of prices: which one a buyer gets, what everybody paid over time, and the reference of a reduction (M12).

The reference follows article 6a of directive 98/6/EC: the lowest price of the 30 days before the reduction began; while a
reduction is deepened without a break, it is the one before its first step.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID

from serai.commerce.catalogue.types import PriceEntry, unit_price
from serai.commerce.price.types import (
    REDUCTIONS,
    Buyer,
    Deal,
    Offer,
    PriceOffer,
    QuantityPrice,
    Reduction,
    Span,
)

REFERENCE = timedelta(days=30)


def choose_price(list_minor: int, offers: Iterable[Offer], quantity: int) -> tuple[int, Offer | None]:
    """The price per unit of so many units, and the offer that gives it; None when the list price is the lowest.

    Exactly one price holds, the lowest that applies. Of equal ones it is the list price, then the first offer.
    """
    best: Offer | None = None
    lowest = list_minor
    for offer in offers:
        if offer.amount_minor < lowest and quantity >= offer.min_quantity:
            lowest, best = offer.amount_minor, offer
    return lowest, best


def holds_for(offer: PriceOffer, buyer: Buyer, at: datetime) -> bool:
    """Whether an offer holds at a moment in a buyer's channel, store and level."""
    until = offer.until
    return (
        offer.valid_from <= at
        and (until is None or until > at)
        and offer.channel in (None, buyer.channel)
        and offer.place_id in (None, buyer.place_id)
        and offer.member_level in (None, buyer.member_level or None)
    )


def name_source(offer: PriceOffer) -> str:
    """How the promotion engine names the offer's kind of price: member, quantity or channel."""
    if offer.member_level is not None:
        return "member"
    return "quantity" if offer.min_quantity > 1 else "channel"


def make_spans(entries: Iterable[PriceEntry], offers: Iterable[PriceOffer], *, until: datetime) -> list[Span]:
    """What everybody paid from the first list price to ``until``, oldest first, without gaps.

    The last span holds at ``until`` itself and is empty when its price begins at that very moment.

    Of ``offers`` only those without a store, level or quantity count; their channel is the caller's choice. List prices
    that are due but not entered yet count from their moment on.
    """
    held = [each for each in offers if each.until is None or each.until > each.valid_from]
    steps = [(e.valid_from, e.price_id, e.amount_minor) for e in entries]
    steps += [
        (o.valid_from, o.offer_id, o.amount_minor) for o in held if o.kind == "list" and o.ended_at is None
    ]
    steps = sorted({step[1]: step for step in steps if step[0] <= until}.values(), key=lambda s: s[:2])
    if not steps:
        return []
    general = [
        o
        for o in held
        if o.kind != "list" and o.place_id is None and o.member_level is None and o.min_quantity == 1
    ]
    moments = {at for at, _, _ in steps}
    for offer in general:
        moments.add(offer.valid_from)
        if offer.until is not None:
            moments.add(offer.until)
    marks = sorted(moment for moment in moments if steps[0][0] <= moment <= until)
    spans: list[Span] = []
    position = 0
    for start, end in pairwise([*marks, until]):
        while position + 1 < len(steps) and steps[position + 1][0] <= start:
            position += 1
        amount, is_reduced = _price_at(steps[position][2], general, start)
        last = spans[-1] if spans else None
        if last and (last.amount_minor, last.is_reduced) == (amount, is_reduced):
            spans[-1] = Span(last.start, end, amount, is_reduced)
        else:
            spans.append(Span(start, end, amount, is_reduced))
    return spans


def _price_at(list_minor: int, offers: Sequence[PriceOffer], at: datetime) -> tuple[int, bool]:
    lowest, kind = list_minor, "list"
    for offer in offers:
        until = offer.until
        if offer.valid_from <= at and (until is None or at < until) and offer.amount_minor < lowest:
            lowest, kind = offer.amount_minor, offer.kind
    return lowest, kind in REDUCTIONS


def find_reduction(spans: Sequence[Span]) -> Reduction | None:
    """The reduction of the last span, if it may be announced: there is one, and its reference is known and higher.

    It began where the run of reduced prices began that has led to it without a break and without getting dearer. The
    reference is the lowest price of the 30 days before that, whatever it was; a price that began later than those 30
    days leaves the history incomplete.
    """
    if not spans or not spans[-1].is_reduced:
        return None
    first = len(spans) - 1
    while (
        first and spans[first - 1].is_reduced and spans[first - 1].amount_minor >= spans[first].amount_minor
    ):
        first -= 1
    started_at = spans[first].start
    since = started_at - REFERENCE
    if spans[0].start > since:
        return None
    prior = min((span.amount_minor for span in spans[:first] if span.end > since), default=None)
    if prior is None or prior <= spans[-1].amount_minor:
        return None
    return Reduction(started_at, spans[-1].amount_minor, prior)


def make_deal(
    sku_id: UUID,
    list_minor: int,
    offers: Sequence[Offer],
    content: tuple[int | None, str | None],
    reduction: Reduction | None,
) -> Deal | None:
    """What offers for everybody make of a list price; None when they change nothing."""
    price_minor, winner = choose_price(list_minor, offers, 1)
    steps: list[QuantityPrice] = []
    for offer in sorted(offers, key=lambda o: (o.min_quantity, o.amount_minor)):
        lowest = steps[-1].amount_minor if steps else price_minor
        if offer.min_quantity > 1 and offer.amount_minor < lowest:
            steps.append(QuantityPrice(offer.min_quantity, offer.amount_minor))
    if winner is None and not steps:
        return None
    per_minor, per = unit_price(price_minor, *content)
    return Deal(
        sku_id,
        list_minor,
        price_minor,
        per_minor,
        per,
        reduction if reduction and reduction.amount_minor == price_minor else None,
        winner.valid_to if winner else None,
        tuple(steps),
        winner is not None and winner.source == "member",
    )
