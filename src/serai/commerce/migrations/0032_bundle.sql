-- Bundles: a variant that consists of others, whose stock is theirs; and how a line was measured when it was sold.

CREATE TABLE commerce.bundle (
    merchant_id uuid NOT NULL,
    sku_id uuid NOT NULL,
    pricing text NOT NULL CHECK (pricing IN ('own', 'sum')),
    discount_bp integer NOT NULL DEFAULT 0 CHECK (discount_bp BETWEEN 0 AND 10000),
    PRIMARY KEY (merchant_id, sku_id),
    FOREIGN KEY (merchant_id, sku_id) REFERENCES commerce.variant (merchant_id, sku_id) ON DELETE CASCADE
);
SELECT foundation.protect('commerce.bundle', 'edit');

-- quantity: steps of the component in one bundle.
CREATE TABLE commerce.bundle_part (
    merchant_id uuid NOT NULL,
    sku_id uuid NOT NULL,
    part_sku_id uuid NOT NULL CHECK (part_sku_id <> sku_id),
    quantity integer NOT NULL CHECK (quantity > 0),
    position integer NOT NULL DEFAULT 0,
    PRIMARY KEY (merchant_id, sku_id, part_sku_id),
    FOREIGN KEY (merchant_id, sku_id) REFERENCES commerce.bundle (merchant_id, sku_id) ON DELETE CASCADE,
    FOREIGN KEY (merchant_id, part_sku_id) REFERENCES commerce.variant (merchant_id, sku_id)
);
CREATE INDEX bundle_part_by_part ON commerce.bundle_part (merchant_id, part_sku_id);
SELECT foundation.protect('commerce.bundle_part', 'edit');

-- parts: what the line consisted of when it was sold, {"items": [{"sku_id", "quantity", "share_minor"}]}; empty for plain goods.
ALTER TABLE commerce.order_line
    ADD COLUMN scale smallint NOT NULL DEFAULT 0,
    ADD COLUMN unit text NOT NULL DEFAULT 'pc',
    ADD COLUMN parts jsonb NOT NULL DEFAULT '{}';
