"""What a promotion gives, in one sentence for people: on lists of the console and wherever terms are explained."""

from decimal import Decimal

from babel.numbers import format_percent

from serai.commerce.promotion.types import (
    AddOn,
    AmountOff,
    Benefit,
    Bundle,
    FreePiece,
    Gift,
    NthPiece,
    PercentOff,
    PiecesPercent,
    PiecesPrice,
    ShippingOff,
    TenderLimit,
    UnitPrice,
)
from serai.foundation.errors import _
from serai.foundation.i18n import translate
from serai.foundation.money import format_money


def tell_percent(basis_points: int, locale: str) -> str:
    """Basis points as people write them: ``15.5%``."""
    return str(format_percent(Decimal(basis_points) / 10_000, "#,##0.##%", locale=locale))


def tell_benefit(benefit: Benefit, currency: str, locale: str) -> str:
    """The benefit in a sentence without its full stop; tiers are separated by semicolons."""

    def money(minor: int) -> str:
        return format_money(minor, currency, locale)

    def say(message: str, **facts: object) -> str:
        return translate(message, locale, facts)

    match benefit:
        case AmountOff(tiers=tiers, every=every):
            words = _("%(off)s off per full %(least)s") if every else _("%(off)s off from %(least)s")
            return "; ".join(say(words, off=money(t.benefit), least=money(t.least)) for t in tiers)
        case PercentOff(tiers=tiers):
            words = _("%(off)s off from %(least)s")
            return "; ".join(
                say(words, off=tell_percent(t.benefit, locale), least=money(t.least)) for t in tiers
            )
        case PiecesPercent(tiers=tiers):
            words = _("%(off)s off from %(num)s pieces")
            return "; ".join(say(words, off=tell_percent(t.benefit, locale), num=t.least) for t in tiers)
        case PiecesPrice(pieces=pieces, price_minor=minor):
            return say(_("%(num)s pieces for %(price)s"), num=pieces, price=money(minor))
        case NthPiece(nth=nth, percent_off=percent):
            return say(_("Every piece no. %(num)s: %(off)s off"), num=nth, off=tell_percent(percent, locale))
        case Bundle(price_minor=minor):
            return say(_("A set for %(price)s"), price=money(minor))
        case AddOn(price_minor=minor, least=least):
            return say(
                _("One more thing for %(price)s, from %(least)s"), price=money(minor), least=money(least)
            )
        case Gift(unit="pieces", least=least):
            return say(_("A gift from %(num)s pieces"), num=least)
        case Gift(least=least):
            return say(_("A gift from %(least)s"), least=money(least))
        case FreePiece(quantity=quantity):
            return say(_("%(num)s pieces for nothing"), num=quantity)
        case ShippingOff(amount_minor=None, least=least):
            return say(_("Free delivery from %(least)s"), least=money(least))
        case ShippingOff(amount_minor=minor, least=least):
            return say(
                _("%(off)s off the delivery from %(least)s"), off=money(minor or 0), least=money(least)
            )
        case UnitPrice(prices=prices, percent_off=percent):
            if percent:
                return say(_("%(off)s off the price"), off=tell_percent(percent, locale))
            return say(_("Prices of their own for %(num)s goods"), num=len(prices))
        case TenderLimit(percent=percent):
            return say(_("At most %(off)s may be paid with it"), off=tell_percent(percent, locale))
