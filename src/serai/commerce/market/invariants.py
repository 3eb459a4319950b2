"""Equations of markets; each statement returns the rows that break one."""

from serai.foundation.invariant import Invariant

INVARIANTS = (
    Invariant(
        "commerce.market_owes_what_members_expect",
        "What a market's books owe a member is what that member's books say the market holds, but for open refunds.",
        """
        SELECT s.merchant_id, s.subject_id AS member_id, s.unit_id, s.due_minor, m.held_minor FROM (
            SELECT merchant_id, subject_id, unit_id, posted_cr - posted_dr AS due_minor
            FROM ledger.account WHERE kind = 'settlement_due') s
        FULL JOIN (SELECT merchant_id, unit_id, posted_dr - posted_cr AS held_minor
            FROM ledger.account WHERE kind = 'psp_clearing:market') m
            ON m.merchant_id = s.subject_id AND m.unit_id = s.unit_id
        WHERE coalesce(s.due_minor, 0) <> coalesce(m.held_minor, 0) AND NOT EXISTS (
            SELECT FROM commerce.refund r WHERE r.merchant_id = coalesce(s.subject_id, m.merchant_id)
                AND r.done_at IS NULL AND r.failed_at IS NULL)
        """,
    ),
    Invariant(
        "commerce.market_checkouts_are_whole",
        "The orders of a checkout that stands are all there, and sum to its total.",
        """
        SELECT c.merchant_id, c.checkout_id FROM commerce.market_checkout c
        LEFT JOIN commerce.market_order o ON o.merchant_id = c.merchant_id AND o.checkout_id = c.checkout_id
        LEFT JOIN commerce.sales_order s ON s.merchant_id = o.member_id AND s.order_id = o.order_id
            AND s.total_minor = o.total_minor AND s.currency = c.currency
        WHERE c.placed_at IS NOT NULL GROUP BY c.merchant_id, c.checkout_id, c.total_minor
        HAVING c.total_minor IS DISTINCT FROM sum(o.total_minor) OR count(s.order_id) <> count(o.order_id)
        """,
    ),
)
