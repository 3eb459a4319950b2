"""Equations of price protection; each statement returns the rows that break one."""

from serai.foundation.invariant import Invariant

INVARIANTS = (
    Invariant(
        "commerce.claims_within_lines",
        "No more is claimed of a line than was paid for it, and each claim is the difference of its two prices at most.",
        """
        SELECT c.merchant_id, c.order_id, c.line_no, sum(c.amount_minor) AS claimed_minor
        FROM commerce.price_claim c JOIN commerce.order_line l
            ON l.merchant_id = c.merchant_id AND l.order_id = c.order_id AND l.line_no = c.line_no
        GROUP BY c.merchant_id, c.order_id, c.line_no, l.total_minor, l.discount_minor, l.sku_id, l.quantity
        HAVING sum(c.amount_minor) > l.total_minor - l.discount_minor
            OR bool_or(c.amount_minor > c.paid_minor - c.now_minor)
            OR bool_or(c.paid_minor > l.total_minor - l.discount_minor)
            OR bool_or(c.sku_id <> l.sku_id) OR bool_or(c.quantity > l.quantity)
        """,
    ),
    Invariant(
        "commerce.claims_are_refunded",
        "Every claim has its refund, of its own amount.",
        """
        SELECT c.merchant_id, c.claim_id, c.amount_minor, r.amount_minor AS refunded_minor FROM commerce.price_claim c
        LEFT JOIN commerce.refund r ON r.merchant_id = c.merchant_id AND r.refund_id = c.claim_id
        WHERE r.refund_id IS NULL OR r.order_id <> c.order_id OR r.amount_minor <> c.amount_minor
        """,
    ),
)
