-- What shoppers keep, wait for, give and ask: wish lists, lines saved for later, alerts, gifts, consultation.

CREATE TABLE commerce.order_gift (
    merchant_id uuid NOT NULL,
    order_id uuid NOT NULL,
    message text NOT NULL,
    sender text NOT NULL DEFAULT '',
    PRIMARY KEY (merchant_id, order_id),
    FOREIGN KEY (merchant_id, order_id) REFERENCES commerce.sales_order (merchant_id, order_id)
);
SELECT foundation.protect('commerce.order_gift', 'grow');

-- share_token: whoever has the link may read the list; NULL while it is private.
CREATE TABLE commerce.wish_list (
    merchant_id uuid NOT NULL,
    list_id uuid NOT NULL,
    member_id uuid NOT NULL,
    name text NOT NULL CHECK (name <> ''),
    share_token text,
    made_at timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, list_id),
    CONSTRAINT wish_list_share_unique UNIQUE (merchant_id, share_token)
);
CREATE INDEX wish_list_by_member ON commerce.wish_list (merchant_id, member_id, made_at);
SELECT foundation.protect('commerce.wish_list', 'edit');

CREATE TABLE commerce.wish_item (
    merchant_id uuid NOT NULL,
    list_id uuid NOT NULL,
    sku_id uuid NOT NULL,
    added_at timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, list_id, sku_id),
    FOREIGN KEY (merchant_id, list_id) REFERENCES commerce.wish_list (merchant_id, list_id) ON DELETE CASCADE
);
SELECT foundation.protect('commerce.wish_item', 'edit');

-- owner: the digest that also owns the cart the line came from.
CREATE TABLE commerce.saved_line (
    merchant_id uuid NOT NULL,
    owner bytea NOT NULL,
    sku_id uuid NOT NULL,
    quantity integer NOT NULL CHECK (quantity > 0),
    saved_at timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, owner, sku_id)
);
CREATE INDEX saved_line_by_age ON commerce.saved_line (saved_at);
SELECT foundation.protect('commerce.saved_line', 'edit');

-- One letter each: an alert waits until it is confirmed, then until it fires, then it is over. An address that is
-- not a member's own is only written to after it was confirmed by a link.
CREATE TABLE commerce.alert (
    merchant_id uuid NOT NULL,
    alert_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('price', 'stock')),
    sku_id uuid NOT NULL,
    member_id uuid,
    email text NOT NULL,
    locale text NOT NULL,
    seen_price_minor bigint,
    token_digest bytea NOT NULL,
    made_at timestamptz NOT NULL,
    confirmed_at timestamptz,
    ended_at timestamptz,
    PRIMARY KEY (merchant_id, alert_id),
    CONSTRAINT alert_token_unique UNIQUE (merchant_id, token_digest)
);
CREATE UNIQUE INDEX alert_once ON commerce.alert (merchant_id, kind, sku_id, email) WHERE ended_at IS NULL;
CREATE INDEX alert_by_member ON commerce.alert (merchant_id, member_id) WHERE member_id IS NOT NULL;
SELECT foundation.protect('commerce.alert', 'edit');

CREATE TABLE commerce.question (
    merchant_id uuid NOT NULL,
    question_id uuid NOT NULL,
    product_id uuid NOT NULL,
    member_id uuid,
    email text NOT NULL,
    name text NOT NULL,
    locale text NOT NULL,
    words text NOT NULL CHECK (words <> ''),
    asked_at timestamptz NOT NULL,
    published boolean NOT NULL DEFAULT false,
    answered_at timestamptz,
    closed_at timestamptz,
    PRIMARY KEY (merchant_id, question_id),
    FOREIGN KEY (merchant_id, product_id) REFERENCES commerce.product (merchant_id, product_id) ON DELETE CASCADE
);
CREATE INDEX question_by_product ON commerce.question (merchant_id, product_id, asked_at DESC) WHERE published;
CREATE INDEX question_waiting ON commerce.question (merchant_id, asked_at)
    WHERE answered_at IS NULL AND closed_at IS NULL;
CREATE INDEX question_by_time ON commerce.question (merchant_id, asked_at DESC, question_id DESC);
CREATE INDEX question_by_member ON commerce.question (merchant_id, member_id) WHERE member_id IS NOT NULL;
SELECT foundation.protect('commerce.question', 'edit');

-- source 'facts': written by the matcher from what is known of the product; confidence in percent, facts are the keys used.
CREATE TABLE commerce.answer (
    merchant_id uuid NOT NULL,
    answer_id uuid NOT NULL,
    question_id uuid NOT NULL,
    source text NOT NULL CHECK (source IN ('facts', 'staff')),
    words text NOT NULL CHECK (words <> ''),
    answered_by text NOT NULL DEFAULT '',
    facts text[] NOT NULL DEFAULT '{}',
    confidence smallint,
    answered_at timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, answer_id),
    FOREIGN KEY (merchant_id, question_id) REFERENCES commerce.question (merchant_id, question_id) ON DELETE CASCADE
);
CREATE INDEX answer_by_question ON commerce.answer (merchant_id, question_id, answered_at);
SELECT foundation.protect('commerce.answer', 'edit');

CREATE TABLE commerce.answer_vote (
    merchant_id uuid NOT NULL,
    answer_id uuid NOT NULL,
    voter bytea NOT NULL,
    helpful boolean NOT NULL,
    PRIMARY KEY (merchant_id, answer_id, voter),
    FOREIGN KEY (merchant_id, answer_id) REFERENCES commerce.answer (merchant_id, answer_id) ON DELETE CASCADE
);
SELECT foundation.protect('commerce.answer_vote', 'edit');
