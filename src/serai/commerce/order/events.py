"""What happens to orders."""

from datetime import datetime
from uuid import UUID

import msgspec


class SoldLine(msgspec.Struct, frozen=True):
    sku_id: UUID
    product_id: UUID
    quantity: int
    price_minor: int
    total_minor: int


class OrderPlaced(msgspec.Struct, frozen=True):
    """An order was placed: its stock is reserved, its payment expected."""

    order_id: UUID
    number: str
    channel: str
    member_id: UUID | None
    place_id: UUID
    currency: str
    total_minor: int
    shipping_minor: int
    lines: tuple[SoldLine, ...]


class OrderPaid(msgspec.Struct, frozen=True):
    """The money of an order has come, or is secured: then ``secured`` says how (``authorised`` at a provider,
    ``cash_on_delivery``, ``invoice``), and PaymentCaptured tells when it comes. Either way the goods may leave."""

    order_id: UUID
    intent_id: UUID | None
    amount_minor: int
    currency: str
    secured: str = ""


class ShippedLine(msgspec.Struct, frozen=True):
    line_no: int
    sku_id: UUID
    quantity: int


class OrderShipped(msgspec.Struct, frozen=True):
    """A parcel of an order has left (or was collected); with the last one the order is fulfilled."""

    order_id: UUID
    parcel_id: UUID
    parcel_no: int
    place_id: UUID
    carrier: str
    tracking: str
    lines: tuple[ShippedLine, ...]
    is_last: bool
    by: str


class CutLine(msgspec.Struct, frozen=True):
    """Steps of a line that will not come; ``amount_minor`` is what the order comes to less, never above zero."""

    line_no: int
    sku_id: UUID
    quantity: int
    amount_minor: int


class OrderCut(msgspec.Struct, frozen=True):
    """Part of an order will not come: it was short, weighed less, or was called off. ``amount_minor`` goes back for it."""

    order_id: UUID
    lines: tuple[CutLine, ...]
    amount_minor: int
    kind: str
    reason: str
    by: str


class GoodsReplaced(msgspec.Struct, frozen=True):
    """Something comes instead of steps of a line, as its buyer agreed. ``amount_minor`` goes back: what it costs less."""

    order_id: UUID
    line_no: int
    sku_id: UUID
    quantity: int
    new_sku_id: UUID
    new_quantity: int
    title: str
    amount_minor: int
    by: str


class PickupReady(msgspec.Struct, frozen=True):
    """A parcel waits at its place for its buyer, until ``collect_by``."""

    order_id: UUID
    parcel_id: UUID
    parcel_no: int
    place_id: UUID
    collect_by: datetime
    by: str


class OrderFulfilled(msgspec.Struct, frozen=True):
    """The goods have left (or were collected)."""

    order_id: UUID
    by: str
    tracking: str


class OrderCancelled(msgspec.Struct, frozen=True):
    """The order was called off; its stock is free again."""

    order_id: UUID
    by: str
    reason: str


class OrderExpired(msgspec.Struct, frozen=True):
    """The payment did not come in time; the stock is free again."""

    order_id: UUID


class OrderRevived(msgspec.Struct, frozen=True):
    """The payment came late and the goods were still there."""

    order_id: UUID
    intent_id: UUID


class PaymentLate(msgspec.Struct, frozen=True):
    """Money came for an order that no longer expects it; it is kept for the order or refunded."""

    order_id: UUID
    intent_id: UUID
    amount_minor: int


class PaymentMismatch(msgspec.Struct, frozen=True):
    """A provider reported another amount or currency than was asked for; nothing was booked, staff must look."""

    order_id: UUID
    intent_id: UUID
    expected_minor: int
    reported_minor: int
    currency: str


class RefundRequested(msgspec.Struct, frozen=True):
    order_id: UUID
    refund_id: UUID
    amount_minor: int
    reason: str
    by: str


class RefundDone(msgspec.Struct, frozen=True):
    order_id: UUID
    refund_id: UUID
    amount_minor: int


class RefundFailed(msgspec.Struct, frozen=True):
    order_id: UUID
    refund_id: UUID
    amount_minor: int
    failure: str
