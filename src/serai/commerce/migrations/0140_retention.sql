-- How long personal data of buyers is kept. NULL keeps it; no row is the same as NULL everywhere.
CREATE TABLE commerce.retention_policy (
    merchant_id uuid NOT NULL PRIMARY KEY,
    order_days integer CHECK (order_days >= 30),
    unpaid_days integer CHECK (unpaid_days >= 1),
    member_days integer CHECK (member_days >= 180),
    version integer NOT NULL,
    updated_by text NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);
SELECT foundation.protect('commerce.retention_policy', 'edit');

-- Orders that still name somebody, by the moment they were placed: what a daily run looks through.
CREATE INDEX sales_order_named ON commerce.sales_order (merchant_id, placed_at)
    WHERE email <> '' OR name <> '' OR phone <> '' OR note <> '';
