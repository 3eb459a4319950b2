-- What a market has paid out to its members, run by run: per member what the sum is made of. Rows belong to the market.

CREATE TABLE commerce.market_payout (
    merchant_id uuid NOT NULL,
    payout_id uuid NOT NULL,
    payout_no integer NOT NULL,
    currency text NOT NULL,
    provider text NOT NULL,
    paid_at timestamptz NOT NULL,
    paid_by text NOT NULL,
    reversed_at timestamptz,
    reversed_by text,
    PRIMARY KEY (merchant_id, payout_id),
    CONSTRAINT market_payout_numbered UNIQUE (merchant_id, payout_no)
);
SELECT foundation.protect('commerce.market_payout', 'grow');

-- booked_at, returned_at: the member's own books have it, and have its reversal.
CREATE TABLE commerce.market_payout_line (
    merchant_id uuid NOT NULL,
    payout_id uuid NOT NULL,
    member_id uuid NOT NULL,
    sales_minor bigint NOT NULL,
    discounts_minor bigint NOT NULL,
    commission_minor bigint NOT NULL,
    refunds_minor bigint NOT NULL,
    net_minor bigint NOT NULL CHECK (net_minor > 0),
    booked_at timestamptz,
    returned_at timestamptz,
    PRIMARY KEY (merchant_id, payout_id, member_id),
    FOREIGN KEY (merchant_id, payout_id) REFERENCES commerce.market_payout (merchant_id, payout_id),
    CHECK (net_minor = sales_minor + discounts_minor - commission_minor - refunds_minor)
);
CREATE INDEX market_payout_unbooked ON commerce.market_payout_line (merchant_id, payout_id) WHERE booked_at IS NULL;
SELECT foundation.protect('commerce.market_payout_line', 'grow');
