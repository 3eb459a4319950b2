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
    Invariant(
        "commerce.payouts_are_what_left",
        "What left a member's account with a market for payouts is what payouts that stand say.",
        """
        SELECT t.merchant_id, t.member_id, t.minor, p.minor AS paid_minor FROM (
            SELECT x.merchant_id, a.subject_id AS member_id,
                sum(CASE WHEN x.debit_id = a.account_id THEN x.amount ELSE -x.amount END) AS minor
            FROM ledger.account a JOIN ledger.transfer x ON x.merchant_id = a.merchant_id
                AND a.account_id IN (x.debit_id, x.credit_id) AND x.reason IN ('payout', 'payout back')
            WHERE a.kind = 'settlement_due' GROUP BY 1, 2) t
        FULL JOIN (SELECT l.merchant_id, l.member_id,
                sum(CASE WHEN o.reversed_at IS NULL THEN l.net_minor ELSE 0 END) AS minor
            FROM commerce.market_payout_line l JOIN commerce.market_payout o USING (merchant_id, payout_id)
            GROUP BY 1, 2) p USING (merchant_id, member_id)
        WHERE t.minor IS DISTINCT FROM p.minor
        """,
    ),
    Invariant(
        "commerce.market_discounts_are_their_shares",
        "What the market's promotions took off a checkout is what falls on its members, discount by discount and order by"
        " order, and what those orders say of layer 5.",
        """
        SELECT d.merchant_id, d.checkout_id, d.discount_no, d.amount_minor, sum(s.amount_minor) AS shares_minor
        FROM commerce.market_discount d LEFT JOIN commerce.market_discount_share s ON s.merchant_id = d.merchant_id
            AND s.checkout_id = d.checkout_id AND s.discount_no = d.discount_no
        GROUP BY d.merchant_id, d.checkout_id, d.discount_no, d.amount_minor
        HAVING d.amount_minor IS DISTINCT FROM sum(s.amount_minor)
        UNION ALL
        SELECT o.merchant_id, o.checkout_id, 0, o.discount_minor, s.minor FROM commerce.market_order o LEFT JOIN (
            SELECT merchant_id, checkout_id, member_id, sum(amount_minor) AS minor, sum(platform_minor) AS platform
            FROM commerce.market_discount_share GROUP BY 1, 2, 3) s USING (merchant_id, checkout_id, member_id)
        WHERE (o.discount_minor, o.platform_minor) <> (coalesce(s.minor, 0), coalesce(s.platform, 0))
        UNION ALL
        SELECT o.merchant_id, o.checkout_id, 0, o.discount_minor, sum(a.amount_minor) FROM commerce.market_order o
        JOIN commerce.market_checkout c USING (merchant_id, checkout_id)
        LEFT JOIN commerce.order_adjustment a ON a.merchant_id = o.member_id AND a.order_id = o.order_id
            AND a.promotion_id IN (SELECT d.promotion_id FROM commerce.market_discount d
                WHERE d.merchant_id = o.merchant_id AND d.checkout_id = o.checkout_id)
        WHERE c.placed_at IS NOT NULL GROUP BY o.merchant_id, o.checkout_id, o.member_id, o.discount_minor
        HAVING o.discount_minor <> coalesce(sum(a.amount_minor), 0)
        """,
    ),
    Invariant(
        "commerce.open_checkouts_hold_their_claims",
        "What a checkout that waits claims of the market's promotions is held in the market's books; of others nothing is.",
        """
        SELECT coalesce(h.merchant_id, w.merchant_id) AS merchant_id, coalesce(h.checkout_id, w.checkout_id) AS checkout_id,
            h.amount AS held, w.amount AS claimed FROM (
            SELECT t.merchant_id, t.document_id AS checkout_id, sum(t.amount) AS amount FROM ledger.transfer t
            JOIN commerce.market_checkout m ON m.merchant_id = t.merchant_id AND m.checkout_id = t.document_id
            LEFT JOIN ledger.transfer x ON x.merchant_id = t.merchant_id AND x.pending_id = t.transfer_id
            WHERE t.phase = 2 AND x.transfer_id IS NULL GROUP BY 1, 2) h
        FULL JOIN (
            SELECT d.merchant_id, d.checkout_id, sum((claim->>'amount')::bigint) AS amount
            FROM commerce.market_discount d JOIN commerce.market_checkout c USING (merchant_id, checkout_id)
            CROSS JOIN jsonb_array_elements(d.claims->'items') claim
            WHERE c.ended_at IS NULL AND c.paid_at IS NULL AND c.lapsed_at IS NULL AND c.total_minor > 0
            GROUP BY 1, 2) w USING (merchant_id, checkout_id)
        WHERE h.amount IS DISTINCT FROM w.amount
        """,
    ),
    Invariant(
        "commerce.market_refunds_are_what_was_captured",
        "Of a checkout no more goes back than was captured, and once its orders are given back whole, exactly that.",
        """
        SELECT r.merchant_id, r.checkout_id, r.asked_minor, r.paid_minor, p.minor AS captured_minor FROM (
            SELECT merchant_id, checkout_id, sum(asked_minor) AS asked_minor, sum(paid_minor) AS paid_minor
            FROM commerce.market_refund WHERE failed_at IS NULL GROUP BY 1, 2) r
        LEFT JOIN (SELECT merchant_id, checkout_id, sum(amount_minor) AS minor FROM commerce.market_payment
            WHERE captured_at IS NOT NULL GROUP BY 1, 2) p USING (merchant_id, checkout_id)
        WHERE r.paid_minor > coalesce(p.minor, 0) OR (r.asked_minor = p.minor AND r.paid_minor <> p.minor)
        """,
    ),
)
