"""Equations of tenders; each statement returns the rows that break one."""

from serai.foundation.invariant import Invariant

INVARIANTS = (
    Invariant(
        "tender.balances_are_their_entries",
        "What a gift card, a purse or a member's points hold is the sum of its entries, and never below zero.",
        """
        SELECT a.merchant_id, a.kind, a.subject_id, a.posted_cr - a.posted_dr AS balance, coalesce(t.entries, 0) AS entries
        FROM ledger.account a LEFT JOIN (
            SELECT merchant_id, account_id, sum(amount) AS entries FROM (
                SELECT merchant_id, credit_id AS account_id, amount FROM ledger.transfer WHERE phase IN (1, 3)
                UNION ALL SELECT merchant_id, debit_id, -amount FROM ledger.transfer WHERE phase IN (1, 3)) e
            GROUP BY 1, 2) t ON t.merchant_id = a.merchant_id AND t.account_id = a.account_id
        WHERE a.kind IN ('gift_card', 'wallet', 'points') AND (a.normal <> 'C' OR NOT a.no_negative
            OR a.posted_cr - a.posted_dr <> coalesce(t.entries, 0) OR a.posted_cr - a.posted_dr - a.pending_dr < 0)
        """,
    ),
    Invariant(
        "tender.cards_are_accounted_for",
        "Of every gift card: issued + given back = left + paid + expired.",
        """
        SELECT c.merchant_id, c.card_id, c.amount_minor, a.left_minor, p.paid_minor, r.back_minor, c.expired_minor
        FROM commerce.gift_card c
        LEFT JOIN (SELECT merchant_id, subject_id, sum(posted_cr - posted_dr) AS left_minor FROM ledger.account
            WHERE kind = 'gift_card' GROUP BY 1, 2) a ON a.merchant_id = c.merchant_id AND a.subject_id = c.card_id
        LEFT JOIN (SELECT t.merchant_id, t.subject_id, sum(t.amount_minor) AS paid_minor FROM commerce.order_tender t
            JOIN commerce.sales_order o ON o.merchant_id = t.merchant_id AND o.order_id = t.order_id
                AND o.paid_at IS NOT NULL
            WHERE t.kind = 'gift_card' GROUP BY 1, 2) p ON p.merchant_id = c.merchant_id AND p.subject_id = c.card_id
        LEFT JOIN (SELECT t.merchant_id, t.subject_id, sum(r.amount_minor) AS back_minor FROM commerce.tender_refund r
            JOIN commerce.order_tender t ON t.merchant_id = r.merchant_id AND t.order_id = r.order_id
                AND t.tender_no = r.tender_no AND t.kind = 'gift_card'
            GROUP BY 1, 2) r ON r.merchant_id = c.merchant_id AND r.subject_id = c.card_id
        WHERE c.amount_minor + coalesce(r.back_minor, 0)
            <> coalesce(a.left_minor, 0) + coalesce(p.paid_minor, 0) + c.expired_minor
        """,
    ),
    Invariant(
        "tender.orders_carry_their_tenders",
        "What tenders pay of an order is the sum of its tenders, and at most its total.",
        """
        SELECT o.merchant_id, o.order_id, o.tender_minor, sum(t.amount_minor) AS tenders_minor
        FROM commerce.sales_order o LEFT JOIN commerce.order_tender t
            ON t.merchant_id = o.merchant_id AND t.order_id = o.order_id
        WHERE o.tender_count > 0 OR t.order_id IS NOT NULL
        GROUP BY o.merchant_id, o.order_id, o.tender_minor, o.tender_count, o.total_minor
        HAVING o.tender_minor <> coalesce(sum(t.amount_minor), 0) OR o.tender_count <> count(t.order_id)
            OR o.tender_minor > o.total_minor
        """,
    ),
    Invariant(
        "tender.open_orders_hold_their_tenders",
        "What unpaid orders take of balances is held in the ledger, and nothing else is.",
        """
        SELECT coalesce(h.merchant_id, w.merchant_id) AS merchant_id, coalesce(h.order_id, w.order_id) AS order_id,
            h.units AS held, w.units AS wanted FROM (
            SELECT t.merchant_id, t.document_id AS order_id, sum(t.amount) AS units FROM ledger.transfer t
            JOIN ledger.account d ON d.merchant_id = t.merchant_id AND d.account_id = t.debit_id
                AND d.kind IN ('gift_card', 'wallet', 'points')
            LEFT JOIN ledger.transfer x ON x.merchant_id = t.merchant_id AND x.pending_id = t.transfer_id
            WHERE t.phase = 2 AND x.transfer_id IS NULL GROUP BY 1, 2) h
        FULL JOIN (
            SELECT t.merchant_id, t.order_id, sum(t.units) AS units FROM commerce.order_tender t
            JOIN commerce.sales_order o ON o.merchant_id = t.merchant_id AND o.order_id = t.order_id
            WHERE o.state = 'awaiting_payment' GROUP BY 1, 2) w USING (merchant_id, order_id)
        WHERE h.units IS DISTINCT FROM w.units
        """,
    ),
    Invariant(
        "tender.refunds_within_tenders",
        "No tender gets back more than it paid, and none that has not paid; a cancelled order has given all back.",
        """
        SELECT t.merchant_id, t.order_id, t.tender_no, t.amount_minor, sum(r.amount_minor) AS back_minor
        FROM commerce.order_tender t
        JOIN commerce.sales_order o ON o.merchant_id = t.merchant_id AND o.order_id = t.order_id
        LEFT JOIN commerce.tender_refund r ON r.merchant_id = t.merchant_id AND r.order_id = t.order_id
            AND r.tender_no = t.tender_no
        GROUP BY t.merchant_id, t.order_id, t.tender_no, t.amount_minor, t.units, o.paid_at, o.state
        HAVING coalesce(sum(r.amount_minor), 0) > CASE WHEN o.paid_at IS NULL THEN 0 ELSE t.amount_minor END
            OR coalesce(sum(r.units), 0) > t.units
            OR (o.state = 'cancelled' AND o.paid_at IS NOT NULL AND (coalesce(sum(r.amount_minor), 0) < t.amount_minor
                OR sum(r.units) < t.units))
        """,
    ),
    Invariant(
        "tender.paid_orders_are_covered",
        "An order is paid by what tenders and providers gave and others pledged: together at least its total.",
        """
        SELECT o.merchant_id, o.order_id, o.total_minor, o.tender_minor, c.minor AS captured_minor
        FROM commerce.sales_order o LEFT JOIN (
            SELECT i.merchant_id, i.order_id, sum(coalesce(p.amount_minor, e.minor)) AS minor
            FROM commerce.payment_intent i LEFT JOIN (
                SELECT merchant_id, intent_id, max(amount_minor) AS minor FROM commerce.payment_event
                WHERE kind = 'captured' GROUP BY 1, 2) e ON e.merchant_id = i.merchant_id AND e.intent_id = i.intent_id
            LEFT JOIN commerce.pledge p ON p.merchant_id = i.merchant_id AND p.intent_id = i.intent_id
            GROUP BY 1, 2) c ON c.merchant_id = o.merchant_id AND c.order_id = o.order_id
        WHERE o.paid_at IS NOT NULL AND o.tender_count > 0
            AND o.tender_minor + coalesce(c.minor, 0) < o.total_minor
        """,
    ),
)
