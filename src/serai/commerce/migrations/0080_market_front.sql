-- The market's own shop front: one basket over its members, what its promotions take off a checkout and who bears it,
-- and what of a refund the buyer gets. All rows belong to the market; nothing here points into a member's rows but by id.

-- A shopper's basket at the market. The goods lie in carts of the members, one per member, whose owner is named after
-- the basket; checkout_id is set once it was ordered.
CREATE TABLE commerce.market_basket (
    merchant_id uuid NOT NULL,
    basket_id uuid NOT NULL,
    owner_digest bytea NOT NULL,
    coupon_ids uuid[] NOT NULL DEFAULT '{}',
    opened_at timestamptz NOT NULL,
    touched_at timestamptz NOT NULL,
    checkout_id uuid,
    PRIMARY KEY (merchant_id, basket_id)
);
CREATE UNIQUE INDEX market_basket_open ON commerce.market_basket (merchant_id, owner_digest) WHERE checkout_id IS NULL;
SELECT foundation.protect('commerce.market_basket', 'edit');

-- Which members' goods are in it, and how many pieces there were when somebody last looked.
CREATE TABLE commerce.market_basket_part (
    merchant_id uuid NOT NULL,
    basket_id uuid NOT NULL,
    member_id uuid NOT NULL,
    quantity integer NOT NULL CHECK (quantity >= 0),
    PRIMARY KEY (merchant_id, basket_id, member_id),
    FOREIGN KEY (merchant_id, basket_id) REFERENCES commerce.market_basket (merchant_id, basket_id) ON DELETE CASCADE
);
SELECT foundation.protect('commerce.market_basket_part', 'edit');

-- member_id: who was signed in at the market. lapsed_at: nobody paid in time, and what it held of promotions is free again.
ALTER TABLE commerce.market_checkout
    ADD COLUMN basket_id uuid,
    ADD COLUMN member_id uuid,
    ADD COLUMN name text NOT NULL DEFAULT '',
    ADD COLUMN quantity integer NOT NULL DEFAULT 0,
    ADD COLUMN discount_minor bigint NOT NULL DEFAULT 0 CHECK (discount_minor >= 0),
    ADD COLUMN expires_at timestamptz,
    ADD COLUMN lapsed_at timestamptz;
CREATE INDEX market_checkout_by_member ON commerce.market_checkout (merchant_id, member_id, begun_at DESC)
    WHERE member_id IS NOT NULL;
CREATE INDEX market_checkout_by_basket ON commerce.market_checkout (merchant_id, basket_id) WHERE basket_id IS NOT NULL;
CREATE INDEX market_checkout_unpaid ON commerce.market_checkout (expires_at)
    WHERE placed_at IS NOT NULL AND paid_at IS NULL AND lapsed_at IS NULL;

-- discount_minor: what the market's promotions took off the order; platform_minor of it is the market's to bear.
ALTER TABLE commerce.market_order
    ADD COLUMN discount_minor bigint NOT NULL DEFAULT 0,
    ADD COLUMN platform_minor bigint NOT NULL DEFAULT 0,
    ADD CONSTRAINT market_order_shares CHECK (platform_minor BETWEEN 0 AND discount_minor);
-- A commission is of what the member gets for its goods, the market's part of a discount included.
DO $$
DECLARE
    old text;
BEGIN
    SELECT conname INTO STRICT old FROM pg_constraint
    WHERE conrelid = 'commerce.market_order'::regclass AND contype = 'c'
        AND pg_get_constraintdef(oid) LIKE '%commission_minor%total_minor%';
    EXECUTE format('ALTER TABLE commerce.market_order DROP CONSTRAINT %I', old);
END $$;
ALTER TABLE commerce.market_order
    ADD CONSTRAINT market_order_commission CHECK (commission_minor BETWEEN 0 AND total_minor + platform_minor);

-- What a promotion of the market took off a checkout, and per member: of which goods' worth, how much, who bears it.
CREATE TABLE commerce.market_discount (
    merchant_id uuid NOT NULL,
    checkout_id uuid NOT NULL,
    discount_no smallint NOT NULL,
    kind text NOT NULL,
    promotion_id uuid NOT NULL,
    version integer NOT NULL,
    coupon_id uuid,
    name text NOT NULL,
    translations jsonb NOT NULL DEFAULT '{}',
    returns text NOT NULL CHECK (returns IN ('keep', 'claw_back')),
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    claims jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (merchant_id, checkout_id, discount_no),
    FOREIGN KEY (merchant_id, checkout_id) REFERENCES commerce.market_checkout (merchant_id, checkout_id)
);
SELECT foundation.protect('commerce.market_discount', 'append');

CREATE TABLE commerce.market_discount_share (
    merchant_id uuid NOT NULL,
    checkout_id uuid NOT NULL,
    discount_no smallint NOT NULL,
    member_id uuid NOT NULL,
    basis_minor bigint NOT NULL CHECK (basis_minor >= 0),
    amount_minor bigint NOT NULL CHECK (amount_minor BETWEEN 0 AND basis_minor),
    platform_minor bigint NOT NULL CHECK (platform_minor BETWEEN 0 AND amount_minor),
    PRIMARY KEY (merchant_id, checkout_id, discount_no, member_id),
    FOREIGN KEY (merchant_id, checkout_id, discount_no)
        REFERENCES commerce.market_discount (merchant_id, checkout_id, discount_no)
);
SELECT foundation.protect('commerce.market_discount_share', 'append');

-- A member's refund of asked_minor, of which the buyer gets paid_minor: less while the rest of the checkout no longer earns
-- a discount that it keeps, more once that rest is given back as well.
CREATE TABLE commerce.market_refund (
    merchant_id uuid NOT NULL,
    refund_id uuid NOT NULL,
    checkout_id uuid NOT NULL,
    member_id uuid NOT NULL,
    order_id uuid NOT NULL,
    asked_minor bigint NOT NULL CHECK (asked_minor > 0),
    paid_minor bigint NOT NULL CHECK (paid_minor >= 0),
    planned_at timestamptz NOT NULL,
    done_at timestamptz,
    failed_at timestamptz,
    PRIMARY KEY (merchant_id, refund_id),
    FOREIGN KEY (merchant_id, checkout_id) REFERENCES commerce.market_checkout (merchant_id, checkout_id),
    CHECK (done_at IS NULL OR failed_at IS NULL)
);
CREATE INDEX market_refund_by_checkout ON commerce.market_refund (merchant_id, checkout_id);
SELECT foundation.protect('commerce.market_refund', 'grow');
