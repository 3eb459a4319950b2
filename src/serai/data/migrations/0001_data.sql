-- Facts kept for analysis. Baskets of the past post nothing in the ledger.

GRANT USAGE ON SCHEMA data TO serai_app;

CREATE TABLE data.basket_line (
    merchant_id uuid NOT NULL,
    sold_at timestamptz NOT NULL,
    basket_id bigint NOT NULL,
    line integer NOT NULL,
    member_id uuid,
    place_id uuid,
    sku_id uuid,
    quantity integer NOT NULL,
    sales_minor integer NOT NULL,
    retail_discount_minor integer NOT NULL,
    coupon_discount_minor integer NOT NULL,
    coupon_match_discount_minor integer NOT NULL,
    PRIMARY KEY (merchant_id, basket_id, line)
);
SELECT foundation.protect('data.basket_line', 'append');
