"""Equations of pledges and credit limits; each statement returns the rows that break one."""

from serai.foundation.invariant import Invariant

INVARIANTS = (
    Invariant(
        "pledge.accounts_match",
        "What is open of a pledge is what its account holds, and what is under way is what is reserved on it: no more is"
        " captured than was pledged.",
        """
        SELECT p.merchant_id, p.intent_id, p.amount_minor, s.done_minor, a.posted_dr - a.posted_cr AS held_minor
        FROM commerce.pledge p LEFT JOIN (SELECT merchant_id, intent_id,
                coalesce(sum(amount_minor) FILTER (WHERE done_at IS NOT NULL), 0) AS done_minor,
                coalesce(sum(amount_minor) FILTER (WHERE done_at IS NULL AND failed_at IS NULL), 0) AS waiting_minor
            FROM commerce.pledge_step GROUP BY 1, 2) s ON s.merchant_id = p.merchant_id AND s.intent_id = p.intent_id
        LEFT JOIN ledger.account a ON a.merchant_id = p.merchant_id AND a.subject_id = p.intent_id
            AND a.kind = CASE p.kind WHEN 'invoice' THEN 'receivable' ELSE p.kind END
        WHERE p.amount_minor - coalesce(s.done_minor, 0) IS DISTINCT FROM a.posted_dr - a.posted_cr
            OR coalesce(s.waiting_minor, 0) IS DISTINCT FROM a.pending_cr
            OR p.amount_minor < coalesce(s.done_minor, 0)
        """,
    ),
    Invariant(
        "pledge.captures_match_events",
        "What was captured of a pledge, step by step, is within the total that its events tell; more came too late and is"
        " on its way back.",
        """
        SELECT p.merchant_id, p.intent_id, s.minor AS steps_minor, e.minor AS events_minor FROM commerce.pledge p
        JOIN (SELECT merchant_id, intent_id, sum(amount_minor) AS minor FROM commerce.pledge_step
            WHERE kind = 'capture' AND done_at IS NOT NULL GROUP BY 1, 2) s
            ON s.merchant_id = p.merchant_id AND s.intent_id = p.intent_id
        LEFT JOIN (SELECT merchant_id, intent_id, max(amount_minor) AS minor FROM commerce.payment_event
            WHERE kind = 'captured' GROUP BY 1, 2) e ON e.merchant_id = p.merchant_id AND e.intent_id = p.intent_id
        WHERE s.minor > coalesce(e.minor, 0)
        """,
    ),
    Invariant(
        "pledge.refundable_is_captured",
        "What may be refunded of a pledged payment is what was captured of it less what went back, is on its way, or became"
        " other goods.",
        """
        SELECT p.merchant_id, p.intent_id, e.minor, r.minor AS refunded_minor, a.posted_dr - a.posted_cr AS held_minor
        FROM commerce.pledge p JOIN (SELECT merchant_id, intent_id, max(amount_minor) AS minor
            FROM commerce.payment_event WHERE kind = 'captured' GROUP BY 1, 2) e
            ON e.merchant_id = p.merchant_id AND e.intent_id = p.intent_id
        LEFT JOIN (SELECT merchant_id, intent_id, sum(amount_minor) AS minor FROM commerce.refund
            WHERE failed_at IS NULL GROUP BY 1, 2) r ON r.merchant_id = p.merchant_id AND r.intent_id = p.intent_id
        LEFT JOIN ledger.account a ON a.merchant_id = p.merchant_id AND a.subject_id = p.intent_id
            AND a.kind = 'refundable'
        LEFT JOIN (SELECT t.merchant_id, t.credit_id, sum(t.amount) AS minor FROM ledger.transfer t
            LEFT JOIN ledger.transfer x ON x.merchant_id = t.merchant_id AND x.pending_id = t.transfer_id
            WHERE t.phase = 2 AND t.reason LIKE 'exchange credit of %' AND x.transfer_id IS NULL GROUP BY 1, 2) h
            ON h.merchant_id = a.merchant_id AND h.credit_id = a.account_id
        WHERE e.minor - coalesce(r.minor, 0) - coalesce(h.minor, 0) IS DISTINCT FROM a.posted_dr - a.posted_cr - a.pending_cr
        """,
    ),
    Invariant(
        "pledge.settled_when_nothing_is_open",
        "A pledge is settled exactly when nothing of it is open.",
        """
        SELECT p.merchant_id, p.intent_id, p.settled_at FROM commerce.pledge p
        LEFT JOIN (SELECT merchant_id, intent_id, sum(amount_minor) AS minor FROM commerce.pledge_step
            WHERE done_at IS NOT NULL GROUP BY 1, 2) s ON s.merchant_id = p.merchant_id AND s.intent_id = p.intent_id
        WHERE (p.settled_at IS NOT NULL) <> (p.amount_minor = coalesce(s.minor, 0))
        """,
    ),
    Invariant(
        "pledge.ended_orders_have_none",
        "Nothing is pledged for an order that was called off.",
        """
        SELECT p.merchant_id, p.intent_id, o.state FROM commerce.pledge p
        JOIN commerce.sales_order o ON o.merchant_id = p.merchant_id AND o.order_id = p.order_id
        WHERE p.settled_at IS NULL AND o.state IN ('cancelled', 'expired', 'lapsed')
        """,
    ),
    Invariant(
        "pledge.credit_limits",
        "What a customer may still buy on invoice and what open invoices take are together the limit.",
        """
        SELECT c.merchant_id, c.member_id, c.limit_minor, l.left_minor, p.open_minor FROM commerce.credit_terms c
        LEFT JOIN (SELECT merchant_id, subject_id, sum(posted_dr - posted_cr) AS left_minor FROM ledger.account
            WHERE kind = 'credit' GROUP BY 1, 2) l ON l.merchant_id = c.merchant_id AND l.subject_id = c.member_id
        LEFT JOIN (SELECT g.merchant_id, g.member_id, sum(g.amount_minor - coalesce((SELECT sum(s.amount_minor)
                FROM commerce.pledge_step s WHERE s.merchant_id = g.merchant_id AND s.intent_id = g.intent_id
                AND s.done_at IS NOT NULL), 0)) AS open_minor
            FROM commerce.pledge g WHERE g.kind = 'invoice' GROUP BY 1, 2) p
            ON p.merchant_id = c.merchant_id AND p.member_id = c.member_id
        WHERE c.limit_minor <> coalesce(l.left_minor, 0) + coalesce(p.open_minor, 0)
        """,
    ),
)
