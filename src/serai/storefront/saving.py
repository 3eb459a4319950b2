"""What promotions do to a cart, in words: what was saved at which line and why, what is offered, what is missing."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from uuid import UUID

import msgspec
from babel.numbers import format_percent

from serai.commerce.catalogue.api import list_sale_items
from serai.commerce.catalogue.types import SaleItem
from serai.commerce.checkout.types import Quote, QuoteExtra
from serai.commerce.order.types import OrderAdjustment
from serai.commerce.promotion.types import SHIPPING, Adjustment, Reason
from serai.foundation.database import Transaction
from serai.foundation.errors import _
from serai.foundation.i18n import translate
from serai.foundation.money import format_money

STEPS_SHOWN = 2
PERCENT_KINDS = ("percent_off", "pieces_percent")
# Why a coupon takes nothing off now. A shopper reads these, so each says what could be done about it.
MISSED = {
    "stopped": _("This promotion has ended."),
    "scope": _("It is not for the goods in your cart."),
    "window": _("It does not hold at the moment."),
    "channel": _("It does not hold in the web shop."),
    "place": _("It does not hold for this place."),
    "level": _("It is for members of another level."),
    "members": _("It is for members. Please sign in."),
    "sign_in": _("It is limited per member. Please sign in."),
    "coupon_expired": _("It has expired."),
    "coupon_locked": _("It is in use by another order of yours."),
    "quota": _("All of them are used up."),
    "allowance": _("You have used it as often as one member may."),
    "budget": _("All of it has been given away."),
    "group": _("It is for those who buy in a group."),
    "group_full": _("This group is full."),
    "extra_gone": _("What it would add is sold out."),
    "better": _("Another offer saves you more, and both do not combine."),
    "excluded": _("It does not combine with other offers in your cart."),
}


class Saving(msgspec.Struct, frozen=True):
    """So much off, and by which offer."""

    name: str
    amount_minor: int


class Step(msgspec.Struct, frozen=True):
    """How far it is to the next benefit: words, and how much of the way is done, in percent (0 to 100)."""

    text: str
    percent: int


class EnteredCoupon(msgspec.Struct, frozen=True):
    """A coupon that was entered; ``words`` tell why it takes nothing off, empty where it does."""

    coupon_id: UUID
    code_end: str
    name: str
    amount_minor: int
    words: str


class AddOnOffer(msgspec.Struct, frozen=True):
    """Something that may be added at a price of its own."""

    promotion_id: UUID
    item: SaleItem
    name: str
    price_minor: int


class Savings(msgspec.Struct, frozen=True):
    """All that promotions say about one quote. ``by_line`` is by line id."""

    by_line: dict[UUID, list[Saving]] = {}
    totals: list[Saving] = []
    extras: tuple[QuoteExtra, ...] = ()
    coupons: list[EnteredCoupon] = []
    offers: list[AddOnOffer] = []
    steps: list[Step] = []


async def tell_savings(tx: Transaction, quote: Quote, locale: str) -> Savings:
    """Put a quote's promotions into words."""
    coupons = [
        EnteredCoupon(
            each.coupon_id,
            each.code_end,
            each.reason.label(locale) if each.reason else each.name,
            each.amount_minor,
            "" if each.code == "applied" else tell_missed(each.code, each.reason, quote.currency, locale),
        )
        for each in quote.coupons
    ]
    if quote.pricing is None:
        return Savings(coupons=coupons)
    reasons = quote.pricing.reasons
    offered = [reason for reason in reasons if reason.code == "add_on"]
    sku_ids = [UUID(str(reason.data["sku_id"])) for reason in offered]
    items = await list_sale_items(tx, sku_ids=sku_ids) if sku_ids else {}
    return Savings(
        by_line=_share(quote, locale),
        totals=[_total(each, locale) for each in quote.pricing.adjustments if each.amount_minor],
        extras=quote.extras,
        coupons=coupons,
        offers=[offer for reason in offered if (offer := _offer(reason, items, locale))],
        steps=[step for reason in reasons if (step := _step(reason, quote.currency, locale))][:STEPS_SHOWN],
    )


def _total(each: Adjustment, locale: str) -> Saving:
    return Saving(each.label(locale) or translate(_("Your price"), locale), each.amount_minor)


def _share(quote: Quote, locale: str) -> dict[UUID, list[Saving]]:
    """What each line of the cart saves, offer by offer."""
    assert quote.pricing is not None
    keys = {str(line.line_id): line.line_id for line in quote.lines}
    found: dict[UUID, list[Saving]] = {}
    for each in quote.pricing.adjustments:
        name = _total(each, locale).name
        for share in each.shares:
            line_id = keys.get(share.line_key) if share.line_key != SHIPPING else None
            if line_id is not None and share.amount_minor:
                found.setdefault(line_id, []).append(Saving(name, share.amount_minor))
    return found


def share_adjustments(adjustments: Sequence[OrderAdjustment], locale: str) -> dict[int, list[Saving]]:
    """What each line of an order saved, offer by offer, by line number."""
    found: dict[int, list[Saving]] = {}
    for each in adjustments:
        name = each.label(locale) or translate(_("Your price"), locale)
        for line_no, amount_minor in each.shares:
            if line_no and amount_minor:
                found.setdefault(line_no, []).append(Saving(name, amount_minor))
    return found


def _offer(reason: Reason, items: Mapping[UUID, SaleItem], locale: str) -> AddOnOffer | None:
    item = items.get(UUID(str(reason.data["sku_id"])))
    if item is None or not item.sellable:
        return None
    return AddOnOffer(reason.promotion_id, item, reason.label(locale), int(reason.data["price_minor"]))


def tell_missed(code: str, reason: Reason | None, currency: str, locale: str) -> str:
    """Why a coupon takes nothing off now."""
    if code == "threshold" and reason is not None:
        return _tell_missing(reason, currency, locale)
    return translate(MISSED.get(code, _("It takes nothing off this cart.")), locale)


def _tell_missing(reason: Reason, currency: str, locale: str) -> str:
    missing = int(reason.data.get("missing", 0))
    if reason.data.get("unit") == "pieces":
        return translate(_("It needs %(num)s more of these goods."), locale, {"num": missing})
    amount = format_money(missing, currency, locale)
    return translate(_("It needs %(amount)s more of these goods."), locale, {"amount": amount})


def _step(reason: Reason, currency: str, locale: str) -> Step | None:
    """The way to the next benefit of an offer; None where there is none or nothing of it has begun."""
    data = reason.data
    if reason.kind.startswith("coupon_") and reason.outcome != "applied":
        # The coupon says at its own place what it still needs.
        return None
    if reason.outcome == "applied" and data.get("next_missing"):
        needed, missing = int(data["next_needed"]), int(data["next_missing"])
    elif reason.code == "threshold" and data.get("missing") and data.get("needed"):
        needed, missing = int(data["needed"]), int(data["missing"])
    else:
        return None
    pieces = data.get("unit") == "pieces"
    more = str(missing) if pieces else format_money(missing, currency, locale)
    facts = {"more": more, "name": reason.label(locale), "benefit": _tell_next(reason, currency, locale)}
    if facts["benefit"]:
        words = _("%(more)s more, and “%(name)s” takes %(benefit)s off.")
    else:
        words = _("%(more)s more, and you get “%(name)s”.")
    share = 100 * (needed - missing) // needed if needed > 0 else 0
    return Step(translate(words, locale, facts), max(0, min(100, share)))


def _tell_next(reason: Reason, currency: str, locale: str) -> str:
    benefit = reason.data.get("next_benefit")
    if benefit is None:
        return ""
    if reason.kind.endswith(PERCENT_KINDS):
        return str(format_percent(Decimal(int(benefit)) / 10_000, "#,##0.##%", locale=locale))
    return format_money(int(benefit), currency, locale)
