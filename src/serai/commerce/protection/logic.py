"""Pure rules of price protection: until when a line is protected, and how much its price has fallen."""

from collections.abc import Iterable, Set
from datetime import datetime, timedelta

from serai.commerce.cart.api import line_total
from serai.commerce.order.types import Order, OrderLine
from serai.commerce.price.api import choose_price
from serai.commerce.price.types import Offer, SalePrice
from serai.commerce.protection.types import Claimable


def read_kinds(text: str) -> frozenset[str]:
    """Kinds of prices out of a setting such as ``clearance, sale``."""
    return frozenset(word for word in text.replace(",", " ").split() if word)


def protected_until(order: Order, days: int) -> datetime | None:
    """The end of an order's protection; None when it has none: not paid, over, or protection is off."""
    if order.paid_at is None or order.state not in ("paid", "fulfilled") or days <= 0:
        return None
    return order.paid_at + timedelta(days=days)


def comparable_price(sale: SalePrice, excluded: Set[str]) -> int:
    """What everybody pays for one unit now, by the list price and the offers that count."""
    public: Iterable[Offer] = (o for o in sale.offers if o.is_public and o.kind not in excluded)
    return choose_price(sale.list_minor, public, 1)[0]


def measure_line(
    line: OrderLine,
    sale: SalePrice | None,
    *,
    scale: int,
    kept: int,
    excluded: Set[str],
    refundable_minor: int,
    until: datetime,
) -> Claimable | None:
    """What of a line can be claimed: (paid net - comparable price now) for the ``kept`` of its units that stay with the
    buyer, at most what can be refunded.

    None when the price has not fallen, or the line is a gift or an add-on, whose prices belong to a promotion.
    """
    if sale is None or line.extra or kept <= 0:
        return None
    paid_minor = line.net_minor * kept // line.quantity
    now_minor = line_total(comparable_price(sale, excluded), kept, scale)
    amount = min(paid_minor - now_minor, refundable_minor)
    if amount <= 0:
        return None
    return Claimable(line.line_no, line.sku_id, line.title, kept, paid_minor, now_minor, amount, until)
