-- Delivery options of a merchant, the calendar they promise by, and what was promised to each order.

-- edition grows with every change of calendar or options: processes keep what they read under it.
CREATE TABLE commerce.delivery_book (
    merchant_id uuid NOT NULL,
    edition integer NOT NULL DEFAULT 1,
    calendar jsonb NOT NULL,
    updated_by text NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (merchant_id)
);
SELECT foundation.protect('commerce.delivery_book', 'edit');

-- terms: where it goes, what it costs, how long it takes. Orders keep a copy of what they chose.
CREATE TABLE commerce.delivery_option (
    merchant_id uuid NOT NULL,
    option_id uuid NOT NULL,
    code text NOT NULL CHECK (code ~ '^[a-z0-9][a-z0-9_-]{0,39}$'),
    place_no integer NOT NULL,
    active boolean NOT NULL,
    terms jsonb NOT NULL,
    version integer NOT NULL DEFAULT 1,
    changed_by text NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, option_id),
    CONSTRAINT delivery_option_code_unique UNIQUE (merchant_id, code)
);
SELECT foundation.protect('commerce.delivery_option', 'edit');

-- What one unit (one piece; the whole bundle) weighs with its packaging. Goods sold by weight need none.
CREATE TABLE commerce.delivery_weight (
    merchant_id uuid NOT NULL,
    sku_id uuid NOT NULL,
    weight_g integer NOT NULL CHECK (weight_g BETWEEN 1 AND 10000000),
    PRIMARY KEY (merchant_id, sku_id),
    FOREIGN KEY (merchant_id, sku_id) REFERENCES commerce.variant (merchant_id, sku_id) ON DELETE CASCADE
);
SELECT foundation.protect('commerce.delivery_weight', 'edit');

-- late_from: from when on an order that has not left is late. The days are those of time_zone.
CREATE TABLE commerce.order_delivery (
    merchant_id uuid NOT NULL,
    order_id uuid NOT NULL,
    option_code text NOT NULL,
    title text NOT NULL,
    translations jsonb NOT NULL,
    carrier text NOT NULL,
    promised_from date,
    promised_until date,
    late_from timestamptz,
    PRIMARY KEY (merchant_id, order_id),
    FOREIGN KEY (merchant_id, order_id) REFERENCES commerce.sales_order (merchant_id, order_id),
    CONSTRAINT order_delivery_days CHECK (promised_from <= promised_until),
    CONSTRAINT order_delivery_whole CHECK ((promised_from IS NULL) = (promised_until IS NULL))
);
CREATE INDEX order_delivery_late ON commerce.order_delivery (merchant_id, late_from) WHERE late_from IS NOT NULL;
SELECT foundation.protect('commerce.order_delivery', 'grow');
