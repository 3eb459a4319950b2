-- Merchants, members, staff, sessions, API keys and the audit log.

GRANT USAGE ON SCHEMA identity TO serai_app;

-- The registry of tenants: everybody may read it (a request's host decides whose shop it is), only the owner writes.
CREATE TABLE identity.merchant (
    merchant_id uuid PRIMARY KEY,
    slug text NOT NULL UNIQUE CHECK (slug ~ '^[a-z0-9][a-z0-9-]{0,38}$'),
    name text NOT NULL,
    currency text NOT NULL,
    locale text NOT NULL DEFAULT 'en',
    hostnames text[] NOT NULL DEFAULT '{}',
    support_email text NOT NULL,
    is_default boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX one_default_merchant ON identity.merchant (is_default) WHERE is_default;
ALTER TABLE identity.merchant ENABLE ROW LEVEL SECURITY;
CREATE POLICY registry ON identity.merchant FOR SELECT USING (true);
GRANT SELECT ON identity.merchant TO serai_app;

CREATE TABLE identity.member (
    merchant_id uuid NOT NULL,
    member_id uuid NOT NULL,
    number text NOT NULL,
    email text,
    password_hash text,
    name text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (merchant_id, member_id),
    CONSTRAINT member_number_unique UNIQUE (merchant_id, number),
    CONSTRAINT member_email_unique UNIQUE (merchant_id, email)
);
SELECT foundation.protect('identity.member', 'edit');

CREATE TABLE identity.staff (
    merchant_id uuid NOT NULL,
    staff_id uuid NOT NULL,
    email text NOT NULL,
    password_hash text NOT NULL,
    name text NOT NULL,
    role text NOT NULL CHECK (role IN ('owner', 'manager', 'clerk')),
    active boolean NOT NULL DEFAULT true,
    must_change_password boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    last_seen_at timestamptz,
    PRIMARY KEY (merchant_id, staff_id),
    CONSTRAINT staff_email_unique UNIQUE (merchant_id, email)
);
SELECT foundation.protect('identity.staff', 'grow');

-- kind: 'staff' or 'member'. Only a digest of the token is kept, so a stolen table opens no session.
CREATE TABLE identity.session (
    merchant_id uuid NOT NULL,
    token_digest bytea NOT NULL,
    kind text NOT NULL CHECK (kind IN ('staff', 'member')),
    subject_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    ip text NOT NULL DEFAULT '',
    agent text NOT NULL DEFAULT '',
    PRIMARY KEY (merchant_id, token_digest)
);
CREATE INDEX session_by_subject ON identity.session (merchant_id, kind, subject_id);
CREATE INDEX session_by_expiry ON identity.session (expires_at);
SELECT foundation.protect('identity.session', 'edit');

CREATE TABLE identity.sign_in_failure (
    merchant_id uuid NOT NULL,
    kind text NOT NULL,
    email text NOT NULL,
    failures integer NOT NULL,
    last_at timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, kind, email)
);
SELECT foundation.protect('identity.sign_in_failure', 'edit');

CREATE TABLE identity.api_key (
    merchant_id uuid NOT NULL,
    key_id uuid NOT NULL,
    name text NOT NULL,
    prefix text NOT NULL,
    secret_digest bytea NOT NULL,
    scopes text[] NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz,
    revoked_at timestamptz,
    PRIMARY KEY (merchant_id, key_id),
    CONSTRAINT api_key_secret_unique UNIQUE (merchant_id, secret_digest)
);
SELECT foundation.protect('identity.api_key', 'grow');

CREATE TABLE identity.audit (
    merchant_id uuid NOT NULL,
    audit_id uuid NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    actor text NOT NULL,
    action text NOT NULL,
    subject_kind text NOT NULL,
    subject_id text NOT NULL,
    before jsonb,
    after jsonb,
    PRIMARY KEY (merchant_id, audit_id)
);
CREATE INDEX audit_by_subject ON identity.audit (merchant_id, subject_id, audit_id);
CREATE INDEX audit_by_actor ON identity.audit (merchant_id, actor, audit_id);
SELECT foundation.protect('identity.audit', 'append');
