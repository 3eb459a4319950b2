-- Prices beside the list price: per channel, store, member level, quantity and time. Rows are only ever added; the one
-- thing that may be said of an offer later is that it has ended.

CREATE TABLE commerce.price_offer (
    merchant_id uuid NOT NULL,
    offer_id uuid NOT NULL,
    sku_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('list', 'sale', 'clearance', 'member', 'tier', 'local')),
    channel text,
    place_id uuid,
    member_level text,
    min_quantity integer NOT NULL DEFAULT 1 CHECK (min_quantity >= 1),
    currency text NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
    valid_from timestamptz NOT NULL,
    valid_to timestamptz,
    reason text NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    ended_at timestamptz,
    ended_by text,
    PRIMARY KEY (merchant_id, offer_id),
    FOREIGN KEY (merchant_id, sku_id) REFERENCES commerce.variant (merchant_id, sku_id) ON DELETE CASCADE,
    CONSTRAINT price_offer_window CHECK (valid_to > valid_from),
    -- A list price to come is for everybody and stays until the next one.
    CONSTRAINT price_offer_list CHECK (kind <> 'list' OR (channel IS NULL AND place_id IS NULL
        AND member_level IS NULL AND min_quantity = 1 AND valid_to IS NULL)),
    CONSTRAINT price_offer_ended CHECK ((ended_at IS NULL) = (ended_by IS NULL))
);
CREATE INDEX price_offer_by_sku ON commerce.price_offer (merchant_id, sku_id, valid_from DESC);
CREATE INDEX price_offer_due ON commerce.price_offer (valid_from) WHERE kind = 'list' AND ended_at IS NULL;
SELECT foundation.protect('commerce.price_offer', 'append');
GRANT UPDATE (ended_at, ended_by) ON commerce.price_offer TO serai_app;

-- Price protection: what was given back of a line because its price fell. window_no counts the protected days of the order,
-- so that a line is claimed once in each.
CREATE TABLE commerce.price_claim (
    merchant_id uuid NOT NULL,
    claim_id uuid NOT NULL,
    order_id uuid NOT NULL,
    line_no smallint NOT NULL,
    window_no integer NOT NULL CHECK (window_no >= 0),
    sku_id uuid NOT NULL,
    quantity integer NOT NULL CHECK (quantity > 0),
    paid_minor bigint NOT NULL CHECK (paid_minor >= 0),
    now_minor bigint NOT NULL CHECK (now_minor >= 0),
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    currency text NOT NULL,
    claimed_by text NOT NULL,
    claimed_at timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, claim_id),
    CONSTRAINT price_claim_once UNIQUE (merchant_id, order_id, line_no, window_no),
    FOREIGN KEY (merchant_id, order_id, line_no) REFERENCES commerce.order_line (merchant_id, order_id, line_no)
);
CREATE INDEX price_claim_by_time ON commerce.price_claim (merchant_id, claimed_at DESC, claim_id DESC);
SELECT foundation.protect('commerce.price_claim', 'append');
