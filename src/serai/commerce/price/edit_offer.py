"""Add and end prices beside the list price, and let list prices to come take effect when their moment has come."""

import re
from datetime import datetime, timedelta
from uuid import UUID

from serai.commerce.catalogue.api import check_price
from serai.commerce.catalogue.events import PriceChanged
from serai.commerce.place.api import load_place
from serai.commerce.price import store
from serai.commerce.price.events import OfferAdded, OfferEnded
from serai.commerce.price.types import REDUCTIONS, NewOffer, PriceOffer
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, Invalid, NotFound, _
from serai.foundation.event import Fact, append_facts
from serai.foundation.ids import new_id
from serai.identity.audit import api as audit

CHANNELS = ("web", "app", "pos", "api", "agent")
LEVEL = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
KINDS = ("list", "sale", "clearance", "member", "tier", "local")
MAX_QUANTITY = 100_000
MAX_OPEN = 100
# Between the click and the database some seconds pass; a start that lies no further back is meant as "now".
GRACE = timedelta(minutes=1)
FARTHEST = timedelta(days=3660)
# Who ends a list price to come by entering it into the history.
SYSTEM = "system"


async def add_offer(tx: Transaction, *, offer: NewOffer, by: str) -> PriceOffer:
    """Write down a price for a channel, store, level, quantity or time, or a list price to come.

    Raises:
        NotFound: ``product.unknown``, ``place.unknown``.
        Invalid: ``product.price_invalid``; ``price.offer_invalid`` with ``field`` and ``reason``.
        Conflict: ``price.too_many`` when a SKU has more open offers than one can keep in view.
    """
    now = clock.now()
    valid_from = _check_offer(offer, now)
    variant = await store.lock_variant(tx, offer.sku_id)
    if variant is None:
        raise NotFound("product.unknown", _("There is no such product."))
    if offer.place_id is not None:
        await load_place(tx, place_id=offer.place_id)
    if await store.count_open(tx, offer.sku_id, now) >= MAX_OPEN:
        raise Conflict(
            "price.too_many", _("At most %(most)s prices of one product can be open."), most=MAX_OPEN
        )
    made = PriceOffer(
        new_id(),
        offer.sku_id,
        offer.kind,
        offer.channel,
        offer.place_id,
        offer.member_level,
        offer.min_quantity,
        variant["currency"],
        offer.amount_minor,
        valid_from,
        offer.valid_to,
        " ".join(offer.reason.split())[:200] or "-",
        by,
        now,
    )
    await store.insert_offer(tx, tuple(getattr(made, name) for name in made.__struct_fields__[:14]))
    fact = OfferAdded(
        made.offer_id,
        made.sku_id,
        variant["product_id"],
        made.kind,
        made.amount_minor,
        made.currency,
        made.valid_from,
        made.valid_to,
    )
    await append_facts(tx, [Fact(variant["product_id"], fact)])
    await audit.record(
        tx,
        actor=by,
        action="price.offer_added",
        subject_kind="product",
        subject_id=variant["product_id"],
        after=describe_offer(made),
    )
    if made.kind == "list" and made.valid_from <= now:
        await apply_price(tx, offer_id=made.offer_id)
    return made


def _check_offer(offer: NewOffer, now: datetime) -> datetime:
    """The moment from which it holds. Invalid ``price.offer_invalid`` for terms that contradict each other."""
    check_price(offer.amount_minor)
    if offer.kind not in KINDS:
        raise _invalid("kind", _("Please choose what kind of price this is."), "unknown")
    if offer.channel is not None and offer.channel not in CHANNELS:
        raise _invalid("channel", _("There is no such channel."), "unknown")
    if offer.member_level is not None and not LEVEL.fullmatch(offer.member_level):
        raise _invalid(
            "member_level",
            _("A level is a short word of small letters, digits, dashes and underscores."),
            "format",
        )
    if isinstance(offer.min_quantity, bool) or not 1 <= offer.min_quantity <= MAX_QUANTITY:
        raise _invalid("min_quantity", _("Please give a quantity of at least 1."), "range")
    valid_from = _check_window(offer, now)
    narrowed = (offer.channel, offer.place_id, offer.member_level) != (None, None, None)
    is_general = not narrowed and offer.min_quantity == 1
    if offer.kind == "list" and not (is_general and offer.valid_to is None):
        raise _invalid("kind", _("A list price holds for everybody and until the next one."), "list")
    if offer.kind in REDUCTIONS and (offer.member_level is not None or offer.min_quantity > 1):
        raise _invalid(
            "kind", _("A reduction is announced to everybody: it has no level and no quantity."), "public"
        )
    if offer.kind == "member" and offer.member_level is None:
        raise _invalid("member_level", _("A member price needs a level."), "missing")
    if offer.kind == "tier" and offer.min_quantity < 2:
        raise _invalid("min_quantity", _("A quantity price needs a quantity of at least 2."), "range")
    if offer.kind == "local" and offer.channel is None and offer.place_id is None:
        raise _invalid("channel", _("Please choose the channel or the store."), "missing")
    return valid_from


def _check_window(offer: NewOffer, now: datetime) -> datetime:
    valid_from = offer.valid_from or now
    for field, moment in (("valid_from", valid_from), ("valid_to", offer.valid_to)):
        if moment is not None and moment.tzinfo is None:
            raise _invalid(field, _("A moment needs its time zone."), "zone")
    if valid_from < now - GRACE:
        raise _invalid(
            "valid_from", _("A price cannot begin in the past: the history is never rewritten."), "past"
        )
    valid_from = max(valid_from, now)
    if valid_from > now + FARTHEST:
        raise _invalid("valid_from", _("That is too far away."), "far")
    if offer.valid_to is not None and offer.valid_to <= valid_from:
        raise _invalid("valid_to", _("The price must end after it begins."), "order")
    return valid_from


def _invalid(field: str, message: str, reason: str) -> Invalid:
    return Invalid("price.offer_invalid", message, field=field, reason=reason)


def describe_offer(offer: PriceOffer) -> dict[str, object]:
    """An offer for the audit log."""
    return {
        "offer_id": str(offer.offer_id),
        "kind": offer.kind,
        "channel": offer.channel,
        "place_id": str(offer.place_id) if offer.place_id else None,
        "member_level": offer.member_level,
        "min_quantity": offer.min_quantity,
        "amount_minor": offer.amount_minor,
        "currency": offer.currency,
        "valid_from": offer.valid_from.isoformat(),
        "valid_to": offer.valid_to.isoformat() if offer.valid_to else None,
        "reason": offer.reason,
    }


async def find_offer(tx: Transaction, *, offer_id: UUID) -> PriceOffer | None:
    """An offer by its id."""
    row = await store.find_offer(tx, offer_id)
    return PriceOffer(*row.values()) if row else None


async def end_offer(tx: Transaction, *, offer_id: UUID, by: str) -> PriceOffer:
    """End an offer now, or call off one that was planned. Doing it again changes nothing.

    Raises:
        NotFound: ``price.offer_unknown``.
        Conflict: ``price.offer_over`` when its time is over, or when it is a list price that holds already.
    """
    offer = await find_offer(tx, offer_id=offer_id)
    if offer is None:
        raise NotFound("price.offer_unknown", _("There is no such price."))
    variant = await store.lock_variant(tx, offer.sku_id)
    offer = await find_offer(tx, offer_id=offer_id)
    assert variant is not None, "an offer is deleted with its variant"
    assert offer is not None, "an offer is deleted with its variant"
    now = clock.now()
    was_called_off = offer.ended_at is not None and offer.ended_by != SYSTEM
    if was_called_off:
        return offer
    holds_for_good = offer.kind == "list" and offer.valid_from <= now
    if holds_for_good or (offer.valid_to is not None and offer.valid_to <= now):
        raise Conflict("price.offer_over", _("This price cannot be ended any more."))
    ended = PriceOffer(*(await store.end_offer(tx, offer_id, now, by)).values())
    await append_facts(tx, [Fact(variant["product_id"], OfferEnded(offer_id, offer.sku_id, by))])
    await audit.record(
        tx,
        actor=by,
        action="price.offer_ended",
        subject_kind="product",
        subject_id=variant["product_id"],
        before=describe_offer(offer),
    )
    return ended


async def apply_price(tx: Transaction, *, offer_id: UUID) -> bool:
    """Enter a list price whose moment has come into the history. False when that was done, or it was called off.

    It counts from its own moment: a price that somebody set after that moment stays the newest.
    """
    offer = await find_offer(tx, offer_id=offer_id)
    if offer is None or offer.kind != "list" or offer.valid_from > clock.now():
        return False
    variant = await store.lock_variant(tx, offer.sku_id)
    if variant is None or await store.end_offer(tx, offer_id, clock.now(), SYSTEM) is None:
        return False
    await store.insert_entry(
        tx,
        (
            offer.offer_id,
            offer.sku_id,
            offer.currency,
            offer.amount_minor,
            offer.valid_from,
            offer.reason,
            offer.created_by,
            offer.created_at,
        ),
    )
    price_minor = await store.take_newest(tx, offer.sku_id)
    if price_minor != variant["price_minor"]:
        changed = PriceChanged(
            offer.sku_id, variant["product_id"], variant["price_minor"], price_minor, offer.currency
        )
        await append_facts(tx, [Fact(variant["product_id"], changed)])
        await audit.record(
            tx,
            actor=SYSTEM,
            action="price.changed",
            subject_kind="product",
            subject_id=variant["product_id"],
            before={"price_minor": variant["price_minor"]},
            after={"price_minor": price_minor, "currency": offer.currency, "reason": offer.reason},
        )
    return True
