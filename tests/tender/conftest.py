"""A purse for tests of tenders: members with points and red packets, gift cards, carts that are paid with them."""

from typing import Any
from uuid import UUID

import pytest
from tests.promotion.conftest import Desk
from tests.shop import ADDRESS, CONTACT, Shop

from serai.commerce.aftersale import api as aftersale
from serai.commerce.checkout.api import (
    PlacedOrder,
    Quote,
    enter_gift_card,
    place_order,
    quote_cart,
    settle_payment,
    start_payment,
    use_balance,
)
from serai.commerce.order.api import load_order
from serai.commerce.order.types import Order
from serai.commerce.tender import api
from serai.commerce.tender.types import GiftCard, IssuedCard, Purse, TenderTerms
from serai.foundation.ids import new_id
from serai.identity.member.api import find_member, register_member

TERMS = TenderTerms(cap_percent=50, earn_points=2, points_days=365)


class Till:
    """What tests do with tenders of one shop, in a few words."""

    def __init__(self, shop: Shop, provider: Any) -> None:
        self.shop = shop
        self.provider = provider
        self.commerce = shop.commerce
        self.merchant_id = shop.merchant_id

    async def say(self, terms: TenderTerms = TERMS) -> None:
        async with self.commerce.db.transaction(self.merchant_id) as tx:
            await api.save_terms(tx, terms=terms, by="test")

    async def member(self, *, points: int = 0, wallet_minor: int = 0) -> UUID:
        token = await register_member(
            self.commerce.db,
            self.merchant_id,
            email=f"{new_id().hex}@example.com",
            password="a long enough secret",
            name="Ann Lee",
        )
        async with self.commerce.db.transaction(self.merchant_id, "read") as tx:
            member = await find_member(tx, token=token)
        assert member is not None
        for kind, units in (("points", points), ("wallet", wallet_minor)):
            if units:
                await self.adjust(member.member_id, kind, units)
        return member.member_id

    async def adjust(self, member_id: UUID, kind: Any, units: int, key: UUID | None = None) -> Purse:
        return await api.adjust_balance(
            self.commerce,
            self.merchant_id,
            member_id=member_id,
            kind=kind,
            units=units,
            currency="USD",
            reason="a test",
            by="test",
            key=key or new_id(),
        )

    async def purse(self, member_id: UUID) -> Purse:
        async with self.commerce.db.transaction(self.merchant_id, "read") as tx:
            return await api.load_purse(tx, member_id=member_id, currency="USD")

    async def issue(self, amount_minor: int = 1000, count: int = 1, **how: Any) -> list[IssuedCard]:
        how = {"currency": "USD", **how}
        return list(
            await api.issue_cards(
                self.commerce, self.merchant_id, count=count, amount_minor=amount_minor, by="test", **how
            )
        )

    async def card(self, card_id: UUID) -> GiftCard:
        async with self.commerce.db.transaction(self.merchant_id, "read") as tx:
            return await api.load_card(tx, card_id=card_id)

    async def enter(self, owner: str, code: str, wanted_minor: int | None = None) -> None:
        async with self.commerce.db.transaction(self.merchant_id) as tx:
            await enter_gift_card(tx, owner=owner, code=code, wanted_minor=wanted_minor)

    async def use(self, owner: str, kind: Any, member_id: UUID | None, wanted: int | None = None) -> None:
        async with self.commerce.db.transaction(self.merchant_id) as tx:
            await use_balance(tx, owner=owner, kind=kind, member_id=member_id, wanted=wanted)

    async def quote(self, owner: str, member_id: UUID | None = None) -> Quote:
        async with self.commerce.db.transaction(self.merchant_id, "read") as tx:
            return await quote_cart(tx, settings=self.commerce.settings, owner=owner, member_id=member_id)

    async def place(
        self, owner: str, cart_id: UUID, member_id: UUID | None = None, digest: str | None = None
    ) -> PlacedOrder:
        return await place_order(
            self.commerce,
            self.merchant_id,
            owner=owner,
            cart_id=cart_id,
            contact=CONTACT,
            address=ADDRESS,
            delivery="ship",
            place_id=None,
            expected_digest=digest or (await self.quote(owner, member_id)).digest,
            member_id=member_id,
            locale="en",
        )

    async def order(self, order_id: UUID) -> Order:
        async with self.commerce.db.transaction(self.merchant_id, "read") as tx:
            return await load_order(tx, order_id=order_id)

    async def start(self, order_id: UUID) -> Order:
        await start_payment(self.commerce, self.merchant_id, order_id=order_id, base_url="http://shop")
        return await self.order(order_id)

    async def settle(self, intent_id: UUID) -> None:
        event = self.provider.capture(intent_id)
        await settle_payment(self.commerce, self.merchant_id, event=event, source="webhook")

    async def pay(self, order_id: UUID) -> Order:
        order = await self.start(order_id)
        await self.settle(order.payments[-1].intent_id)
        return await self.order(order_id)

    async def refund(self, order_id: UUID, amount_minor: int, key: str = "a") -> Order:
        return await aftersale.refund_order(
            self.commerce,
            self.merchant_id,
            order_id=order_id,
            amount_minor=amount_minor,
            reason="broken",
            by="test",
            key=key,
        )

    async def cancel(self, order_id: UUID) -> Order:
        return await aftersale.cancel_order(self.commerce, self.merchant_id, order_id=order_id, by="test")


@pytest.fixture
def desk(shop: Shop) -> Desk:
    return Desk(shop)


@pytest.fixture
def till(shop: Shop, provider: Any) -> Till:
    return Till(shop, provider)
