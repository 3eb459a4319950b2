"""Pure rules of taxes: which rate a line bears, and how much that is.

Amounts of one rate are taxed together and rounded once, half up, as invoices do; the lines' shares come from the largest
remainders, so that they sum to the order's tax exactly whatever the number of lines.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from serai.commerce.tax.types import PPM, SHIPPING_CLASS, STANDARD, OrderTax, TaxPlace, TaxRate
from serai.foundation.money import share_out


class Taxed(msgspec.Struct, frozen=True):
    """An amount to be taxed, after all promotions: ``line_no`` 0 is the delivery."""

    line_no: int
    amount_minor: int
    tax_class: str = STANDARD


Rates = Mapping[tuple[str, str, str], TaxRate]


def index_rates(rates: Iterable[TaxRate]) -> dict[tuple[str, str, str], TaxRate]:
    """Rates that hold, by country, region and class; of several of one kind the one that began last."""
    found: dict[tuple[str, str, str], TaxRate] = {}
    for rate in sorted(rates, key=lambda each: each.valid_from):
        found[rate.country, rate.region, rate.tax_class] = rate
    return {key: rate for key, rate in found.items() if rate.rate_ppm is not None}


def normalise_place(place: TaxPlace) -> TaxPlace:
    """A place as rates write it."""
    return TaxPlace(place.country.strip().upper(), " ".join(place.region.split()).upper())


def choose_rate(rates: Rates, place: TaxPlace, tax_class: str) -> TaxRate | None:
    """The rate of a class at a place: its region's before its country's, its own class before the standard one."""
    place = normalise_place(place)
    for each in dict.fromkeys((tax_class, STANDARD)):
        for region in dict.fromkeys((place.region, "")):
            rate = rates.get((place.country, region, each))
            if rate is not None:
                return rate
    return None


def tax_of(amount_minor: int, rate_ppm: int, *, included: bool) -> int:
    """The tax on (or in) an amount, rounded half up."""
    parts = PPM + rate_ppm if included else PPM
    return (2 * amount_minor * rate_ppm + parts) // (2 * parts)


def compute_taxes(lines: Sequence[Taxed], rates: Rates, place: TaxPlace) -> tuple[OrderTax, ...]:
    """What every line bears at a place; lines without a rate bear nothing and are left out.

    For every rate, the shares of its lines sum to the tax on their sum.
    """
    groups: dict[TaxRate, list[Taxed]] = {}
    for line in lines:
        rate = choose_rate(rates, place, line.tax_class)
        if rate is not None and line.amount_minor > 0:
            groups.setdefault(rate, []).append(line)
    found: list[OrderTax] = []
    for rate, group in groups.items():
        assert rate.rate_ppm is not None
        amounts = [line.amount_minor for line in group]
        tax_minor = tax_of(sum(amounts), rate.rate_ppm, included=rate.included)
        for line, share in zip(group, share_out(tax_minor, amounts), strict=True):
            base_minor = line.amount_minor - share if rate.included else line.amount_minor
            found.append(
                OrderTax(
                    line.line_no, rate.rate_id, rate.country, rate.region, rate.tax_class, rate.name,
                    rate.rate_ppm, rate.included, base_minor, share,
                )
            )  # fmt: skip
    return tuple(sorted(found, key=lambda tax: (tax.line_no == 0, tax.line_no)))


def retax(taxes: Sequence[OrderTax], amounts: Mapping[int, int]) -> tuple[OrderTax, ...]:
    """An order's taxes at the same rates on other amounts by line number; a line that bore none bears none.

    As in :func:`compute_taxes`, amounts of one rate are taxed together and rounded once.
    """
    groups: dict[object, list[OrderTax]] = {}
    for tax in taxes:
        groups.setdefault(tax.rate_id, []).append(tax)
    found: list[OrderTax] = []
    for group in groups.values():
        first = group[0]
        net = [amounts[tax.line_no] for tax in group]
        total = tax_of(sum(net), first.rate_ppm, included=first.included)
        for tax, amount, share in zip(group, net, share_out(total, net), strict=True):
            base_minor = amount - share if tax.included else amount
            found.append(msgspec.structs.replace(tax, base_minor=base_minor, tax_minor=share))
    return tuple(sorted(found, key=lambda tax: (tax.line_no == 0, tax.line_no)))


def class_of(chain: Sequence[object], classes: Mapping[object, str]) -> str:
    """The class of goods in a category: that of the nearest category above them that has one. ``chain`` is nearest first."""
    return next((classes[category] for category in chain if category in classes), STANDARD)


__all__ = [
    "SHIPPING_CLASS",
    "Rates",
    "Taxed",
    "choose_rate",
    "class_of",
    "compute_taxes",
    "index_rates",
    "normalise_place",
    "retax",
    "tax_of",
]
