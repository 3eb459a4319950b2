-- Attributes that shoppers narrow lists by, values of single variants beside their product's, and one more channel: markets
-- that sell a merchant's goods.

ALTER TABLE commerce.attribute ADD COLUMN filterable boolean NOT NULL DEFAULT false;
ALTER TABLE commerce.variant ADD COLUMN attributes jsonb NOT NULL DEFAULT '{}';

ALTER TABLE commerce.listing DROP CONSTRAINT listing_channel_check;
ALTER TABLE commerce.listing ADD CONSTRAINT listing_channel_check CHECK (channel IN ('app', 'pos', 'agent', 'market'));
