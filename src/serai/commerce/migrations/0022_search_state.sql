-- When a merchant's categories to suggest and best sellers were last brought up to date.
ALTER TABLE commerce.search_state ADD COLUMN lists_at timestamptz;

-- Products that were there before have index entries of an older make: the worker makes them afresh.
INSERT INTO commerce.search_state (merchant_id, make, rebuilt_at)
SELECT DISTINCT merchant_id, 0, now() FROM commerce.product WHERE title_key = '' ON CONFLICT DO NOTHING;
