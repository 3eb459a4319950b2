-- How shoppers may pay: online, to whoever hands the goods over, or by invoice.

-- capture: whether providers take the money with the order, or hold it until goods leave. max_minor: the dearest order.
-- countries: where it is offered, everywhere when empty.
CREATE TABLE commerce.payment_method (
    merchant_id uuid NOT NULL,
    code text NOT NULL CHECK (code IN ('online', 'cash_on_delivery', 'invoice')),
    active boolean NOT NULL,
    capture text NOT NULL DEFAULT 'automatic' CHECK (capture IN ('automatic', 'manual')),
    max_minor bigint CHECK (max_minor > 0),
    countries text[] NOT NULL DEFAULT '{}',
    members_only boolean NOT NULL DEFAULT false,
    changed_by text NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, code)
);
SELECT foundation.protect('commerce.payment_method', 'edit');

-- Members who may buy on invoice: up to how much at a time, and how many days they have.
CREATE TABLE commerce.credit_terms (
    merchant_id uuid NOT NULL,
    member_id uuid NOT NULL,
    limit_minor bigint NOT NULL CHECK (limit_minor >= 0),
    currency text NOT NULL,
    days integer NOT NULL CHECK (days BETWEEN 1 AND 365),
    active boolean NOT NULL,
    version integer NOT NULL DEFAULT 1,
    changed_by text NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, member_id)
);
SELECT foundation.protect('commerce.credit_terms', 'grow');
