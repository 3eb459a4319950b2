-- Refunds that the provider declined for good and staff paid back by other means: no provider knows of them.
ALTER TABLE commerce.refund ADD COLUMN by_hand boolean NOT NULL DEFAULT false;
