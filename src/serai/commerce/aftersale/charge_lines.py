"""What may go back of each line of an order: an account per line in the ledger, so that no line gets back more than it cost.

``line_refundable`` of a line is funded once with what the line cost after promotions, taxes on top included; line 0 is the
delivery. Together that is the order's total. Whoever gives money back for a line takes it from there, in the same group.
"""

from collections.abc import Mapping
from uuid import UUID

from serai.commerce.order.types import Order
from serai.commerce.types import Commerce
from serai.foundation.database import Transaction
from serai.foundation.ids import MerchantId, derive_id
from serai.ledger.api import load_balances
from serai.ledger.types import Account, Group, Transfer, account, currency_unit, posted

DELIVERY = 0


def line_refundable(order_id: UUID, line_no: int, currency: str) -> Account:
    """What may still be given back of a line; never below zero."""
    subject_id = derive_id("order line", order_id, line_no)
    return account("line_refundable", currency_unit(currency), no_negative=True, subject_id=subject_id)


def line_refund_control(currency: str) -> Account:
    """The other side of every line's account."""
    return account("line_refund_control", currency_unit(currency), normal="C")


def line_costs(order: Order) -> dict[int, int]:
    """What each line cost with the taxes on top of it; line 0 is the delivery. They sum to the order's total."""
    costs = {line.line_no: line.net_minor for line in order.lines} | {DELIVERY: order.shipping_minor}
    for tax in order.taxes:
        if not tax.included:
            costs[tax.line_no] = costs.get(tax.line_no, 0) + tax.tax_minor
    return costs


async def fund_lines(commerce: Commerce, merchant_id: MerchantId, order: Order) -> None:
    """Fill the accounts of an order's lines. Doing it again changes nothing."""
    transfers = [
        posted(
            derive_id("line refundable", order.order_id, line_no),
            line_refundable(order.order_id, line_no, order.currency),
            line_refund_control(order.currency),
            minor,
            "paid",
        )
        for line_no, minor in sorted(line_costs(order).items())
        if minor > 0
    ]
    if transfers:
        group_id = derive_id("lines refundable", order.order_id)
        await commerce.lane.submit(merchant_id, Group(group_id, tuple(transfers), document_id=order.order_id))


async def load_line_money(tx: Transaction, order: Order) -> dict[int, int]:
    """What may still be given back of each line: (line number, minor units), line 0 the delivery."""
    costs = line_costs(order)
    accounts = {no: line_refundable(order.order_id, no, order.currency).account_id for no in costs}
    balances = await load_balances(tx, account_ids=list(accounts.values()))
    # One that was never funded still holds all.
    return {
        no: balances[account_id].available if balances[account_id].posted_dr else costs[no]
        for no, account_id in accounts.items()
    }


def charge_lines(order: Order, charges: Mapping[int, int], salt: UUID) -> list[Transfer]:
    """The transfers that take what is given back from the accounts of its lines. ``salt`` names what it is given for."""
    return [
        posted(
            derive_id(salt, "line", line_no),
            line_refund_control(order.currency),
            line_refundable(order.order_id, line_no, order.currency),
            minor,
            "given back",
        )
        for line_no, minor in sorted(charges.items())
        if minor > 0
    ]
