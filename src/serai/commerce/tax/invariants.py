"""Equations of taxes; each statement returns the rows that break one."""

from serai.foundation.invariant import Invariant

INVARIANTS = (
    Invariant(
        "commerce.taxes_add_up",
        "An order's taxes are the sums of its lines' taxes, and none of them is more than its base at its rate.",
        """
        SELECT o.merchant_id, o.order_id FROM commerce.sales_order o LEFT JOIN commerce.order_tax t
            ON t.merchant_id = o.merchant_id AND t.order_id = o.order_id
        WHERE o.tax_count > 0 OR t.order_id IS NOT NULL
        GROUP BY o.merchant_id, o.order_id, o.tax_minor, o.tax_included_minor, o.tax_count
        HAVING o.tax_minor <> coalesce(sum(t.tax_minor) FILTER (WHERE NOT t.included), 0)
            OR o.tax_included_minor <> coalesce(sum(t.tax_minor) FILTER (WHERE t.included), 0)
            OR o.tax_count <> count(t.line_no)
            OR bool_or(abs(t.tax_minor - t.base_minor * t.rate_ppm / 1000000.0) > 4)
        """,
    ),
)
