-- Accounts and transfers. Sums are kept per account and checked against the transfers by the ledger's invariants.

GRANT USAGE ON SCHEMA ledger TO serai_app;

CREATE TABLE ledger.account (
    merchant_id uuid NOT NULL,
    account_id uuid NOT NULL,
    kind text NOT NULL,
    unit_id uuid NOT NULL,
    subject_id uuid,
    place_id uuid,
    normal "char" NOT NULL CHECK (normal IN ('D', 'C')),
    no_negative boolean NOT NULL,
    posted_dr bigint NOT NULL DEFAULT 0,
    posted_cr bigint NOT NULL DEFAULT 0,
    pending_dr bigint NOT NULL DEFAULT 0,
    pending_cr bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (merchant_id, account_id),
    CONSTRAINT account_sums_not_negative CHECK (
        posted_dr >= 0 AND posted_cr >= 0 AND pending_dr >= 0 AND pending_cr >= 0),
    CONSTRAINT account_above_floor CHECK (NOT no_negative OR CASE normal
        WHEN 'D' THEN posted_dr - posted_cr - pending_cr
        ELSE posted_cr - posted_dr - pending_dr END >= 0)
) WITH (fillfactor = 70);
CREATE INDEX account_by_subject ON ledger.account (merchant_id, subject_id, kind);
CREATE INDEX account_by_place ON ledger.account (merchant_id, place_id, kind, subject_id) WHERE place_id IS NOT NULL;
SELECT foundation.protect('ledger.account', 'grow');

-- phase: 1 posted at once, 2 pending, 3 posts a pending, 4 voids a pending.
CREATE TABLE ledger.transfer (
    merchant_id uuid NOT NULL,
    transfer_id uuid NOT NULL,
    group_id uuid NOT NULL,
    debit_id uuid NOT NULL,
    credit_id uuid NOT NULL,
    unit_id uuid NOT NULL,
    amount bigint NOT NULL CHECK (amount > 0),
    phase smallint NOT NULL CHECK (phase BETWEEN 1 AND 4),
    pending_id uuid,
    expires_at timestamptz,
    reason text NOT NULL,
    document_id uuid,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, transfer_id),
    CHECK ((phase IN (3, 4)) = (pending_id IS NOT NULL)),
    CHECK (debit_id <> credit_id)
);
-- A pending transfer is resolved once: the second of two racing post and void statements breaks on this.
CREATE UNIQUE INDEX transfer_resolves_once ON ledger.transfer (merchant_id, pending_id) WHERE pending_id IS NOT NULL;
CREATE INDEX transfer_by_debit ON ledger.transfer (merchant_id, debit_id, transfer_id);
CREATE INDEX transfer_by_credit ON ledger.transfer (merchant_id, credit_id, transfer_id);
CREATE INDEX transfer_by_document ON ledger.transfer (merchant_id, document_id) WHERE document_id IS NOT NULL;
SELECT foundation.protect('ledger.transfer', 'append');
