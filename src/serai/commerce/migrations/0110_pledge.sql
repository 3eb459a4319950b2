-- Money that somebody has pledged and that has not come: a provider holds it for us, a courier brings it, a customer is
-- invoiced for it.

-- manual: the provider only holds the money, and is told later how much of it to take.
ALTER TABLE commerce.payment_intent
    ADD COLUMN capture text NOT NULL DEFAULT 'automatic' CHECK (capture IN ('automatic', 'manual'));

-- expires_at: when the provider lets go of what it holds; due_at: when an invoice has to be paid; wanted_at: goods have
-- left since, so some of it is to be taken now; reminded_at: the customer was last asked for it.
CREATE TABLE commerce.pledge (
    merchant_id uuid NOT NULL,
    intent_id uuid NOT NULL,
    order_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('authorised', 'cash_on_delivery', 'invoice')),
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    currency text NOT NULL,
    member_id uuid,
    made_at timestamptz NOT NULL,
    expires_at timestamptz,
    due_at timestamptz,
    wanted_at timestamptz,
    reminded_at timestamptz,
    reminders integer NOT NULL DEFAULT 0,
    settled_at timestamptz,
    PRIMARY KEY (merchant_id, intent_id),
    FOREIGN KEY (merchant_id, intent_id) REFERENCES commerce.payment_intent (merchant_id, intent_id)
);
CREATE INDEX pledge_by_order ON commerce.pledge (merchant_id, order_id);
CREATE INDEX pledge_open_by_due ON commerce.pledge (merchant_id, kind, due_at) WHERE settled_at IS NULL;
CREATE INDEX pledge_by_member ON commerce.pledge (merchant_id, member_id) WHERE member_id IS NOT NULL;
CREATE INDEX pledge_wanted ON commerce.pledge (wanted_at) WHERE wanted_at IS NOT NULL;
CREATE INDEX pledge_expiring ON commerce.pledge (expires_at) WHERE settled_at IS NULL AND expires_at IS NOT NULL;
SELECT foundation.protect('commerce.pledge', 'grow');

-- What became of a pledge, part by part: taken, let go, or written off.
CREATE TABLE commerce.pledge_step (
    merchant_id uuid NOT NULL,
    step_id uuid NOT NULL,
    intent_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('capture', 'release', 'loss')),
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    reason text NOT NULL DEFAULT '',
    by text NOT NULL,
    at timestamptz NOT NULL,
    turn integer NOT NULL DEFAULT 0,
    done_at timestamptz,
    failed_at timestamptz,
    failure text NOT NULL DEFAULT '',
    PRIMARY KEY (merchant_id, step_id),
    FOREIGN KEY (merchant_id, intent_id) REFERENCES commerce.pledge (merchant_id, intent_id)
);
CREATE INDEX pledge_step_by_intent ON commerce.pledge_step (merchant_id, intent_id, at);
CREATE INDEX pledge_step_open ON commerce.pledge_step (at) WHERE done_at IS NULL AND failed_at IS NULL;
SELECT foundation.protect('commerce.pledge_step', 'grow');
