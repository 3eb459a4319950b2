"""A merchant's delivery options, kept by each process under the edition number that it reads with the shop's terms.

Every quote reads those terms anyway, and the number comes with them in the same statement: what was kept is therefore
never older than the transaction that uses it, and costs no query of its own.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from serai.commerce.delivery import store
from serai.commerce.delivery.find_holiday import is_holiday
from serai.commerce.delivery.logic import promise
from serai.commerce.delivery.types import (
    STANDARD,
    Calendar,
    Destination,
    OptionTerms,
    Price,
    PriceStep,
    Promise,
)
from serai.commerce.settings import CommerceSettings
from serai.commerce.terms.api import ShopTerms
from serai.foundation.database import Transaction

MAX_BOOKS = 1000
MAX_PROMISES = 2000


class BookOption(msgspec.Struct, frozen=True):
    """An option that is offered."""

    code: str
    terms: OptionTerms


class Book(msgspec.Struct, frozen=True):
    """What a merchant offers. ``is_own``: staff wrote options; without any there is one price, and nothing is promised."""

    shop: ShopTerms
    options: tuple[BookOption, ...]
    calendar: Calendar
    is_own: bool
    promises: dict[tuple[str, str, str], tuple[datetime, Promise | None]]

    @property
    def needs_weights(self) -> bool:
        """Whether any option asks what goods weigh."""
        return any(
            each.terms.price.basis == "weight" or each.terms.most_grams is not None for each in self.options
        )

    @property
    def needs_categories(self) -> bool:
        """Whether any option leaves out goods by their category."""
        return any(each.terms.excluded_category_ids for each in self.options)

    @property
    def asks_address(self) -> bool:
        """Whether more than an address' country decides what is offered, and what it costs."""
        return any(
            zone.regions
            or zone.postcodes
            or zone.without_regions
            or zone.without_postcodes
            or price.remote_minor
            for zone, price in ((each.terms.zone, each.terms.price) for each in self.options)
        )

    def promise(self, option: BookOption, to: Destination, now: datetime) -> Promise | None:
        """When an order that is placed now arrives. What was found holds until the moment that it names itself."""
        if not self.is_own:
            return None
        key = (option.code, to.country, to.region)
        kept = self.promises.get(key)
        if kept is not None and kept[1] is not None and kept[0] <= now < kept[1].order_by:
            return kept[1]
        found = promise(self.calendar, option.terms, to, now, is_holiday)
        if len(self.promises) >= MAX_PROMISES:
            self.promises.clear()
        self.promises[key] = (now, found)
        return found


class _Kept(msgspec.Struct, frozen=True):
    edition: int
    options: tuple[BookOption, ...]
    calendar: Calendar
    promises: dict[tuple[str, str, str], tuple[datetime, Promise | None]]


_shelf: dict[UUID, _Kept] = {}


async def load_book(tx: Transaction, *, settings: CommerceSettings) -> Book:
    """What the merchant of the transaction offers: one small query, more only after a change."""

    async def load(_missing: list[str]) -> dict[str, tuple[Any, tuple[()]]]:
        return {"": (await store.find_stand(tx), ())}

    row = (await tx.keep("delivery terms", [""], load))[""]
    shop = (
        ShopTerms(
            row["shipping_minor"], row["free_shipping_from_minor"], row["returns_policy"], row["version"]
        )
        if row["version"] is not None
        else ShopTerms(settings.shipping_minor, settings.free_shipping_from_minor or None)
    )
    kept = await _load_kept(tx, row["edition"])
    if kept is None or not kept.options:
        return Book(shop, (_make_standard(shop),), Calendar(), False, {})
    return Book(shop, kept.options, kept.calendar, True, kept.promises)


async def _load_kept(tx: Transaction, edition: int | None) -> _Kept | None:
    if edition is None:
        return None
    kept = _shelf.get(tx.merchant_id)
    if kept is not None and kept.edition == edition:
        return kept
    found = await store.find_book(tx)
    options = tuple(
        BookOption(row["code"], msgspec.convert(row["terms"], OptionTerms))
        for row in await store.list_options(tx, active_only=True)
    )
    fresh = _Kept(found["edition"], options, msgspec.convert(found["calendar"], Calendar), {})
    # A reader of an earlier moment keeps what it saw, but does not put it before others.
    if kept is None or kept.edition < fresh.edition:
        if len(_shelf) >= MAX_BOOKS:
            _shelf.clear()
        _shelf[tx.merchant_id] = fresh
    return fresh


def _make_standard(shop: ShopTerms) -> BookOption:
    """The one option of a merchant without any: the price of the shop's terms."""
    price = Price(
        steps=(PriceStep(0, shop.shipping_minor),), free_from_minor=shop.free_shipping_from_minor or None
    )
    return BookOption(STANDARD, OptionTerms(title="Delivery", translations=dict(STANDARD_NAMES), price=price))


STANDARD_NAMES: Mapping[str, str] = {"zh_Hans": "配送", "zh_Hant": "配送"}
