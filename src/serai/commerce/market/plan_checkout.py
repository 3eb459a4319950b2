"""A checkout as it would be: every member's part priced by itself, then the market's promotions over all of them.

SELL   per member, in a read of its own: its goods, prices, promotions and delivery (done by whoever calls)
CROSS  the market's promotions over the whole basket, in a read of the market; then :mod:`price_basket`, pure
TAX    per member that got a share, in a read of its own: taxes on what the buyer pays now
No transaction sees two merchants, and nothing is written.
"""

from collections.abc import Mapping
from uuid import UUID

import msgspec

from serai.commerce.catalogue.api import list_category_chains, list_sale_items
from serai.commerce.checkout.api import Draft, Item, tax_draft
from serai.commerce.market.logic import commission_of
from serai.commerce.market.price_basket import (
    CROSS_SHOP,
    CrossBuyer,
    ShopLine,
    choose_cross_shop,
    price_over_shops,
    read_discounts,
)
from serai.commerce.market.types import MARKET, MarketDiscount, MarketMember, MarketOrder
from serai.commerce.order.types import OrderAdjustment
from serai.commerce.promotion import api as promotion
from serai.commerce.promotion.types import Claim, Result
from serai.commerce.types import Commerce
from serai.foundation import clock
from serai.foundation.database import Database
from serai.foundation.errors import Invalid, _
from serai.foundation.ids import MerchantId


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a checkout comes to. ``drafts`` are the members' orders with their shares of ``discounts`` taken off;
    ``result`` tells why each promotion of the market applied or not (None: it has none)."""

    drafts: dict[UUID, Draft]
    orders: tuple[MarketOrder, ...]
    discounts: tuple[MarketDiscount, ...]
    by_line: dict[str, tuple[int, ...]]
    result: Result | None
    currency: str

    @property
    def total_minor(self) -> int:
        """What the buyer pays for everything."""
        return sum(draft.total_minor for draft in self.drafts.values())

    @property
    def discount_minor(self) -> int:
        """What the market's promotions take off."""
        return sum(each.amount_minor for each in self.discounts)

    @property
    def claims(self) -> tuple[Claim, ...]:
        """What the checkout takes from counters of the market's promotions."""
        return tuple(claim for each in self.discounts for claim in each.claims)

    def line_off(self, member_id: UUID, line_no: int) -> int:
        """What the market's promotions take off a line of a member's part."""
        return sum(self.by_line.get(f"{member_id}:{line_no:05}", ()))


async def plan_checkout(
    commerce: Commerce,
    market_id: MerchantId,
    *,
    drafts: Mapping[UUID, Draft],
    members: Mapping[UUID, MarketMember],
    buyer: CrossBuyer,
) -> Plan:
    """Put the market's promotions over the members' drafts.

    Raises:
        Invalid: ``market.currency_mixed``.
    """
    currency = _check_currency(drafts)
    async with commerce.db.transaction(market_id, "read") as tx:
        program = choose_cross_shop(await promotion.load_program(tx))
        if program.is_empty:
            return _without(drafts, members, currency)
        held = await promotion.load_held_coupons(
            tx, program, coupon_ids=buyer.coupon_ids, member_id=buyer.member_id
        )
        left = await promotion.load_left(tx, program, currency=currency, user_id=buyer.member_id)
    lines = [
        line
        for member_id, draft in drafts.items()
        for line in await _read_lines(commerce.db, MerchantId(member_id), program, draft)
    ]
    if not lines:
        return _without(drafts, members, currency)
    result = price_over_shops(
        program, lines, now=clock.now(), channel=MARKET, buyer=buyer, coupons=held, left=left
    )
    discounts, by_line = read_discounts(program, result, lines)
    crossed = {
        member_id: await _take_off(commerce.db, MerchantId(member_id), draft, discounts, by_line)
        for member_id, draft in drafts.items()
    }
    return Plan(
        drafts=crossed,
        orders=tuple(_describe(members[key], draft, discounts) for key, draft in crossed.items()),
        discounts=discounts,
        by_line=by_line,
        result=result,
        currency=currency,
    )


def _without(drafts: Mapping[UUID, Draft], members: Mapping[UUID, MarketMember], currency: str) -> Plan:
    return Plan(
        drafts=dict(drafts),
        orders=tuple(_describe(members[member_id], draft, ()) for member_id, draft in drafts.items()),
        discounts=(),
        by_line={},
        result=None,
        currency=currency,
    )


def _check_currency(drafts: Mapping[UUID, Draft]) -> str:
    currencies = {draft.currency for draft in drafts.values()}
    if len(currencies) > 1:
        raise Invalid(
            "market.currency_mixed", _("These merchants sell in different currencies. Please order apart.")
        )
    return next(iter(currencies), "")


def _describe(member: MarketMember, draft: Draft, discounts: tuple[MarketDiscount, ...]) -> MarketOrder:
    shares = [share for each in discounts for share in each.shares if share.member_id == member.member_id]
    platform_minor = sum(share.platform_minor for share in shares)
    goods_minor = sum(item.total_minor - item.discount_minor for item in draft.items)
    return MarketOrder(
        member.member_id,
        draft.order_id,
        draft.total_minor,
        # Of what the member gets for its goods: from the buyer, and from the market for its own promotions.
        commission_of(goods_minor + platform_minor, member.commission_ppm),
        sum(share.amount_minor for share in shares),
        platform_minor,
    )


async def _read_lines(
    db: Database, member_id: MerchantId, program: promotion.Program, draft: Draft
) -> list[ShopLine]:
    """A draft's lines as the market's promotions see them; what shops add for nothing or cheaply is not among them."""
    goods = [(number, item) for number, item in enumerate(draft.items, 1) if not item.extra]
    sku_ids = [item.sku_id for _number, item in goods]
    brands: dict[UUID, str] = {}
    chains: dict[UUID, tuple[UUID, ...]] = {}
    if program.by_brand or program.by_category:
        async with db.transaction(member_id, "read") as tx:
            if program.by_brand:
                found = await list_sale_items(tx, sku_ids=sku_ids)
                brands = {sku_id: item.brand for sku_id, item in found.items()}
            if program.by_category:
                chains = dict(await list_category_chains(tx, sku_ids=sku_ids))
    return [
        ShopLine(
            member_id,
            number,
            item.sku_id,
            item.product_id,
            item.total_minor - item.discount_minor,
            brands.get(item.sku_id, ""),
            chains.get(item.sku_id, ()),
        )
        for number, item in goods
        if item.total_minor > item.discount_minor
    ]


async def _take_off(
    db: Database,
    member_id: MerchantId,
    draft: Draft,
    discounts: tuple[MarketDiscount, ...],
    by_line: Mapping[str, tuple[int, ...]],
) -> Draft:
    """A member's draft with its shares taken off its lines, and taxed again on what is left."""
    taken = {
        number: by_line.get(f"{member_id}:{number:05}", (0,) * len(discounts))
        for number in range(1, len(draft.items) + 1)
    }
    if not any(any(amounts) for amounts in taken.values()):
        return draft
    items: list[Item] = [
        msgspec.structs.replace(item, discount_minor=item.discount_minor + sum(taken[number]))
        for number, item in enumerate(draft.items, 1)
    ]
    adjustments = [
        _as_adjustment(len(draft.adjustments) + 1 + place, each, member_id, index, taken)
        for place, (index, each) in enumerate(
            (index, each) for index, each in enumerate(discounts) if any(a[index] for a in taken.values())
        )
    ]
    adjusted = msgspec.structs.replace(
        draft, items=tuple(items), adjustments=(*draft.adjustments, *adjustments)
    )
    async with db.transaction(member_id, "read") as tx:
        return await tax_draft(tx, adjusted)


def _as_adjustment(
    number: int,
    discount: MarketDiscount,
    member_id: UUID,
    index: int,
    taken: Mapping[int, tuple[int, ...]],
) -> OrderAdjustment:
    """A member's share of a discount, in the member's own books. Its counters and its coupon are the market's business,
    and so is what becomes of it when a part of the checkout is given back."""
    share = next(each for each in discount.shares if each.member_id == member_id)
    parts = {"platform": share.platform_minor, "seller": share.amount_minor - share.platform_minor}
    return OrderAdjustment(
        number,
        discount.kind,
        CROSS_SHOP,
        discount.promotion_id,
        discount.version,
        None,
        None,
        discount.name,
        discount.translations,
        "platform" if share.platform_minor else "seller",
        "keep",
        share.amount_minor,
        promotion.split_funding(discount.promotion_id, parts),
        tuple((line_no, amounts[index]) for line_no, amounts in sorted(taken.items()) if amounts[index]),
    )
