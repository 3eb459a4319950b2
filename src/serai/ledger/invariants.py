"""Equations of the ledger that must hold at every moment; each statement returns the rows that break one."""

from serai.foundation.invariant import Invariant

INVARIANTS = (
    Invariant(
        "ledger.sums_match_transfers",
        "Each account's four sums equal the sums of its transfers.",
        """
        WITH resolved AS (
            SELECT merchant_id, pending_id FROM ledger.transfer WHERE pending_id IS NOT NULL
        ), counted AS (
            SELECT merchant_id, debit_id, credit_id, amount, true AS is_posted FROM ledger.transfer WHERE phase IN (1, 3)
            UNION ALL
            SELECT p.merchant_id, p.debit_id, p.credit_id, p.amount, false FROM ledger.transfer p
            LEFT JOIN resolved r ON r.merchant_id = p.merchant_id AND r.pending_id = p.transfer_id
            WHERE p.phase = 2 AND r.pending_id IS NULL
        ), side AS (
            SELECT merchant_id, debit_id AS account_id, amount * is_posted::int AS pd, 0 AS pc,
                amount * (NOT is_posted)::int AS qd, 0 AS qc FROM counted
            UNION ALL
            SELECT merchant_id, credit_id, 0, amount * is_posted::int, 0, amount * (NOT is_posted)::int FROM counted
        ), total AS (
            SELECT merchant_id, account_id, sum(pd) pd, sum(pc) pc, sum(qd) qd, sum(qc) qc FROM side GROUP BY 1, 2
        )
        SELECT a.merchant_id, a.account_id, a.kind, a.posted_dr, t.pd, a.posted_cr, t.pc, a.pending_dr, t.qd,
            a.pending_cr, t.qc
        FROM ledger.account a FULL JOIN total t USING (merchant_id, account_id)
        WHERE (a.posted_dr, a.posted_cr, a.pending_dr, a.pending_cr)
            IS DISTINCT FROM (coalesce(t.pd, 0), coalesce(t.pc, 0), coalesce(t.qd, 0), coalesce(t.qc, 0))
        """,
    ),
    Invariant(
        "ledger.units_sum_to_zero",
        "For every unit, debits equal credits over all accounts, posted and pending.",
        """
        SELECT merchant_id, unit_id, sum(posted_dr) posted_dr, sum(posted_cr) posted_cr, sum(pending_dr) pending_dr,
            sum(pending_cr) pending_cr
        FROM ledger.account GROUP BY merchant_id, unit_id
        HAVING sum(posted_dr) <> sum(posted_cr) OR sum(pending_dr) <> sum(pending_cr)
        """,
    ),
    Invariant(
        "ledger.one_unit_per_transfer",
        "Both accounts of a transfer count the transfer's unit.",
        """
        SELECT t.merchant_id, t.transfer_id FROM ledger.transfer t
        LEFT JOIN ledger.account d ON d.merchant_id = t.merchant_id AND d.account_id = t.debit_id
        LEFT JOIN ledger.account c ON c.merchant_id = t.merchant_id AND c.account_id = t.credit_id
        WHERE d.unit_id IS DISTINCT FROM t.unit_id OR c.unit_id IS DISTINCT FROM t.unit_id
        """,
    ),
    Invariant(
        "ledger.floors_hold",
        "No account that may not go negative has less than nothing available.",
        """
        SELECT merchant_id, account_id, kind FROM ledger.account WHERE no_negative AND CASE normal
            WHEN 'D' THEN posted_dr - posted_cr - pending_cr ELSE posted_cr - posted_dr - pending_dr END < 0
        """,
    ),
    Invariant(
        "ledger.resolutions_fit",
        "A posted or voided reservation exists, and no more of it was posted than had been reserved.",
        """
        SELECT x.merchant_id, x.transfer_id FROM ledger.transfer x
        LEFT JOIN ledger.transfer p ON p.merchant_id = x.merchant_id AND p.transfer_id = x.pending_id AND p.phase = 2
        WHERE x.pending_id IS NOT NULL AND (p.transfer_id IS NULL OR x.amount > p.amount
            OR (p.debit_id, p.credit_id, p.unit_id) <> (x.debit_id, x.credit_id, x.unit_id))
        """,
    ),
)
