-- Which of a promotion's goods a buying group is about: what its page shows and what those who join buy. A group that a
-- program opened without naming any has none.
ALTER TABLE commerce.group_buy ADD COLUMN sku_id uuid;
