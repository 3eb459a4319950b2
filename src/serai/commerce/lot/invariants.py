"""What must always hold of lots."""

from serai.foundation.invariant import Invariant

INVARIANTS = (
    Invariant(
        "commerce.lots_are_the_stock",
        "Of goods that are kept by lots, the lots at a place come to no more than lies there.",
        """
        SELECT r.merchant_id, r.sku_id, a.place_id, sum(a.stock) AS stock, sum(a.lots) AS lots FROM commerce.lot_rule r
        JOIN (SELECT merchant_id, unit_id, place_id, CASE kind WHEN 'stock' THEN posted_dr - posted_cr ELSE 0 END AS stock,
                CASE kind WHEN 'lot' THEN posted_dr - posted_cr ELSE 0 END AS lots
            FROM ledger.account WHERE kind IN ('stock', 'lot')) a ON a.merchant_id = r.merchant_id AND a.unit_id = r.sku_id
        GROUP BY 1, 2, 3 HAVING sum(a.stock) < sum(a.lots)
        """,
    ),
    Invariant(
        "commerce.parcels_name_their_lots",
        "What a parcel took of lots is no more than lies in it, of each line and SKU.",
        """
        SELECT w.merchant_id, w.parcel_id, w.line_no, w.sku_id, w.steps, l.quantity
        FROM (SELECT merchant_id, parcel_id, line_no, sku_id, sum(quantity) AS steps FROM commerce.parcel_lot
            GROUP BY 1, 2, 3, 4) w
        LEFT JOIN commerce.parcel_line l ON l.merchant_id = w.merchant_id AND l.parcel_id = w.parcel_id
            AND l.line_no = w.line_no AND l.sku_id = w.sku_id
        WHERE w.steps IS DISTINCT FROM l.quantity::bigint
        """,
    ),
)
