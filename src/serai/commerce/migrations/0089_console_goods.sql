-- The order in which a choice's values are offered (jsonb keeps none), results that merchants pin to the top of a search,
-- and what a merchant asks for delivery.

ALTER TABLE commerce.attribute ADD COLUMN choice_order text[] NOT NULL DEFAULT '{}';

-- term: the query as it is folded for the index. product_ids: first to last.
CREATE TABLE commerce.search_pin (
    merchant_id uuid NOT NULL,
    term text COLLATE "C" NOT NULL CHECK (term <> ''),
    typed text NOT NULL,
    product_ids uuid[] NOT NULL CHECK (cardinality(product_ids) BETWEEN 1 AND 20),
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (merchant_id, term)
);
SELECT foundation.protect('commerce.search_pin', 'edit');

-- typed: the term as it was written. both_ways: who types one of also_folded finds the term and the others as well.
ALTER TABLE commerce.search_synonym
    ADD COLUMN typed text NOT NULL DEFAULT '',
    ADD COLUMN both_ways boolean NOT NULL DEFAULT false,
    ADD COLUMN also_folded text[] NOT NULL DEFAULT '{}';

-- What delivery costs at one merchant, in minor units of its currency; without a row the installation's settings hold.
CREATE TABLE commerce.shop_terms (
    merchant_id uuid NOT NULL,
    shipping_minor bigint NOT NULL CHECK (shipping_minor BETWEEN 0 AND 1000000000000),
    free_shipping_from_minor bigint CHECK (free_shipping_from_minor BETWEEN 0 AND 1000000000000),
    returns_policy text NOT NULL DEFAULT '' CHECK (length(returns_policy) <= 4000),
    version integer NOT NULL DEFAULT 1,
    updated_by text NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (merchant_id)
);
SELECT foundation.protect('commerce.shop_terms', 'edit');
