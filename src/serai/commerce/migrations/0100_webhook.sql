-- Webhooks out: endpoints that hear of a merchant's changes, what is to be delivered to them, every attempt, and the
-- console's own receiver. Secrets are derived from the installation's own, so no row holds one.

-- failures counts failed attempts in a row, since failing_since; nothing is sent before held_until.
CREATE TABLE commerce.webhook_endpoint (
    merchant_id uuid NOT NULL,
    endpoint_id uuid NOT NULL,
    url text NOT NULL CHECK (length(url) BETWEEN 1 AND 2000),
    description text NOT NULL,
    events text[] NOT NULL CHECK (cardinality(events) > 0),
    version text NOT NULL,
    is_receiver boolean NOT NULL DEFAULT false,
    receiver_status smallint NOT NULL DEFAULT 204 CHECK (receiver_status BETWEEN 200 AND 599),
    state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'paused', 'disabled', 'deleted')),
    why_disabled text NOT NULL DEFAULT '',
    failures integer NOT NULL DEFAULT 0 CHECK (failures >= 0),
    failing_since timestamptz,
    held_until timestamptz,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, endpoint_id),
    CONSTRAINT webhook_endpoint_fails_since CHECK ((failures = 0) = (failing_since IS NULL))
);
SELECT foundation.protect('commerce.webhook_endpoint', 'grow');

-- Which secrets sign: those whose end has not come.
CREATE TABLE commerce.webhook_secret (
    merchant_id uuid NOT NULL,
    endpoint_id uuid NOT NULL,
    secret_id uuid NOT NULL,
    made_at timestamptz NOT NULL,
    ends_at timestamptz,
    PRIMARY KEY (merchant_id, endpoint_id, secret_id),
    FOREIGN KEY (merchant_id, endpoint_id) REFERENCES commerce.webhook_endpoint
);
CREATE UNIQUE INDEX webhook_secret_newest ON commerce.webhook_secret (merchant_id, endpoint_id) WHERE ends_at IS NULL;
SELECT foundation.protect('commerce.webhook_secret', 'grow');

-- The last number given to an object's deliveries at an endpoint.
CREATE TABLE commerce.webhook_sequence (
    merchant_id uuid NOT NULL,
    endpoint_id uuid NOT NULL,
    object_id uuid NOT NULL,
    last bigint NOT NULL CHECK (last > 0),
    PRIMARY KEY (merchant_id, endpoint_id, object_id)
);
SELECT foundation.protect('commerce.webhook_sequence', 'grow');

-- body is the text that is signed and sent, the same at every attempt. tries counts attempts since it was made or sent
-- again; a delivery under way is leased, so that the one of a dead worker is taken by another.
CREATE TABLE commerce.webhook_delivery (
    merchant_id uuid NOT NULL,
    delivery_id uuid NOT NULL,
    endpoint_id uuid NOT NULL,
    event_id uuid NOT NULL,
    event text NOT NULL,
    object_kind text NOT NULL,
    object_id uuid NOT NULL,
    sequence bigint NOT NULL CHECK (sequence > 0),
    body text NOT NULL,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delivered', 'parked')),
    attempts integer NOT NULL DEFAULT 0,
    tries integer NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL,
    leased_until timestamptz,
    made_at timestamptz NOT NULL,
    done_at timestamptz,
    last_status smallint,
    last_reason text NOT NULL DEFAULT '',
    PRIMARY KEY (merchant_id, delivery_id),
    CONSTRAINT webhook_delivery_one_per_change UNIQUE (merchant_id, endpoint_id, event_id),
    CONSTRAINT webhook_delivery_one_per_number UNIQUE (merchant_id, endpoint_id, object_id, sequence),
    FOREIGN KEY (merchant_id, endpoint_id) REFERENCES commerce.webhook_endpoint
);
CREATE INDEX webhook_delivery_due ON commerce.webhook_delivery (merchant_id, endpoint_id, due_at) WHERE state = 'waiting';
CREATE INDEX webhook_delivery_ahead ON commerce.webhook_delivery (merchant_id, endpoint_id, object_id, sequence)
    WHERE state = 'waiting';
CREATE INDEX webhook_delivery_by_time ON commerce.webhook_delivery (merchant_id, endpoint_id, delivery_id);
CREATE INDEX webhook_delivery_by_age ON commerce.webhook_delivery (made_at);
SELECT foundation.protect('commerce.webhook_delivery', 'edit');

-- An attempt without an end was under way when its worker died: whether it arrived is not known.
CREATE TABLE commerce.webhook_attempt (
    merchant_id uuid NOT NULL,
    delivery_id uuid NOT NULL,
    attempt_no integer NOT NULL CHECK (attempt_no > 0),
    started_at timestamptz NOT NULL,
    ended_at timestamptz,
    status smallint,
    reason text NOT NULL DEFAULT '',
    request_headers jsonb,
    response_body text NOT NULL DEFAULT '' CHECK (length(response_body) <= 4096),
    PRIMARY KEY (merchant_id, delivery_id, attempt_no),
    FOREIGN KEY (merchant_id, delivery_id) REFERENCES commerce.webhook_delivery ON DELETE CASCADE
);
SELECT foundation.protect('commerce.webhook_attempt', 'edit');

-- What came to the console's receiver, whether its signature was right or not.
CREATE TABLE commerce.webhook_receipt (
    merchant_id uuid NOT NULL,
    receipt_id uuid NOT NULL,
    endpoint_id uuid NOT NULL,
    message_id text NOT NULL,
    verdict text NOT NULL CHECK (verdict IN ('good', 'forged', 'stale', 'malformed')),
    event text NOT NULL DEFAULT '',
    object_id text NOT NULL DEFAULT '',
    sequence bigint,
    is_repeat boolean NOT NULL,
    answered smallint NOT NULL,
    headers jsonb NOT NULL,
    body text NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, receipt_id),
    FOREIGN KEY (merchant_id, endpoint_id) REFERENCES commerce.webhook_endpoint
);
CREATE INDEX webhook_receipt_by_message ON commerce.webhook_receipt (merchant_id, endpoint_id, message_id);
SELECT foundation.protect('commerce.webhook_receipt', 'edit');
