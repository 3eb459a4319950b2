"""Equations of agents; each statement returns the rows that break one."""

from serai.foundation.invariant import Invariant

INVARIANTS = (
    Invariant(
        "agent.allowances_balance",
        "Of every agent, day and hour: what is left + what is used = what was granted, and nothing is left below zero.",
        """
        SELECT merchant_id, unit_id, subject_id,
            sum(CASE kind WHEN 'agent_left' THEN posted_dr - posted_cr END) AS left_now,
            sum(CASE kind WHEN 'agent_used' THEN posted_dr - posted_cr END) AS used,
            sum(CASE kind WHEN 'agent_fund' THEN posted_cr - posted_dr END) AS granted
        FROM ledger.account WHERE kind IN ('agent_left', 'agent_used', 'agent_fund')
        GROUP BY merchant_id, unit_id, subject_id
        HAVING sum(posted_dr - posted_cr) <> 0
            OR min(CASE kind WHEN 'agent_left' THEN posted_dr - posted_cr ELSE 0 END) < 0
        """,
    ),
    Invariant(
        "agent.orders_are_what_is_used",
        "What an agent's accounts say is used is the sum and the number of its orders that count.",
        """
        SELECT coalesce(o.merchant_id, u.merchant_id) AS merchant_id, coalesce(o.agent_id, u.agent_id) AS agent_id,
            o.amount, u.used FROM (
            SELECT merchant_id, agent_id, sum(amount_minor) + count(*) AS amount FROM commerce.agent_order
            WHERE returned_at IS NULL GROUP BY 1, 2) o
        FULL JOIN (
            SELECT merchant_id, subject_id AS agent_id, sum(posted_dr - posted_cr) AS used FROM ledger.account
            WHERE kind = 'agent_used' GROUP BY 1, 2) u
            ON u.merchant_id = o.merchant_id AND u.agent_id = o.agent_id
        WHERE coalesce(o.amount, 0) <> coalesce(u.used, 0)
        """,
    ),
    Invariant(
        "agent.orders_are_marked",
        "Every order of the channel agent names its agent, and what an agent placed is an order of that channel and amount.",
        """
        SELECT coalesce(s.merchant_id, a.merchant_id) AS merchant_id, coalesce(s.order_id, a.order_id) AS order_id
        FROM (SELECT * FROM commerce.sales_order WHERE channel = 'agent') s
        FULL JOIN commerce.agent_order a ON a.merchant_id = s.merchant_id AND a.order_id = s.order_id
        WHERE s.order_id IS NULL OR a.order_id IS NULL OR s.currency <> a.currency
        """,
    ),
    Invariant(
        "agent.checkouts_have_their_orders",
        "A completed checkout of an agent names a paid order that it placed.",
        """
        SELECT c.merchant_id, c.session_id, c.order_id FROM commerce.agent_session c
        LEFT JOIN commerce.agent_order a ON a.merchant_id = c.merchant_id AND a.order_id = c.order_id
            AND a.session_id = c.session_id AND a.agent_id = c.agent_id
        LEFT JOIN commerce.sales_order o ON o.merchant_id = c.merchant_id AND o.order_id = c.order_id
        WHERE c.state = 'completed' AND (a.order_id IS NULL OR o.paid_at IS NULL)
        """,
    ),
)
