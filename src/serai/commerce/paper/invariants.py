"""What holds of papers; each statement returns the rows that break it."""

from serai.foundation.invariant import Invariant

INVARIANTS = (
    Invariant(
        "paper.numbers_have_no_gap",
        "The papers of a series are numbered from one without a gap, up to the last number given, and their dates never"
        " run backwards.",
        """
        SELECT s.merchant_id, s.series, s.last, count(p.serial) AS papers FROM commerce.paper_series s
        LEFT JOIN (SELECT merchant_id, series, serial, issued_at < lag(issued_at) OVER (
            PARTITION BY merchant_id, series ORDER BY serial) AS backwards FROM commerce.paper) p
            ON p.merchant_id = s.merchant_id AND p.series = s.series
        GROUP BY s.merchant_id, s.series, s.last
        HAVING count(p.serial) <> s.last OR max(p.serial) IS DISTINCT FROM s.last OR coalesce(bool_or(p.backwards), false)
        """,
    ),
    Invariant(
        "paper.credits_within_invoice",
        "Credit notes take back no more than their invoice, in all and of its tax.",
        """
        SELECT i.merchant_id, i.paper_id, i.number, i.total_minor, sum(c.total_minor) AS credited_minor
        FROM commerce.paper i JOIN commerce.paper c ON c.merchant_id = i.merchant_id AND c.corrects_id = i.paper_id
        GROUP BY i.merchant_id, i.paper_id, i.number, i.total_minor, i.tax_minor
        HAVING sum(c.total_minor) > i.total_minor OR sum(c.tax_minor) > i.tax_minor
            OR (sum(c.total_minor) = i.total_minor AND sum(c.tax_minor) <> i.tax_minor)
        """,
    ),
    Invariant(
        "paper.invoice_is_of_an_order",
        "An invoice is of an order that was sold, in its currency.",
        """
        SELECT p.merchant_id, p.number, p.order_id, o.state FROM commerce.paper p
        LEFT JOIN commerce.sales_order o ON o.merchant_id = p.merchant_id AND o.order_id = p.order_id
        WHERE o.order_id IS NULL OR o.currency <> p.currency
            OR o.state IN ('awaiting_payment', 'awaiting_deposit', 'awaiting_balance', 'expired')
        """,
    ),
    Invariant(
        "paper.content_is_what_was_issued",
        "What a paper says is what was issued: its number, sums and correction agree with its row.",
        """
        SELECT p.merchant_id, p.number FROM commerce.paper p
        WHERE p.content::jsonb ->> 'number' <> p.number OR p.content::jsonb ->> 'kind' <> p.kind
            OR (p.content::jsonb ->> 'total_minor')::bigint <> p.total_minor
            OR (p.content::jsonb ->> 'tax_minor')::bigint <> p.tax_minor
            OR p.digest <> sha256(convert_to(p.content, 'UTF8'))
        """,
    ),
)
