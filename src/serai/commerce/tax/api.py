"""Taxes: the rates of a merchant and their history, what goods bear at a place, and what orders bore."""

import re
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from serai.commerce.catalogue.api import find_category, list_category_chains
from serai.commerce.tax import store
from serai.commerce.tax.logic import (
    Taxed,
    choose_rate,
    class_of,
    compute_taxes,
    index_rates,
    normalise_place,
    retax,
)
from serai.commerce.tax.types import (
    PPM,
    SHIPPING_CLASS,
    STANDARD,
    NewRate,
    OrderTax,
    TaxPlace,
    TaxProfile,
    TaxRate,
    TaxSum,
    added_minor,
    included_minor,
    sum_taxes,
)
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, Invalid, NotFound, _
from serai.foundation.ids import new_id
from serai.identity.audit import api as audit

__all__ = [
    "SHIPPING_CLASS",
    "STANDARD",
    "NewRate",
    "OrderTax",
    "TaxPlace",
    "TaxProfile",
    "TaxRate",
    "TaxSum",
    "add_rate",
    "added_minor",
    "find_goods_rate",
    "find_profile",
    "has_rates",
    "included_minor",
    "insert_order_taxes",
    "list_category_classes",
    "list_order_taxes",
    "list_rates",
    "load_classes",
    "retax",
    "save_profile",
    "set_category_class",
    "sum_taxes",
    "tax_goods",
]

COUNTRY = re.compile(r"[A-Z]{2}")
CLASS = re.compile(r"[a-z0-9][a-z0-9_-]{0,30}")
MAX_RATES = 5_000
MAX_TEXT = 60


async def tax_goods(
    tx: Transaction,
    *,
    goods: Sequence[tuple[UUID, int]],
    shipping_minor: int,
    place: TaxPlace | None,
    at: datetime | None = None,
) -> tuple[OrderTax, ...]:
    """What goods and their delivery bear at a place (the merchant's home without one), at a moment (now).

    Args:
        goods: SKU and amount in minor units after promotions, in the order of the order's lines (from 1).

    A merchant without rates costs one query and has no taxes.
    """
    rates = index_rates(await _list_live_rates(tx, at or clock.now()))
    if not rates:
        return ()
    profile = await find_profile(tx)
    place = place or (profile.place if profile else None)
    if place is None:
        return ()
    classes = await list_category_classes(tx)
    chains = await list_category_chains(tx, sku_ids=[sku_id for sku_id, _minor in goods]) if classes else {}
    lines = [
        Taxed(number, amount_minor, class_of(chains.get(sku_id, ()), classes))
        for number, (sku_id, amount_minor) in enumerate(goods, 1)
    ]
    if profile is None or profile.shipping_taxed:
        lines.append(Taxed(0, shipping_minor, SHIPPING_CLASS))
    return compute_taxes(lines, rates, place)


async def _list_live_rates(tx: Transaction, at: datetime) -> list[TaxRate]:
    """The rates that have begun at a moment, the newest of each kind among them."""
    if tx.shelf is None:
        return [TaxRate(*row.values()) for row in await store.list_live_rates(tx, at)]

    async def load(_missing: list[str]) -> dict[str, tuple[tuple[TaxRate, ...], tuple[()]]]:
        return {"": (tuple(TaxRate(*row.values()) for row in await store.list_rates(tx, None)), ())}

    return [rate for rate in (await tx.keep("tax rates", [""], load))[""] if rate.valid_from <= at]


async def has_rates(tx: Transaction) -> bool:
    """Whether the merchant taxes anything at all."""
    return bool(await _list_live_rates(tx, clock.now()))


async def find_goods_rate(tx: Transaction, *, sku_id: UUID) -> TaxRate | None:
    """The rate that a SKU bears at the merchant's home, for the words beside its price."""
    profile = await find_profile(tx)
    if profile is None:
        return None
    rates = index_rates([TaxRate(*row.values()) for row in await store.list_live_rates(tx, clock.now())])
    classes = await list_category_classes(tx)
    chains = await list_category_chains(tx, sku_ids=[sku_id]) if classes else {}
    return choose_rate(rates, profile.place, class_of(chains.get(sku_id, ()), classes))


async def find_profile(tx: Transaction) -> TaxProfile | None:
    """The merchant's home for taxes, None before anybody has said it."""

    async def load(_missing: list[str]) -> dict[str, tuple[TaxProfile, tuple[()]]]:
        row = await store.find_profile(tx)
        return {"": (TaxProfile(*row.values()), ())} if row else {}

    return (await tx.keep("tax profile", [""], load)).get("")


async def save_profile(
    tx: Transaction, *, country: str, region: str, shipping_taxed: bool, by: str
) -> TaxProfile:
    """Say where the merchant is at home. Invalid ``tax.country_invalid``, ``tax.too_long``."""
    place = _check_place(TaxPlace(country, region))
    before = await find_profile(tx)
    after = TaxProfile(place.country, place.region, shipping_taxed)
    if after != before:
        await store.save_profile(tx, after.country, after.region, shipping_taxed, by, clock.now())
        await audit.record(
            tx,
            actor=by,
            action="tax.profile_saved",
            subject_kind="tax_profile",
            subject_id="home",
            before=msgspec.to_builtins(before) if before else None,
            after=msgspec.to_builtins(after),
        )
    return after


async def list_rates(tx: Transaction, *, limit: int = MAX_RATES) -> list[TaxRate]:
    """Every rate there ever was, by country, region and class, the newest first."""
    return [TaxRate(*row.values()) for row in await store.list_rates(tx, limit)]


async def add_rate(tx: Transaction, *, rate: NewRate, by: str) -> TaxRate:
    """Add a rate from its moment on; what held before stays in the history.

    Raises:
        Invalid: ``tax.country_invalid``, ``tax.class_invalid``, ``tax.rate_invalid``, ``tax.name_missing``,
            ``tax.moment_past`` (orders that stand were taxed otherwise), ``tax.too_long``, ``tax.mixed``.
        Conflict: ``tax.rate_twice`` when there is one from that very moment.
    """
    place = _check_place(TaxPlace(rate.country, rate.region))
    now = clock.now()
    valid_from = rate.valid_from or now
    tax_class = rate.tax_class.strip().lower()
    name = " ".join(rate.name.split())
    if not CLASS.fullmatch(tax_class):
        raise Invalid(
            "tax.class_invalid", _("A class has letters a to z, digits and hyphens."), field="tax_class"
        )
    if not name:
        raise Invalid("tax.name_missing", _("Please give the tax a name, such as VAT."), field="name")
    if len(name) > MAX_TEXT:
        raise Invalid("tax.too_long", _("That is too long."), field="name")
    if rate.rate_ppm is not None and not 0 <= rate.rate_ppm <= PPM:
        raise Invalid("tax.rate_invalid", _("A rate is from 0 to 100 percent."), field="rate")
    if valid_from < now:
        raise Invalid("tax.moment_past", _("A rate cannot begin in the past."), field="valid_from")
    held = index_rates([each for each in await list_rates(tx) if each.valid_from <= valid_from])
    held.pop((place.country, place.region, tax_class), None)
    if any(each.country == place.country and each.included != rate.included for each in held.values()):
        raise Invalid(
            "tax.mixed",
            _("Prices of one country either include their taxes or do not; here they are mixed."),
            field="included",
        )
    added = TaxRate(
        new_id(), place.country, place.region, tax_class, name, rate.rate_ppm, rate.included, valid_from,
        " ".join(rate.reason.split())[:200], by, now,
    )  # fmt: skip
    if await store.insert_rate(tx, msgspec.structs.astuple(added)) is None:
        raise Conflict(
            "tax.rate_twice", _("There is a rate from that very moment already."), field="valid_from"
        )
    await audit.record(
        tx,
        actor=by,
        action="tax.rate_added",
        subject_kind="tax_rate",
        subject_id=added.rate_id,
        before=None,
        after=msgspec.to_builtins(added),
    )
    return added


def _check_place(place: TaxPlace) -> TaxPlace:
    place = normalise_place(place)
    if not COUNTRY.fullmatch(place.country):
        raise Invalid("tax.country_invalid", _("A country has two letters, such as DE."), field="country")
    if len(place.region) > MAX_TEXT:
        raise Invalid("tax.too_long", _("That is too long."), field="region")
    return place


async def list_category_classes(tx: Transaction) -> dict[object, str]:
    """The class of every category that has one of its own."""

    async def load(_missing: list[str]) -> dict[str, tuple[dict[object, str], tuple[()]]]:
        classes = {row["category_id"]: row["tax_class"] for row in await store.list_classes(tx)}
        return {"": (classes, ())}

    return (await tx.keep("tax classes", [""], load))[""]


async def load_classes(tx: Transaction, *, sku_ids: Sequence[UUID]) -> dict[UUID, str]:
    """The class of each of some SKUs, as its category says."""
    classes = await list_category_classes(tx)
    chains = await list_category_chains(tx, sku_ids=sku_ids) if classes else {}
    return {sku_id: class_of(chains.get(sku_id, ()), classes) for sku_id in sku_ids}


async def set_category_class(tx: Transaction, *, category_id: UUID, tax_class: str, by: str) -> None:
    """Say of which class the goods of a category are; empty takes it back, so that the category above decides.

    Raises:
        NotFound: ``category.unknown``. Invalid: ``tax.class_invalid``.
    """
    if await find_category(tx, category_id=category_id) is None:
        raise NotFound("category.unknown", _("There is no such category."))
    tax_class = tax_class.strip().lower()
    before = (await list_category_classes(tx)).get(category_id)
    if tax_class and not CLASS.fullmatch(tax_class):
        raise Invalid(
            "tax.class_invalid", _("A class has letters a to z, digits and hyphens."), field="tax_class"
        )
    if tax_class:
        await store.save_class(tx, category_id, tax_class)
    else:
        await store.delete_class(tx, category_id)
    await audit.record(
        tx,
        actor=by,
        action="tax.class_set",
        subject_kind="category",
        subject_id=category_id,
        before={"tax_class": before},
        after={"tax_class": tax_class or None},
    )


async def insert_order_taxes(tx: Transaction, rows: Sequence[tuple[UUID, OrderTax]]) -> None:
    """Write what lines of orders bore, beside the orders; a writer for the lane's batches."""
    await store.insert_order_taxes(tx, rows)


async def list_order_taxes(tx: Transaction, *, order_id: UUID) -> tuple[OrderTax, ...]:
    """What the lines of an order bore, the delivery (line 0) last."""
    return tuple(OrderTax(*row.values()) for row in await store.list_order_taxes(tx, order_id))
