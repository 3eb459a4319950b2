-- Products in versions: options (size, colour), barcodes, attributes, tags, and where a product is shown.

-- options: [{"name", "values", "translations"}], at most three. attributes: values by the attribute's code.
ALTER TABLE commerce.product
    ADD COLUMN options jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN attributes jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN tags text[] NOT NULL DEFAULT '{}';
CREATE INDEX product_by_tag ON commerce.product USING gin (tags) WHERE tags <> '{}';

-- choices: one value per option of the product, in their order. unit: what the price and 10^scale steps are of.
ALTER TABLE commerce.variant
    ADD COLUMN choices text[] NOT NULL DEFAULT '{}',
    ADD COLUMN unit text NOT NULL DEFAULT 'pc' CHECK (unit IN ('pc', 'kg', 'l', 'm')),
    ADD CONSTRAINT variant_scale CHECK (scale BETWEEN 0 AND 3),
    ADD CONSTRAINT variant_scale_unit CHECK ((scale = 0) = (unit = 'pc'));
CREATE UNIQUE INDEX variant_choices_once ON commerce.variant (merchant_id, product_id, choices) WHERE choices <> '{}';

-- Every code under which a till or a phone finds a variant, as GTIN-14.
CREATE TABLE commerce.barcode (
    merchant_id uuid NOT NULL,
    gtin text NOT NULL CHECK (gtin ~ '^[0-9]{14}$'),
    sku_id uuid NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (merchant_id, gtin),
    FOREIGN KEY (merchant_id, sku_id) REFERENCES commerce.variant (merchant_id, sku_id) ON DELETE CASCADE
);
CREATE INDEX barcode_by_sku ON commerce.barcode (merchant_id, sku_id);
SELECT foundation.protect('commerce.barcode', 'edit');

-- What variants have as their GTIN so far; a code that two of them have stays with the first.
INSERT INTO commerce.barcode (merchant_id, gtin, sku_id, created_by)
SELECT DISTINCT ON (merchant_id, lpad(gtin, 14, '0')) merchant_id, lpad(gtin, 14, '0'), sku_id, 'set-up'
FROM commerce.variant WHERE gtin ~ '^([0-9]{8}|[0-9]{12,14})$'
ORDER BY merchant_id, lpad(gtin, 14, '0'), sku_id;

-- What can be said of products beyond their text. choices: {"value": {"locale": "label"}} of a choice.
CREATE TABLE commerce.attribute (
    merchant_id uuid NOT NULL,
    code text NOT NULL CHECK (code ~ '^[a-z][a-z0-9_]{0,39}$'),
    kind text NOT NULL CHECK (kind IN ('text', 'number', 'choice', 'boolean')),
    name text NOT NULL CHECK (name <> ''),
    translations jsonb NOT NULL DEFAULT '{}',
    unit text NOT NULL DEFAULT '',
    choices jsonb NOT NULL DEFAULT '{}',
    position integer NOT NULL DEFAULT 0,
    PRIMARY KEY (merchant_id, code)
);
SELECT foundation.protect('commerce.attribute', 'edit');

-- Which attributes the products of a category (and of its children) have.
CREATE TABLE commerce.category_attribute (
    merchant_id uuid NOT NULL,
    category_id uuid NOT NULL,
    code text NOT NULL,
    position integer NOT NULL DEFAULT 0,
    PRIMARY KEY (merchant_id, category_id, code),
    FOREIGN KEY (merchant_id, category_id) REFERENCES commerce.category (merchant_id, category_id) ON DELETE CASCADE,
    FOREIGN KEY (merchant_id, code) REFERENCES commerce.attribute (merchant_id, code) ON DELETE CASCADE
);
SELECT foundation.protect('commerce.category_attribute', 'edit');

-- Where a product is shown beside the web shop, whose own column is product.published; no row follows the web.
CREATE TABLE commerce.listing (
    merchant_id uuid NOT NULL,
    product_id uuid NOT NULL,
    channel text NOT NULL CHECK (channel IN ('app', 'pos', 'agent')),
    published boolean NOT NULL,
    PRIMARY KEY (merchant_id, product_id, channel),
    FOREIGN KEY (merchant_id, product_id) REFERENCES commerce.product (merchant_id, product_id) ON DELETE CASCADE
);
SELECT foundation.protect('commerce.listing', 'edit');
