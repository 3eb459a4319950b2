"""An order's document and transfers out of a draft: what is reserved when it is placed, and again when it is revived."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec

from serai.commerce.checkout.adjust_order import Item, read_quote
from serai.commerce.checkout.choose_delivery import keep_choice
from serai.commerce.checkout.quote_presale import agree_on
from serai.commerce.checkout.types import Delivery, Quote
from serai.commerce.delivery.types import OrderDelivery
from serai.commerce.order.api import NewOrder, OrderLine, access_digest, access_token, make_number
from serai.commerce.order.types import Address, Contact, OrderAdjustment, OrderPart
from serai.commerce.payment.types import deferred_deposits, deferred_sales, order_due, psp_clearing
from serai.commerce.presale.types import OrderPresale
from serai.commerce.promotion.api import NewGroup, take_claims
from serai.commerce.stock.types import customer_account, stock_account
from serai.commerce.tax.types import OrderTax, added_minor
from serai.commerce.tender.api import award, take_tenders
from serai.commerce.tender.types import OrderTender
from serai.commerce.types import Commerce
from serai.foundation import clock
from serai.foundation.ids import derive_id
from serai.foundation.money import share_out
from serai.ledger.types import Transfer, Write, pending, posted


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """An order that is ready to be placed. ``opening`` is the buying group that comes into being with it."""

    order_id: UUID
    cart_id: UUID | None
    channel: str
    items: tuple[Item, ...]
    currency: str
    shipping_minor: int
    contact: Contact
    address: Address | None
    delivery: Delivery
    place_id: UUID
    member_id: UUID | None
    locale: str
    note: str
    adjustments: tuple[OrderAdjustment, ...] = ()
    taxes: tuple[OrderTax, ...] = ()
    opening: NewGroup | None = None
    presale: OrderPresale | None = None
    tenders: tuple[OrderTender, ...] = ()
    award_points: int = 0
    shipping: OrderDelivery | None = None

    @property
    def total_minor(self) -> int:
        """What the order comes to."""
        goods = sum(item.total_minor - item.discount_minor for item in self.items)
        return goods + self.shipping_minor + added_minor(self.taxes)

    @property
    def due_minor(self) -> int:
        """What a provider is asked for now: what points, gift cards and red packets leave, or the deposit of a presale."""
        if self.presale is not None:
            return self.presale.deposit_total_minor
        return self.total_minor - sum(tender.amount_minor for tender in self.tenders)


def make_draft(cart_id: UUID, quote: Quote, **buyer: Any) -> Draft:
    """The order of a quote. ``buyer`` is who orders, and how."""
    items, adjustments = read_quote(quote)
    order_id = derive_id("order", cart_id)
    return Draft(
        order_id=order_id,
        cart_id=cart_id,
        items=items,
        currency=quote.currency,
        shipping_minor=quote.shipping_minor,
        place_id=quote.delivery.place_id,
        adjustments=adjustments,
        taxes=quote.taxes,
        tenders=quote.tendered.used,
        award_points=quote.tendered.award_points,
        shipping=keep_choice(quote.delivery),
        presale=agree_on(order_id, quote.presale, quote.quantity) if quote.presale else None,
        **buyer,
    )


def make_order(commerce: Commerce, draft: Draft) -> NewOrder:
    now = clock.now()
    expires_at = now + timedelta(minutes=commerce.settings.pay_within_minutes)
    if draft.presale is not None:
        # Nobody may pay a deposit once they are counted.
        expires_at = min(expires_at, draft.presale.deposit_until)
    items_minor = sum(item.total_minor for item in draft.items)
    total_minor = draft.total_minor
    return NewOrder(
        draft.order_id,
        make_number(draft.order_id),
        draft.cart_id,
        draft.channel,
        draft.member_id,
        now,
        expires_at,
        now if draft.due_minor == 0 else None,
        draft.currency,
        items_minor,
        draft.shipping_minor,
        total_minor,
        sum(item.pieces for item in draft.items),
        draft.contact,
        draft.address,
        draft.delivery,
        draft.place_id,
        draft.locale,
        draft.note,
        access_digest(access_token(commerce.secret, draft.order_id)),
        tuple(
            OrderLine(
                n,
                i.sku_id,
                i.product_id,
                i.title,
                i.quantity,
                i.price_minor,
                i.total_minor,
                i.discount_minor,
                i.extra,
                i.scale,
                i.unit,
                _share_out(i),
            )
            for n, i in enumerate(draft.items, 1)
        ),
        sum(item.discount_minor for item in draft.items),
        draft.adjustments,
        draft.taxes,
        presale=draft.presale,
        tenders=draft.tenders,
        award_points=draft.award_points,
        shipping=draft.shipping,
    )


def _share_out(item: Item) -> tuple[OrderPart, ...]:
    """A bundle's parts with their shares of what the line costs, by their list prices: a part can be given back alone."""
    if not item.parts:
        return ()
    weights = [(p.price_minor or 0) * p.quantity * 10 ** (3 - p.scale) for p in item.parts]
    shares = share_out(item.total_minor - item.discount_minor, weights)
    return tuple(
        OrderPart(part.sku_id, part.quantity, share) for part, share in zip(item.parts, shares, strict=True)
    )


def _list_stocked(line: OrderLine) -> list[tuple[tuple[UUID, ...], UUID, int]]:
    """What a line takes from stock: (what tells its transfer from the line's others, SKU, steps)."""
    if not line.parts:
        return [((), line.sku_id, line.quantity)]
    return [((part.sku_id,), part.sku_id, part.quantity * line.quantity) for part in line.parts]


def make_transfers(commerce: Commerce, order: NewOrder, salt: str = "") -> tuple[Transfer, ...]:
    """The transfers of a placed order. ``salt`` tells a later reservation of the same order from the first."""
    transfers: list[Transfer] = [
        pending(
            derive_id(order.order_id, "line", line.line_no, salt, *key),
            customer_account(sku_id),
            stock_account(sku_id, order.place_id),
            quantity,
            "order",
        )
        for line in order.lines
        for key, sku_id, quantity in _list_stocked(line)
    ]
    # Of a presale only the deposit is owed yet, and until its balance comes it is no sale.
    owed, until_then = order.total_minor, deferred_sales(order.currency)
    if order.presale is not None:
        owed, until_then = order.presale.deposit_total_minor, deferred_deposits(order.currency)
    due_minor = owed - order.tender_minor
    due = order_due(order.order_id, order.currency)
    if owed:
        transfers.append(posted(derive_id(order.order_id, "due", salt), due, until_then, owed, "order"))
    if due_minor:
        transfers.append(
            pending(
                money_pending_id(order.order_id),
                psp_clearing(commerce.default_provider, order.currency),
                due,
                due_minor,
                "payment expected",
                order.expires_at,
            )
        )
    # A revived order is paid already, and of one that leaves nothing to pay there is no payment to wait for.
    at_once = bool(salt) or not due_minor
    transfers += take_claims(order.claims, order.order_id, order.currency, salt=salt, at_once=at_once)
    transfers += take_tenders(order.order_id, order.currency, order.tenders, salt=salt, at_once=at_once)
    if at_once and order.presale is None:
        transfers += award(order.order_id, order.member_id, order.award_points, salt)[0]
    return tuple(transfers)


def write_award(order: NewOrder, salt: str = "") -> tuple[Write, ...]:
    """The rows beside :func:`make_transfers` of an order that is paid with it."""
    return award(order.order_id, order.member_id, order.award_points, salt)[1]


def money_pending_id(order_id: UUID) -> UUID:
    """The reservation that stands for the payment an order expects."""
    return derive_id(order_id, "money")
