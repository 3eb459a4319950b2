"""Equations of promotions and coupons; each statement returns the rows that break one."""

from serai.foundation.invariant import Invariant

INVARIANTS = (
    Invariant(
        "promotion.shares_are_the_adjustment",
        "What a promotion took off an order is exactly what falls on its lines and its delivery.",
        """
        SELECT a.merchant_id, a.order_id, a.adjustment_no, a.amount_minor, sum(s.amount_minor) AS shares_minor
        FROM commerce.order_adjustment a LEFT JOIN commerce.order_adjustment_share s ON s.merchant_id = a.merchant_id
            AND s.order_id = a.order_id AND s.adjustment_no = a.adjustment_no
        GROUP BY a.merchant_id, a.order_id, a.adjustment_no, a.amount_minor
        HAVING a.amount_minor <> coalesce(sum(s.amount_minor), 0)
        """,
    ),
    Invariant(
        "promotion.lines_carry_their_shares",
        "A line's discount is the sum of its shares, and an order's discount that of its lines.",
        """
        SELECT l.merchant_id, l.order_id, l.line_no, l.discount_minor, coalesce(s.minor, 0) AS shares_minor
        FROM commerce.order_line l LEFT JOIN (
            SELECT merchant_id, order_id, line_no, sum(amount_minor) AS minor FROM commerce.order_adjustment_share
            GROUP BY 1, 2, 3) s ON s.merchant_id = l.merchant_id AND s.order_id = l.order_id AND s.line_no = l.line_no
        WHERE l.discount_minor <> coalesce(s.minor, 0)
        UNION ALL
        SELECT o.merchant_id, o.order_id, 0, o.discount_minor, sum(l.discount_minor) FROM commerce.sales_order o
        JOIN commerce.order_line l ON l.merchant_id = o.merchant_id AND l.order_id = o.order_id
        GROUP BY o.merchant_id, o.order_id, o.discount_minor HAVING o.discount_minor <> sum(l.discount_minor)
        """,
    ),
    Invariant(
        "promotion.shares_name_lines",
        "Every share falls on the delivery or on a line that the order has.",
        """
        SELECT s.merchant_id, s.order_id, s.adjustment_no, s.line_no FROM commerce.order_adjustment_share s
        LEFT JOIN commerce.order_line l ON l.merchant_id = s.merchant_id AND l.order_id = s.order_id
            AND l.line_no = s.line_no
        WHERE s.line_no > 0 AND l.line_no IS NULL
        """,
    ),
    Invariant(
        "promotion.limits_are_sold_held_and_left",
        "Of every quota, budget and allowance, what is sold, held and left is what was funded.",
        """
        SELECT f.merchant_id, f.kind, f.subject_id, f.limit_amount, p.parts FROM (
            SELECT merchant_id, kind, unit_id, subject_id, posted_cr - posted_dr AS limit_amount FROM ledger.account
            WHERE kind IN ('promotion_quota_fund', 'promotion_budget_fund', 'promotion_allowance_fund')) f
        LEFT JOIN (
            SELECT merchant_id, replace(replace(kind, '_sold', ''), '_spent', '') AS kind, subject_id, unit_id,
                sum(posted_dr - posted_cr) AS parts FROM ledger.account
            WHERE kind IN ('promotion_quota', 'promotion_quota_sold', 'promotion_budget', 'promotion_budget_spent')
            GROUP BY 1, 2, 3, 4
            UNION ALL
            SELECT merchant_id, 'promotion_allowance', NULL, unit_id, sum(posted_dr - posted_cr) FROM ledger.account
            WHERE kind IN ('promotion_allowance', 'promotion_allowance_used') GROUP BY 1, 4) p
            ON p.merchant_id = f.merchant_id AND f.kind = p.kind || '_fund' AND p.unit_id = f.unit_id
            AND (p.subject_id IS NULL OR p.subject_id = f.subject_id)
        WHERE f.limit_amount IS DISTINCT FROM p.parts
        """,
    ),
    Invariant(
        "promotion.seats_are_people",
        "Of every buying group, seats that are left, held, paid and closed are its people.",
        """
        SELECT g.merchant_id, g.group_id, g.people, s.seats FROM commerce.group_buy g LEFT JOIN (
            SELECT merchant_id, subject_id, sum(posted_dr - posted_cr) AS seats FROM ledger.account
            WHERE kind IN ('group_seat', 'group_seat_taken', 'group_seat_closed') GROUP BY 1, 2) s
            ON s.merchant_id = g.merchant_id AND s.subject_id = g.group_id
        WHERE g.people IS DISTINCT FROM s.seats
        """,
    ),
    Invariant(
        "promotion.coupons_are_accounted_for",
        "Of every promotion's coupons: issued = free + locked + used + expired + revoked.",
        """
        SELECT a.merchant_id, a.unit_id, a.issued, c.uses, a.held FROM (
            SELECT merchant_id, unit_id,
                sum(CASE kind WHEN 'coupon_fund' THEN posted_cr - posted_dr
                    WHEN 'coupon_template' THEN posted_cr - posted_dr ELSE 0 END) AS issued,
                sum(CASE WHEN kind IN ('coupon', 'coupon_used', 'coupon_expired', 'coupon_revoked')
                    THEN posted_dr - posted_cr ELSE 0 END) AS held,
                min(subject_id::text) FILTER (WHERE kind = 'coupon_fund') AS promotion_id
            FROM ledger.account WHERE kind IN ('coupon', 'coupon_fund', 'coupon_template', 'coupon_used',
                'coupon_expired', 'coupon_revoked')
            GROUP BY merchant_id, unit_id) a
        LEFT JOIN (SELECT merchant_id, promotion_id::text AS promotion_id, sum(uses) AS uses FROM commerce.coupon
            GROUP BY 1, 2) c ON c.merchant_id = a.merchant_id AND c.promotion_id = a.promotion_id
        WHERE a.issued <> a.held OR a.issued <> coalesce(c.uses, 0)
        """,
    ),
    Invariant(
        "promotion.discounts_are_posted_to_their_funders",
        "What promotions took off an order that stands is posted to whoever funds it, less the part of its refunds; of an"
        " order that does not stand nothing is.",
        """
        SELECT coalesce(b.merchant_id, w.merchant_id) AS merchant_id, coalesce(b.order_id, w.order_id) AS order_id,
            coalesce(b.funder, w.funder) AS funder, b.minor AS booked, w.minor AS funded FROM (
            SELECT t.merchant_id, t.document_id AS order_id,
                split_part(CASE WHEN c.kind = 'discounted_sales' THEN d.kind ELSE c.kind END, ':', 2) AS funder,
                sum(CASE WHEN c.kind = 'discounted_sales' THEN t.amount ELSE -t.amount END) AS minor
            FROM ledger.transfer t
            JOIN ledger.account d ON d.merchant_id = t.merchant_id AND d.account_id = t.debit_id
            JOIN ledger.account c ON c.merchant_id = t.merchant_id AND c.account_id = t.credit_id
            WHERE t.phase IN (1, 3) AND 'discounted_sales' IN (c.kind, d.kind) GROUP BY 1, 2, 3) b
        FULL JOIN (
            SELECT a.merchant_id, a.order_id, replace(claim->>'kind', '_discount', '') AS funder,
                sum((claim->>'amount')::bigint) AS minor, min(o.state) IN ('paid', 'fulfilled') AS stands,
                EXISTS (SELECT FROM commerce.refund r WHERE r.merchant_id = a.merchant_id AND r.order_id = a.order_id
                    AND r.failed_at IS NULL) AS refunded
            FROM commerce.order_adjustment a
            JOIN commerce.sales_order o ON o.merchant_id = a.merchant_id AND o.order_id = a.order_id
            CROSS JOIN jsonb_array_elements(a.claims->'items') claim
            WHERE claim->>'kind' LIKE '%_discount' GROUP BY 1, 2, 3) w USING (merchant_id, order_id, funder)
        WHERE CASE WHEN w.stands AND w.refunded THEN coalesce(b.minor, 0) NOT BETWEEN 0 AND w.minor
            WHEN w.stands THEN b.minor IS DISTINCT FROM w.minor ELSE coalesce(b.minor, 0) <> 0 END
        """,
    ),
    Invariant(
        "promotion.open_orders_hold_their_claims",
        "What unpaid orders claim is held in the ledger, and nothing else is.",
        """
        SELECT coalesce(h.merchant_id, w.merchant_id) AS merchant_id, coalesce(h.order_id, w.order_id) AS order_id,
            h.amount AS held, w.amount AS claimed FROM (
            SELECT t.merchant_id, t.document_id AS order_id, sum(t.amount) AS amount FROM ledger.transfer t
            JOIN ledger.account c ON c.merchant_id = t.merchant_id AND c.account_id = t.credit_id
                AND c.kind IN ('promotion_quota', 'promotion_budget', 'promotion_allowance', 'coupon', 'group_seat',
                    'discounted_sales')
            LEFT JOIN ledger.transfer x ON x.merchant_id = t.merchant_id AND x.pending_id = t.transfer_id
            WHERE t.phase = 2 AND x.transfer_id IS NULL AND NOT EXISTS (SELECT FROM commerce.market_checkout m
                WHERE m.merchant_id = t.merchant_id AND m.checkout_id = t.document_id) GROUP BY 1, 2) h
        FULL JOIN (
            SELECT a.merchant_id, a.order_id, sum((claim->>'amount')::bigint) AS amount
            FROM commerce.order_adjustment a
            JOIN commerce.sales_order o ON o.merchant_id = a.merchant_id AND o.order_id = a.order_id
            CROSS JOIN jsonb_array_elements(a.claims->'items') claim
            WHERE o.state IN ('awaiting_payment', 'awaiting_deposit')
                OR (o.state = 'awaiting_balance' AND (claim->>'promotion_id')::uuid <> o.presale_id)
            GROUP BY 1, 2) w USING (merchant_id, order_id)
        WHERE h.amount IS DISTINCT FROM w.amount
        """,
    ),
    Invariant(
        "promotion.taken_is_of_paid_orders",
        "What counts as taken of quotas, budgets, allowances, coupons and seats is what orders took that are paid and stand.",
        """
        SELECT coalesce(t.merchant_id, c.merchant_id), coalesce(t.kind, c.kind) AS kind,
            coalesce(t.subject_id, c.subject_id) AS subject_id, t.amount AS taken, c.amount AS claimed FROM (
            SELECT merchant_id, subject_id, CASE kind WHEN 'promotion_quota_sold' THEN 'quota'
                WHEN 'promotion_budget_spent' THEN 'budget' WHEN 'promotion_allowance_used' THEN 'allowance'
                WHEN 'coupon_used' THEN 'coupon' ELSE 'seat' END AS kind, sum(posted_dr - posted_cr) AS amount
            FROM ledger.account WHERE kind IN ('promotion_quota_sold', 'promotion_budget_spent',
                'promotion_allowance_used', 'coupon_used', 'group_seat_taken') GROUP BY 1, 2, 3) t
        FULL JOIN (
            SELECT a.merchant_id, e ->> 'kind' AS kind, sum((e ->> 'amount')::bigint) AS amount,
                CASE e ->> 'kind' WHEN 'seat' THEN e ->> 'subject_id' ELSE e ->> 'promotion_id' END::uuid AS subject_id
            FROM commerce.order_adjustment a JOIN commerce.sales_order o ON o.merchant_id = a.merchant_id
                AND o.order_id = a.order_id AND o.paid_at IS NOT NULL AND o.cancelled_at IS NULL
                AND o.expired_at IS NULL
            CROSS JOIN jsonb_array_elements(a.claims -> 'items') e
            WHERE e ->> 'kind' IN ('quota', 'budget', 'allowance', 'coupon', 'seat') GROUP BY 1, 2, 4) c
            ON c.merchant_id = t.merchant_id AND c.kind = t.kind AND c.subject_id = t.subject_id
        WHERE coalesce(t.amount, 0) <> coalesce(c.amount, 0)
            -- A market's own promotions are taken by its checkouts, a presale's quota by its deposits.
            AND NOT EXISTS (SELECT FROM commerce.market_checkout m
                WHERE m.merchant_id = coalesce(t.merchant_id, c.merchant_id))
            AND (EXISTS (SELECT FROM commerce.promotion p WHERE p.merchant_id = coalesce(t.merchant_id, c.merchant_id)
                    AND p.promotion_id = coalesce(t.subject_id, c.subject_id))
                OR EXISTS (SELECT FROM commerce.group_buy g WHERE g.merchant_id = coalesce(t.merchant_id, c.merchant_id)
                    AND g.group_id = coalesce(t.subject_id, c.subject_id)))
        """,
    ),
)
