"""Equations of returns; each statement returns the rows that break one."""

from serai.foundation.invariant import Invariant

INVARIANTS = (
    Invariant(
        "returns.open_ones_hold_their_token",
        "Every return that is open holds one token in the ledger, that of its turn, and no other return holds any.",
        """
        SELECT coalesce(r.merchant_id, t.merchant_id) AS merchant_id, coalesce(r.return_id, t.document_id) AS return_id,
            r.state, t.tokens FROM (
            SELECT merchant_id, return_id, state FROM commerce.goods_return
            WHERE state IN ('requested', 'approved', 'sent', 'received')) r
        FULL JOIN (SELECT t.merchant_id, t.document_id, count(*) AS tokens FROM ledger.transfer t
            JOIN ledger.account d ON d.merchant_id = t.merchant_id AND d.account_id = t.debit_id
                AND d.kind = 'return_closed'
            LEFT JOIN ledger.transfer x ON x.merchant_id = t.merchant_id AND x.pending_id = t.transfer_id
            WHERE t.phase = 2 AND x.transfer_id IS NULL GROUP BY 1, 2) t
            ON t.merchant_id = r.merchant_id AND t.document_id = r.return_id
        WHERE r.return_id IS NULL OR t.tokens IS DISTINCT FROM 1
        """,
    ),
    Invariant(
        "returns.pieces_are_accounted_for",
        "Per line of an order: pieces handed over = may still be announced + announced + came back, as returns tell it.",
        """
        SELECT o.merchant_id, o.order_id, o.announced, o.came, a.held, a.posted FROM (
            SELECT g.merchant_id, g.order_id, sum(CASE WHEN r.state IN ('requested', 'approved', 'sent') THEN g.quantity
                ELSE 0 END) AS announced, sum(g.sellable + g.damaged + g.unusable) AS came
            FROM commerce.goods_return_line g JOIN commerce.goods_return r USING (merchant_id, return_id, order_id)
            GROUP BY 1, 2) o
        LEFT JOIN (SELECT merchant_id, subject_id AS order_id, sum(pending_dr) AS held, sum(posted_dr) AS posted
            FROM ledger.account WHERE kind = 'returned' GROUP BY 1, 2) a USING (merchant_id, order_id)
        WHERE a.held IS DISTINCT FROM o.announced OR a.posted IS DISTINCT FROM o.came
        UNION ALL
        SELECT g.merchant_id, g.order_id, sum(g.quantity), sum(g.sellable + g.damaged + g.unusable), g.line_no, s.quantity
        FROM commerce.goods_return_line g JOIN commerce.goods_return r USING (merchant_id, return_id, order_id)
        JOIN commerce.order_line s USING (merchant_id, order_id, line_no)
        GROUP BY 1, 2, g.line_no, s.quantity
        HAVING sum(CASE WHEN r.state IN ('requested', 'approved', 'sent') THEN g.quantity
            ELSE g.sellable + g.damaged + g.unusable END) > s.quantity
        """,
    ),
    Invariant(
        "returns.goods_are_booked",
        "Of what came back by a return as many steps left the customers as its lines tell, a bundle's those of its parts.",
        """
        SELECT merchant_id, return_id, l.steps, t.steps AS moved FROM (
            SELECT g.merchant_id, g.return_id, sum((g.sellable + g.damaged + g.unusable) * coalesce((SELECT
                sum((e ->> 'quantity')::bigint) FROM jsonb_array_elements(s.parts -> 'items') e), 1)) AS steps
            FROM commerce.goods_return_line g JOIN commerce.order_line s ON s.merchant_id = g.merchant_id
                AND s.order_id = g.order_id AND s.line_no = g.line_no GROUP BY 1, 2
            HAVING sum(g.sellable + g.damaged + g.unusable) > 0) l
        FULL JOIN (SELECT t.merchant_id, t.document_id AS return_id, sum(t.amount) AS steps FROM ledger.transfer t
            JOIN ledger.account c ON c.merchant_id = t.merchant_id AND c.account_id = t.credit_id AND c.kind = 'customer'
            JOIN commerce.goods_return r ON r.merchant_id = t.merchant_id AND r.return_id = t.document_id
            WHERE t.phase = 1 GROUP BY 1, 2) t USING (merchant_id, return_id)
        WHERE l.steps IS DISTINCT FROM t.steps
        """,
    ),
    Invariant(
        "returns.sums_add_up",
        "What a return comes to: its goods, less what promotions keep and fees, is what goes back as money or became goods;"
        " no piece gives up more than its line cost.",
        """
        SELECT r.merchant_id, r.return_id FROM commerce.goods_return r
        WHERE r.outcome IN ('refunded', 'exchanged')
            AND (r.goods_minor - r.kept_minor - r.fee_minor - r.postage_minor <> r.refund_minor + r.credit_minor
                OR r.goods_minor <> (SELECT sum(g.share_minor) FROM commerce.goods_return_line g
                    WHERE g.merchant_id = r.merchant_id AND g.return_id = r.return_id))
        """,
    ),
    Invariant(
        "returns.lines_give_back_what_they_cost",
        "What may be given back of an order's lines is funded with what the order came to, and never below zero.",
        """
        SELECT a.merchant_id, a.account_id, a.posted_dr, a.posted_cr FROM ledger.account a
        WHERE a.kind = 'line_refundable' AND (NOT a.no_negative OR a.posted_dr - a.posted_cr - a.pending_cr < 0)
        """,
    ),
    Invariant(
        "returns.refunds_are_there",
        "Every return that was refunded has its refund, over a payment or to tenders, or was let go of what had not come.",
        """
        SELECT r.merchant_id, r.return_id, r.refund_minor FROM commerce.goods_return r
        WHERE r.outcome = 'refunded' AND r.refund_minor > 0
            AND NOT EXISTS (SELECT FROM commerce.refund f WHERE f.merchant_id = r.merchant_id
                AND f.refund_id = r.refund_id AND f.order_id = r.order_id)
            AND NOT EXISTS (SELECT FROM commerce.tender_refund t WHERE t.merchant_id = r.merchant_id
                AND t.refund_id = r.refund_id AND t.order_id = r.order_id)
            AND NOT EXISTS (SELECT FROM commerce.pledge_step s
                JOIN commerce.pledge p ON p.merchant_id = s.merchant_id AND p.intent_id = s.intent_id
                WHERE s.merchant_id = r.merchant_id AND p.order_id = r.order_id AND s.kind = 'release'
                AND s.reason = 'return ' || r.number)
        """,
    ),
    Invariant(
        "returns.exchanges_hold_their_goods",
        "Every approved exchange keeps what is wished for aside until it is settled, and no other return keeps anything.",
        """
        SELECT coalesce(r.merchant_id, h.merchant_id) AS merchant_id, coalesce(r.return_id, h.return_id) AS return_id,
            r.state, r.wanted, h.held FROM (
            SELECT r.merchant_id, r.return_id, r.state, sum(g.quantity) AS wanted FROM commerce.goods_return r
            JOIN commerce.goods_return_line g ON g.merchant_id = r.merchant_id AND g.return_id = r.return_id
            WHERE r.wish = 'exchange' AND r.state IN ('approved', 'sent', 'received') GROUP BY 1, 2, 3) r
        FULL JOIN (SELECT t.merchant_id, t.document_id AS return_id, sum(t.amount) AS held FROM ledger.transfer t
            LEFT JOIN ledger.transfer x ON x.merchant_id = t.merchant_id AND x.pending_id = t.transfer_id
            WHERE t.phase = 2 AND t.reason = 'exchange hold' AND x.transfer_id IS NULL GROUP BY 1, 2) h
            ON h.merchant_id = r.merchant_id AND h.return_id = r.return_id
        WHERE r.wanted IS DISTINCT FROM h.held
        """,
    ),
    Invariant(
        "returns.credits_are_held",
        "What an exchange was paid with stays in the order before and is held there, less what came back of it, until its"
        " order ends; the new order is reduced by no more than that.",
        """
        SELECT r.merchant_id, r.return_id, r.credit_minor, h.held, f.back, a.off FROM commerce.goods_return r
        LEFT JOIN (SELECT t.merchant_id, t.reason, sum(t.amount) AS held FROM ledger.transfer t
            LEFT JOIN ledger.transfer x ON x.merchant_id = t.merchant_id AND x.pending_id = t.transfer_id
            WHERE t.phase = 2 AND t.reason LIKE 'exchange credit of %' AND x.transfer_id IS NULL GROUP BY 1, 2) h
            ON h.merchant_id = r.merchant_id AND h.reason = 'exchange credit of ' || r.exchange_order_id
        LEFT JOIN (SELECT merchant_id, order_id, sum(former_minor) AS back FROM commerce.goods_return GROUP BY 1, 2) f
            ON f.merchant_id = r.merchant_id AND f.order_id = r.exchange_order_id
        LEFT JOIN (SELECT merchant_id, order_id, sum(amount_minor) AS off FROM commerce.order_adjustment
            WHERE kind = 'exchange' GROUP BY 1, 2) a
            ON a.merchant_id = r.merchant_id AND a.order_id = r.exchange_order_id
        WHERE r.outcome = 'exchanged' AND (coalesce(a.off, 0) > r.credit_minor OR coalesce(f.back, 0) > r.credit_minor
            OR coalesce(h.held, 0) > CASE WHEN r.undone_at IS NULL THEN r.credit_minor ELSE 0 END)
        """,
    ),
)
