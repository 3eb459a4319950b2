"""What a refund takes back of a sale: part of what was deferred or sold, of its taxes, and of what funders gave. Pure.

A refund may be in two parts: to tenders, which is done at once, and over a provider, which may fail. Each takes its own
share back under ids of its own, so that the second can be restored alone.
"""

from uuid import UUID

from serai.commerce.order.types import Order
from serai.commerce.payment.types import deferred_sales, order_due, sales_returns, tax_payable
from serai.commerce.promotion.api import refund_discounts
from serai.foundation.ids import derive_id
from serai.ledger.types import Transfer, posted


def take_back_sale(order: Order, part_id: UUID, amount_minor: int, *, before_minor: int) -> list[Transfer]:
    """The transfers that take a refund's part of the sale back; none of an order that owes nothing any more.

    Args:
        part_id: what the transfers' ids derive from: ``sale``, ``tax`` and those of discounts.
        before_minor: what of the order's total was given back before this part.
    """
    if order.state not in ("paid", "fulfilled") or not amount_minor:
        return []
    currency = order.currency
    due = order_due(order.order_id, currency)
    transfers: list[Transfer] = []
    taken_from = sales_returns(currency) if order.state == "fulfilled" else deferred_sales(currency)
    # Taxes were owed when the goods were handed over, so a refund after that takes its share of them back.
    tax_minor = tax_refunded(order, amount_minor, before_minor) if order.state == "fulfilled" else 0
    if amount_minor > tax_minor:
        sale_minor = amount_minor - tax_minor
        transfers.append(posted(derive_id(part_id, "sale"), taken_from, due, sale_minor, "refund"))
    if tax_minor:
        transfers.append(posted(derive_id(part_id, "tax"), tax_payable(currency), due, tax_minor, "refund"))
    transfers += refund_discounts(
        order.claims,
        part_id,
        currency,
        total_minor=order.total_minor,
        before_minor=before_minor,
        minor=amount_minor,
    )
    return transfers


def tax_refunded(order: Order, amount_minor: int, before_minor: int) -> int:
    """What of a refund is tax: over all refunds of an order the same part as of its total, all of it in the end."""
    taxes = order.tax_minor + order.tax_included_minor
    if not taxes:
        return 0
    before = min(before_minor, order.total_minor)
    after = min(before + amount_minor, order.total_minor)
    return taxes * after // order.total_minor - taxes * before // order.total_minor
