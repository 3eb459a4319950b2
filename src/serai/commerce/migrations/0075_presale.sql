-- Presales: a deposit now, the balance later at a price that falls with the number of buyers.

-- terms: what was agreed; they never change once published. pieces and percent: how many had paid their deposit when the
-- window closed, and the part of the price (basis points) that follows. How many are sold and left is the ledger's to say.
CREATE TABLE commerce.presale (
    merchant_id uuid NOT NULL,
    presale_id uuid NOT NULL,
    version integer NOT NULL DEFAULT 1 CHECK (version > 0),
    state text NOT NULL CHECK (state IN ('draft', 'live', 'closed')),
    name text NOT NULL CHECK (name <> ''),
    terms jsonb NOT NULL,
    deposit_until timestamptz NOT NULL,
    balance_until timestamptz NOT NULL,
    stopped_at timestamptz,
    closed_at timestamptz,
    pieces integer CHECK (pieces >= 0),
    percent integer CHECK (percent BETWEEN 1 AND 10000),
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    changed_by text NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, presale_id),
    CHECK ((state = 'closed') = (closed_at IS NOT NULL AND pieces IS NOT NULL AND percent IS NOT NULL))
);
CREATE INDEX presale_by_change ON commerce.presale (merchant_id, changed_at DESC, presale_id DESC);
CREATE INDEX presale_live ON commerce.presale (deposit_until) WHERE state = 'live';
SELECT foundation.protect('commerce.presale', 'grow');

-- A SKU is in one presale at a time, from its publication until it is closed.
CREATE TABLE commerce.presale_taken (
    merchant_id uuid NOT NULL,
    sku_id uuid NOT NULL,
    presale_id uuid NOT NULL,
    PRIMARY KEY (merchant_id, sku_id),
    FOREIGN KEY (merchant_id, presale_id) REFERENCES commerce.presale (merchant_id, presale_id)
);
SELECT foundation.protect('commerce.presale_taken', 'edit');

-- What a buyer agreed to, with the order it belongs to. fixed_at: the balance is known; opened_at and reminded_at: the
-- buyer was told; kept_at: the deposit stays with the merchant. turn: how often the balance was set anew.
CREATE TABLE commerce.presale_order (
    merchant_id uuid NOT NULL,
    order_id uuid NOT NULL,
    presale_id uuid NOT NULL,
    quantity integer NOT NULL CHECK (quantity > 0),
    price_minor bigint NOT NULL CHECK (price_minor > 0),
    deposit_minor bigint NOT NULL CHECK (deposit_minor > 0),
    credit_minor bigint NOT NULL CHECK (credit_minor >= deposit_minor),
    tiers jsonb NOT NULL,
    missed text NOT NULL CHECK (missed IN ('keep', 'refund')),
    deposit_until timestamptz NOT NULL,
    balance_from timestamptz NOT NULL,
    balance_until timestamptz NOT NULL,
    pieces integer,
    percent integer CHECK (percent BETWEEN 1 AND 10000),
    turn integer NOT NULL DEFAULT 0,
    fixed_at timestamptz,
    opened_at timestamptz,
    reminded_at timestamptz,
    kept_at timestamptz,
    PRIMARY KEY (merchant_id, order_id),
    FOREIGN KEY (merchant_id, presale_id) REFERENCES commerce.presale (merchant_id, presale_id)
);
CREATE INDEX presale_order_by_presale ON commerce.presale_order (merchant_id, presale_id, order_id);
CREATE INDEX presale_order_to_fix ON commerce.presale_order (presale_id) WHERE fixed_at IS NULL;
CREATE INDEX presale_order_to_open ON commerce.presale_order (balance_from) WHERE opened_at IS NULL;
CREATE INDEX presale_order_to_remind ON commerce.presale_order (balance_until) WHERE reminded_at IS NULL;
SELECT foundation.protect('commerce.presale_order', 'grow');

-- An order of a presale passes two more states and has one more way to end. The state still follows from the moments.
ALTER TABLE commerce.sales_order
    ADD COLUMN presale_id uuid,
    ADD COLUMN deposit_minor bigint NOT NULL DEFAULT 0 CHECK (deposit_minor >= 0),
    ADD COLUMN deposit_paid_at timestamptz,
    ADD COLUMN lapsed_at timestamptz,
    ADD CONSTRAINT sales_order_presale_has_deposit CHECK ((presale_id IS NOT NULL) = (deposit_minor > 0)),
    DROP COLUMN state;
ALTER TABLE commerce.sales_order
    ADD COLUMN state text NOT NULL GENERATED ALWAYS AS (CASE
        WHEN cancelled_at IS NOT NULL THEN 'cancelled'
        WHEN fulfilled_at IS NOT NULL THEN 'fulfilled'
        WHEN paid_at IS NOT NULL THEN 'paid'
        WHEN lapsed_at IS NOT NULL THEN 'lapsed'
        WHEN expired_at IS NOT NULL THEN 'expired'
        WHEN deposit_paid_at IS NOT NULL THEN 'awaiting_balance'
        WHEN presale_id IS NOT NULL THEN 'awaiting_deposit'
        ELSE 'awaiting_payment' END) STORED;
-- These went with the column.
CREATE INDEX sales_order_by_state ON commerce.sales_order (merchant_id, state, placed_at DESC)
    WHERE state IN ('awaiting_payment', 'awaiting_deposit', 'awaiting_balance', 'paid');
CREATE INDEX sales_order_without_money ON commerce.sales_order (placed_at)
    WHERE state IN ('awaiting_payment', 'expired', 'cancelled', 'awaiting_deposit');
DROP INDEX commerce.sales_order_by_expiry;
CREATE INDEX sales_order_by_expiry ON commerce.sales_order (expires_at)
    WHERE paid_at IS NULL AND cancelled_at IS NULL AND expired_at IS NULL AND deposit_paid_at IS NULL;
CREATE INDEX sales_order_by_presale ON commerce.sales_order (merchant_id, presale_id, state)
    WHERE presale_id IS NOT NULL;

-- The balance lowers what a line and its taxes come to; nothing else of them may ever change.
GRANT UPDATE (discount_minor) ON commerce.order_line TO serai_app;
GRANT UPDATE (base_minor, tax_minor) ON commerce.order_tax TO serai_app;

-- purpose: what a payment was asked for. An order of a presale has two.
ALTER TABLE commerce.payment_intent
    ADD COLUMN purpose text NOT NULL DEFAULT 'order' CHECK (purpose IN ('order', 'deposit', 'balance'));
CREATE INDEX payment_intent_of_presale ON commerce.payment_intent (created_at) WHERE purpose <> 'order';
