"""What pages tell of buying groups: the group price of a product, groups to join, and how a group stands."""

from collections.abc import Sequence
from typing import Literal
from uuid import UUID

import msgspec

from serai.commerce.catalogue.api import list_sale_items
from serai.commerce.catalogue.types import SaleItem, Variant
from serai.commerce.checkout.api import Goods, Quote, Shopper, price_goods, read_group_price, seats_of
from serai.commerce.order.types import Order
from serai.commerce.promotion import api as promotion
from serai.commerce.promotion.types import Adjustment, GroupBuy, GroupMember, MemberGroup, UnitPrice
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import NotFound
from serai.storefront.price import left_s, price_alone
from serai.storefront.view import Asked, Shell, is_group_checkout

GROUPS_SHOWN = 4


class OpenGroup(msgspec.Struct, frozen=True):
    """A group that can be joined, as a product's page shows it."""

    group: GroupBuy
    members: tuple[GroupMember, ...]
    left_s: int


class GroupOffer(msgspec.Struct, frozen=True):
    """The group price of a product, per piece in minor units, and groups that have begun."""

    promotion_id: UUID
    name: str
    price_minor: int
    alone_minor: int
    people: int
    hours: int
    open_groups: list[OpenGroup]


class GroupState(msgspec.Struct, frozen=True):
    """How a group stands. ``price_minor`` is there while it can be joined; ``empty`` counts seats that nobody sits in."""

    group: GroupBuy
    members: tuple[GroupMember, ...]
    stage: Literal["open", "full", "grouped", "failed"]
    left_s: int
    price_minor: int | None = None
    alone_minor: int | None = None

    @property
    def empty(self) -> int:
        return max(0, self.group.people - len(self.members))


async def find_group_offer(
    tx: Transaction, variant: Variant, list_minor: int | None, shell: Shell, locale: str
) -> GroupOffer | None:
    """The group price of a version for whoever looks at it, if one is live and is the best price there is."""
    program = await promotion.load_program(tx)
    opens = {
        each.promotion_id: each.promotion_id
        for each in program.prices
        if isinstance(each.benefit, UnitPrice) and each.benefit.source == "group"
    }
    if not opens or variant.price_minor is None or variant.scale:
        return None
    goods = Goods("piece", variant.sku_id, variant.increment, variant.price_minor, list_minor)
    cut = await _price_in_group(tx, goods, variant.currency, shell, opens=opens)
    benefit = read_group_price(program, cut.promotion_id) if cut and cut.promotion_id else None
    if cut is None or cut.promotion_id is None or benefit is None:
        return None
    groups = await promotion.list_begun_groups(
        tx, promotion_id=cut.promotion_id, sku_id=variant.sku_id, limit=GROUPS_SHOWN
    )
    members = await promotion.list_group_members(tx, group_ids=[group.group_id for group in groups])
    return GroupOffer(
        cut.promotion_id,
        cut.label(locale),
        variant.price_minor - cut.amount_minor // variant.increment,
        variant.price_minor,
        benefit.people,
        benefit.hours,
        [OpenGroup(group, members[group.group_id], left_s(group.deadline)) for group in groups],
    )


async def _price_in_group(
    tx: Transaction,
    goods: Goods,
    currency: str,
    shell: Shell,
    *,
    opens: dict[UUID, UUID] | None = None,
    group_ids: tuple[UUID, ...] = (),
) -> Adjustment | None:
    """What a group takes off so many pieces for this shopper; None when it gives nothing, or something else is better."""
    if shell.online is None:
        return None
    member = shell.member
    priced = await price_goods(
        tx,
        goods=[goods],
        currency=currency,
        place_id=shell.online.place_id,
        shipping_minor=0,
        shopper=Shopper(
            member_id=member.member_id if member else None,
            member_level=member.level or None if member else None,
            opens=opens or {},
            group_ids=group_ids,
        ),
    )
    cuts = priced.result.adjustments if priced else ()
    return next((each for each in cuts if each.kind == "group_price"), None)


async def find_item(tx: Transaction, group: GroupBuy) -> SaleItem | None:
    """What a group buys; of one that was opened for a whole promotion, the first of its goods."""
    sku_id = group.sku_id
    if sku_id is None:
        benefit = read_group_price(await promotion.load_program(tx), group.promotion_id)
        sku_id = benefit.prices[0].sku_id if benefit and benefit.prices else None
    return (await list_sale_items(tx, sku_ids=[sku_id])).get(sku_id) if sku_id else None


async def tell_group(
    tx: Transaction,
    group: GroupBuy,
    members: Sequence[GroupMember],
    item: SaleItem | None,
    shell: Shell,
) -> GroupState:
    """How a group stands for whoever looks at it, with its price while it can be joined."""
    now, seats = clock.now(), tuple(members)
    if group.is_complete:
        return GroupState(group, seats, "grouped", 0)
    if group.outcome == "failed" or group.deadline <= now:
        return GroupState(group, seats, "failed", 0)
    if not group.free:
        return GroupState(group, seats, "full", left_s(group.deadline))
    cut, alone = None, 0
    if item is not None and item.sellable and item.price_minor is not None:
        # What everybody pays alone, and the list price above it where an offer holds.
        alone, list_minor = await price_alone(tx, item)
        goods = Goods("piece", item.sku_id, item.increment, alone, list_minor)
        cut = await _price_in_group(tx, goods, item.currency, shell, group_ids=(group.group_id,))
    if item is None or cut is None:
        return GroupState(group, seats, "open", left_s(group.deadline))
    price = alone - cut.amount_minor // item.increment
    return GroupState(group, seats, "open", left_s(group.deadline), price, alone)


async def find_order_group(tx: Transaction, order: Order, shell: Shell) -> GroupState | None:
    """How the group of an order stands; None when it was bought alone, or has left a group that goes on."""
    group = order.group
    if group is None or (order.state in ("cancelled", "expired") and group.outcome != "failed"):
        return None
    members = (await promotion.list_group_members(tx, group_ids=[group.group_id]))[group.group_id]
    return await tell_group(tx, group, members, None, shell)


class GroupSeat(msgspec.Struct, frozen=True):
    """What an order in a group means, before it is placed. Without ``group`` it opens one of so many people and hours;
    ``is_lost``: the group is full or has ended, or its price is not offered any more."""

    back: str
    people: int = 0
    hours: int = 0
    group: GroupBuy | None = None
    is_lost: bool = False


async def find_seat(request: Asked, tx: Transaction, quote: Quote) -> GroupSeat | None:
    """The seat that an order would take; None where nothing is bought in a group."""
    if not is_group_checkout(request):
        return None
    claim = next(iter(seats_of(quote)), None)
    back = way_back(request, quote)
    if claim is None:
        return GroupSeat(back, is_lost=True)
    try:
        group = await promotion.load_group(tx, group_id=claim.subject_id)
    except NotFound:
        benefit = read_group_price(await promotion.load_program(tx), claim.promotion_id)
        return GroupSeat(back, claim.limit, benefit.hours if benefit else 0)
    return GroupSeat(back, group.people, group=group)


def way_back(request: Asked, quote: Quote | None) -> str:
    """Where what is bought can be changed: the cart, or the page of what is bought in a group."""
    if is_group_checkout(request) and quote is not None and quote.lines:
        return f"/p/{quote.lines[0].slug}"
    return "/cart"


class GroupRow(msgspec.Struct, frozen=True):
    """A group in the member's own list."""

    found: MemberGroup
    item: SaleItem | None
    members: tuple[GroupMember, ...]
    left_s: int


async def load_group_cards(tx: Transaction, member_id: UUID) -> list[GroupRow]:
    """The groups of a member's orders with what they buy, the newest first."""
    found = await promotion.list_member_groups(tx, member_id=member_id)
    items = await list_sale_items(tx, sku_ids=[each.group.sku_id for each in found if each.group.sku_id])
    members = await promotion.list_group_members(tx, group_ids=[each.group.group_id for each in found])
    return [
        GroupRow(
            each,
            items.get(each.group.sku_id) if each.group.sku_id else None,
            members[each.group.group_id],
            left_s(each.group.deadline),
        )
        for each in found
    ]
