"""How a checkout of an agent stands: its goods at today's prices, and everything that keeps it from being completed.

OPEN      quoted anew at every look, with the options for the selected address
PLACED    the order as it was placed; what became of its payment is looked up, so nobody has to be told
COMPLETED the order
"""

from typing import Any
from uuid import UUID

import msgspec

from serai.commerce.agent import store
from serai.commerce.agent.offer_delivery import address_of, chosen_destination, quote_options
from serai.commerce.agent.types import (
    Agent,
    Content,
    Discount,
    Item,
    Option,
    Problem,
    Session,
    Stand,
)
from serai.commerce.cart.api import find_cart, find_placed_order
from serai.commerce.checkout.api import Contact, Quote, check_address, check_contact
from serai.commerce.order.api import access_token, find_order
from serai.commerce.order.types import Order
from serai.commerce.tax.types import added_minor
from serai.commerce.types import Commerce
from serai.foundation.database import Transaction
from serai.foundation.errors import NotFound, Refused, _
from serai.foundation.i18n import translate
from serai.foundation.ids import MerchantId
from serai.identity.merchant.api import load_merchant

LOCALE = "en"
SHIPPING_LAYER = 6
MISSING_FULFILMENT = _("Fulfillment address and option must be selected.")
OVER = ("cancelled", "expired")
CART_GONE = "cart.unknown"
TRIES = 5


def read_session(row: Any) -> Session:
    """A database row as a checkout."""
    values = dict(row)
    return Session(**{**values, "content": msgspec.convert(values["content"], Content)})


def owner_of(session: Session) -> str:
    """As the checkout's cart knows its owner."""
    return f"agent:{session.agent_id}:{session.session_id}"


def session_unknown() -> NotFound:
    return NotFound("agent.session_unknown", _("There is no such checkout."))


async def load_stand(commerce: Commerce, merchant_id: MerchantId, *, agent: Agent, session_id: UUID) -> Stand:
    """How a checkout stands now. NotFound ``agent.session_unknown``, also for one of another agent."""
    for attempt in range(TRIES):
        try:
            async with commerce.db.transaction(merchant_id, "read") as tx:
                row = await store.find_session(tx, agent.agent_id, session_id)
                if row is None:
                    raise session_unknown()
                return await stand_session(tx, commerce, agent, read_session(row))
        except NotFound as refusal:
            # Its cart became an order, or another cart took its place, between two reads.
            if refusal.code != CART_GONE or attempt == TRIES - 1:
                raise
    raise AssertionError("the last try answers or raises")


async def stand_session(tx: Transaction, commerce: Commerce, agent: Agent, session: Session) -> Stand:
    """The checkout at this moment. Nothing is written. NotFound ``cart.unknown`` when it changes at this moment."""
    if session.state == "open":
        session = await _adopt(tx, session)
    if session.order_id is not None:
        order = await find_order(tx, order_id=session.order_id)
        assert order is not None, "a placed checkout names the order that its own group wrote"
        return stand_order(commerce, _follow(session, order), order)
    cart = await find_cart(tx, owner=owner_of(session), cart_id=session.cart_id)
    if cart is None and session.state == "open":
        raise NotFound(CART_GONE, _("This cart does not exist any more."))
    if cart is None or not cart.lines:
        problem = Problem("missing", say(_("The cart is empty.")), "$.line_items")
        currency = (await load_merchant(tx)).currency
        return _empty(session, currency, problem)
    quote, options = await quote_options(
        tx,
        commerce.settings,
        agent=agent,
        owner=owner_of(session),
        cart_id=session.cart_id,
        content=session.content,
    )
    return _stand_open(agent, session, quote, options)


async def _adopt(tx: Transaction, session: Session) -> Session:
    """A checkout whose cart is an order by now, although nobody has written that down here yet."""
    order_id = await find_placed_order(tx, owner=owner_of(session), cart_id=session.cart_id)
    if order_id is None:
        return session
    return msgspec.structs.replace(session, state="placed", order_id=order_id)


def _follow(session: Session, order: Order) -> Session:
    """The checkout as its order has become: paid elsewhere, or given up."""
    if session.state == "placed" and order.paid_at is not None:
        return msgspec.structs.replace(session, state="completed")
    if session.state == "placed" and order.state in OVER:
        return msgspec.structs.replace(session, state="canceled")
    return session


def say(message: str, data: dict[str, Any] | None = None) -> str:
    """A text for agents: they speak English, whatever their people speak."""
    return translate(message, LOCALE, data or {})


def _empty(session: Session, currency: str, problem: Problem) -> Stand:
    return Stand(
        session=session,
        currency=currency,
        items=(),
        discounts=(),
        options=(),
        problems=(problem,),
        items_minor=0,
        discount_minor=0,
        shipping_minor=0,
        tax_minor=0,
        total_minor=0,
    )


def _stand_open(agent: Agent, session: Session, quote: Quote, options: tuple[Option, ...]) -> Stand:
    content = session.content
    chosen = next((each for each in options if each.code == content.option_code), None)
    taxes = quote.taxes if chosen else tuple(tax for tax in quote.taxes if tax.line_no != 0)
    shipping_minor = quote.shipping_minor if chosen else 0
    tax_minor = added_minor(taxes)
    items = tuple(
        Item(
            str(line.line_id),
            content.items.get(str(line.sku_id), str(line.sku_id)),
            line.sku_id,
            line.title,
            line.quantity,
            line.price_minor,
            line.total_minor,
            quote.line_discount_minor(line.line_id),
            line.photo,
            line.available,
        )
        for line in quote.lines
        if line.problem != "gone"
    )
    total_minor = quote.items_minor - quote.discount_minor + shipping_minor + tax_minor
    stand = Stand(
        session=session,
        currency=quote.currency,
        items=items,
        discounts=_list_discounts(content, quote),
        options=options,
        problems=(),
        items_minor=quote.items_minor,
        discount_minor=quote.discount_minor,
        shipping_minor=shipping_minor,
        tax_minor=tax_minor,
        total_minor=total_minor,
        quote=quote,
    )
    return msgspec.structs.replace(stand, problems=_list_problems(agent, stand, chosen))


def _list_discounts(content: Content, quote: Quote) -> tuple[Discount, ...]:
    if quote.pricing is None:
        return ()
    return tuple(
        Discount(
            each.label(LOCALE),
            each.amount_minor,
            content.coupon_codes.get(str(each.coupon_id), "") if each.coupon_id else "",
            tuple((share.line_key, share.amount_minor) for share in each.shares),
        )
        for each in quote.pricing.adjustments
        if each.layer != SHIPPING_LAYER and each.amount_minor
    )


def _list_problems(agent: Agent, stand: Stand, chosen: Option | None) -> tuple[Problem, ...]:
    session, quote = stand.session, stand.quote
    content = session.content
    found: list[Problem] = []
    for short in quote.shortages if quote else ():
        text = say(
            _("Insufficient stock for “%(item)s”: %(available)s available."),
            {"item": content.items.get(str(short.sku_id), short.title), "available": max(0, short.available)},
        )
        found.append(Problem("out_of_stock", text, "$.line_items"))
    for change in quote.changes if quote else ():
        if change.kind == "gone":
            found.append(
                Problem(
                    "invalid", say(_("Product “%(item)s” not found."), {"item": change.title}), "$.line_items"
                )
            )
    if chosen is None:
        found.append(Problem("missing", say(MISSING_FULFILMENT), "$.fulfillment"))
    found += _check_person(agent, content)
    if agent.order_minor is not None and stand.total_minor > agent.order_minor:
        found.append(
            Problem(
                "agent_limit", say(_("This order is above what this agent may spend at once.")), "$.totals"
            )
        )
    found += [
        Problem(
            "discount_code_invalid",
            say(_("The code “%(code)s” does not apply."), {"code": code}),
            "$.discounts",
            False,
        )
        for code in content.unknown_codes
    ]
    return tuple(found)


def _check_person(agent: Agent, content: Content) -> list[Problem]:
    """What is missing of buyer and address; a test agent's orders do without."""
    found = []
    try:
        check_contact(contact_of(agent, content))
    except Refused as refusal:
        path = {"email": "$.buyer.email", "phone": "$.buyer.phone_number"}.get(
            str(refusal.data.get("field")), "$.buyer"
        )
        found.append(Problem("missing", say(refusal.message), path))
    to = chosen_destination(content)
    if to is not None:
        try:
            check_address(address_of(agent, to))
        except Refused as refusal:
            found.append(Problem("invalid", say(refusal.message), "$.fulfillment.methods[0].destinations"))
    return found


def contact_of(agent: Agent, content: Content) -> Contact:
    """Whom to reach; a test agent's buyer without a name or an e-mail address gets those of nobody."""
    buyer, to = content.buyer, chosen_destination(content)
    email, name = (buyer.email, buyer.name) if buyer else ("", "")
    name = name or (to.name if to else "")
    phone = (buyer.phone if buyer else "") or (to.phone if to else "")
    if agent.is_test:
        return Contact(email or "nobody@example.com", name or "Test buyer", phone)
    return Contact(email, name, phone)


def stand_order(commerce: Commerce, session: Session, order: Order) -> Stand:
    """A checkout that has become an order."""
    content = session.content
    items = tuple(
        Item(
            str(line.line_no),
            content.items.get(str(line.sku_id), str(line.sku_id)),
            line.sku_id,
            line.title,
            line.quantity,
            line.price_minor,
            line.total_minor,
            line.discount_minor,
        )
        for line in order.lines
    )
    discounts = tuple(
        Discount(
            each.label(LOCALE),
            each.amount_minor,
            content.coupon_codes.get(str(each.coupon_id), "") if each.coupon_id else "",
        )
        for each in order.adjustments
        if each.layer != SHIPPING_LAYER and each.amount_minor
    )
    option = Option(content.option_code, content.option_title, order.shipping_minor)
    last = order.payments[-1] if order.payments else None
    waits = session.state == "placed" and last is not None
    return Stand(
        session=session,
        currency=order.currency,
        items=items,
        discounts=discounts,
        options=(option,),
        problems=(),
        items_minor=order.items_minor,
        discount_minor=order.discount_minor,
        shipping_minor=order.shipping_minor,
        tax_minor=order.tax_minor,
        total_minor=order.total_minor,
        order_number=order.number,
        order_url=order_path(commerce, order.order_id),
        pay_url=(last.pay_url or "") if waits and last else "",
    )


def order_path(commerce: Commerce, order_id: UUID) -> str:
    """The page of an order, as its buyer may see it, below the shop's own address."""
    return f"/orders/{order_id}?key={access_token(commerce.secret, order_id)}"
