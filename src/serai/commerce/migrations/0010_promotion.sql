-- Promotions: rules in versions that are only ever added, coupons, and what an order got from them.

-- version: the newest one; live_version: the one that carts get.
CREATE TABLE commerce.promotion (
    merchant_id uuid NOT NULL,
    promotion_id uuid NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    live_version integer,
    state text NOT NULL CHECK (state IN ('draft', 'live', 'stopped')),
    name text NOT NULL CHECK (name <> ''),
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    changed_by text NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, promotion_id),
    CHECK (state = 'draft' OR live_version IS NOT NULL)
);
CREATE INDEX promotion_by_change ON commerce.promotion (merchant_id, changed_at DESC, promotion_id DESC);
SELECT foundation.protect('commerce.promotion', 'grow');

CREATE TABLE commerce.promotion_version (
    merchant_id uuid NOT NULL,
    promotion_id uuid NOT NULL,
    version integer NOT NULL,
    terms jsonb NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, promotion_id, version),
    FOREIGN KEY (merchant_id, promotion_id) REFERENCES commerce.promotion (merchant_id, promotion_id)
);
SELECT foundation.protect('commerce.promotion_version', 'append');

-- A number that grows with every change of what is live, so that processes know when to compile anew.
CREATE TABLE commerce.promotion_edition (
    merchant_id uuid NOT NULL,
    number bigint NOT NULL,
    PRIMARY KEY (merchant_id)
);
SELECT foundation.protect('commerce.promotion_edition', 'grow');

-- How many of a coupon are free, locked or used is the ledger's to say; its code is kept as a digest only.
CREATE TABLE commerce.coupon (
    merchant_id uuid NOT NULL,
    coupon_id uuid NOT NULL,
    promotion_id uuid NOT NULL,
    digest bytea NOT NULL,
    code_end text NOT NULL,
    holder_id uuid,
    uses integer NOT NULL CHECK (uses > 0),
    issued_by text NOT NULL,
    issued_at timestamptz NOT NULL,
    expires_at timestamptz,
    ended text CHECK (ended IN ('expired', 'revoked')),
    ended_uses integer NOT NULL DEFAULT 0,
    ended_at timestamptz,
    PRIMARY KEY (merchant_id, coupon_id),
    CONSTRAINT coupon_code_unique UNIQUE (merchant_id, digest),
    FOREIGN KEY (merchant_id, promotion_id) REFERENCES commerce.promotion (merchant_id, promotion_id)
);
CREATE INDEX coupon_by_promotion ON commerce.coupon (merchant_id, promotion_id, coupon_id DESC);
CREATE INDEX coupon_by_holder ON commerce.coupon (merchant_id, holder_id) WHERE holder_id IS NOT NULL AND ended IS NULL;
CREATE INDEX coupon_by_expiry ON commerce.coupon (expires_at) WHERE expires_at IS NOT NULL AND ended IS NULL;
SELECT foundation.protect('commerce.coupon', 'grow');

-- What a rule took off an order, and how it falls on the lines (line_no 0: the delivery). claims: what it took from
-- counters in the ledger.
CREATE TABLE commerce.order_adjustment (
    merchant_id uuid NOT NULL,
    order_id uuid NOT NULL,
    adjustment_no smallint NOT NULL,
    kind text NOT NULL,
    layer smallint NOT NULL CHECK (layer BETWEEN 1 AND 7),
    promotion_id uuid,
    version integer NOT NULL DEFAULT 0,
    source_id uuid,
    coupon_id uuid,
    name text NOT NULL,
    translations jsonb NOT NULL DEFAULT '{}',
    funded_by text NOT NULL,
    returns text NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
    claims jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (merchant_id, order_id, adjustment_no),
    FOREIGN KEY (merchant_id, order_id) REFERENCES commerce.sales_order (merchant_id, order_id)
);
CREATE INDEX order_adjustment_by_promotion ON commerce.order_adjustment (merchant_id, promotion_id, order_id)
    WHERE promotion_id IS NOT NULL;
SELECT foundation.protect('commerce.order_adjustment', 'append');

CREATE TABLE commerce.order_adjustment_share (
    merchant_id uuid NOT NULL,
    order_id uuid NOT NULL,
    adjustment_no smallint NOT NULL,
    line_no smallint NOT NULL CHECK (line_no >= 0),
    amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
    PRIMARY KEY (merchant_id, order_id, adjustment_no, line_no),
    FOREIGN KEY (merchant_id, order_id, adjustment_no)
        REFERENCES commerce.order_adjustment (merchant_id, order_id, adjustment_no)
);
SELECT foundation.protect('commerce.order_adjustment_share', 'append');

-- total_minor of a line stays price times quantity; what was taken off stands beside it. extra: gift or add_on.
ALTER TABLE commerce.order_line
    ADD COLUMN discount_minor bigint NOT NULL DEFAULT 0,
    ADD COLUMN extra text NOT NULL DEFAULT '' CHECK (extra IN ('', 'gift', 'add_on')),
    ADD CONSTRAINT order_line_net_not_negative CHECK (discount_minor BETWEEN 0 AND total_minor);

ALTER TABLE commerce.sales_order
    ADD COLUMN discount_minor bigint NOT NULL DEFAULT 0 CHECK (discount_minor >= 0),
    ADD COLUMN adjustment_count smallint NOT NULL DEFAULT 0 CHECK (adjustment_count >= 0);
DO $$
DECLARE
    old text;
BEGIN
    SELECT conname INTO STRICT old FROM pg_constraint
    WHERE conrelid = 'commerce.sales_order'::regclass AND contype = 'c'
        AND pg_get_constraintdef(oid) LIKE '%total_minor = (items_minor + shipping_minor)%';
    EXECUTE format('ALTER TABLE commerce.sales_order DROP CONSTRAINT %I', old);
END $$;
ALTER TABLE commerce.sales_order ADD CONSTRAINT sales_order_total_adds_up
    CHECK (total_minor = items_minor - discount_minor + shipping_minor);
