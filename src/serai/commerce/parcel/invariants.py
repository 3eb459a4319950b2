"""What must always hold of goods to hand over and of parcels."""

from serai.foundation.invariant import Invariant

INVARIANTS = (
    Invariant(
        "commerce.ordered_goods_add_up",
        "Of each SKU of each line: ordered (or come instead) = open + shipped + cut, over all places, once places are given"
        " an order; a fulfilled order has nothing open.",
        """
        WITH ordered AS (SELECT o.merchant_id, o.order_id, o.state, l.line_no, coalesce((e.part ->> 'sku_id')::uuid, l.sku_id)
                AS sku_id, sum(l.quantity * coalesce((e.part ->> 'quantity')::bigint, 1)) AS steps
            FROM commerce.sales_order o
            JOIN commerce.order_line l ON l.merchant_id = o.merchant_id AND l.order_id = o.order_id
            LEFT JOIN jsonb_array_elements(l.parts -> 'items') e (part) ON true
            WHERE o.state IN ('paid', 'fulfilled') AND EXISTS (SELECT FROM commerce.order_goods g
                WHERE g.merchant_id = o.merchant_id AND g.order_id = o.order_id)
            GROUP BY 1, 2, 3, 4, 5
            UNION ALL SELECT o.merchant_id, o.order_id, o.state, s.line_no, s.new_sku_id, sum(s.new_quantity)
            FROM commerce.order_substitute s JOIN commerce.sales_order o ON o.merchant_id = s.merchant_id
                AND o.order_id = s.order_id AND o.state IN ('paid', 'fulfilled') GROUP BY 1, 2, 3, 4, 5),
        wanted AS (SELECT merchant_id, order_id, state, line_no, sku_id, sum(steps) AS steps FROM ordered
            GROUP BY 1, 2, 3, 4, 5),
        told AS (SELECT g.merchant_id, g.order_id, g.line_no, g.sku_id, sum(g.open) AS open, sum(g.open + g.shipped + g.cut)
                AS steps FROM commerce.order_goods g JOIN commerce.sales_order o ON o.merchant_id = g.merchant_id
                AND o.order_id = g.order_id AND o.state IN ('paid', 'fulfilled') GROUP BY 1, 2, 3, 4)
        SELECT coalesce(n.merchant_id, t.merchant_id) AS merchant_id, coalesce(n.order_id, t.order_id) AS order_id,
            t.line_no, t.sku_id, n.steps AS ordered, t.steps, t.open
        FROM wanted n FULL JOIN told t ON t.merchant_id = n.merchant_id AND t.order_id = n.order_id
            AND t.line_no = n.line_no AND t.sku_id = n.sku_id
        WHERE n.steps IS DISTINCT FROM t.steps OR (n.state = 'fulfilled' AND t.open > 0)
        """,
    ),
    Invariant(
        "commerce.substitutes_are_cuts",
        "What something came instead of is cut as replaced, as many steps of it, and the difference is what went back: the"
        " cut and what came instead are together worth what was ordered.",
        """
        SELECT coalesce(c.merchant_id, s.merchant_id) AS merchant_id, coalesce(c.order_id, s.order_id) AS order_id,
            c.steps, s.steps AS replaced, c.amount_minor, s.amount_minor AS difference
        FROM (SELECT merchant_id, order_id, line_no, sku_id, sum(quantity) AS steps, sum(amount_minor) AS amount_minor
            FROM commerce.order_cut WHERE kind = 'substituted' GROUP BY 1, 2, 3, 4) c
        FULL JOIN (SELECT merchant_id, order_id, line_no, sku_id, sum(quantity) AS steps,
                sum(value_minor - taken_minor) AS amount_minor
            FROM commerce.order_substitute GROUP BY 1, 2, 3, 4) s
            ON s.merchant_id = c.merchant_id AND s.order_id = c.order_id AND s.line_no = c.line_no AND s.sku_id = c.sku_id
        WHERE c.steps IS DISTINCT FROM s.steps OR c.amount_minor IS DISTINCT FROM s.amount_minor
        """,
    ),
    Invariant(
        "commerce.open_goods_are_held",
        "Goods that are open are held by the reservation that they name: as many steps of that SKU at that place.",
        """
        SELECT g.merchant_id, g.order_id, g.line_no, g.sku_id, g.open, t.amount FROM commerce.order_goods g
        JOIN commerce.sales_order o ON o.merchant_id = g.merchant_id AND o.order_id = g.order_id AND o.state = 'paid'
        LEFT JOIN ledger.transfer t ON t.merchant_id = g.merchant_id AND t.transfer_id = g.hold_id AND t.phase = 2
        LEFT JOIN ledger.account a ON a.merchant_id = g.merchant_id AND a.account_id = t.credit_id
        WHERE g.open > 0 AND (t.amount IS DISTINCT FROM g.open OR a.kind <> 'stock' OR a.subject_id <> g.sku_id
            OR a.place_id <> g.place_id OR EXISTS (SELECT FROM ledger.transfer x WHERE x.merchant_id = g.merchant_id
                AND x.pending_id = g.hold_id))
        """,
    ),
    Invariant(
        "commerce.parcels_hold_their_goods",
        "What lies in parcels that are here is packed, and what lay in parcels that left is shipped, step by step.",
        """
        SELECT coalesce(g.merchant_id, p.merchant_id) AS merchant_id, coalesce(g.order_id, p.order_id) AS order_id,
            g.packed, g.shipped, p.here, p.gone
        FROM (SELECT g.merchant_id, g.order_id, g.place_id, g.line_no, g.sku_id, g.packed, g.shipped
            FROM commerce.order_goods g JOIN commerce.sales_order o ON o.merchant_id = g.merchant_id
                AND o.order_id = g.order_id AND o.state IN ('paid', 'fulfilled')) g
        FULL JOIN (SELECT p.merchant_id, p.order_id, p.place_id, l.line_no, l.sku_id,
                coalesce(sum(l.quantity) FILTER (WHERE p.shipped_at IS NULL AND p.unpacked_at IS NULL), 0) AS here,
                coalesce(sum(l.quantity) FILTER (WHERE p.shipped_at IS NOT NULL), 0) AS gone
            FROM commerce.parcel p JOIN commerce.parcel_line l ON l.merchant_id = p.merchant_id
                AND l.parcel_id = p.parcel_id
            JOIN commerce.sales_order o ON o.merchant_id = p.merchant_id AND o.order_id = p.order_id
                AND o.state IN ('paid', 'fulfilled') GROUP BY 1, 2, 3, 4, 5) p
            ON p.merchant_id = g.merchant_id AND p.order_id = g.order_id AND p.place_id = g.place_id
                AND p.line_no = g.line_no AND p.sku_id = g.sku_id
        WHERE coalesce(g.packed, 0) <> coalesce(p.here, 0) OR coalesce(g.shipped, 0) <> coalesce(p.gone, 0)
        """,
    ),
)
