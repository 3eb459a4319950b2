"""What holds of webhooks; each statement returns the rows that break it."""

from serai.foundation.invariant import Invariant

INVARIANTS = (
    Invariant(
        "webhook.numbers_have_no_gap",
        "An object's messages to an endpoint are numbered without a gap, up to the last number given.",
        """
        SELECT d.merchant_id, d.endpoint_id, d.object_id, min(d.sequence) AS first, max(d.sequence) AS last,
            count(*) AS messages, s.last AS given
        FROM commerce.webhook_delivery d LEFT JOIN commerce.webhook_sequence s
            ON s.merchant_id = d.merchant_id AND s.endpoint_id = d.endpoint_id AND s.object_id = d.object_id
        GROUP BY d.merchant_id, d.endpoint_id, d.object_id, s.last
        HAVING count(*) <> max(d.sequence) - min(d.sequence) + 1 OR max(d.sequence) IS DISTINCT FROM s.last
        """,
    ),
    Invariant(
        "webhook.delivered_was_heard",
        "A message counts as delivered only where its endpoint answered an attempt with 2xx.",
        """
        SELECT d.merchant_id, d.delivery_id FROM commerce.webhook_delivery d
        WHERE d.state = 'delivered' AND NOT EXISTS (
            SELECT FROM commerce.webhook_attempt a WHERE a.merchant_id = d.merchant_id
                AND a.delivery_id = d.delivery_id AND a.status BETWEEN 200 AND 299)
        """,
    ),
    Invariant(
        "webhook.nothing_waits_for_nobody",
        "Nothing waits for an endpoint that was deleted, and every other endpoint has a secret that signs.",
        """
        SELECT e.merchant_id, e.endpoint_id, e.state FROM commerce.webhook_endpoint e
        WHERE (e.state = 'deleted' AND EXISTS (SELECT FROM commerce.webhook_delivery d
                WHERE d.merchant_id = e.merchant_id AND d.endpoint_id = e.endpoint_id AND d.state = 'waiting'))
            OR (e.state <> 'deleted' AND NOT EXISTS (SELECT FROM commerce.webhook_secret s
                WHERE s.merchant_id = e.merchant_id AND s.endpoint_id = e.endpoint_id AND s.ends_at IS NULL))
        """,
    ),
)
