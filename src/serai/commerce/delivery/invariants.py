"""Equations of deliveries; each statement returns the rows that break one."""

from serai.foundation.invariant import Invariant

INVARIANTS = (
    Invariant(
        "commerce.delivery_options_are_of_parcels",
        "A delivery option was chosen only for orders that are sent.",
        "SELECT d.merchant_id, d.order_id FROM commerce.order_delivery d JOIN commerce.sales_order o"
        " ON o.merchant_id = d.merchant_id AND o.order_id = d.order_id WHERE o.delivery <> 'ship'",
    ),
)
