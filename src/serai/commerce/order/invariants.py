"""Equations of orders, prices and payments; each statement returns the rows that break one."""

from serai.foundation.invariant import Invariant

INVARIANTS = (
    Invariant(
        "commerce.bundle_shares",
        "The shares of a sold bundle's parts are what the line cost.",
        """
        SELECT l.merchant_id, l.order_id, l.line_no FROM commerce.order_line l
        WHERE l.parts ? 'items' AND jsonb_array_length(l.parts -> 'items') > 0
            AND l.total_minor - l.discount_minor <> (SELECT sum((p ->> 'share_minor')::bigint)
                FROM jsonb_array_elements(l.parts -> 'items') p)
        """,
    ),
    Invariant(
        "commerce.order_totals",
        "An order's goods are the sum of its lines, its quantity that of their pieces.",
        """
        SELECT o.merchant_id, o.order_id, o.items_minor, sum(l.total_minor) AS lines_minor
        FROM commerce.sales_order o LEFT JOIN commerce.order_line l
            ON l.merchant_id = o.merchant_id AND l.order_id = o.order_id
        GROUP BY o.merchant_id, o.order_id, o.items_minor, o.quantity
        HAVING o.items_minor IS DISTINCT FROM sum(l.total_minor)
            OR o.quantity IS DISTINCT FROM sum(CASE l.scale WHEN 0 THEN l.quantity ELSE 1 END)
        """,
    ),
    Invariant(
        "commerce.prices_are_newest_entries",
        "A variant's price is that of its newest price entry.",
        """
        SELECT v.merchant_id, v.sku_id, v.price_minor, p.amount_minor FROM commerce.variant v
        LEFT JOIN (SELECT DISTINCT ON (merchant_id, sku_id) merchant_id, sku_id, amount_minor
            FROM commerce.price_entry ORDER BY merchant_id, sku_id, valid_from DESC, price_id DESC) p
            ON p.merchant_id = v.merchant_id AND p.sku_id = v.sku_id
        WHERE v.price_minor IS DISTINCT FROM p.amount_minor
        """,
    ),
    Invariant(
        "commerce.captured_orders_are_paid",
        "An order whose payment was captured is paid, or the money is on its way back (or could not be paid back, and is shown"
        " as refundable); a deposit may wait for its balance, or stay as agreed.",
        """
        SELECT o.merchant_id, o.order_id, o.state FROM commerce.sales_order o
        JOIN (SELECT i.merchant_id, i.order_id, sum(c.minor) AS minor FROM commerce.payment_intent i
            JOIN (SELECT merchant_id, intent_id, max(amount_minor) AS minor FROM commerce.payment_event
                WHERE kind = 'captured' GROUP BY 1, 2) c ON c.merchant_id = i.merchant_id AND c.intent_id = i.intent_id
            GROUP BY 1, 2) c ON c.merchant_id = o.merchant_id AND c.order_id = o.order_id
        LEFT JOIN commerce.presale_order p ON p.merchant_id = o.merchant_id AND p.order_id = o.order_id
        WHERE o.paid_at IS NULL AND c.minor - coalesce((SELECT sum(r.amount_minor) FROM commerce.refund r
            WHERE r.merchant_id = o.merchant_id AND r.order_id = o.order_id), 0)
            > CASE WHEN o.state = 'awaiting_balance' OR p.kept_at IS NOT NULL THEN o.deposit_minor ELSE 0 END
        """,
    ),
    Invariant(
        "commerce.refunds_within_captures",
        "No more is refunded of a payment than was captured.",
        """
        SELECT r.merchant_id, r.intent_id, sum(r.amount_minor) AS refunded_minor FROM commerce.refund r
        WHERE r.failed_at IS NULL GROUP BY r.merchant_id, r.intent_id
        HAVING sum(r.amount_minor) > coalesce((SELECT max(e.amount_minor) FROM commerce.payment_event e
            WHERE e.merchant_id = r.merchant_id AND e.intent_id = r.intent_id AND e.kind = 'captured'), 0)
        """,
    ),
    Invariant(
        "commerce.placed_carts_have_orders",
        "A cart that was placed names an order that exists.",
        """
        SELECT c.merchant_id, c.cart_id, c.order_id FROM commerce.cart c
        LEFT JOIN commerce.sales_order o ON o.merchant_id = c.merchant_id AND o.order_id = c.order_id
        WHERE c.order_id IS NOT NULL AND o.order_id IS NULL
        """,
    ),
    Invariant(
        "commerce.every_order_was_told",
        "Every order has its OrderPlaced in the event log, and every such event its order.",
        """
        SELECT coalesce(o.merchant_id, e.merchant_id) AS merchant_id, coalesce(o.order_id, e.subject_id) AS order_id
        FROM commerce.sales_order o FULL JOIN (
            SELECT merchant_id, subject_id FROM foundation.event WHERE name = 'OrderPlaced') e
            ON e.merchant_id = o.merchant_id AND e.subject_id = o.order_id
        WHERE (o.order_id IS NULL OR e.subject_id IS NULL)
            AND coalesce(o.placed_at, now()) > now() - interval '30 days'
        """,
    ),
    Invariant(
        "commerce.order_due_matches_state",
        "What an order's buyer owes in the ledger follows from its state: all while it waits (of a presale the deposit, later"
        " the balance), nothing once it is over; what could not be refunded yet is owed to the buyer.",
        """
        SELECT o.merchant_id, o.order_id, o.state, a.posted_dr - a.posted_cr AS due_minor
        FROM commerce.sales_order o JOIN ledger.account a ON a.merchant_id = o.merchant_id
            AND a.subject_id = o.order_id AND a.kind = 'order_due'
        LEFT JOIN commerce.presale_order p ON p.merchant_id = o.merchant_id AND p.order_id = o.order_id
        LEFT JOIN (SELECT merchant_id, order_id, bool_or(failed_at IS NULL AND done_at IS NULL) AS is_open,
                coalesce(sum(amount_minor) FILTER (WHERE failed_at IS NOT NULL), 0) AS failed_minor
            FROM commerce.refund GROUP BY 1, 2) r ON r.merchant_id = o.merchant_id AND r.order_id = o.order_id
        WHERE o.total_minor > 0 AND r.is_open IS NOT TRUE
            AND NOT coalesce(a.posted_dr - a.posted_cr BETWEEN -r.failed_minor AND -1, false)
            AND a.posted_dr - a.posted_cr <> CASE WHEN o.state = 'awaiting_payment' THEN o.total_minor
                WHEN o.state = 'awaiting_deposit' THEN o.deposit_minor
                WHEN o.state = 'awaiting_balance' AND p.fixed_at IS NOT NULL THEN o.total_minor - o.deposit_minor
                ELSE 0 END
        """,
    ),
    Invariant(
        "commerce.sales_are_taken_back_once",
        "No more of an order's sale is taken back or handed over than there was, and none is left of one that is over.",
        """
        SELECT o.merchant_id, o.order_id, o.state, d.deferred_minor FROM commerce.sales_order o
        JOIN (SELECT t.merchant_id, t.document_id, sum(CASE WHEN c.kind = 'deferred_sales' THEN t.amount ELSE -t.amount END)
                AS deferred_minor FROM ledger.transfer t
            JOIN ledger.account c ON c.merchant_id = t.merchant_id AND c.account_id = t.credit_id
            JOIN ledger.account b ON b.merchant_id = t.merchant_id AND b.account_id = t.debit_id
            WHERE t.phase IN (1, 3) AND (c.kind = 'deferred_sales' OR b.kind = 'deferred_sales') GROUP BY 1, 2) d
            ON d.merchant_id = o.merchant_id AND d.document_id = o.order_id
        WHERE d.deferred_minor < 0 OR (d.deferred_minor > 0 AND o.state IN ('fulfilled', 'cancelled', 'expired', 'lapsed'))
        """,
    ),
    Invariant(
        "commerce.open_orders_hold_their_stock",
        "Every line of an order that waits or is paid holds reservations of its steps (and of what comes instead) that have"
        " neither left nor been cut, a bundle of its parts'; no other order holds any.",
        """
        SELECT p.merchant_id, p.document_id, p.held, o.state, o.steps FROM (
            SELECT t.merchant_id, t.document_id, sum(t.amount) AS held FROM ledger.transfer t
            JOIN ledger.account c ON c.merchant_id = t.merchant_id AND c.account_id = t.credit_id AND c.kind = 'stock'
                AND t.reason <> 'exchange hold'
            LEFT JOIN ledger.transfer x ON x.merchant_id = t.merchant_id AND x.pending_id = t.transfer_id
            WHERE t.phase = 2 AND x.transfer_id IS NULL GROUP BY 1, 2) p
        FULL JOIN (SELECT s.merchant_id, s.order_id, s.state, sum(l.quantity * coalesce((SELECT
                sum((e ->> 'quantity')::bigint) FROM jsonb_array_elements(l.parts -> 'items') e), 1)) - coalesce((SELECT
                sum(g.shipped + g.cut) FROM commerce.order_goods g WHERE g.merchant_id = s.merchant_id
                AND g.order_id = s.order_id), 0) + coalesce((SELECT sum(i.new_quantity) FROM commerce.order_substitute i
                WHERE i.merchant_id = s.merchant_id AND i.order_id = s.order_id), 0) AS steps
            FROM commerce.sales_order s JOIN commerce.order_line l
                ON l.merchant_id = s.merchant_id AND l.order_id = s.order_id
            WHERE s.state IN ('awaiting_payment', 'awaiting_deposit', 'awaiting_balance', 'paid')
            GROUP BY s.merchant_id, s.order_id, s.state) o
            ON o.merchant_id = p.merchant_id AND o.order_id = p.document_id
        WHERE p.held IS DISTINCT FROM o.steps
        """,
    ),
)
