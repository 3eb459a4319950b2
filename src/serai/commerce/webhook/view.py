"""What the outside gets to see of each event: shapes of their own, so that an inner change never slips out by accident.

Names of staff and words meant for the house stay inside. A field is added here on purpose, and never taken away or
given another meaning within a version.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from serai.commerce.catalogue.events import PriceChanged, ProductChanged
from serai.commerce.consultation.events import QuestionAnswered, QuestionAsked
from serai.commerce.order import events as order
from serai.commerce.presale import events as presale
from serai.commerce.price.events import OfferAdded, OfferEnded
from serai.commerce.promotion.events import CouponUsed, PromotionStopped, PromotionWentLive
from serai.commerce.protection.events import PriceClaimed
from serai.commerce.returns import events as returns
from serai.commerce.stock.events import StockMoved
from serai.commerce.tender.events import TenderRefunded
from serai.commerce.webhook.types import EventKind
from serai.foundation.errors import _
from serai.foundation.event import Event

VERSIONS = ("1",)
TEST_EVENT = "webhook.test"


class SoldLine(msgspec.Struct, frozen=True):
    """A line of a placed order; amounts in minor units of the order's currency."""

    sku_id: UUID
    product_id: UUID
    quantity: int
    price_minor: int
    total_minor: int


class OrderPlaced(msgspec.Struct, frozen=True):
    """An order stands and waits for its payment."""

    order_id: UUID
    number: str
    channel: str
    member_id: UUID | None
    place_id: UUID
    currency: str
    total_minor: int
    shipping_minor: int
    lines: tuple[SoldLine, ...]


class OrderMoney(msgspec.Struct, frozen=True):
    """Money of an order."""

    order_id: UUID
    amount_minor: int
    currency: str


class OrderAmount(msgspec.Struct, frozen=True):
    """Money of an order, in the order's currency."""

    order_id: UUID
    amount_minor: int


class OrderOnly(msgspec.Struct, frozen=True):
    """Which order it is about; what it is like now is asked of the API."""

    order_id: UUID


class ParcelContent(msgspec.Struct, frozen=True):
    """Steps of an order's line in a parcel."""

    line_no: int
    sku_id: UUID
    quantity: int


class OrderShipped(msgspec.Struct, frozen=True):
    """A parcel has left, or was handed over; ``is_last``: nothing of the order is left to send."""

    order_id: UUID
    parcel_id: UUID
    parcel_no: int
    carrier: str
    tracking: str
    lines: tuple[ParcelContent, ...]
    is_last: bool


class CutContent(msgspec.Struct, frozen=True):
    """Steps of an order's line that will not come; ``amount_minor`` is what the order comes to less, never above zero."""

    line_no: int
    sku_id: UUID
    quantity: int
    amount_minor: int


class OrderCut(msgspec.Struct, frozen=True):
    """Part of the order will not come; ``amount_minor`` goes back for it. ``kind``: short, weighed, cancelled, no_show."""

    order_id: UUID
    lines: tuple[CutContent, ...]
    amount_minor: int
    kind: str
    reason: str


class GoodsReplaced(msgspec.Struct, frozen=True):
    """Something comes instead of steps of an order's line; ``amount_minor`` goes back: what it costs less."""

    order_id: UUID
    line_no: int
    sku_id: UUID
    quantity: int
    new_sku_id: UUID
    new_quantity: int
    title: str
    amount_minor: int


class OrderFulfilled(msgspec.Struct, frozen=True):
    """The goods have left, or were handed over."""

    order_id: UUID
    tracking: str


class OrderCancelled(msgspec.Struct, frozen=True):
    """The order was called off."""

    order_id: UUID
    reason: str


class BalanceOpened(msgspec.Struct, frozen=True):
    """The rest of a presale may be paid until a moment."""

    order_id: UUID
    amount_minor: int
    until: datetime


class Refund(msgspec.Struct, frozen=True):
    """A refund of an order, in the order's currency."""

    order_id: UUID
    refund_id: UUID
    amount_minor: int


class Claim(msgspec.Struct, frozen=True):
    """The difference to a fallen price, given back."""

    order_id: UUID
    claim_id: UUID
    line_no: int
    sku_id: UUID
    amount_minor: int
    currency: str


class Product(msgspec.Struct, frozen=True):
    """A product was created, edited, published or unpublished: ``change`` says which."""

    product_id: UUID
    change: str


class Price(msgspec.Struct, frozen=True):
    """A list price; ``old_minor`` is null for the first one."""

    sku_id: UUID
    product_id: UUID
    old_minor: int | None
    new_minor: int
    currency: str


class Offer(msgspec.Struct, frozen=True):
    """A price beside the list price: for a channel, a store, a member level, a quantity or a time."""

    offer_id: UUID
    sku_id: UUID
    product_id: UUID
    kind: str
    amount_minor: int
    currency: str
    valid_from: datetime
    valid_to: datetime | None


class OfferOver(msgspec.Struct, frozen=True):
    """A price that holds no more."""

    offer_id: UUID
    sku_id: UUID


class Stock(msgspec.Struct, frozen=True):
    """Stock came, went or was put right at a place: ``kind`` says which, ``quantity`` in steps of the SKU."""

    sku_id: UUID
    place_id: UUID
    quantity: int
    kind: str


class Return(msgspec.Struct, frozen=True):
    """Which return it is about, and of which order."""

    return_id: UUID
    order_id: UUID
    number: str


class ReturnMoney(msgspec.Struct, frozen=True):
    """A return was settled: this goes back as money, in minor units."""

    return_id: UUID
    order_id: UUID
    number: str
    amount_minor: int
    currency: str


class Promotion(msgspec.Struct, frozen=True):
    """Which promotion it is about."""

    promotion_id: UUID


class Coupon(msgspec.Struct, frozen=True):
    """A coupon took this off a paid order."""

    coupon_id: UUID
    promotion_id: UUID
    order_id: UUID
    amount_minor: int


class Question(msgspec.Struct, frozen=True):
    """A question about a product."""

    question_id: UUID
    product_id: UUID


class View(msgspec.Struct, frozen=True):
    """How one event is shown: its public name, what it is about, and its shape.

    ``object_field`` names the field of the inner event that holds the object's id; empty: the event's subject.
    """

    name: str
    object_kind: str
    object_field: str
    inner: type[msgspec.Struct]
    shape: type[msgspec.Struct]
    meaning: str


VIEWS = (
    View("order.placed", "order", "order_id", order.OrderPlaced, OrderPlaced, _("An order was placed")),
    View("order.paid", "order", "order_id", order.OrderPaid, OrderMoney, _("An order was paid")),
    View("order.deposit_paid", "order", "order_id", presale.DepositPaid, OrderMoney,
         _("The deposit of a presale was paid")),
    View("order.balance_opened", "order", "order_id", presale.BalanceOpened, BalanceOpened,
         _("The rest of a presale may be paid")),
    View("order.lapsed", "order", "order_id", presale.OrderLapsed, OrderOnly, _("The rest of a presale was not paid")),
    View("order.shipped", "order", "order_id", order.OrderShipped, OrderShipped, _("A parcel of an order has left")),
    View("order.cut", "order", "order_id", order.OrderCut, OrderCut, _("Part of an order will not come")),
    View("order.replaced", "order", "order_id", order.GoodsReplaced, GoodsReplaced,
         _("Something comes instead of what was ordered")),
    View("order.fulfilled", "order", "order_id", order.OrderFulfilled, OrderFulfilled,
         _("An order was handed over or sent")),
    View("order.cancelled", "order", "order_id", order.OrderCancelled, OrderCancelled, _("An order was cancelled")),
    View("order.expired", "order", "order_id", order.OrderExpired, OrderOnly, _("An order was not paid in time")),
    View("order.revived", "order", "order_id", order.OrderRevived, OrderOnly,
         _("A late payment brought an order back")),
    View("order.payment_late", "order", "order_id", order.PaymentLate, OrderAmount, _("A payment came too late")),
    View("order.price_claimed", "order", "order_id", PriceClaimed, Claim, _("A fallen price was given back")),
    View("order.refund_requested", "order", "order_id", order.RefundRequested, Refund, _("A refund was asked for")),
    View("order.refunded", "order", "order_id", order.RefundDone, Refund, _("A refund was paid")),
    View("order.refund_failed", "order", "order_id", order.RefundFailed, Refund, _("A refund failed")),
    View("order.tender_refunded", "order", "order_id", TenderRefunded, Refund,
         _("Points, a gift card or a purse got their part back")),
    View("return.requested", "return", "return_id", returns.ReturnRequested, Return, _("Goods shall come back")),
    View("return.approved", "return", "return_id", returns.ReturnApproved, Return, _("A return was approved")),
    View("return.declined", "return", "return_id", returns.ReturnDeclined, Return, _("A return was declined")),
    View("return.reopened", "return", "return_id", returns.ReturnReopened, Return,
         _("A declined return was taken up again")),
    View("return.withdrawn", "return", "return_id", returns.ReturnWithdrawn, Return, _("A return was withdrawn")),
    View("return.sent", "return", "return_id", returns.ReturnSent, Return, _("Goods are on their way back")),
    View("return.received", "return", "return_id", returns.ReturnReceived, Return, _("Goods have come back")),
    View("return.refunded", "return", "return_id", returns.ReturnRefunded, ReturnMoney, _("A return was refunded")),
    View("return.exchanged", "return", "return_id", returns.ReturnExchanged, ReturnMoney,
         _("Returned goods became other goods")),
    View("return.rejected", "return", "return_id", returns.ReturnRejected, Return,
         _("Nothing of a return was accepted")),
    View("return.expired", "return", "return_id", returns.ReturnExpired, Return, _("A return was not sent in time")),
    View("product.changed", "product", "product_id", ProductChanged, Product,
         _("A product was created, edited, published or taken down")),
    View("price.changed", "product", "product_id", PriceChanged, Price, _("A list price changed")),
    View("offer.added", "product", "product_id", OfferAdded, Offer, _("A special price was planned")),
    View("offer.ended", "product", "", OfferEnded, OfferOver, _("A special price was ended")),
    View("stock.moved", "sku", "sku_id", StockMoved, Stock, _("Stock was received, adjusted or moved")),
    View("promotion.live", "promotion", "promotion_id", PromotionWentLive, Promotion, _("A promotion went live")),
    View("promotion.stopped", "promotion", "promotion_id", PromotionStopped, Promotion, _("A promotion was stopped")),
    View("coupon.used", "order", "order_id", CouponUsed, Coupon, _("A coupon was used in a paid order")),
    View("question.asked", "question", "question_id", QuestionAsked, Question,
         _("A shopper asked about a product")),
    View("question.answered", "question", "question_id", QuestionAnswered, Question, _("A question was answered")),
)  # fmt: skip
BY_INNER = {view.inner.__name__: view for view in VIEWS}
NAMES = tuple(view.name for view in VIEWS)


class ObjectStand(msgspec.Struct, frozen=True):
    """What a message is about. ``sequence`` counts this object's messages to this endpoint from 1, without a gap."""

    kind: str
    id: UUID
    sequence: int


class Envelope(msgspec.Struct, frozen=True):
    """A message: ``id`` is the same at every attempt and at every endpoint, ``timestamp`` when it happened."""

    id: str
    type: str
    version: str
    timestamp: datetime
    object: ObjectStand
    data: dict[str, Any]


def name_message(event_id: UUID) -> str:
    """The id of an event's message, as consumers remember it."""
    return f"evt_{event_id}"


def find_view(event: Event) -> View | None:
    """How an event is shown, None when it is not."""
    return BY_INNER.get(event.name)


def find_object(view: View, event: Event) -> UUID:
    """The id of what an event is about."""
    return UUID(event.data[view.object_field]) if view.object_field else event.subject_id


def write_body(view: View, event: Event, sequence: int) -> str:
    """The message of an event as it is signed and sent. msgspec.ValidationError when the shapes do not fit."""
    shown = msgspec.convert(event.data, view.shape)
    envelope = Envelope(
        name_message(event.event_id),
        view.name,
        VERSIONS[-1],
        event.recorded_at,
        ObjectStand(view.object_kind, find_object(view, event), sequence),
        msgspec.to_builtins(shown),
    )
    return msgspec.json.encode(envelope).decode()


def describe_schema(view: View) -> dict[str, Any]:
    """The JSON Schema of an event's messages."""
    (data,), parts = msgspec.json.schema_components([view.shape], ref_template="#/$defs/{name}")
    _references, frame = msgspec.json.schema_components([Envelope], ref_template="#/$defs/{name}")
    whole = {**frame.pop("Envelope"), "title": view.name, "description": view.meaning}
    whole["properties"] = {**whole["properties"], "type": {"const": view.name}, "data": data}
    return {**whole, "$defs": {**frame, **parts}}


def list_event_kinds() -> list[EventKind]:
    """Every event that can be subscribed to."""
    return [EventKind(view.name, view.object_kind, view.meaning, describe_schema(view)) for view in VIEWS]
