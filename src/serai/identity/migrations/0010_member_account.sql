-- Everything around a member's account: proofs of the address, level, addresses, links, passkeys, consent.

ALTER TABLE identity.member
    ADD COLUMN email_verified_at timestamptz,
    ADD COLUMN level text NOT NULL DEFAULT '',
    ADD COLUMN erased_at timestamptz;

CREATE TABLE identity.address (
    merchant_id uuid NOT NULL,
    address_id uuid NOT NULL,
    member_id uuid NOT NULL,
    label text NOT NULL DEFAULT '',
    name text NOT NULL,
    phone text NOT NULL DEFAULT '',
    country text NOT NULL,
    region text NOT NULL DEFAULT '',
    city text NOT NULL DEFAULT '',
    district text NOT NULL DEFAULT '',
    line1 text NOT NULL DEFAULT '',
    line2 text NOT NULL DEFAULT '',
    postcode text NOT NULL DEFAULT '',
    is_default boolean NOT NULL DEFAULT false,
    made_at timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, address_id),
    FOREIGN KEY (merchant_id, member_id) REFERENCES identity.member (merchant_id, member_id)
);
CREATE INDEX address_by_member ON identity.address (merchant_id, member_id, made_at);
CREATE UNIQUE INDEX one_default_address ON identity.address (merchant_id, member_id) WHERE is_default;
SELECT foundation.protect('identity.address', 'edit');

-- One-time links that were sent by mail; only a digest of the token is kept.
CREATE TABLE identity.link (
    merchant_id uuid NOT NULL,
    token_digest bytea NOT NULL,
    purpose text NOT NULL CHECK (purpose IN ('verify', 'sign_in', 'reset')),
    member_id uuid NOT NULL,
    email text NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    PRIMARY KEY (merchant_id, token_digest),
    FOREIGN KEY (merchant_id, member_id) REFERENCES identity.member (merchant_id, member_id)
);
CREATE INDEX link_by_member ON identity.link (merchant_id, member_id, purpose);
CREATE INDEX link_by_expiry ON identity.link (expires_at);
SELECT foundation.protect('identity.link', 'edit');

CREATE TABLE identity.passkey (
    merchant_id uuid NOT NULL,
    credential_id bytea NOT NULL,
    kind text NOT NULL CHECK (kind IN ('staff', 'member')),
    subject_id uuid NOT NULL,
    public_key bytea NOT NULL,
    sign_count bigint NOT NULL,
    name text NOT NULL,
    transports text[] NOT NULL DEFAULT '{}',
    made_at timestamptz NOT NULL,
    used_at timestamptz,
    PRIMARY KEY (merchant_id, credential_id)
);
CREATE INDEX passkey_by_subject ON identity.passkey (merchant_id, kind, subject_id, made_at);
SELECT foundation.protect('identity.passkey', 'edit');

-- A challenge is answered once; subject_id is whose passkey is being made, NULL for a sign-in.
CREATE TABLE identity.challenge (
    merchant_id uuid NOT NULL,
    challenge_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('staff', 'member')),
    subject_id uuid,
    challenge bytea NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, challenge_id)
);
CREATE INDEX challenge_by_expiry ON identity.challenge (expires_at);
SELECT foundation.protect('identity.challenge', 'edit');

-- The log of what a member agreed to and took back; the newest row of a topic counts.
CREATE TABLE identity.consent (
    merchant_id uuid NOT NULL,
    consent_id uuid NOT NULL,
    member_id uuid NOT NULL,
    topic text NOT NULL CHECK (topic IN ('newsletter', 'analytics')),
    granted boolean NOT NULL,
    words text NOT NULL,
    given_at timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, consent_id)
);
CREATE INDEX consent_by_member ON identity.consent (merchant_id, member_id, topic, given_at DESC);
SELECT foundation.protect('identity.consent', 'append');
