"""Put a cart's goods before the promotion engine: bring in what is live, what is left, and what rules may add.

Without live promotions and coupons nothing is asked of the database and the goods cost what they cost.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec

from serai.commerce.catalogue.api import list_category_chains, list_sale_items
from serai.commerce.catalogue.types import BundlePart, SaleItem
from serai.commerce.checkout.take_seat import own_seats
from serai.commerce.promotion import api as promotion
from serai.commerce.promotion.types import Extra, HeldCoupon, Left, Line, Request, Result
from serai.commerce.stock.api import allot
from serai.foundation import clock
from serai.foundation.database import Transaction


class Goods(msgspec.Struct, frozen=True):
    """A line to be priced: its price per unit before promotions, and the key under which its shares come back.

    ``list_minor`` is the list price where an offer lies below it: a promotion's price competes with the offer, and does
    not come on top of it.
    """

    line_key: str
    sku_id: UUID
    quantity: int
    price_minor: int
    list_minor: int | None = None


class Shopper(msgspec.Struct, frozen=True, kw_only=True):
    """Who buys, and what was said at the cart: coupons that were entered, add-ons that were chosen (per
    promotion), groups that were joined, and groups that the order would open (by promotion)."""

    channel: str = "web"
    member_id: UUID | None = None
    member_level: str | None = None
    coupon_ids: tuple[UUID, ...] = ()
    add_ons: dict[UUID, int] = {}
    group_ids: tuple[UUID, ...] = ()
    opens: dict[UUID, UUID] = {}


class Priced(msgspec.Struct, frozen=True):
    """What the engine was asked and what it answered; ``items`` also holds what rules added, ``parts`` what the bundles
    among these consist of."""

    program: promotion.Program
    request: Request
    result: Result
    items: dict[UUID, SaleItem]
    parts: dict[UUID, tuple[BundlePart, ...]] = {}


async def price_goods(
    tx: Transaction,
    *,
    goods: Sequence[Goods],
    currency: str,
    place_id: UUID,
    shipping_minor: int,
    shopper: Shopper,
) -> Priced | None:
    """The goods under the merchant's live promotions; None when there are none and no coupon was entered."""
    program = await promotion.load_program(tx)
    if program.is_empty or not goods:
        return None
    held = await promotion.load_held_coupons(
        tx, program, coupon_ids=shopper.coupon_ids, member_id=shopper.member_id
    )
    left = await promotion.load_left(tx, program, currency=currency, user_id=shopper.member_id)
    return await run_program(
        tx,
        program,
        goods=goods,
        place_id=place_id,
        shipping_minor=shipping_minor,
        shopper=shopper,
        held=held,
        left=left,
    )


async def run_program(
    tx: Transaction,
    program: promotion.Program,
    *,
    goods: Sequence[Goods],
    place_id: UUID,
    shipping_minor: int,
    shopper: Shopper,
    held: tuple[HeldCoupon, ...],
    left: Mapping[UUID, Left],
) -> Priced:
    """Price goods under a given program: the live one, or one that is tried out."""
    sku_ids = [each.sku_id for each in goods]
    items = await list_sale_items(tx, sku_ids=[*sku_ids, *program.extra_sku_ids], channel=shopper.channel)
    chains = await list_category_chains(tx, sku_ids=sku_ids) if program.by_category else {}
    extras, parts = await _load_extras(tx, program, goods, items, place_id)
    request = Request(
        lines=tuple(_line(each, items[each.sku_id], chains, tx.merchant_id) for each in goods),
        now=clock.now(),
        channel=shopper.channel,
        place_id=place_id,
        member_level=shopper.member_level,
        user_id=shopper.member_id,
        shipping_minor=shipping_minor,
        coupons=held,
        left=dict(left),
        extras=extras,
        add_ons=shopper.add_ons,
        seats=await promotion.load_seats(tx, group_ids=shopper.group_ids) | own_seats(program, shopper.opens),
    )
    return Priced(program, request, promotion.quote(program, request), items, parts)


def _line(each: Goods, item: SaleItem, chains: Mapping[UUID, tuple[UUID, ...]], seller_id: UUID) -> Line:
    return Line(
        each.line_key,
        each.sku_id,
        item.product_id,
        each.quantity,
        each.price_minor,
        item.scale,
        chains.get(each.sku_id, ()),
        item.brand,
        seller_id,
        regular_minor=each.list_minor,
    )


async def _load_extras(
    tx: Transaction,
    program: promotion.Program,
    goods: Sequence[Goods],
    items: Mapping[UUID, SaleItem],
    place_id: UUID,
) -> tuple[dict[UUID, Extra], dict[UUID, tuple[BundlePart, ...]]]:
    """What gifts and add-ons may bring: only what can be sold, and only what the cart itself leaves over, of the parts of
    bundles too. Beside it what the bundles among them consist of."""
    sku_ids = [sku_id for sku_id in program.extra_sku_ids if sku_id in items and items[sku_id].sellable]
    if not sku_ids:
        return {}, {}
    taken = [(each.sku_id, each.quantity) for each in goods]
    most, parts = await allot(tx, wanted=[*taken, *((sku_id, 0) for sku_id in sku_ids)], place_ids=[place_id])
    extras = {
        sku_id: Extra(items[sku_id].product_id, items[sku_id].price_minor or 0, max(0, available))
        for sku_id, available in zip(sku_ids, most[len(taken) :], strict=True)
    }
    return extras, {sku_id: parts[sku_id] for sku_id in sku_ids if sku_id in parts}


async def price_each(
    tx: Transaction,
    *,
    prices: Mapping[UUID, tuple[int, int]],
    currency: str,
    place_id: UUID,
    shopper: Shopper,
) -> dict[UUID, promotion.SinglePrice]:
    """What promotions make of the prices of goods, each by itself, for lists and product pages.

    ``prices`` holds what a unit costs without promotions and its list price, by SKU. Goods that no promotion makes cheaper
    are left out. However many goods there are, the queries are as few: none without price promotions, else at most three.
    """
    program = await promotion.load_program(tx)
    if not program.prices or not prices:
        return {}
    items = await list_sale_items(tx, sku_ids=list(prices))
    chains = await list_category_chains(tx, sku_ids=list(prices)) if program.by_category else {}
    left = await promotion.load_left(tx, program, currency=currency, user_id=shopper.member_id)
    goods = [
        Goods(str(sku_id), sku_id, 10**item.scale if item.scale else item.increment, *prices[sku_id])
        for sku_id, item in items.items()
    ]
    request = Request(
        lines=tuple(_line(each, items[each.sku_id], chains, tx.merchant_id) for each in goods),
        now=clock.now(),
        channel=shopper.channel,
        place_id=place_id,
        member_level=shopper.member_level,
        user_id=shopper.member_id,
        left=left,
    )
    return promotion.price_singly(program, request)
