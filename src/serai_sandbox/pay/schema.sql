-- State of the simulated provider. Times are milliseconds since 1970 UTC, amounts are minor units.
CREATE TABLE IF NOT EXISTS payment (
    payment_id TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    reference TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
    currency TEXT NOT NULL,
    capture TEXT NOT NULL CHECK (capture IN ('automatic', 'manual')),
    return_url TEXT NOT NULL,
    webhook_url TEXT,
    description TEXT NOT NULL,
    locale TEXT NOT NULL,
    lines_json TEXT NOT NULL,
    status TEXT NOT NULL,
    reason TEXT,
    method TEXT,
    authorised_minor INTEGER NOT NULL CHECK (authorised_minor >= 0),
    captured_minor INTEGER NOT NULL CHECK (captured_minor >= 0),
    released_minor INTEGER NOT NULL CHECK (released_minor >= 0),
    refunded_minor INTEGER NOT NULL CHECK (refunded_minor >= 0),
    refund_pending_minor INTEGER NOT NULL CHECK (refund_pending_minor >= 0),
    event_count INTEGER NOT NULL,
    CHECK (captured_minor + released_minor <= authorised_minor),
    CHECK (refunded_minor + refund_pending_minor <= captured_minor)
) STRICT;
CREATE INDEX IF NOT EXISTS payment_by_reference ON payment (account, reference, created_ms);
CREATE INDEX IF NOT EXISTS payment_by_expiry ON payment (expires_ms) WHERE status IN ('created', 'requires_action');

CREATE TABLE IF NOT EXISTS refund (
    refund_id TEXT PRIMARY KEY,
    payment_id TEXT NOT NULL REFERENCES payment,
    reference TEXT NOT NULL,
    amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
    status TEXT NOT NULL CHECK (status IN ('pending', 'succeeded', 'failed')),
    created_ms INTEGER NOT NULL,
    due_ms INTEGER,
    will_end TEXT NOT NULL CHECK (will_end IN ('succeeded', 'failed')),
    UNIQUE (payment_id, reference)
) STRICT;
CREATE INDEX IF NOT EXISTS refund_by_due ON refund (due_ms) WHERE status = 'pending';

-- What a bank statement is made of: one row for each capture and each refund that went through.
CREATE TABLE IF NOT EXISTS movement (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    account TEXT NOT NULL,
    payment_id TEXT NOT NULL REFERENCES payment,
    refund_id TEXT REFERENCES refund,
    kind TEXT NOT NULL CHECK (kind IN ('capture', 'refund')),
    amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
    at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS movement_by_time ON movement (account, at_ms);

CREATE TABLE IF NOT EXISTS event (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id TEXT NOT NULL UNIQUE,
    account TEXT NOT NULL,
    payment_id TEXT NOT NULL REFERENCES payment,
    sequence INTEGER NOT NULL,
    type TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    body BLOB NOT NULL,
    UNIQUE (payment_id, sequence)
) STRICT;
CREATE INDEX IF NOT EXISTS event_by_account ON event (account, position);

-- A forged delivery has an event id of its own that no event has: hence no foreign key.
CREATE TABLE IF NOT EXISTS delivery (
    delivery_id INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id TEXT NOT NULL,
    account TEXT NOT NULL,
    payment_id TEXT NOT NULL REFERENCES payment,
    sequence INTEGER NOT NULL,
    url TEXT NOT NULL,
    body BLOB NOT NULL,
    due_ms INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'held', 'sent', 'given_up', 'suppressed')),
    is_forged INTEGER NOT NULL,
    attempt_count INTEGER NOT NULL,
    answer_status INTEGER,
    answer_error TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS delivery_by_due ON delivery (due_ms) WHERE state IN ('waiting', 'held');
CREATE INDEX IF NOT EXISTS delivery_by_payment ON delivery (payment_id);

CREATE TABLE IF NOT EXISTS fault (
    fault_id TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    scope TEXT NOT NULL,
    fault TEXT NOT NULL,
    remaining INTEGER CHECK (remaining > 0),
    params_json TEXT NOT NULL,
    created_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS fault_by_account ON fault (account, created_ms);

CREATE TABLE IF NOT EXISTS idempotency (
    account TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    PRIMARY KEY (account, key)
) STRICT;
