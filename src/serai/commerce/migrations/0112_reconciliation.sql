-- What providers say they moved, held against our own books.

-- A file (or a day that was fetched), once per content.
CREATE TABLE commerce.statement (
    merchant_id uuid NOT NULL,
    statement_id uuid NOT NULL,
    provider text NOT NULL,
    format text NOT NULL,
    file_name text NOT NULL,
    lines integer NOT NULL,
    known integer NOT NULL,
    first_at timestamptz,
    last_at timestamptz,
    read_by text NOT NULL,
    read_at timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, statement_id)
);
CREATE INDEX statement_by_time ON commerce.statement (merchant_id, read_at DESC, statement_id DESC);
SELECT foundation.protect('commerce.statement', 'grow');

-- One movement, once per the provider's own key however many files tell it. part_id: what of ours it is (a capture, a
-- refund). Amounts are above zero, the kind gives the direction; a fee may be below zero when it is given back.
CREATE TABLE commerce.statement_line (
    merchant_id uuid NOT NULL,
    provider text NOT NULL,
    row_key text NOT NULL,
    statement_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('capture', 'refund', 'fee', 'payout', 'other')),
    reference text NOT NULL,
    payment_ref text NOT NULL,
    refund_ref text NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
    fee_minor bigint NOT NULL,
    currency text NOT NULL,
    happened_at timestamptz NOT NULL,
    verdict text NOT NULL DEFAULT 'new' CHECK (verdict IN ('new', 'matched', 'fee', 'payout', 'missing_here',
        'missing_there', 'amount_differs', 'currency_differs', 'other')),
    part_id uuid,
    order_id uuid,
    intent_id uuid,
    ours_minor bigint,
    judged_at timestamptz,
    resolution text CHECK (resolution IN ('note', 'fee', 'refund', 'accept', 'found')),
    resolved_by text,
    resolved_at timestamptz,
    note text NOT NULL DEFAULT '',
    PRIMARY KEY (merchant_id, provider, row_key),
    FOREIGN KEY (merchant_id, statement_id) REFERENCES commerce.statement (merchant_id, statement_id)
);
CREATE UNIQUE INDEX statement_line_part ON commerce.statement_line (merchant_id, provider, part_id)
    WHERE part_id IS NOT NULL AND verdict <> 'missing_there';
CREATE INDEX statement_line_by_statement ON commerce.statement_line (merchant_id, statement_id);
CREATE INDEX statement_line_open ON commerce.statement_line (merchant_id, happened_at DESC)
    WHERE resolved_at IS NULL AND verdict IN ('missing_here', 'missing_there', 'amount_differs', 'currency_differs', 'other');
CREATE INDEX statement_line_new ON commerce.statement_line (merchant_id) WHERE verdict = 'new';
SELECT foundation.protect('commerce.statement_line', 'grow');

-- Statements name payments as their provider does.
CREATE INDEX payment_intent_by_provider ON commerce.payment_intent (merchant_id, provider, provider_payment_id);
