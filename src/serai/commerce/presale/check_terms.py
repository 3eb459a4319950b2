"""What a presale may not say: windows that overlap, deposits that count for less, tiers that pay below zero. Pure.

It is refused when it is saved, with every reason at once, because a mistake here is paid by the merchant.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from serai.commerce.presale.logic import WHOLE, priced_at
from serai.commerce.presale.types import PresaleFault, PresaleTerms
from serai.foundation.errors import Invalid, _

LEAST_WINDOW = timedelta(hours=1)
# Providers give money back for so long; a deposit must stay refundable to the end.
LONGEST = timedelta(days=170)


def refuse_faults(faults: Sequence[PresaleFault]) -> None:
    """Invalid ``presale.invalid`` with all ``reasons``, unless there are none."""
    if faults:
        reasons = [{"code": f.code, "field": f.field, "message": f.message, **f.data} for f in faults]
        raise Invalid(
            "presale.invalid",
            _("This presale cannot be saved like this."),
            field=faults[0].field,
            reasons=reasons,
        )


def check_terms(terms: PresaleTerms) -> tuple[PresaleFault, ...]:
    """Everything that is wrong with the terms by themselves; empty when nothing is."""
    return tuple(_list_faults(terms))


def check_moment(terms: PresaleTerms, now: datetime) -> tuple[PresaleFault, ...]:
    """What is wrong with publishing the terms at a moment."""
    if terms.deposit_until <= now:
        message = _("The time for deposits is over already.")
        return (PresaleFault("window_over", "deposit_until", message),)
    return ()


def _list_faults(terms: PresaleTerms) -> Iterator[PresaleFault]:
    if not terms.name.strip():
        yield PresaleFault("name_empty", "name", _("Please give the presale a name."))
    if len(set(terms.sku_ids)) < len(terms.sku_ids):
        yield PresaleFault("sku_twice", "skus", _("One of the articles is named twice."))
    yield from _check_prices(terms)
    yield from _check_tiers(terms)
    yield from _check_windows(terms)
    if terms.per_member is not None and terms.per_member > terms.quota:
        yield PresaleFault(
            "member_above_quota", "per_member", _("One member cannot take more than there are in all.")
        )


def _check_prices(terms: PresaleTerms) -> Iterator[PresaleFault]:
    if terms.credit_minor < terms.deposit_minor:
        yield PresaleFault(
            "credit_below_deposit", "credit", _("The deposit must count for at least what is paid.")
        )
    if terms.balance_at(WHOLE) == 0:
        yield PresaleFault(
            "nothing_left",
            "credit",
            _("The deposit counts for the whole price: nothing would be left to pay."),
        )


def _check_tiers(terms: PresaleTerms) -> Iterator[PresaleFault]:
    before_least, before_percent = 0, WHOLE
    for number, tier in enumerate(terms.tiers, 1):
        data = {"number": number}
        if tier.least <= before_least:
            yield PresaleFault(
                "tier_order", "tiers", _("Tier %(number)s needs no more pieces than the one before it."), data
            )
        if tier.percent >= before_percent:
            yield PresaleFault(
                "tier_dearer", "tiers", _("Tier %(number)s is not cheaper than the one before it."), data
            )
        if tier.least > terms.quota:
            yield PresaleFault(
                "tier_out_of_reach", "tiers", _("Tier %(number)s needs more pieces than there are."), data
            )
        if priced_at(terms.price_minor, tier.percent) <= terms.credit_minor:
            yield PresaleFault(
                "tier_below_zero",
                "tiers",
                _(
                    "At tier %(number)s the deposit counts for more than the price: nothing would be left to pay."
                ),
                data,
            )
        before_least, before_percent = tier.least, tier.percent


def _check_windows(terms: PresaleTerms) -> Iterator[PresaleFault]:
    moments = (terms.deposit_from, terms.deposit_until, terms.balance_from, terms.balance_until)
    if any(moment.tzinfo is None for moment in moments):
        yield PresaleFault("time_zone", "deposit_from", _("Moments need a time zone."))
        return
    if terms.deposit_until - terms.deposit_from < LEAST_WINDOW:
        yield PresaleFault(
            "deposit_window", "deposit_until", _("Deposits need at least an hour between begin and end.")
        )
    if terms.balance_from < terms.deposit_until:
        yield PresaleFault(
            "windows_overlap",
            "balance_from",
            _("The balance can only be asked for when the time for deposits is over."),
        )
    if terms.balance_until - terms.balance_from < LEAST_WINDOW:
        yield PresaleFault(
            "balance_window", "balance_until", _("Balances need at least an hour between begin and end.")
        )
    if terms.balance_until - terms.deposit_from > LONGEST:
        yield PresaleFault(
            "too_long",
            "balance_until",
            _("From the first deposit to the last balance there may be %(days)s days: then refunds end."),
            {"days": LONGEST.days},
        )
