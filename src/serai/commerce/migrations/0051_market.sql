-- Markets: who sells there, checkouts over several merchants, and their payments. All rows belong to the market.

CREATE TABLE commerce.market_member (
    merchant_id uuid NOT NULL,
    member_id uuid NOT NULL CHECK (member_id <> merchant_id),
    commission_ppm integer NOT NULL CHECK (commission_ppm BETWEEN 0 AND 1000000),
    joined_at timestamptz NOT NULL,
    joined_by text NOT NULL,
    left_at timestamptz,
    PRIMARY KEY (merchant_id, member_id)
);
-- What a market holds for a merchant is one account in that merchant's books, so it sells in one market at a time.
CREATE UNIQUE INDEX market_member_once ON commerce.market_member (member_id) WHERE left_at IS NULL;
SELECT foundation.protect('commerce.market_member', 'grow');

-- placed_at: every merchant has reserved its part. ended_at before that: one could not, and the others were called off.
CREATE TABLE commerce.market_checkout (
    merchant_id uuid NOT NULL,
    checkout_id uuid NOT NULL,
    currency text NOT NULL,
    total_minor bigint NOT NULL CHECK (total_minor >= 0),
    email text NOT NULL,
    locale text NOT NULL,
    begun_at timestamptz NOT NULL,
    placed_at timestamptz,
    ended_at timestamptz,
    paid_at timestamptz,
    PRIMARY KEY (merchant_id, checkout_id),
    CHECK (placed_at IS NULL OR ended_at IS NULL),
    CHECK (paid_at IS NULL OR placed_at IS NOT NULL)
);
CREATE INDEX market_checkout_by_time ON commerce.market_checkout (merchant_id, begun_at DESC);
CREATE INDEX market_checkout_open ON commerce.market_checkout (begun_at) WHERE placed_at IS NULL AND ended_at IS NULL;
SELECT foundation.protect('commerce.market_checkout', 'grow');

-- The orders of a checkout, one per merchant; order_id points into that merchant's own rows.
CREATE TABLE commerce.market_order (
    merchant_id uuid NOT NULL,
    checkout_id uuid NOT NULL,
    member_id uuid NOT NULL,
    order_id uuid NOT NULL,
    total_minor bigint NOT NULL CHECK (total_minor >= 0),
    commission_minor bigint NOT NULL CHECK (commission_minor BETWEEN 0 AND total_minor),
    PRIMARY KEY (merchant_id, checkout_id, member_id),
    CONSTRAINT market_order_once UNIQUE (merchant_id, order_id),
    FOREIGN KEY (merchant_id, checkout_id) REFERENCES commerce.market_checkout (merchant_id, checkout_id),
    FOREIGN KEY (merchant_id, member_id) REFERENCES commerce.market_member (merchant_id, member_id)
);
SELECT foundation.protect('commerce.market_order', 'append');

CREATE TABLE commerce.market_payment (
    merchant_id uuid NOT NULL,
    payment_id uuid NOT NULL,
    checkout_id uuid NOT NULL,
    attempt integer NOT NULL,
    provider text NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    currency text NOT NULL,
    provider_payment_id text,
    pay_url text,
    created_at timestamptz NOT NULL,
    captured_at timestamptz,
    failed_at timestamptz,
    PRIMARY KEY (merchant_id, payment_id),
    CONSTRAINT market_payment_attempt_once UNIQUE (merchant_id, checkout_id, attempt),
    FOREIGN KEY (merchant_id, checkout_id) REFERENCES commerce.market_checkout (merchant_id, checkout_id)
);
SELECT foundation.protect('commerce.market_payment', 'grow');
