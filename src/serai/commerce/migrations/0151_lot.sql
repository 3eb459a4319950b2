-- Lots of goods with their best-before dates. How much of a lot lies where is an account in the ledger.

-- Goods that are kept by lots. rest_days: so many days before its date a lot is not sent any more.
CREATE TABLE commerce.lot_rule (
    merchant_id uuid NOT NULL,
    sku_id uuid NOT NULL,
    rest_days integer NOT NULL DEFAULT 0 CHECK (rest_days BETWEEN 0 AND 3650),
    updated_by text NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, sku_id),
    FOREIGN KEY (merchant_id, sku_id) REFERENCES commerce.variant (merchant_id, sku_id) ON DELETE CASCADE
);
SELECT foundation.protect('commerce.lot_rule', 'edit');

-- lot_id follows from SKU, code and date. An empty code stands for goods of which nobody knows the lot.
CREATE TABLE commerce.lot (
    merchant_id uuid NOT NULL,
    lot_id uuid NOT NULL,
    sku_id uuid NOT NULL,
    code text NOT NULL,
    best_before date,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, lot_id)
);
CREATE INDEX lot_by_sku ON commerce.lot (merchant_id, sku_id, best_before);
CREATE INDEX lot_by_date ON commerce.lot (merchant_id, best_before) WHERE best_before IS NOT NULL;
SELECT foundation.protect('commerce.lot', 'append');

-- Which lots a parcel that left took its goods from.
CREATE TABLE commerce.parcel_lot (
    merchant_id uuid NOT NULL,
    parcel_id uuid NOT NULL,
    line_no smallint NOT NULL,
    sku_id uuid NOT NULL,
    lot_id uuid NOT NULL,
    quantity integer NOT NULL CHECK (quantity > 0),
    PRIMARY KEY (merchant_id, parcel_id, line_no, sku_id, lot_id)
);
CREATE INDEX parcel_lot_by_lot ON commerce.parcel_lot (merchant_id, lot_id);
SELECT foundation.protect('commerce.parcel_lot', 'append');
