"""Orders as a peak has them: a member's, of three lines, under a promotion and with a coupon that all of them share."""

import random
from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec

from serai.commerce.catalogue.types import SaleItem
from serai.commerce.checkout.api import Draft, draft_order
from serai.commerce.promotion.api import create_promotion, issue_coupons, publish_promotion
from serai.commerce.promotion.types import AmountOff, Terms, Tier
from serai.commerce.types import Commerce
from serai.foundation.ids import derive_id, new_id
from serai.foundation.shelf import Shelf, Watch
from serai.identity.member.api import add_card_members
from serai.ledger.api import Lane
from serai.main.bench.arena import Arena
from serai.main.bench.orders import ADDRESS, CONTACT, LINES, OrderBook
from serai.main.bench.shop import BY, CURRENCY, Shop, load_items
from serai.main.fault import Fault

MEMBERS = 500
CODE = "FIRST-HOUR"
USES = 1_000_000
BUDGET_MINOR = 10**11
# Three of the cheapest goods come to more than this.
OFF = AmountOff((Tier(500, 50),))
COUPON_OFF = AmountOff((Tier(300, 30),))


def list_members(shop: Shop) -> list[UUID]:
    """The members of the bench's shop."""
    return [derive_id(shop.merchant_id, "member", number) for number in range(MEMBERS)]


async def open_campaign(arena: Arena, shop: Shop, lane: Lane) -> None:
    """Members, a promotion with a budget, and a coupon with many uses."""
    commerce = Commerce(arena.db, lane, {}, arena.settings, b"the bench signs guests' links")
    members = list_members(shop)
    async with arena.db.transaction(shop.merchant_id) as tx:
        await add_card_members(
            tx,
            member_ids=members,
            numbers=[f"{number:06}" for number in range(MEMBERS)],
            names=["Ann Lee"] * MEMBERS,
        )
    for terms in (
        Terms(name="50 off 500", layer=3, benefit=OFF, budget_minor=BUDGET_MINOR),
        Terms(name="First hour", layer=4, benefit=COUPON_OFF, coupon=True),
    ):
        async with arena.db.transaction(shop.merchant_id) as tx:
            promotion = await create_promotion(tx, terms=terms, by=BY)
        await publish_promotion(
            commerce,
            shop.merchant_id,
            promotion_id=promotion.promotion_id,
            version=promotion.version,
            currency=CURRENCY,
            by=BY,
        )
    await issue_coupons(
        commerce, shop.merchant_id, promotion_id=promotion.promotion_id, uses=USES, code=CODE, by=BY
    )
    arena.db.watch = Watch(Shelf(), arena.owner)


class FullBook(OrderBook):
    """Full orders as groups: drafted by checkout itself, as the API does."""

    def __init__(self, arena: Arena, shop: Shop, items: Mapping[UUID, SaleItem]) -> None:
        super().__init__(arena, shop, items)
        self._members = list_members(shop)

    async def draft(self) -> Draft:
        """An order of some member, with promotion and coupon. Fault when one of them does not apply."""
        draw = self._random
        lines = draw.sample(self.shop.sku_ids, LINES)
        async with self._arena.db.reading(self.shop.merchant_id) as tx:
            draft = await draft_order(
                tx,
                settings=self._arena.settings,
                order_id=new_id(),
                wanted=dict.fromkeys(lines, 1),
                contact=CONTACT,
                address=ADDRESS,
                delivery="ship",
                place_id=None,
                locale="en",
                coupon_codes=(CODE,),
                member_id=draw.choice(self._members),
            )
        if len(draft.adjustments) != 2:
            raise Fault("The bench's promotion or coupon does not apply to its order.")
        return draft


async def open_full_book(arena: Arena, shop: Shop) -> FullBook:
    """The book of a shop whose campaign is open."""
    return FullBook(arena, shop, await load_items(arena, shop))


def encode_full_order(draw: random.Random, shop: Shop, sku_ids: Sequence[UUID]) -> bytes:
    """A full order's body as an API client sends it."""
    lines = [{"sku_id": sku_id, "quantity": 1} for sku_id in draw.sample(sku_ids, min(LINES, len(sku_ids)))]
    return msgspec.json.encode(
        {
            "lines": lines,
            "contact": CONTACT,
            "address": ADDRESS,
            "delivery": "ship",
            "coupon_codes": [CODE],
            "member_id": draw.choice(list_members(shop)),
        }
    )
