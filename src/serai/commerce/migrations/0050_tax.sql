-- Taxes: where a merchant is at home, rates by region, class and time, which goods are of which class, and what orders bore.

-- Where the merchant sells from when no address says otherwise (pick-up, product pages), and whether delivery is taxed.
CREATE TABLE commerce.tax_profile (
    merchant_id uuid NOT NULL,
    country text NOT NULL CHECK (country ~ '^[A-Z]{2}$'),
    region text NOT NULL DEFAULT '',
    shipping_taxed boolean NOT NULL DEFAULT true,
    changed_by text NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (merchant_id)
);
SELECT foundation.protect('commerce.tax_profile', 'grow');

-- A rate holds from its moment until the next one of the same country, region and class. No rate_ppm: from then on none.
CREATE TABLE commerce.tax_rate (
    merchant_id uuid NOT NULL,
    rate_id uuid NOT NULL,
    country text NOT NULL CHECK (country ~ '^[A-Z]{2}$'),
    region text NOT NULL DEFAULT '',
    tax_class text NOT NULL CHECK (tax_class <> ''),
    name text NOT NULL CHECK (name <> ''),
    rate_ppm integer CHECK (rate_ppm BETWEEN 0 AND 1000000),
    included boolean NOT NULL,
    valid_from timestamptz NOT NULL,
    reason text NOT NULL DEFAULT '',
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, rate_id),
    CONSTRAINT tax_rate_once UNIQUE (merchant_id, country, region, tax_class, valid_from)
);
SELECT foundation.protect('commerce.tax_rate', 'append');

CREATE TABLE commerce.category_tax_class (
    merchant_id uuid NOT NULL,
    category_id uuid NOT NULL,
    tax_class text NOT NULL CHECK (tax_class <> ''),
    PRIMARY KEY (merchant_id, category_id),
    FOREIGN KEY (merchant_id, category_id) REFERENCES commerce.category (merchant_id, category_id) ON DELETE CASCADE
);
SELECT foundation.protect('commerce.category_tax_class', 'edit');

-- tax_minor is what came on top of the prices, tax_included_minor what was in them.
ALTER TABLE commerce.sales_order
    ADD COLUMN tax_minor bigint NOT NULL DEFAULT 0 CHECK (tax_minor >= 0),
    ADD COLUMN tax_included_minor bigint NOT NULL DEFAULT 0 CHECK (tax_included_minor >= 0),
    ADD COLUMN tax_count smallint NOT NULL DEFAULT 0 CHECK (tax_count >= 0),
    DROP CONSTRAINT sales_order_total_adds_up,
    ADD CONSTRAINT sales_order_total_adds_up
        CHECK (total_minor = items_minor - discount_minor + shipping_minor + tax_minor);

-- What each line bore, line 0 the delivery. base_minor is the amount the rate was applied to: without the tax.
CREATE TABLE commerce.order_tax (
    merchant_id uuid NOT NULL,
    order_id uuid NOT NULL,
    line_no smallint NOT NULL CHECK (line_no >= 0),
    rate_id uuid NOT NULL,
    country text NOT NULL,
    region text NOT NULL,
    tax_class text NOT NULL,
    name text NOT NULL,
    rate_ppm integer NOT NULL CHECK (rate_ppm BETWEEN 0 AND 1000000),
    included boolean NOT NULL,
    base_minor bigint NOT NULL CHECK (base_minor >= 0),
    tax_minor bigint NOT NULL CHECK (tax_minor >= 0),
    PRIMARY KEY (merchant_id, order_id, line_no),
    FOREIGN KEY (merchant_id, order_id) REFERENCES commerce.sales_order (merchant_id, order_id),
    FOREIGN KEY (merchant_id, rate_id) REFERENCES commerce.tax_rate (merchant_id, rate_id)
);
SELECT foundation.protect('commerce.order_tax', 'append');
