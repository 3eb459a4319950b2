"""An order's document and transfers out of a draft: what is reserved when it is placed, and again when it is revived."""

from datetime import timedelta
from uuid import UUID

import msgspec

from serai.commerce.checkout.adjust_order import Item
from serai.commerce.checkout.types import Delivery
from serai.commerce.order.api import NewOrder, OrderLine, access_digest, access_token, make_number
from serai.commerce.order.types import Address, Contact, OrderAdjustment, OrderPart
from serai.commerce.payment.types import deferred_sales, order_due, psp_clearing
from serai.commerce.promotion.api import NewGroup, take_claims
from serai.commerce.stock.types import customer_account, stock_account
from serai.commerce.tax.types import OrderTax, added_minor
from serai.commerce.types import Commerce
from serai.foundation import clock
from serai.foundation.ids import derive_id
from serai.foundation.money import share_out
from serai.ledger.types import Transfer, pending, posted


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

    @property
    def total_minor(self) -> int:
        """What the order comes to."""
        goods = sum(item.total_minor - item.discount_minor for item in self.items)
        return goods + self.shipping_minor + added_minor(self.taxes)


def make_order(commerce: Commerce, draft: Draft) -> NewOrder:
    now = clock.now()
    items_minor = sum(item.total_minor for item in draft.items)
    total_minor = draft.total_minor
    return NewOrder(
        draft.order_id,
        make_number(draft.order_id),
        draft.cart_id,
        draft.channel,
        draft.member_id,
        now,
        now + timedelta(minutes=commerce.settings.pay_within_minutes),
        now if total_minor == 0 else None,
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
    if order.total_minor:
        due = order_due(order.order_id, order.currency)
        transfers.append(
            posted(
                derive_id(order.order_id, "due", salt),
                due,
                deferred_sales(order.currency),
                order.total_minor,
                "order",
            )
        )
        transfers.append(
            pending(
                money_pending_id(order.order_id),
                psp_clearing(commerce.default_provider, order.currency),
                due,
                order.total_minor,
                "payment expected",
                order.expires_at,
            )
        )
    # A revived order is paid already, and of one that costs nothing there is no payment to wait for.
    at_once = bool(salt) or not order.total_minor
    transfers += take_claims(order.claims, order.order_id, order.currency, salt=salt, at_once=at_once)
    return tuple(transfers)


def money_pending_id(order_id: UUID) -> UUID:
    """The reservation that stands for the payment an order expects."""
    return derive_id(order_id, "money")
