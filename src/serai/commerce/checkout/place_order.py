"""Placing an order, the one flow that all channels share.

PREPARE   read the cart and quote it at today's prices; whatever differs from what the shopper saw is refused, with the
          changes. No lock is held: prices are judged here, stock is judged in the lane.
PLACE     one group in the ledger's lane, all or nothing, durable before the answer:
              per line     pending  customer(sku) <- stock(sku, place)
              money        posted   order_due <- deferred_sales, pending psp_clearing <- order_due until it expires
              promotions   pending  sold <- left for every quota, budget, allowance and coupon that it uses
              tenders      pending  gift card, wallet or points <- order_due: the provider is asked for the rest only
              beside it    order document, lines and adjustments, the cart's end, OrderPlaced, an API call's stored reply
          The order's id follows from the cart (or the API call), so a second click, a second tab and a second worker
          place the same order.
What may fail: a shortage refuses the group and names every short line, nothing has moved; a lost answer is asked again
and answered as replayed. Charging is another step (``start_payment``), outside any transaction.
"""

from contextlib import AbstractAsyncContextManager
from uuid import UUID

import msgspec

from serai.commerce.cart.api import Placed, find_placed_order, line_total, mark_placed
from serai.commerce.catalogue.api import list_sale_items, load_parts
from serai.commerce.checkout.adjust_order import (
    Item,
    fund_claims,
    refuse_claims,
    write_seats,
)
from serai.commerce.checkout.choose_delivery import refuse_way
from serai.commerce.checkout.enter_tender import refuse_tenders
from serai.commerce.checkout.logic import check_address, check_contact
from serai.commerce.checkout.price_goods import Goods
from serai.commerce.checkout.quote_cart import quote_cart
from serai.commerce.checkout.quote_presale import refuse_presale
from serai.commerce.checkout.reserve_order import (
    Draft,
    Judge,
    make_draft,
    make_order,
    make_transfers,
    money_pending_id,
    write_award,
)
from serai.commerce.checkout.take_seat import plan_opening, write_opening
from serai.commerce.checkout.tell_placed import tell_placed
from serai.commerce.checkout.types import Delivery, PlacedOrder, Quote, QuoteShortage
from serai.commerce.gift.api import Gift, check_message, insert_gifts
from serai.commerce.order.api import access_token, find_order, insert_orders, make_number
from serai.commerce.order.types import Address, Contact, amount_due
from serai.commerce.price import api as price
from serai.commerce.price.types import Buyer
from serai.commerce.tax.types import TaxPlace
from serai.commerce.types import Commerce
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, Invalid, Refused, _
from serai.foundation.event import Fact
from serai.foundation.ids import MerchantId, derive_id
from serai.foundation.trace import traced
from serai.ledger.types import Group, Outcome, Transfer, Write
from serai.overload.room.api import pass_rooms

__all__ = [
    "Draft",
    "Item",
    "check_total",
    "describe_placed",
    "make_transfers",
    "money_pending_id",
    "place_order",
    "price_items",
    "submit_draft",
]

MAX_NOTE = 500
# Whom an order in one call is priced for, unless it says where it is picked up.
API_BUYER = Buyer("api")


@traced("check out")
async def place_order(
    commerce: Commerce,
    merchant_id: MerchantId,
    *,
    owner: str,
    cart_id: UUID,
    contact: Contact,
    address: Address | None,
    delivery: Delivery,
    place_id: UUID | None,
    expected_digest: str,
    member_id: UUID | None,
    locale: str,
    note: str = "",
    gift_message: str = "",
    channel: str = "web",
    presale_agreed: bool = False,
    delivery_option: str | None = None,
    writes: tuple[Write, ...] = (),
    claims: tuple[Transfer, ...] = (),
    refuse: Judge | None = None,
) -> PlacedOrder:
    """Turn the owner's cart into an order that waits for its payment.

    ``expected_digest`` is that of the quote the shopper agreed to. ``writes`` commit with the order,
    ``claims`` are transfers that must pass with it; ``refuse`` tells what it means that an account was short. Placing a cart a
    second time returns the order it has become. ``presale_agreed``: the buyer takes the terms of a presale in it.

    Raises:
        NotFound: ``cart.unknown``.
        Invalid: ``checkout.field_invalid`` with ``field``; ``checkout.empty``; ``gift.too_long``; ``presale.not_agreed``.
        Conflict: ``checkout.changed`` with ``changes``; ``checkout.short``; ``delivery.unserved``; ``group.joined_already``.
            Nothing was placed.
    """
    prepared = await prepare_order(
        commerce,
        merchant_id,
        owner=owner,
        cart_id=cart_id,
        contact=contact,
        address=address,
        delivery=delivery,
        place_id=place_id,
        expected_digest=expected_digest,
        member_id=member_id,
        locale=locale,
        note=note,
        channel=channel,
        presale_agreed=presale_agreed,
        delivery_option=delivery_option,
    )
    if isinstance(prepared, PlacedOrder):
        return prepared
    if gift_message := check_message(gift_message):
        writes = (
            *writes,
            Write(insert_gifts, Gift(prepared.order_id, gift_message, prepared.contact.name), early=True),
        )
    async with _pass_lines(commerce, merchant_id, prepared, owner, cart_id):
        return await submit_draft(commerce, merchant_id, prepared, writes, transfers=claims, refuse=refuse)


def _pass_lines(
    commerce: Commerce, merchant_id: MerchantId, draft: Draft, owner: str, cart_id: UUID
) -> AbstractAsyncContextManager[None]:
    """In turn, where buyers wait in line for something in it."""
    return pass_rooms(
        commerce.db,
        merchant_id,
        quantities={item.sku_id: item.quantity for item in draft.items},
        buyers=[*([f"member:{draft.member_id}"] if draft.member_id else []), owner],
        cart_id=cart_id,
    )


async def prepare_order(
    commerce: Commerce,
    merchant_id: MerchantId,
    *,
    owner: str,
    cart_id: UUID,
    contact: Contact,
    address: Address | None,
    delivery: Delivery,
    place_id: UUID | None,
    expected_digest: str,
    member_id: UUID | None,
    locale: str,
    note: str,
    channel: str,
    presale_agreed: bool = False,
    delivery_option: str | None = None,
) -> Draft | PlacedOrder:
    """Read the cart and judge it, as :func:`place_order` does first: the draft, or the order the cart has become."""
    try:
        async with commerce.db.reading(merchant_id) as tx:
            earlier = await find_placed_order(tx, owner=owner, cart_id=cart_id)
            if earlier is not None:
                return await _placed_before(commerce, tx, earlier)
            contact, address = check_contact(contact), check_address(address) if delivery == "ship" else None
            quote = await quote_cart(
                tx,
                settings=commerce.settings,
                owner=owner,
                cart_id=cart_id,
                delivery=delivery,
                place_id=place_id,
                channel=channel,
                member_id=member_id,
                destination=TaxPlace(address.country, address.region) if address else None,
                postcode=address.postcode if address else "",
                delivery_option=delivery_option,
            )
            opening = await plan_opening(tx, quote, member_id=member_id)
        _check_quote(quote, expected_digest, presale_agreed=presale_agreed)
    except Refused:
        # A twin of this call may have placed the cart between two of our reads: what it took is not missing.
        if (twin := await _find_twin(commerce, merchant_id, owner, cart_id)) is None:
            raise
        return twin
    return make_draft(
        cart_id,
        quote,
        channel=channel,
        contact=contact,
        address=address,
        delivery=delivery,
        member_id=member_id,
        locale=locale,
        note=note.strip()[:MAX_NOTE],
        opening=opening,
    )


async def _find_twin(
    commerce: Commerce, merchant_id: MerchantId, owner: str, cart_id: UUID
) -> PlacedOrder | None:
    """The order that the cart has become meanwhile."""
    async with commerce.db.transaction(merchant_id, "read") as tx:
        earlier = await find_placed_order(tx, owner=owner, cart_id=cart_id)
        return await _placed_before(commerce, tx, earlier) if earlier else None


def _check_quote(quote: Quote, expected_digest: str, *, presale_agreed: bool) -> None:
    if not quote.lines:
        raise Invalid("checkout.empty", _("The cart is empty."))
    if quote.presale is not None:
        refuse_presale(quote.presale, agreed=presale_agreed)
    if quote.shortages:
        raise _short(quote.shortages)
    refuse_way(quote.delivery)
    if quote.changes or quote.digest != expected_digest:
        raise Conflict(
            "checkout.changed",
            _("Prices or availability have changed. Please look at your order again; nothing was charged."),
            changes=msgspec.to_builtins(quote.changes),
        )


async def price_items(
    tx: Transaction, wanted: dict[UUID, int], buyer: Buyer = API_BUYER
) -> tuple[str, tuple[Item, ...]]:
    """Price a list of SKUs and quantities at the prices that hold for a buyer now: (currency, items).

    Raises:
        Invalid: ``cart.product_unknown`` for what is not for sale.
    """
    found = await list_sale_items(tx, sku_ids=list(wanted), channel=buyer.channel)
    prices = await price.price_items(tx, items=found, buyer=buyer)
    parts = await load_parts(tx, sku_ids=list(wanted))
    items = []
    for sku_id, quantity in wanted.items():
        item, sale = found.get(sku_id), prices.get(sku_id)
        if item is None or not item.sellable or sale is None:
            raise Invalid("cart.product_unknown", _("This product is not for sale."), sku_id=str(sku_id))
        price_minor, _offer = price.choose_price(sale.list_minor, sale.offers, quantity)
        total = line_total(price_minor, quantity, item.scale)
        items.append(
            Item(
                sku_id,
                item.product_id,
                item.title,
                quantity,
                price_minor,
                total,
                scale=item.scale,
                unit=item.unit,
                parts=parts.get(sku_id, ()),
                list_minor=sale.list_minor,
            )
        )
    return next(iter(found.values())).currency if found else "", tuple(items)


def read_goods(item: Item) -> Goods:
    """A line of an order in one call as promotions price it."""
    return Goods(str(item.sku_id), item.sku_id, item.quantity, item.price_minor, item.list_minor)


@traced("place order")
async def submit_draft(
    commerce: Commerce,
    merchant_id: MerchantId,
    draft: Draft,
    writes: tuple[Write, ...] = (),
    *,
    transfers: tuple[Transfer, ...] = (),
    facts: tuple[Fact, ...] = (),
    refuse: Judge | None = None,
) -> PlacedOrder:
    """Hand a priced order to the lane. What moves beside it, such as a hold that it takes over, commits with it.

    Raises:
        Conflict: ``checkout.short`` when stock is missing, ``checkout.changed`` when a reservation that ``transfers``
            resolve is gone, or what ``refuse`` makes of the accounts that were short; nothing has moved then.
    """
    order = make_order(commerce, draft)
    await fund_claims(commerce, merchant_id, order.adjustments)
    seats, group_rows, group_facts = write_opening(draft.opening)
    closing = (
        (Write(mark_placed, Placed(draft.cart_id, draft.order_id), early=True),) if draft.cart_id else ()
    )
    outcome = await commerce.lane.submit(
        merchant_id,
        Group(
            derive_id("place", draft.order_id),
            (*seats, *make_transfers(commerce, order), *transfers),
            (
                Write(insert_orders, order, early=True),
                *closing,
                *group_rows,
                *write_seats(order.order_id, order.adjustments),
                *(write_award(order) if order.paid_at else ()),
                *writes,
            ),
            (*tell_placed(order), *group_facts, *facts),
            document_id=order.order_id,
        ),
    )
    if not outcome.passed:
        short = frozenset(each.account_id for each in outcome.shortages)
        raise (refuse(short) if refuse else None) or _refuse(outcome, draft)
    return msgspec.structs.replace(describe_placed(commerce, draft), replayed=outcome.replayed)


def _refuse(outcome: Outcome, draft: Draft) -> Conflict:
    """The refusal for what ran out between quote and order: promotions, balances, stock."""
    if outcome.faults:
        return Conflict(
            "checkout.changed",
            _("Prices or availability have changed. Please look at your order again; nothing was charged."),
        )
    gone = refuse_claims(outcome.shortages, draft.adjustments, draft.currency) or refuse_tenders(
        outcome.shortages, draft.tenders, draft.currency
    )
    if gone is not None:
        return gone
    titles = {part.sku_id: item.title for item in draft.items for part in item.parts}
    titles |= {item.sku_id: item.title for item in draft.items if not item.parts}
    return _short(
        tuple(
            QuoteShortage(s.subject_id, titles[s.subject_id], s.wanted, max(0, s.available))
            for s in outcome.shortages
            if s.subject_id in titles
        )
    )


def describe_placed(commerce: Commerce, draft: Draft) -> PlacedOrder:
    """What is answered for a draft once it is placed."""
    token = access_token(commerce.secret, draft.order_id)
    return PlacedOrder(
        draft.order_id,
        make_number(draft.order_id),
        token,
        draft.total_minor,
        draft.currency,
        replayed=False,
        due_minor=draft.due_minor,
    )


def check_total(expected_minor: int | None, total_minor: int) -> None:
    """Conflict ``checkout.changed`` when the buyer counts on another total."""
    if expected_minor is not None and expected_minor != total_minor:
        raise Conflict(
            "checkout.changed",
            _("Prices or availability have changed. Please look at your order again; nothing was charged."),
            expected_minor=expected_minor,
            total_minor=total_minor,
        )


def _short(shortages: tuple[QuoteShortage, ...]) -> Conflict:
    first = shortages[0]
    message = (
        _("“%(title)s” is sold out. Nothing was ordered or charged.")
        if first.available == 0
        else _("Only %(available)s of “%(title)s” are left. Nothing was ordered or charged.")
    )
    return Conflict(
        "checkout.short",
        message,
        title=first.title,
        available=first.available,
        wanted=first.wanted,
        shortages=[{**msgspec.to_builtins(s), "sku_id": str(s.sku_id)} for s in shortages],
    )


async def _placed_before(commerce: Commerce, tx: Transaction, order_id: UUID) -> PlacedOrder:
    order = await find_order(tx, order_id=order_id)
    assert order is not None, "a cart names an order that its own transaction wrote"
    token = access_token(commerce.secret, order_id)
    return PlacedOrder(
        order_id, order.number, token, order.total_minor, order.currency, True, amount_due(order)
    )
