"""Buying in a group: what a cart remembers of it, the seat it is priced with, and the group that opens with its order.

A group that a shopper opens comes into being in the very group of the lane that places the first order, so nobody opens
groups without ordering, and an order that is refused leaves none behind.
"""

from collections.abc import Mapping
from uuid import UUID

from serai.commerce.cart.api import load_cart, set_details
from serai.commerce.cart.types import Cart
from serai.commerce.checkout.types import Quote
from serai.commerce.promotion import api as promotion
from serai.commerce.promotion.types import Claim, Seat, UnitPrice
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, Invalid, _
from serai.foundation.event import Fact
from serai.ledger.types import Transfer, Write


def read_group_price(program: promotion.Program, promotion_id: UUID) -> UnitPrice | None:
    """The group price of a live promotion; None when it has none."""
    compiled = program.by_promotion.get(promotion_id)
    benefit = compiled.benefit if compiled else None
    return benefit if isinstance(benefit, UnitPrice) and benefit.source == "group" else None


def own_seats(program: promotion.Program, opens: Mapping[UUID, UUID]) -> dict[UUID, Seat]:
    """Seats in groups that are not there yet. ``opens`` names by promotion the group that an order would open."""
    return {
        promotion_id: Seat(group_id, benefit.people, benefit.people)
        for promotion_id, group_id in opens.items()
        if (benefit := read_group_price(program, promotion_id)) is not None
    }


async def join_group(
    tx: Transaction,
    *,
    owner: str,
    group_id: UUID,
    cart_id: UUID | None = None,
    member_id: UUID | None = None,
) -> Cart:
    """Buy this cart in a group: its price holds while a seat is free, and the order takes the seat.

    Raises:
        NotFound: ``cart.unknown``, ``group.unknown``. Conflict: ``group.over`` when it is full or has ended;
            ``group.joined_already`` when the member has a seat in it.
    """
    cart = await load_cart(tx, owner=owner, cart_id=cart_id)
    group = await promotion.load_group(tx, group_id=group_id)
    if not group.is_open(clock.now()):
        raise Conflict("group.over", _("This group is full or has ended. You can open a new one."))
    if member_id is not None:
        await promotion.check_newcomer(tx, group_id=group_id, member_id=member_id)
    return await set_details(tx, owner=owner, cart_id=cart.cart_id, groups=[str(group_id)], opens=[])


async def start_group(
    tx: Transaction, *, owner: str, promotion_id: UUID, cart_id: UUID | None = None
) -> Cart:
    """Open a group with the order that this cart becomes. Until then there is no group, and nothing is held.

    Raises:
        NotFound: ``cart.unknown``. Conflict: ``group.not_offered`` when the promotion has no live group price.
    """
    cart = await load_cart(tx, owner=owner, cart_id=cart_id)
    if read_group_price(await promotion.load_program(tx), promotion_id) is None:
        raise Conflict("group.not_offered", _("There is no group price at the moment."))
    return await set_details(tx, owner=owner, cart_id=cart.cart_id, groups=[], opens=[str(promotion_id)])


async def choose_group(
    tx: Transaction, *, owner: str, cart_id: UUID, group_id: UUID | None, promotion_id: UUID | None
) -> Cart:
    """Join a group, open one with the order, or (with neither) buy alone again.

    Raises:
        Invalid: ``group.choice_invalid`` when both are given. And what joining and opening raise.
    """
    if group_id is not None and promotion_id is not None:
        raise Invalid(
            "group.choice_invalid", _("Please join a group or open one, not both."), field="group_id"
        )
    if group_id is not None:
        return await join_group(tx, owner=owner, group_id=group_id, cart_id=cart_id)
    if promotion_id is not None:
        return await start_group(tx, owner=owner, promotion_id=promotion_id, cart_id=cart_id)
    cart = await load_cart(tx, owner=owner, cart_id=cart_id)
    return await set_details(tx, owner=owner, cart_id=cart.cart_id, groups=[], opens=[])


def seats_of(quote: Quote) -> tuple[Claim, ...]:
    """The seats that an order of this quote would take."""
    claims = quote.pricing.claims if quote.pricing else ()
    return tuple(claim for claim in claims if claim.kind == "seat")


async def plan_opening(tx: Transaction, quote: Quote, *, member_id: UUID | None) -> promotion.NewGroup | None:
    """The group that opens with an order of this quote; None when it joins one, or buys alone.

    Raises:
        Conflict: ``group.joined_already`` when the member has a seat in the group already.
    """
    program = await promotion.load_program(tx)
    for claim in seats_of(quote):
        benefit = read_group_price(program, claim.promotion_id)
        if claim.subject_id == promotion.own_group_id(claim.promotion_id, quote.cart_id) and benefit:
            sku_id = quote.lines[0].sku_id if len(quote.lines) == 1 else None
            return promotion.plan_group(claim.subject_id, claim.promotion_id, benefit, clock.now(), sku_id)
        if member_id is not None:
            await promotion.check_newcomer(tx, group_id=claim.subject_id, member_id=member_id)
    return None


def write_opening(
    opening: promotion.NewGroup | None,
) -> tuple[tuple[Transfer, ...], tuple[Write, ...], tuple[Fact, ...]]:
    """What opens the group beside its first order: transfers, rows and facts; nothing when the order opens none."""
    if opening is None:
        return (), (), ()
    seats, row, fact = promotion.write_opening(opening)
    return (seats,), (row,), (fact,)
