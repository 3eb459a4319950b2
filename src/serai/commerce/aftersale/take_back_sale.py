"""What a refund takes back of a sale: part of what was deferred or sold, of its taxes, and of what funders gave. Pure.

A refund may be in two parts: to tenders, which is done at once, and over a provider, which may fail. Each takes its own
share back under ids of its own, so that the second can be restored alone.
"""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from serai.commerce.order.api import deferred_of, earn_sales
from serai.commerce.order.types import Order
from serai.commerce.payment.types import deferred_sales, order_due, sales_returns, tax_payable
from serai.commerce.promotion.api import refund_discounts, restore_discounts
from serai.foundation.ids import derive_id
from serai.foundation.money import share_out
from serai.ledger.api import DocumentTransfer
from serai.ledger.types import Phase, Transfer, posted

# Where the sale of a refund was taken from, by the kind of the account.
TAKEN_FROM = {
    "sales_returns": sales_returns,
    "deferred_sales": deferred_sales,
    "tax_payable": tax_payable,
}
# What a sale becomes when its goods leave.
EARNED = frozenset({"sales", "shipping_income", "tax_payable"})


class Sale(msgspec.Struct, frozen=True):
    """Where an order's sale is: still deferred, sold (delivery included, less what came back), owed as tax."""

    deferred_minor: int
    sold_minor: int
    tax_minor: int

    def without(self, amount_minor: int) -> "Sale":
        """The sale once a part was taken back of what is deferred."""
        left = max(0, self.deferred_minor - amount_minor)
        return msgspec.structs.replace(self, deferred_minor=left)


def find_sale(moved: Sequence[DocumentTransfer]) -> Sale:
    """Where an order's sale is, from all its transfers."""
    counted = [each for each in moved if each.phase in (Phase.POSTED, Phase.POST)]

    def net(*kinds: str) -> int:
        gained = sum(each.amount for each in counted if each.credit_kind in kinds)
        return gained - sum(each.amount for each in counted if each.debit_kind in kinds)

    return Sale(deferred_of(moved), net("sales", "shipping_income", "sales_returns"), net("tax_payable"))


def take_back_sale(
    order: Order, part_id: UUID, amount_minor: int, *, before_minor: int, sale: Sale
) -> list[Transfer]:
    """The transfers that take a refund's part of the sale back; none of an order that owes nothing any more.

    Args:
        part_id: what the transfers' ids derive from: ``sale``, ``returns``, ``tax`` and those of discounts.
        sale: where the sale is. What is still deferred is taken first; only the rest is taken from what was sold.
        before_minor: what of the order's total was given back before this part.
    """
    if order.state not in ("paid", "fulfilled") or not amount_minor:
        return []
    currency = order.currency
    due = order_due(order.order_id, currency)
    transfers: list[Transfer] = []
    deferred_minor = amount_minor
    if order.state == "fulfilled":
        deferred_minor = 0
    elif order.is_part_shipped:
        deferred_minor = min(amount_minor, sale.deferred_minor)
    sold_minor = amount_minor - deferred_minor
    # Taxes were owed when the goods were handed over, so a refund after that takes its share of them back.
    tax_minor = 0
    if order.is_part_shipped or order.cuts:
        # Not all of the order was handed over: the taxes are those of what was.
        whole = sale.tax_minor + sale.sold_minor
        tax_minor = share_out(min(sold_minor, whole), [sale.tax_minor, sale.sold_minor])[0] if whole else 0
    elif order.state == "fulfilled":
        tax_minor = tax_refunded(order, amount_minor, before_minor)
    returned_minor = sold_minor - tax_minor
    for name, account, minor in (
        ("sale", deferred_sales(currency), deferred_minor),
        ("returns" if deferred_minor else "sale", sales_returns(currency), returned_minor),
        ("tax", tax_payable(currency), tax_minor),
    ):
        if minor:
            transfers.append(posted(derive_id(part_id, name), account, due, minor, "refund"))
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
    names = {derive_id(refund_id, name): f"{name} back" for name in ("sale", "returns", "tax")}
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
