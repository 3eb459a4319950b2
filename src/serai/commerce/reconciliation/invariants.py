"""Equations of statements; each statement returns the rows that break one."""

from serai.foundation.invariant import Invariant

INVARIANTS = (
    Invariant(
        "reconciliation.clearing_is_explained",
        "What a provider holds by our books is what was captured and not refunded, less what its statements have settled:"
        " nothing, once all of them are read and agree.",
        """
        SELECT i.merchant_id, i.provider, a.minor, i.minor AS captured_minor, r.minor AS refunded_minor,
            s.minor AS settled_minor
        FROM (SELECT p.merchant_id, p.provider, p.currency, sum(coalesce(e.minor, 0)) AS minor
            FROM commerce.payment_intent p LEFT JOIN (SELECT merchant_id, intent_id, max(amount_minor) AS minor
                FROM commerce.payment_event WHERE kind = 'captured' GROUP BY 1, 2) e
                ON e.merchant_id = p.merchant_id AND e.intent_id = p.intent_id
            WHERE p.provider <> 'market' GROUP BY 1, 2, 3) i
        JOIN (SELECT merchant_id, kind, sum(posted_dr - posted_cr) AS minor FROM ledger.account
            WHERE kind LIKE 'psp_clearing:%' GROUP BY 1, 2) a
            ON a.merchant_id = i.merchant_id AND a.kind = 'psp_clearing:' || i.provider
        LEFT JOIN (SELECT f.merchant_id, p.provider, sum(f.amount_minor) AS minor FROM commerce.refund f
            JOIN commerce.payment_intent p ON p.merchant_id = f.merchant_id AND p.intent_id = f.intent_id
            WHERE f.done_at IS NOT NULL AND NOT f.by_hand GROUP BY 1, 2) r
            ON r.merchant_id = i.merchant_id AND r.provider = i.provider
        LEFT JOIN (SELECT merchant_id, provider, sum(CASE kind WHEN 'refund' THEN -ours_minor ELSE ours_minor END) AS minor
            FROM commerce.statement_line
            WHERE verdict = 'matched' OR (resolution IN ('accept', 'fee') AND verdict IN ('amount_differs', 'missing_there'))
            GROUP BY 1, 2) s ON s.merchant_id = i.merchant_id AND s.provider = i.provider
        WHERE a.minor <> i.minor - coalesce(r.minor, 0) - coalesce(s.minor, 0)
        """,
    ),
    Invariant(
        "reconciliation.matched_lines_are_settled",
        "A line that agrees with our books, and none other, has settled its amount and its fee.",
        """
        SELECT l.merchant_id, l.provider, l.row_key, l.verdict FROM commerce.statement_line l
        WHERE l.verdict = 'matched' AND (l.part_id IS NULL OR l.amount_minor IS DISTINCT FROM l.ours_minor)
        """,
    ),
    Invariant(
        "reconciliation.parts_are_told_once",
        "No capture and no refund of ours is settled by two lines.",
        """
        SELECT merchant_id, provider, part_id, count(*) FROM commerce.statement_line
        WHERE verdict IN ('matched', 'amount_differs') GROUP BY 1, 2, 3 HAVING count(*) > 1
        """,
    ),
)
