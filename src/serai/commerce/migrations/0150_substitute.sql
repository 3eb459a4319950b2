-- What came instead of what was ordered, and which buyers said yes to that.

-- quantity steps of sku_id were given up for new_quantity steps of new_sku_id. The first were worth taken_minor with taxes; what
-- came instead costs value_minor, of which tax_minor is tax: never more.
CREATE TABLE commerce.order_substitute (
    merchant_id uuid NOT NULL,
    substitute_id uuid NOT NULL,
    order_id uuid NOT NULL,
    place_id uuid NOT NULL,
    line_no smallint NOT NULL,
    sku_id uuid NOT NULL,
    quantity integer NOT NULL CHECK (quantity > 0),
    new_sku_id uuid NOT NULL CHECK (new_sku_id <> sku_id),
    new_quantity integer NOT NULL CHECK (new_quantity > 0),
    taken_minor bigint NOT NULL CHECK (taken_minor >= 0),
    value_minor bigint NOT NULL CHECK (value_minor BETWEEN 0 AND taken_minor),
    tax_minor bigint NOT NULL CHECK (tax_minor BETWEEN 0 AND value_minor),
    title text NOT NULL,
    scale smallint NOT NULL,
    unit text NOT NULL,
    reason text NOT NULL DEFAULT '',
    by text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, substitute_id),
    FOREIGN KEY (merchant_id, order_id) REFERENCES commerce.sales_order (merchant_id, order_id)
);
CREATE INDEX order_substitute_by_order ON commerce.order_substitute (merchant_id, order_id, at);
SELECT foundation.protect('commerce.order_substitute', 'append');

-- line_no 0 stands for all lines that say nothing themselves. No row is a no.
CREATE TABLE commerce.substitute_wish (
    merchant_id uuid NOT NULL,
    order_id uuid NOT NULL,
    line_no smallint NOT NULL CHECK (line_no >= 0),
    agreed boolean NOT NULL,
    by text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, order_id, line_no),
    FOREIGN KEY (merchant_id, order_id) REFERENCES commerce.sales_order (merchant_id, order_id)
);
SELECT foundation.protect('commerce.substitute_wish', 'edit');
