"""One checkout over several merchants: every merchant's order is reserved in its own books, or none stands.

PREPARE   per merchant, in a transaction of its own: the order priced and taxed as that merchant sells; then the market's
          promotions over all of it (``plan_checkout``). Any refusal ends it.
BEGIN     the checkout, its orders and discounts are written down in the market's books, so that a crash leaves a trace,
          in one group with what it takes of the market's promotions (pending: quota, budget, allowance, coupon)
RESERVE   merchant by merchant one group in the lane, as every order is placed. If one refuses, those before it are
          called off, the checkout ends with what it held, and the buyer is told what was short and that nothing was ordered.
CONFIRM   the checkout stands, and a basket that it came from is closed. What crashed before is called off by
          ``end_checkout``, which a job runs.
Nothing is charged before the checkout stands. No transaction sees two merchants.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import msgspec

from serai.commerce.aftersale.api import cancel_order
from serai.commerce.checkout.api import (
    Draft,
    check_address,
    check_contact,
    check_total,
    draft_order,
    submit_draft,
)
from serai.commerce.market import store
from serai.commerce.market.book_settlement import book_capture
from serai.commerce.market.hold_claims import begin_checkout, release_claims
from serai.commerce.market.keep_basket import close_basket
from serai.commerce.market.load_checkout import find_checkout, list_members, load_checkout
from serai.commerce.market.plan_checkout import Plan, plan_checkout
from serai.commerce.market.price_basket import CrossBuyer
from serai.commerce.market.types import (
    MARKET,
    MarketCheckout,
    MarketLine,
    MarketMember,
    MarketPayment,
)
from serai.commerce.order.types import Address, Contact
from serai.commerce.types import Commerce
from serai.foundation import clock
from serai.foundation.errors import Conflict, Invalid, NotFound, Refused, _
from serai.foundation.ids import MerchantId, derive_id

MAX_MERCHANTS = 20
MAX_LINES = 100
# A twin of a checkout under way is waited for so long; it takes a second or two.
TWIN_TRIES = 50
TWIN_WAIT_S = 0.2


async def place_checkout(
    commerce: Commerce,
    market_id: MerchantId,
    *,
    checkout_id: UUID,
    lines: Sequence[MarketLine],
    contact: Contact,
    address: Address | None,
    locale: str = "en",
    expected_total_minor: int | None = None,
    coupon_ids: Sequence[UUID] = (),
) -> MarketCheckout:
    """Order goods of several members of a market, delivered. The same ``checkout_id`` again gives the same checkout.

    ``coupon_ids`` are coupons of the market's own promotions; one that does not apply takes nothing off.

    Raises:
        Invalid: ``market.too_many``, ``checkout.empty``, ``checkout.field_invalid``, ``cart.product_unknown``,
            ``market.currency_mixed``.
        NotFound: ``market.member_unknown``.
        Conflict: ``checkout.short`` and ``checkout.changed`` with what stood in the way, ``market.ended`` for a checkout
            that has failed before, ``market.under_way`` while another call is still at it. Nothing is ordered then.
    """
    contact, address = check_contact(contact), check_address(address)
    async with commerce.db.transaction(market_id, "read") as tx:
        earlier = await find_checkout(tx, checkout_id=checkout_id)
        members = {each.member_id: each for each in await list_members(tx) if each.left_at is None}
    if earlier is not None:
        return await await_twin(commerce, market_id, earlier)
    drafts = {}
    for member_id, goods in _sort_lines(lines, members).items():
        async with commerce.db.transaction(MerchantId(member_id), "read") as tx:
            drafts[member_id] = await draft_order(
                tx,
                settings=commerce.settings,
                order_id=order_id_of(checkout_id, member_id),
                wanted=goods,
                contact=contact,
                address=address,
                delivery="ship",
                place_id=None,
                locale=locale,
                channel=MARKET,
            )
    plan = await plan_checkout(
        commerce,
        market_id,
        drafts=drafts,
        members=members,
        buyer=CrossBuyer(coupon_ids=tuple(coupon_ids)),
    )
    check_total(expected_total_minor, plan.total_minor)
    return await stand_checkout(
        commerce, market_id, describe_checkout(commerce, checkout_id, plan, contact, locale), plan
    )


def order_id_of(checkout_id: UUID, member_id: UUID) -> UUID:
    """A member's order of a checkout."""
    return derive_id("market order", checkout_id, member_id)


def describe_checkout(
    commerce: Commerce,
    checkout_id: UUID,
    plan: Plan,
    contact: Contact,
    locale: str,
    *,
    member_id: UUID | None = None,
    basket_id: UUID | None = None,
) -> MarketCheckout:
    """A planned checkout as it is written down."""
    now = clock.now()
    return MarketCheckout(
        checkout_id,
        plan.currency,
        plan.total_minor,
        contact.email,
        locale,
        now,
        None,
        None,
        None,
        member_id,
        contact.name,
        sum(item.pieces for draft in plan.drafts.values() for item in draft.items),
        plan.discount_minor,
        now + timedelta(minutes=commerce.settings.pay_within_minutes),
        None,
        basket_id,
        plan.orders,
        plan.discounts,
    )


async def stand_checkout(
    commerce: Commerce, market_id: MerchantId, checkout: MarketCheckout, plan: Plan
) -> MarketCheckout:
    """Begin, reserve and confirm a planned checkout, as the map at the top of this file tells."""
    if not await begin_checkout(commerce.db, commerce.lane, market_id, checkout):
        async with commerce.db.transaction(market_id, "read") as tx:
            earlier = await find_checkout(tx, checkout_id=checkout.checkout_id)
        assert earlier is not None, "what has begun before is written down"
        return await await_twin(commerce, market_id, earlier)
    await _reserve(commerce, market_id, checkout.checkout_id, plan.drafts)
    if not checkout.total_minor:
        await finish_free(commerce, market_id, checkout)
    async with commerce.db.transaction(market_id, "read") as tx:
        standing = await find_checkout(tx, checkout_id=checkout.checkout_id)
    assert standing is not None
    return standing


async def finish_free(commerce: Commerce, market_id: MerchantId, checkout: MarketCheckout) -> None:
    """Settle a checkout that costs nothing: there is no payment to wait for. Repeating it changes nothing."""
    nothing = MarketPayment(
        derive_id("market free", checkout.checkout_id),
        checkout.checkout_id,
        1,
        commerce.default_provider,
        0,
        checkout.currency,
        None,
        None,
        clock.now(),
        None,
        None,
    )
    await book_capture(commerce.lane, market_id, checkout, nothing)
    async with commerce.db.transaction(market_id) as tx:
        await store.stamp_paid(tx, checkout.checkout_id, clock.now())


def _sort_lines(
    lines: Sequence[MarketLine], members: dict[UUID, MarketMember]
) -> dict[UUID, dict[UUID, int]]:
    if not lines:
        raise Invalid("checkout.empty", _("The cart is empty."))
    wanted: dict[UUID, dict[UUID, int]] = {}
    for line in lines:
        if line.member_id not in members:
            raise NotFound("market.member_unknown", _("This merchant does not sell here."))
        goods = wanted.setdefault(line.member_id, {})
        goods[line.sku_id] = goods.get(line.sku_id, 0) + line.quantity
    check_size(len(wanted), len(lines))
    # Always in one order, so that two checkouts over the same merchants meet at the first and not crosswise.
    return dict(sorted(wanted.items()))


def check_size(merchants: int, lines: int) -> None:
    """Invalid ``market.too_many`` for more than one checkout can be."""
    if merchants > MAX_MERCHANTS or lines > MAX_LINES:
        raise Invalid(
            "market.too_many",
            _("At most %(lines)s lines of %(merchants)s merchants at a time."),
            lines=MAX_LINES,
            merchants=MAX_MERCHANTS,
        )


async def _reserve(
    commerce: Commerce, market_id: MerchantId, checkout_id: UUID, drafts: dict[UUID, Draft]
) -> None:
    """Place every order; on the first refusal call all of them off and raise it."""
    # The buyer's money comes through the market: that is what the orders expect.
    through_market = msgspec.structs.replace(commerce, default_provider=MARKET)
    try:
        for member_id, draft in drafts.items():
            await submit_draft(through_market, MerchantId(member_id), draft)
    except Refused:
        await end_checkout(commerce, market_id, checkout_id=checkout_id)
        raise
    async with commerce.db.transaction(market_id) as tx:
        placed = await store.stamp_placed(tx, checkout_id, clock.now())
        if placed is not None:
            await close_basket(tx, checkout_id)
    if placed is None:
        # The job took it for dead meanwhile: what was placed after it looked is called off as well.
        await end_checkout(commerce, market_id, checkout_id=checkout_id)
        raise _ended()


async def end_checkout(commerce: Commerce, market_id: MerchantId, *, checkout_id: UUID) -> bool:
    """Call a checkout off that does not stand: all of its orders are cancelled. False when it stands."""
    async with commerce.db.transaction(market_id) as tx:
        if await store.stamp_ended(tx, checkout_id, clock.now()) is None:
            return False
        checkout = await load_checkout(tx, checkout_id=checkout_id)
    await release_claims(commerce.db, commerce.lane, market_id, checkout, "market ended")
    for order in checkout.orders:
        try:
            await cancel_order(
                commerce,
                MerchantId(order.member_id),
                order_id=order.order_id,
                by=MARKET,
                reason="another merchant of the checkout could not deliver",
            )
        except NotFound:
            # It was never placed.
            continue
        except Conflict as error:
            # It has expired by itself, which frees its goods as well.
            if error.code != "order.cannot_cancel":
                raise
    return True


async def await_twin(commerce: Commerce, market_id: MerchantId, checkout: MarketCheckout) -> MarketCheckout:
    """What became of a checkout that another call has begun.

    Conflict ``market.ended`` when it failed, ``market.under_way`` when that call is still at it after a while.
    """
    for _attempt in range(TWIN_TRIES):
        if checkout.placed_at is not None:
            return checkout
        if checkout.ended_at is not None:
            raise _ended()
        await asyncio.sleep(TWIN_WAIT_S)
        async with commerce.db.transaction(market_id, "read") as tx:
            again = await find_checkout(tx, checkout_id=checkout.checkout_id)
        assert again is not None
        checkout = again
    raise Conflict("market.under_way", _("This checkout is being placed. Please look again in a moment."))


def _ended() -> Conflict:
    return Conflict(
        "market.ended",
        _("This checkout could not be completed. Nothing was ordered or charged. Please try again."),
    )
