"""Equations of prices beside the list price; each statement returns the rows that break one."""

from serai.foundation.invariant import Invariant

INVARIANTS = (
    Invariant(
        "commerce.planned_prices_were_entered",
        "A list price whose moment came was entered into the history with its own amount and moment, or called off before.",
        """
        SELECT o.merchant_id, o.offer_id, o.valid_from, o.ended_by FROM commerce.price_offer o
        LEFT JOIN commerce.price_entry e ON e.merchant_id = o.merchant_id AND e.price_id = o.offer_id
        WHERE o.kind = 'list' AND (
            (e.price_id IS NOT NULL AND (e.sku_id, e.amount_minor, e.valid_from, e.currency)
                IS DISTINCT FROM (o.sku_id, o.amount_minor, o.valid_from, o.currency))
            OR (o.ended_by = 'system') <> (e.price_id IS NOT NULL)
            OR (o.ended_at IS NULL AND o.valid_from < now() - interval '1 hour'))
        """,
    ),
    Invariant(
        "commerce.reductions_are_for_everybody",
        "An announced reduction has no member level and no quantity; a member price has a level, a tier a quantity.",
        """
        SELECT merchant_id, offer_id, kind FROM commerce.price_offer
        WHERE (kind IN ('sale', 'clearance') AND (member_level IS NOT NULL OR min_quantity > 1))
            OR (kind = 'member' AND member_level IS NULL) OR (kind = 'tier' AND min_quantity < 2)
            OR (kind = 'local' AND channel IS NULL AND place_id IS NULL)
        """,
    ),
)
