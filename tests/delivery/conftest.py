"""A shop with delivery options, for tests."""

from typing import Any
from uuid import UUID

import pytest
from tests.shop import ADDRESS, CONTACT, Shop

from serai.commerce.checkout.api import Address, PlacedOrder, Quote, place_order, quote_cart
from serai.commerce.delivery import api
from serai.commerce.delivery.types import (
    Calendar,
    DeliveryOptionRow,
    Destination,
    Goods,
    Offered,
    OptionTerms,
    Price,
    PriceStep,
    Zone,
)
from serai.commerce.tax.types import TaxPlace

OHIO = Destination("US", "OH", "45202")
NEW_YORK = Calendar(time_zone="America/New_York", cutoff_minute=14 * 60, country="US")


def flat(title: str, price_minor: int, **more: Any) -> OptionTerms:
    """An option with one price, for the United States unless another zone is given."""
    price = Price(steps=(PriceStep(0, price_minor),), free_from_minor=more.pop("free_from_minor", None))
    return OptionTerms(**{"title": title, "price": price, "zone": Zone(("US",)), **more})


class Dispatch:
    """What tests do with the delivery options of one shop, in a few words."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop

    async def add(self, code: str, terms: OptionTerms) -> DeliveryOptionRow:
        async with self.shop.commerce.db.transaction(self.shop.merchant_id) as tx:
            return await api.add_option(tx, code=code, terms=terms, by="ann@example.com")

    async def edit(self, row: DeliveryOptionRow, **changes: Any) -> DeliveryOptionRow:
        async with self.shop.commerce.db.transaction(self.shop.merchant_id) as tx:
            return await api.edit_option(
                tx, option_id=row.option_id, version=row.version, by="ann@example.com", **changes
            )

    async def keep(self, calendar: Calendar = NEW_YORK) -> None:
        async with self.shop.commerce.db.transaction(self.shop.merchant_id) as tx:
            await api.save_calendar(tx, calendar=calendar, by="ann@example.com")

    async def offer(self, goods: list[Goods], to: Destination = OHIO) -> Offered:
        async with self.shop.commerce.db.transaction(self.shop.merchant_id, "read") as tx:
            return await api.list_options(
                tx, settings=self.shop.commerce.settings, destination=to, goods=goods
            )

    async def quote(
        self, owner: str, cart_id: UUID, *, option: str | None = None, address: Address = ADDRESS
    ) -> Quote:
        async with self.shop.commerce.db.transaction(self.shop.merchant_id, "read") as tx:
            return await quote_cart(
                tx,
                settings=self.shop.commerce.settings,
                owner=owner,
                cart_id=cart_id,
                destination=TaxPlace(address.country, address.region),
                postcode=address.postcode,
                delivery_option=option,
            )

    async def place(
        self,
        owner: str,
        cart_id: UUID,
        digest: str,
        *,
        option: str | None = None,
        address: Address = ADDRESS,
    ) -> PlacedOrder:
        return await place_order(
            self.shop.commerce,
            self.shop.merchant_id,
            owner=owner,
            cart_id=cart_id,
            contact=CONTACT,
            address=address,
            delivery="ship",
            place_id=None,
            expected_digest=digest,
            member_id=None,
            locale="en",
            delivery_option=option,
        )


@pytest.fixture
def dispatch(shop: Shop) -> Dispatch:
    return Dispatch(shop)
