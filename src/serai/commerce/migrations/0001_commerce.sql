-- Selling. Stock and money themselves live in the ledger; these are the documents around them.

GRANT USAGE ON SCHEMA commerce TO serai_app;

CREATE TABLE commerce.place (
    merchant_id uuid NOT NULL,
    place_id uuid NOT NULL,
    code text NOT NULL,
    name text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('warehouse', 'store')),
    sells_online boolean NOT NULL DEFAULT false,
    active boolean NOT NULL DEFAULT true,
    position integer NOT NULL DEFAULT 0,
    PRIMARY KEY (merchant_id, place_id),
    CONSTRAINT place_code_unique UNIQUE (merchant_id, code)
);
SELECT foundation.protect('commerce.place', 'grow');

CREATE TABLE commerce.category (
    merchant_id uuid NOT NULL,
    category_id uuid NOT NULL,
    parent_id uuid,
    slug text NOT NULL,
    name text NOT NULL,
    translations jsonb NOT NULL DEFAULT '{}',
    motif text,
    position integer NOT NULL DEFAULT 0,
    published boolean NOT NULL DEFAULT true,
    PRIMARY KEY (merchant_id, category_id),
    CONSTRAINT category_slug_unique UNIQUE (merchant_id, slug),
    FOREIGN KEY (merchant_id, parent_id) REFERENCES commerce.category (merchant_id, category_id)
);
SELECT foundation.protect('commerce.category', 'edit');

-- rank: how well it sells, larger first; the demo fills it from the year's sales, orders move it.
CREATE TABLE commerce.product (
    merchant_id uuid NOT NULL,
    product_id uuid NOT NULL,
    category_id uuid NOT NULL,
    slug text NOT NULL,
    title text NOT NULL CHECK (title <> ''),
    translations jsonb NOT NULL DEFAULT '{}',
    brand text NOT NULL DEFAULT '',
    description text NOT NULL DEFAULT '',
    published boolean NOT NULL DEFAULT false,
    rank integer NOT NULL DEFAULT 0,
    version integer NOT NULL DEFAULT 1,
    search tsvector NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (merchant_id, product_id),
    CONSTRAINT product_slug_unique UNIQUE (merchant_id, slug),
    FOREIGN KEY (merchant_id, category_id) REFERENCES commerce.category (merchant_id, category_id)
);
CREATE INDEX product_by_search ON commerce.product USING gin (search);
CREATE INDEX product_by_category_rank ON commerce.product (merchant_id, category_id, (-rank::bigint), product_id)
    WHERE published;
CREATE INDEX product_by_rank ON commerce.product (merchant_id, (-rank::bigint), product_id) WHERE published;
SELECT foundation.protect('commerce.product', 'edit');

-- One sellable thing. scale and increment: quantities are whole steps of 10^-scale, sold in multiples of increment.
-- price_minor repeats the newest price entry, so that lists need no join per row; an invariant compares the two.
CREATE TABLE commerce.variant (
    merchant_id uuid NOT NULL,
    sku_id uuid NOT NULL,
    product_id uuid NOT NULL,
    sku text NOT NULL CHECK (sku <> ''),
    gtin text,
    option text NOT NULL DEFAULT '',
    currency text NOT NULL,
    price_minor bigint CHECK (price_minor >= 0),
    content_text text,
    content_amount integer CHECK (content_amount > 0),
    content_unit text CHECK (content_unit IN ('g', 'ml', 'pc')),
    scale smallint NOT NULL DEFAULT 0,
    increment integer NOT NULL DEFAULT 1 CHECK (increment > 0),
    active boolean NOT NULL DEFAULT true,
    position integer NOT NULL DEFAULT 0,
    PRIMARY KEY (merchant_id, sku_id),
    CONSTRAINT variant_sku_unique UNIQUE (merchant_id, sku),
    FOREIGN KEY (merchant_id, product_id) REFERENCES commerce.product (merchant_id, product_id) ON DELETE CASCADE
);
CREATE INDEX variant_by_product ON commerce.variant (merchant_id, product_id, position);
CREATE INDEX variant_by_gtin ON commerce.variant (merchant_id, gtin) WHERE gtin IS NOT NULL;
SELECT foundation.protect('commerce.variant', 'edit');

CREATE TABLE commerce.price_entry (
    merchant_id uuid NOT NULL,
    price_id uuid NOT NULL,
    sku_id uuid NOT NULL,
    currency text NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
    valid_from timestamptz NOT NULL,
    reason text NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (merchant_id, price_id),
    FOREIGN KEY (merchant_id, sku_id) REFERENCES commerce.variant (merchant_id, sku_id) ON DELETE CASCADE
);
CREATE INDEX price_entry_by_sku ON commerce.price_entry (merchant_id, sku_id, valid_from DESC, price_id DESC);
SELECT foundation.protect('commerce.price_entry', 'append');

-- owner: a digest of who may use the cart (a browser's secret or an API key).
CREATE TABLE commerce.cart (
    merchant_id uuid NOT NULL,
    cart_id uuid NOT NULL,
    owner bytea NOT NULL,
    place_id uuid NOT NULL,
    version integer NOT NULL DEFAULT 1,
    order_id uuid,
    details jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (merchant_id, cart_id)
);
CREATE INDEX cart_by_owner ON commerce.cart (merchant_id, owner, updated_at DESC) WHERE order_id IS NULL;
CREATE INDEX cart_by_age ON commerce.cart (updated_at) WHERE order_id IS NULL;
SELECT foundation.protect('commerce.cart', 'edit');

CREATE TABLE commerce.cart_line (
    merchant_id uuid NOT NULL,
    cart_id uuid NOT NULL,
    line_id uuid NOT NULL,
    sku_id uuid NOT NULL,
    quantity integer NOT NULL CHECK (quantity > 0),
    seen_price_minor bigint NOT NULL,
    added_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (merchant_id, cart_id, line_id),
    CONSTRAINT cart_line_once UNIQUE (merchant_id, cart_id, sku_id),
    FOREIGN KEY (merchant_id, cart_id) REFERENCES commerce.cart (merchant_id, cart_id) ON DELETE CASCADE
);
SELECT foundation.protect('commerce.cart_line', 'edit');

-- state follows from what happened and when; nobody sets it.
CREATE TABLE commerce.sales_order (
    merchant_id uuid NOT NULL,
    order_id uuid NOT NULL,
    number text NOT NULL,
    cart_id uuid,
    channel text NOT NULL,
    member_id uuid,
    placed_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    paid_at timestamptz,
    fulfilled_at timestamptz,
    cancelled_at timestamptz,
    expired_at timestamptz,
    state text NOT NULL GENERATED ALWAYS AS (CASE
        WHEN cancelled_at IS NOT NULL THEN 'cancelled'
        WHEN fulfilled_at IS NOT NULL THEN 'fulfilled'
        WHEN paid_at IS NOT NULL THEN 'paid'
        WHEN expired_at IS NOT NULL THEN 'expired'
        ELSE 'awaiting_payment' END) STORED,
    currency text NOT NULL,
    items_minor bigint NOT NULL CHECK (items_minor >= 0),
    shipping_minor bigint NOT NULL CHECK (shipping_minor >= 0),
    total_minor bigint NOT NULL CHECK (total_minor = items_minor + shipping_minor),
    quantity integer NOT NULL,
    email text NOT NULL,
    name text NOT NULL,
    phone text NOT NULL DEFAULT '',
    address jsonb,
    delivery text NOT NULL CHECK (delivery IN ('ship', 'pickup')),
    place_id uuid NOT NULL,
    locale text NOT NULL,
    note text NOT NULL DEFAULT '',
    tracking text NOT NULL DEFAULT '',
    access_digest bytea NOT NULL,
    PRIMARY KEY (merchant_id, order_id)
);
CREATE INDEX sales_order_by_number ON commerce.sales_order (merchant_id, number);
CREATE INDEX sales_order_by_time ON commerce.sales_order (merchant_id, placed_at DESC, order_id DESC);
CREATE INDEX sales_order_by_state ON commerce.sales_order (merchant_id, state, placed_at DESC)
    WHERE state IN ('awaiting_payment', 'paid');
CREATE INDEX sales_order_by_member ON commerce.sales_order (merchant_id, member_id, placed_at DESC)
    WHERE member_id IS NOT NULL;
CREATE INDEX sales_order_by_email ON commerce.sales_order (merchant_id, email text_pattern_ops);
CREATE INDEX sales_order_by_expiry ON commerce.sales_order (expires_at)
    WHERE paid_at IS NULL AND cancelled_at IS NULL AND expired_at IS NULL;
SELECT foundation.protect('commerce.sales_order', 'grow');

CREATE TABLE commerce.order_line (
    merchant_id uuid NOT NULL,
    order_id uuid NOT NULL,
    line_no smallint NOT NULL,
    sku_id uuid NOT NULL,
    product_id uuid NOT NULL,
    title text NOT NULL,
    quantity integer NOT NULL CHECK (quantity > 0),
    price_minor bigint NOT NULL CHECK (price_minor >= 0),
    total_minor bigint NOT NULL CHECK (total_minor >= 0),
    PRIMARY KEY (merchant_id, order_id, line_no),
    FOREIGN KEY (merchant_id, order_id) REFERENCES commerce.sales_order (merchant_id, order_id)
);
SELECT foundation.protect('commerce.order_line', 'append');

CREATE TABLE commerce.payment_intent (
    merchant_id uuid NOT NULL,
    intent_id uuid NOT NULL,
    order_id uuid NOT NULL,
    provider text NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    currency text NOT NULL,
    attempt integer NOT NULL,
    provider_payment_id text,
    pay_url text,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, intent_id),
    CONSTRAINT payment_attempt_once UNIQUE (merchant_id, order_id, attempt),
    FOREIGN KEY (merchant_id, order_id) REFERENCES commerce.sales_order (merchant_id, order_id)
);
SELECT foundation.protect('commerce.payment_intent', 'grow');

-- What a provider said, once per its event id, never changed. Amounts of a payment are recomputed from these rows.
CREATE TABLE commerce.payment_event (
    merchant_id uuid NOT NULL,
    provider text NOT NULL,
    provider_event_id text NOT NULL,
    intent_id uuid NOT NULL,
    kind text NOT NULL,
    amount_minor bigint NOT NULL,
    source text NOT NULL,
    data jsonb NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, provider, provider_event_id)
);
CREATE INDEX payment_event_by_intent ON commerce.payment_event (merchant_id, intent_id, received_at);
SELECT foundation.protect('commerce.payment_event', 'append');

CREATE TABLE commerce.refund (
    merchant_id uuid NOT NULL,
    refund_id uuid NOT NULL,
    order_id uuid NOT NULL,
    intent_id uuid NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    reason text NOT NULL,
    requested_by text NOT NULL,
    requested_at timestamptz NOT NULL,
    done_at timestamptz,
    failed_at timestamptz,
    failure text NOT NULL DEFAULT '',
    PRIMARY KEY (merchant_id, refund_id),
    FOREIGN KEY (merchant_id, order_id) REFERENCES commerce.sales_order (merchant_id, order_id)
);
CREATE INDEX refund_by_order ON commerce.refund (merchant_id, order_id, requested_at);
CREATE INDEX refund_open ON commerce.refund (requested_at) WHERE done_at IS NULL AND failed_at IS NULL;
SELECT foundation.protect('commerce.refund', 'grow');
