"""Taxes as other modules see them. Rates are in parts per million: 130,000 is 13 %."""

from datetime import datetime
from uuid import UUID

import msgspec

STANDARD = "standard"
# The class of delivery charges; without a rate of its own it bears the standard one.
SHIPPING_CLASS = "shipping"
PPM = 1_000_000


class TaxPlace(msgspec.Struct, frozen=True):
    """Where something is taxed: an ISO 3166 country and, where it matters, its region as addresses write it."""

    country: str
    region: str = ""


class TaxProfile(msgspec.Struct, frozen=True):
    """A merchant's home for taxes, and whether delivery is taxed."""

    country: str
    region: str
    shipping_taxed: bool

    @property
    def place(self) -> TaxPlace:
        return TaxPlace(self.country, self.region)


class TaxRate(msgspec.Struct, frozen=True):
    """A rate from a moment on. ``included``: prices hold the tax already; else it comes on top. No ``rate_ppm``: the tax
    of this country, region and class ends at that moment."""

    rate_id: UUID
    country: str
    region: str
    tax_class: str
    name: str
    rate_ppm: int | None
    included: bool
    valid_from: datetime
    reason: str
    created_by: str
    created_at: datetime

    @property
    def percent(self) -> str:
        """The rate as people write it, without its sign: ``13``, ``7.25``."""
        return show_percent(self.rate_ppm or 0)


class NewRate(msgspec.Struct, frozen=True, kw_only=True):
    """A rate to be added. ``valid_from=None`` is now; ``rate_ppm=None`` ends the tax."""

    country: str
    region: str = ""
    tax_class: str = STANDARD
    name: str
    rate_ppm: int | None
    included: bool
    valid_from: datetime | None = None
    reason: str = ""


class OrderTax(msgspec.Struct, frozen=True):
    """What a line of an order bears, line 0 the delivery. ``base_minor`` is the amount without the tax."""

    line_no: int
    rate_id: UUID
    country: str
    region: str
    tax_class: str
    name: str
    rate_ppm: int
    included: bool
    base_minor: int
    tax_minor: int


class TaxSum(msgspec.Struct, frozen=True):
    """All of one rate on an order, as papers and pages show it."""

    name: str
    rate_ppm: int
    included: bool
    base_minor: int
    tax_minor: int

    @property
    def percent(self) -> str:
        return show_percent(self.rate_ppm)


def show_percent(rate_ppm: int) -> str:
    """Parts per million as a percentage without its sign and without needless zeros."""
    whole, part = divmod(rate_ppm, 10_000)
    return f"{whole}.{part:04}".rstrip("0").rstrip(".") if part else str(whole)


def sum_taxes(taxes: tuple[OrderTax, ...]) -> tuple[TaxSum, ...]:
    """The taxes of an order, one row per name and rate, in the order in which they first appear."""
    sums: dict[tuple[str, int, bool], tuple[int, int]] = {}
    for tax in taxes:
        key = (tax.name, tax.rate_ppm, tax.included)
        base, amount = sums.get(key, (0, 0))
        sums[key] = (base + tax.base_minor, amount + tax.tax_minor)
    return tuple(TaxSum(*key, *amounts) for key, amounts in sums.items())


def added_minor(taxes: tuple[OrderTax, ...]) -> int:
    """What taxes add to the prices."""
    return sum(tax.tax_minor for tax in taxes if not tax.included)


def included_minor(taxes: tuple[OrderTax, ...]) -> int:
    """What of the prices is tax."""
    return sum(tax.tax_minor for tax in taxes if tax.included)
