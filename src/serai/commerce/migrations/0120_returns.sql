-- Returns: what shoppers may send back and when, what they asked to send back, what came, and what became of it.

-- window_days: days after the hand-over in which shoppers may ask; 0: they may not. send_days: days an approved return has
-- to be on its way. approve_minor: what may be approved without anybody looking, NULL: nothing; approve_days: only so many
-- days after the hand-over, 0: any. Fees apply only where no reason is the merchant's fault.
CREATE TABLE commerce.return_terms (
    merchant_id uuid NOT NULL PRIMARY KEY,
    version integer NOT NULL CHECK (version > 0),
    window_days integer NOT NULL CHECK (window_days BETWEEN 0 AND 3650),
    send_days integer NOT NULL CHECK (send_days BETWEEN 1 AND 365),
    reasons jsonb NOT NULL,
    excluded_category_ids uuid[] NOT NULL,
    approve_minor bigint CHECK (approve_minor >= 0),
    approve_days integer NOT NULL CHECK (approve_days BETWEEN 0 AND 3650),
    approve_members_only boolean NOT NULL,
    restocking_bp integer NOT NULL CHECK (restocking_bp BETWEEN 0 AND 10000),
    postage_minor bigint NOT NULL CHECK (postage_minor >= 0),
    exchanges boolean NOT NULL,
    updated_by text NOT NULL,
    updated_at timestamptz NOT NULL
);
SELECT foundation.protect('commerce.return_terms', 'grow');

-- turn: how often it was moved on; the ledger holds one open token of that number while it is open. announced_turn: the
-- turn since which its pieces are announced, which names their reservations. expires_at: until when
-- an approved return has to be on its way. goods_minor: the shares of what came back; kept_minor: what of them promotions
-- take back (below zero: give back again); then the fees, and what is refunded. credit_minor: what of it became goods.
-- former_minor: of goods that came by an exchange, what goes back of the order before.
CREATE TABLE commerce.goods_return (
    merchant_id uuid NOT NULL,
    return_id uuid NOT NULL,
    order_id uuid NOT NULL,
    number text NOT NULL,
    turn integer NOT NULL DEFAULT 0 CHECK (turn >= 0),
    announced_turn integer NOT NULL DEFAULT 0 CHECK (announced_turn >= 0),
    wish text NOT NULL CHECK (wish IN ('refund', 'exchange')),
    words text NOT NULL DEFAULT '',
    requested_by text NOT NULL,
    requested_at timestamptz NOT NULL,
    approved_at timestamptz,
    declined_at timestamptz,
    answer text NOT NULL DEFAULT '',
    withdrawn_at timestamptz,
    expires_at timestamptz,
    expired_at timestamptz,
    sent_at timestamptz,
    carrier text NOT NULL DEFAULT '',
    tracking text NOT NULL DEFAULT '',
    received_at timestamptz,
    place_id uuid NOT NULL,
    settled_at timestamptz,
    outcome text CHECK (outcome IN ('refunded', 'exchanged', 'rejected')),
    goods_minor bigint NOT NULL DEFAULT 0 CHECK (goods_minor >= 0),
    kept_minor bigint NOT NULL DEFAULT 0,
    fee_minor bigint NOT NULL DEFAULT 0 CHECK (fee_minor >= 0),
    postage_minor bigint NOT NULL DEFAULT 0 CHECK (postage_minor >= 0),
    refund_minor bigint NOT NULL DEFAULT 0 CHECK (refund_minor >= 0),
    credit_minor bigint NOT NULL DEFAULT 0 CHECK (credit_minor >= 0),
    refund_id uuid,
    exchange_order_id uuid,
    undone_at timestamptz,
    former_minor bigint NOT NULL DEFAULT 0 CHECK (former_minor >= 0),
    former_refund_id uuid,
    state text NOT NULL GENERATED ALWAYS AS (CASE
        WHEN withdrawn_at IS NOT NULL THEN 'withdrawn'
        WHEN expired_at IS NOT NULL THEN 'expired'
        WHEN declined_at IS NOT NULL THEN 'declined'
        WHEN settled_at IS NOT NULL THEN outcome
        WHEN received_at IS NOT NULL THEN 'received'
        WHEN sent_at IS NOT NULL THEN 'sent'
        WHEN approved_at IS NOT NULL THEN 'approved'
        ELSE 'requested' END) STORED,
    PRIMARY KEY (merchant_id, return_id),
    FOREIGN KEY (merchant_id, order_id) REFERENCES commerce.sales_order (merchant_id, order_id),
    CHECK ((settled_at IS NOT NULL) = (outcome IS NOT NULL))
);
CREATE INDEX goods_return_by_order ON commerce.goods_return (merchant_id, order_id, requested_at);
CREATE INDEX goods_return_by_state ON commerce.goods_return (merchant_id, state, requested_at DESC, return_id DESC);
CREATE INDEX goods_return_by_time ON commerce.goods_return (merchant_id, requested_at DESC, return_id DESC);
CREATE INDEX goods_return_by_exchange ON commerce.goods_return (merchant_id, exchange_order_id)
    WHERE exchange_order_id IS NOT NULL;
CREATE INDEX goods_return_to_expire ON commerce.goods_return (expires_at) WHERE state = 'approved';
CREATE INDEX goods_return_to_undo ON commerce.goods_return (settled_at)
    WHERE exchange_order_id IS NOT NULL AND undone_at IS NULL;
SELECT foundation.protect('commerce.goods_return', 'grow');

-- Quantities in steps of the SKU. sellable, damaged, unusable: what came back and was accepted, by its condition.
-- share_minor: what these pieces were paid with; charged_minor: what of it was given back or became goods.
CREATE TABLE commerce.goods_return_line (
    merchant_id uuid NOT NULL,
    return_id uuid NOT NULL,
    line_no smallint NOT NULL,
    order_id uuid NOT NULL,
    quantity integer NOT NULL CHECK (quantity > 0),
    reason text NOT NULL,
    by_fault boolean NOT NULL,
    sellable integer NOT NULL DEFAULT 0 CHECK (sellable >= 0),
    damaged integer NOT NULL DEFAULT 0 CHECK (damaged >= 0),
    unusable integer NOT NULL DEFAULT 0 CHECK (unusable >= 0),
    share_minor bigint NOT NULL DEFAULT 0 CHECK (share_minor >= 0),
    charged_minor bigint NOT NULL DEFAULT 0 CHECK (charged_minor >= 0),
    replacement_sku_id uuid,
    replacement_title text NOT NULL DEFAULT '',
    replacement_price_minor bigint CHECK (replacement_price_minor >= 0),
    PRIMARY KEY (merchant_id, return_id, line_no),
    FOREIGN KEY (merchant_id, return_id) REFERENCES commerce.goods_return (merchant_id, return_id),
    FOREIGN KEY (merchant_id, order_id, line_no) REFERENCES commerce.order_line (merchant_id, order_id, line_no),
    CHECK (sellable + damaged + unusable <= quantity),
    CHECK ((replacement_sku_id IS NULL) = (replacement_price_minor IS NULL))
);
CREATE INDEX goods_return_line_by_order ON commerce.goods_return_line (merchant_id, order_id, line_no);
SELECT foundation.protect('commerce.goods_return_line', 'grow');
