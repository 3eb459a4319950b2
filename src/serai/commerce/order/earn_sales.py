"""What an order earns when it is handed over: sales, delivery and the taxes that are owed on both. Pure."""

from serai.commerce.order.types import Order
from serai.commerce.payment.types import sales, shipping_income, tax_payable
from serai.foundation.money import share_out
from serai.ledger.types import Account


def earn_sales(order: Order, deferred_minor: int) -> tuple[tuple[str, Account, int], ...]:
    """Where what was deferred goes: (name, account, minor), summing to ``deferred_minor``.

    Taxes shrink with what was taken back before (all of the order's, when nothing was); delivery is kept whole as far as
    it goes, without its own tax where that is in its price.
    """
    taxes = order.tax_minor + order.tax_included_minor
    tax, _rest = share_out(min(deferred_minor, order.total_minor), [taxes, max(0, order.total_minor - taxes)])
    tax = tax if taxes else 0
    inside = sum(each.tax_minor for each in order.taxes if each.line_no == 0 and each.included)
    shipping = min(order.shipping_minor - inside, deferred_minor - tax)
    return (
        ("sales", sales(order.currency), deferred_minor - shipping - tax),
        ("shipping", shipping_income(order.currency), shipping),
        ("tax", tax_payable(order.currency), tax),
    )
