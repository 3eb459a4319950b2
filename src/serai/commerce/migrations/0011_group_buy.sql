-- Groups that buy together. How many seats are free, held and paid is the ledger's to say.

CREATE TABLE commerce.group_buy (
    merchant_id uuid NOT NULL,
    group_id uuid NOT NULL,
    promotion_id uuid NOT NULL,
    people integer NOT NULL CHECK (people > 1),
    opened_at timestamptz NOT NULL,
    deadline timestamptz NOT NULL,
    outcome text CHECK (outcome IN ('grouped', 'failed')),
    ended_at timestamptz,
    PRIMARY KEY (merchant_id, group_id),
    FOREIGN KEY (merchant_id, promotion_id) REFERENCES commerce.promotion (merchant_id, promotion_id)
);
CREATE INDEX group_buy_by_promotion ON commerce.group_buy (merchant_id, promotion_id, opened_at DESC);
CREATE INDEX group_buy_open ON commerce.group_buy (deadline) WHERE outcome IS NULL;
CREATE INDEX group_buy_failed ON commerce.group_buy (ended_at) WHERE outcome = 'failed';
SELECT foundation.protect('commerce.group_buy', 'grow');

-- Which orders took a seat, so that they are found when the group ends.
CREATE TABLE commerce.group_order (
    merchant_id uuid NOT NULL,
    group_id uuid NOT NULL,
    order_id uuid NOT NULL,
    PRIMARY KEY (merchant_id, group_id, order_id)
);
CREATE INDEX group_order_by_order ON commerce.group_order (merchant_id, order_id);
SELECT foundation.protect('commerce.group_order', 'append');
