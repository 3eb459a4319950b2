"""Equations of presales; each statement returns the rows that break one."""

from serai.foundation.invariant import Invariant

INVARIANTS = (
    Invariant(
        "presale.deposits_are_owed",
        "What a merchant owes for deposits is what was asked of orders that wait for a deposit or a balance.",
        """
        SELECT coalesce(a.merchant_id, o.merchant_id) AS merchant_id, a.minor AS owed, o.minor AS deposits FROM (
            SELECT merchant_id, unit_id, posted_cr - posted_dr AS minor FROM ledger.account
            WHERE kind = 'deferred_deposits') a
        FULL JOIN (SELECT o.merchant_id, d.unit_id, sum(o.deposit_minor) AS minor FROM commerce.sales_order o
            JOIN ledger.account d ON d.merchant_id = o.merchant_id AND d.subject_id = o.order_id AND d.kind = 'order_due'
            WHERE o.state IN ('awaiting_deposit', 'awaiting_balance') GROUP BY 1, 2) o USING (merchant_id, unit_id)
        WHERE coalesce(a.minor, 0) <> coalesce(o.minor, 0)
        """,
    ),
    Invariant(
        "presale.kept_deposits_are_income",
        "What stayed of deposits is what lapsed and cancelled orders left, and no other order leaves any.",
        """
        SELECT coalesce(a.merchant_id, o.merchant_id) AS merchant_id, a.minor AS kept, o.minor AS deposits FROM (
            SELECT merchant_id, unit_id, posted_cr - posted_dr AS minor FROM ledger.account
            WHERE kind = 'kept_deposits') a
        FULL JOIN (SELECT o.merchant_id, d.unit_id, sum(CASE WHEN o.state IN ('lapsed', 'cancelled')
                THEN o.deposit_minor ELSE -1 END) AS minor
            FROM commerce.presale_order p JOIN commerce.sales_order o ON o.merchant_id = p.merchant_id
                AND o.order_id = p.order_id
            JOIN ledger.account d ON d.merchant_id = o.merchant_id AND d.subject_id = o.order_id AND d.kind = 'order_due'
            WHERE p.kept_at IS NOT NULL GROUP BY 1, 2) o USING (merchant_id, unit_id)
        WHERE coalesce(a.minor, 0) <> coalesce(o.minor, 0)
        """,
    ),
    Invariant(
        "presale.pieces_are_sold_and_held",
        "A presale's pieces that are sold are those of orders with a deposit, those held those of orders that wait for one.",
        """
        SELECT p.merchant_id, p.presale_id, s.posted_dr - s.posted_cr AS sold, s.pending_dr AS held, o.sold AS paid,
            o.held AS waiting
        FROM commerce.presale p JOIN ledger.account s ON s.merchant_id = p.merchant_id
            AND s.subject_id = p.presale_id AND s.kind = 'promotion_quota_sold'
        LEFT JOIN (SELECT r.merchant_id, r.presale_id,
                coalesce(sum(r.quantity) FILTER (WHERE o.state IN ('awaiting_balance', 'paid', 'fulfilled')), 0) AS sold,
                coalesce(sum(r.quantity) FILTER (WHERE o.state = 'awaiting_deposit'), 0) AS held
            FROM commerce.presale_order r JOIN commerce.sales_order o ON o.merchant_id = r.merchant_id
                AND o.order_id = r.order_id GROUP BY 1, 2) o
            ON o.merchant_id = p.merchant_id AND o.presale_id = p.presale_id
        WHERE s.posted_dr - s.posted_cr <> coalesce(o.sold, 0) OR s.pending_dr <> coalesce(o.held, 0)
        """,
    ),
    Invariant(
        "presale.prices_are_the_frozen_ones",
        "Every order whose balance is fixed costs the part of the price that its presale was closed at.",
        """
        SELECT r.merchant_id, r.order_id, r.percent, p.percent AS frozen FROM commerce.presale_order r
        JOIN commerce.presale p ON p.merchant_id = r.merchant_id AND p.presale_id = r.presale_id
        WHERE r.fixed_at IS NOT NULL AND (r.percent IS DISTINCT FROM p.percent OR r.pieces IS DISTINCT FROM p.pieces
            OR (SELECT sum(a.amount_minor) FROM commerce.order_adjustment a WHERE a.merchant_id = r.merchant_id
                AND a.order_id = r.order_id AND a.source_id = r.presale_id)
            <> (r.credit_minor - r.deposit_minor + r.price_minor - (r.price_minor * r.percent + 5000) / 10000) * r.quantity)
        """,
    ),
    Invariant(
        "presale.orders_have_terms",
        "Every order of a presale has what it agreed to, and the deposit is the same in both.",
        """
        SELECT coalesce(o.merchant_id, r.merchant_id) AS merchant_id, coalesce(o.order_id, r.order_id) AS order_id
        FROM (SELECT * FROM commerce.sales_order WHERE presale_id IS NOT NULL) o
        FULL JOIN commerce.presale_order r ON r.merchant_id = o.merchant_id AND r.order_id = o.order_id
        WHERE o.presale_id IS DISTINCT FROM r.presale_id OR o.deposit_minor IS DISTINCT FROM r.deposit_minor * r.quantity
        """,
    ),
    Invariant(
        "presale.one_payment_is_expected",
        "Of an order in a presale exactly the deposit, or the balance that is fixed, is expected, and nothing once it is paid"
        " or over.",
        """
        SELECT o.merchant_id, o.order_id, o.state, a.pending_cr AS expected FROM commerce.sales_order o
        JOIN commerce.presale_order r ON r.merchant_id = o.merchant_id AND r.order_id = o.order_id
        JOIN ledger.account a ON a.merchant_id = o.merchant_id AND a.subject_id = o.order_id AND a.kind = 'order_due'
        WHERE a.pending_cr <> CASE WHEN o.state = 'awaiting_deposit' THEN o.deposit_minor
            WHEN o.state = 'awaiting_balance' AND r.fixed_at IS NOT NULL THEN o.total_minor - o.deposit_minor ELSE 0 END
        """,
    ),
)
