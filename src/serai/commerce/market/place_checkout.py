"""One checkout over several merchants: every merchant's order is reserved in its own books, or none stands.

PREPARE   per merchant, in a transaction of its own: the order priced and taxed as that merchant sells. Any refusal ends it.
BEGIN     the checkout and its orders are written down in the market's books, so that a crash leaves a trace
RESERVE   merchant by merchant one group in the lane, as every order is placed. If one refuses, those before it are
          called off, the checkout ends, and the buyer is told what was short and that nothing was ordered.
CONFIRM   the checkout stands. What crashed before is called off by ``end_checkout``, which a job runs.
Nothing is charged before the checkout stands. No transaction sees two merchants.
"""

from collections.abc import Sequence
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
from serai.commerce.market.logic import commission_of
from serai.commerce.market.types import MARKET, MarketCheckout, MarketLine, MarketMember, MarketOrder
from serai.commerce.order.types import Address, Contact
from serai.commerce.types import Commerce
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, Invalid, NotFound, Refused, _
from serai.foundation.ids import MerchantId, derive_id

MAX_MERCHANTS = 20
MAX_LINES = 100


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
) -> MarketCheckout:
    """Order goods of several members of a market, delivered. The same ``checkout_id`` again gives the same checkout.

    Raises:
        Invalid: ``market.too_many``, ``checkout.empty``, ``checkout.field_invalid``, ``cart.product_unknown``,
            ``market.currency_mixed``.
        NotFound: ``market.member_unknown``.
        Conflict: ``checkout.short`` and ``checkout.changed`` with what stood in the way, ``market.ended`` for a checkout
            that has failed before. Nothing is ordered then.
    """
    contact, address = check_contact(contact), check_address(address)
    async with commerce.db.transaction(market_id, "read") as tx:
        earlier = await find_checkout(tx, checkout_id=checkout_id)
        members = {each.member_id: each for each in await list_members(tx) if each.left_at is None}
    if earlier is not None:
        return _judge_earlier(earlier)
    wanted = _sort_lines(lines, members)
    drafts = {}
    for member_id, goods in wanted.items():
        order_id = derive_id("market order", checkout_id, member_id)
        async with commerce.db.transaction(MerchantId(member_id), "read") as tx:
            drafts[member_id] = await draft_order(
                tx,
                settings=commerce.settings,
                order_id=order_id,
                wanted=goods,
                contact=contact,
                address=address,
                delivery="ship",
                place_id=None,
                locale=locale,
                channel=MARKET,
            )
    currency = _check_drafts(drafts, expected_total_minor)
    orders = tuple(_describe(members[member_id], draft) for member_id, draft in drafts.items())
    async with commerce.db.transaction(market_id) as tx:
        total_minor = sum(order.total_minor for order in orders)
        begun = await store.insert_checkout(
            tx, checkout_id, currency, total_minor, contact.email, locale, clock.now()
        )
        if begun is not None:
            await store.insert_orders(tx, checkout_id, orders)
    await _reserve(commerce, market_id, checkout_id, drafts)
    return await _load(commerce, market_id, checkout_id)


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
    if len(wanted) > MAX_MERCHANTS or len(lines) > MAX_LINES:
        raise Invalid(
            "market.too_many",
            _("At most %(lines)s lines of %(merchants)s merchants at a time."),
            lines=MAX_LINES,
            merchants=MAX_MERCHANTS,
        )
    # Always in one order, so that two checkouts over the same merchants meet at the first and not crosswise.
    return dict(sorted(wanted.items()))


def _check_drafts(drafts: dict[UUID, Draft], expected_minor: int | None) -> str:
    currencies = {draft.currency for draft in drafts.values()}
    if len(currencies) > 1:
        raise Invalid(
            "market.currency_mixed", _("These merchants sell in different currencies. Please order apart.")
        )
    check_total(expected_minor, sum(draft.total_minor for draft in drafts.values()))
    return currencies.pop()


def _describe(member: MarketMember, draft: Draft) -> MarketOrder:
    goods_minor = sum(item.total_minor - item.discount_minor for item in draft.items)
    return MarketOrder(
        member.member_id,
        draft.order_id,
        draft.total_minor,
        commission_of(goods_minor, member.commission_ppm),
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
    if placed is None:
        # The job took it for dead meanwhile: what was placed after it looked is called off as well.
        await end_checkout(commerce, market_id, checkout_id=checkout_id)
        raise _ended()


async def end_checkout(commerce: Commerce, market_id: MerchantId, *, checkout_id: UUID) -> bool:
    """Call a checkout off that does not stand: all of its orders are cancelled. False when it stands."""
    async with commerce.db.transaction(market_id) as tx:
        if await store.stamp_ended(tx, checkout_id, clock.now()) is None:
            return False
        orders = [MarketOrder(*row.values()) for row in await store.list_orders(tx, checkout_id)]
    for order in orders:
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


def _judge_earlier(checkout: MarketCheckout) -> MarketCheckout:
    if checkout.placed_at is None:
        raise _ended()
    return checkout


def _ended() -> Conflict:
    return Conflict(
        "market.ended",
        _("This checkout could not be completed. Nothing was ordered or charged. Please try again."),
    )


async def list_members(tx: Transaction) -> list[MarketMember]:
    """Everybody who sells or sold in the market, in the order of joining."""
    return [MarketMember(*row.values()) for row in await store.list_members(tx)]


async def find_checkout(tx: Transaction, *, checkout_id: UUID) -> MarketCheckout | None:
    """A checkout with its orders."""
    row = await store.find_checkout(tx, checkout_id)
    if row is None:
        return None
    orders = tuple(MarketOrder(*each.values()) for each in await store.list_orders(tx, checkout_id))
    return msgspec.structs.replace(MarketCheckout(*row.values()), orders=orders)


async def _load(commerce: Commerce, market_id: MerchantId, checkout_id: UUID) -> MarketCheckout:
    async with commerce.db.transaction(market_id, "read") as tx:
        checkout = await find_checkout(tx, checkout_id=checkout_id)
    assert checkout is not None
    return checkout
