"""What a refund takes back of a sale: part of what was deferred or sold, of its taxes, and of what funders gave. Pure.

A refund may be in two parts: to tenders, which is done at once, and over a provider, which may fail. Each takes its own
share back under ids of its own, so that the second can be restored alone.
"""

from collections.abc import Sequence
from uuid import UUID

from serai.commerce.order.api import earn_sales
from serai.commerce.order.types import Order
from serai.commerce.payment.types import deferred_sales, order_due, sales_returns, tax_payable
from serai.commerce.promotion.api import refund_discounts, restore_discounts
from serai.foundation.ids import derive_id
from serai.ledger.api import DocumentTransfer
from serai.ledger.types import Transfer, posted

# Where the sale of a refund was taken from, by the kind of the account.
TAKEN_FROM = {
    "sales_returns": sales_returns,
    "deferred_sales": deferred_sales,
    "tax_payable": tax_payable,
}
# What a sale becomes when its goods leave.
EARNED = frozenset({"sales", "shipping_income", "tax_payable"})


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


def restore_sale(order: Order, moved: Sequence[DocumentTransfer], refund_id: UUID) -> list[Transfer]:
    """The transfers that restore what a failed refund had taken of a sale.

    Goods that left since it was asked for were sold after all, so what was deferred then is a sale now. Of an order that
    was called off meanwhile nothing is restored: its sale is gone, and the money is owed to the buyer until it is refunded.
    """
    if order.state not in ("paid", "fulfilled"):
        return []
    currency = order.currency
    due = order_due(order.order_id, currency)
    names = {derive_id(refund_id, "sale"): "sale back", derive_id(refund_id, "tax"): "tax back"}
    taken = [each for each in moved if each.transfer_id in names]
    transfers = []
    for each in taken:
        shares = [("", TAKEN_FROM[each.debit_kind](currency), each.amount)]
        if each.debit_kind == "deferred_sales" and order.state == "fulfilled":
            before = sum(
                t.amount for t in moved if t.debit_kind == "deferred_sales" and t.credit_kind in EARNED
            )
            earned = zip(earn_sales(order, before), earn_sales(order, before + each.amount), strict=True)
            shares = [(name, account, after - amount) for (name, account, amount), (_n, _a, after) in earned]
        for name, account, amount in shares:
            if amount > 0:
                transfer_id = derive_id(refund_id, names[each.transfer_id], *([name] if name else []))
                transfers.append(posted(transfer_id, due, account, amount, "refund failed"))
    return transfers + restore_discounts(moved, refund_id, currency) if taken else []


def tax_refunded(order: Order, amount_minor: int, before_minor: int) -> int:
    """What of a refund is tax: over all refunds of an order the same part as of its total, all of it in the end."""
    taxes = order.tax_minor + order.tax_included_minor
    if not taxes:
        return 0
    before = min(before_minor, order.total_minor)
    after = min(before + amount_minor, order.total_minor)
    return taxes * after // order.total_minor - taxes * before // order.total_minor
