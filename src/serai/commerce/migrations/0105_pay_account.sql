-- A merchant's account at a payment provider. What identifies it there and what signs for it is sealed: only a process
-- that holds the installation's key can open it. Each change counts, so that processes notice and open it anew.
CREATE TABLE commerce.pay_account (
    merchant_id uuid NOT NULL,
    provider text NOT NULL,
    sealed bytea NOT NULL,
    is_enabled boolean NOT NULL,
    revision integer NOT NULL,
    changed_at timestamptz NOT NULL,
    changed_by text NOT NULL,
    PRIMARY KEY (merchant_id, provider)
);
SELECT foundation.protect('commerce.pay_account', 'grow');

-- On what a payment is made: some providers show a code to be scanned on a desk, and open their app on a phone.
ALTER TABLE commerce.payment_intent ADD COLUMN device text NOT NULL DEFAULT '';
