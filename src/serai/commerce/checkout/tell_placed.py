"""What is told when an order is placed. Pure."""

from serai.commerce.checkout.book_payment import used_coupons
from serai.commerce.order.api import NewOrder
from serai.commerce.order.events import OrderPaid, OrderPlaced, SoldLine
from serai.foundation.event import Fact


def tell_placed(order: NewOrder) -> tuple[Fact, ...]:
    """That it was placed, and that it is paid where nothing is left to pay."""
    return (Fact(order.order_id, _placed_event(order)), *_paid_at_once(order))


def _paid_at_once(order: NewOrder) -> tuple[Fact, ...]:
    """That tenders have paid all of an order, and which coupons it has used. One that costs nothing has nobody to thank
    for a payment, but its coupons are gone all the same."""
    if order.paid_at is None:
        return ()
    paid = Fact(order.order_id, OrderPaid(order.order_id, None, order.tender_minor, order.currency))
    return (*((paid,) if order.tenders else ()), *used_coupons(order))


def _placed_event(order: NewOrder) -> OrderPlaced:
    lines = tuple(
        SoldLine(line.sku_id, line.product_id, line.quantity, line.price_minor, line.total_minor)
        for line in order.lines
    )
    return OrderPlaced(
        order.order_id,
        order.number,
        order.channel,
        order.member_id,
        order.place_id,
        order.currency,
        order.total_minor,
        order.shipping_minor,
        lines,
    )
