-- Tenders: points, gift cards and red packets that pay (part of) an order. Balances are accounts of the ledger.

-- How points work at a merchant, and how long gift cards last. Without a row nothing is earned and no points are taken.
CREATE TABLE commerce.tender_terms (
    merchant_id uuid NOT NULL,
    points_block integer NOT NULL CHECK (points_block BETWEEN 1 AND 1000000),
    block_minor integer NOT NULL CHECK (block_minor BETWEEN 1 AND 1000000),
    cap_percent smallint NOT NULL CHECK (cap_percent BETWEEN 0 AND 100),
    earn_points integer NOT NULL CHECK (earn_points BETWEEN 0 AND 1000000),
    points_days integer NOT NULL CHECK (points_days BETWEEN 0 AND 36500),
    card_days integer NOT NULL CHECK (card_days BETWEEN 0 AND 36500),
    changed_by text NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (merchant_id)
);
SELECT foundation.protect('commerce.tender_terms', 'grow');

-- Of a code only a digest is kept, and its end for people to recognise it by. expired_minor: what its expiry has taken.
CREATE TABLE commerce.gift_card (
    merchant_id uuid NOT NULL,
    card_id uuid NOT NULL,
    digest bytea NOT NULL,
    code_end text NOT NULL,
    currency text NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    note text NOT NULL DEFAULT '',
    issued_by text NOT NULL,
    issued_at timestamptz NOT NULL,
    expires_at timestamptz,
    blocked_at timestamptz,
    ended_at timestamptz,
    expired_minor bigint NOT NULL DEFAULT 0 CHECK (expired_minor >= 0),
    PRIMARY KEY (merchant_id, card_id),
    CONSTRAINT gift_card_code_unique UNIQUE (merchant_id, digest)
);
CREATE INDEX gift_card_by_end ON commerce.gift_card (merchant_id, code_end);
CREATE INDEX gift_card_by_time ON commerce.gift_card (merchant_id, issued_at DESC, card_id DESC);
CREATE INDEX gift_card_overdue ON commerce.gift_card (expires_at) WHERE ended_at IS NULL AND expires_at IS NOT NULL;
SELECT foundation.protect('commerce.gift_card', 'grow');

-- Points that came in, so that those that came first expire first. settled_at: their expiry has been booked.
CREATE TABLE commerce.points_grant (
    merchant_id uuid NOT NULL,
    grant_id uuid NOT NULL,
    member_id uuid NOT NULL,
    points bigint NOT NULL CHECK (points > 0),
    granted_at timestamptz NOT NULL,
    expires_at timestamptz,
    settled_at timestamptz,
    PRIMARY KEY (merchant_id, grant_id)
);
CREATE INDEX points_grant_by_member ON commerce.points_grant (merchant_id, member_id, expires_at);
CREATE INDEX points_grant_overdue ON commerce.points_grant (expires_at)
    WHERE settled_at IS NULL AND expires_at IS NOT NULL;
SELECT foundation.protect('commerce.points_grant', 'grow');

-- tender_minor is what tenders pay of the total; award_points what the order earns its member once it is paid.
ALTER TABLE commerce.sales_order
    ADD COLUMN tender_minor bigint NOT NULL DEFAULT 0,
    ADD COLUMN tender_count smallint NOT NULL DEFAULT 0 CHECK (tender_count >= 0),
    ADD COLUMN award_points bigint NOT NULL DEFAULT 0 CHECK (award_points >= 0),
    ADD CONSTRAINT sales_order_tenders_within_total CHECK (tender_minor BETWEEN 0 AND total_minor);

-- What pays an order beside a provider's money: units are points, or minor units where the tender is money.
CREATE TABLE commerce.order_tender (
    merchant_id uuid NOT NULL,
    order_id uuid NOT NULL,
    tender_no smallint NOT NULL CHECK (tender_no > 0),
    kind text NOT NULL CHECK (kind IN ('points', 'gift_card', 'wallet')),
    subject_id uuid NOT NULL,
    label text NOT NULL,
    units bigint NOT NULL CHECK (units > 0),
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    PRIMARY KEY (merchant_id, order_id, tender_no),
    FOREIGN KEY (merchant_id, order_id) REFERENCES commerce.sales_order (merchant_id, order_id)
);
CREATE INDEX order_tender_by_subject ON commerce.order_tender (merchant_id, subject_id);
SELECT foundation.protect('commerce.order_tender', 'append');

-- What went back to an order's tenders.
CREATE TABLE commerce.tender_refund (
    merchant_id uuid NOT NULL,
    refund_id uuid NOT NULL,
    order_id uuid NOT NULL,
    tender_no smallint NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    units bigint NOT NULL CHECK (units >= 0),
    reason text NOT NULL,
    requested_by text NOT NULL,
    refunded_at timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, refund_id, tender_no),
    FOREIGN KEY (merchant_id, order_id, tender_no)
        REFERENCES commerce.order_tender (merchant_id, order_id, tender_no)
);
CREATE INDEX tender_refund_by_order ON commerce.tender_refund (merchant_id, order_id);
SELECT foundation.protect('commerce.tender_refund', 'append');
