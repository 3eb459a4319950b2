-- The ground: the application role, tenancy by row-level security, the event log, idempotency, subscriptions, secrets.

DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'serai_app') THEN
        CREATE ROLE serai_app NOLOGIN NOBYPASSRLS;
    END IF;
    -- From PostgreSQL 16 on, whoever creates a role may hand it on but not take it, so it is granted in every case.
    IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
        BEGIN
            EXECUTE format('GRANT serai_app TO %I', current_user);
        EXCEPTION WHEN insufficient_privilege THEN
            IF NOT pg_has_role(current_user, 'serai_app', 'MEMBER') THEN
                RAISE;
            END IF;
        END;
    END IF;
END $$;

GRANT USAGE ON SCHEMA foundation TO serai_app;

-- The tenant of the running transaction; NULL (no rows at all) when none was set.
CREATE FUNCTION foundation.current_merchant() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT nullif(current_setting('serai.merchant_id', true), '')::uuid $$;

-- Put a table of merchants' rows under row-level security. mode: 'edit' (all four), 'grow' (select, insert, update)
-- or 'append' (select and insert only: history that nobody may rewrite).
CREATE FUNCTION foundation.protect(target regclass, mode text DEFAULT 'edit') RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
    EXECUTE format('CREATE POLICY tenant ON %s USING (merchant_id = (SELECT foundation.current_merchant()))', target);
    EXECUTE format('GRANT %s ON %s TO serai_app', CASE mode
        WHEN 'edit' THEN 'SELECT, INSERT, UPDATE, DELETE'
        WHEN 'grow' THEN 'SELECT, INSERT, UPDATE'
        WHEN 'append' THEN 'SELECT, INSERT' END, target);
END $$;
GRANT EXECUTE ON FUNCTION foundation.current_merchant() TO serai_app;

-- Append-only log of facts. xact orders commits for readers: they take only rows of transactions older than every
-- running one, so a slow writer leaves no gap behind a cursor.
CREATE TABLE foundation.event (
    merchant_id uuid NOT NULL,
    event_id uuid NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    xact bigint NOT NULL DEFAULT (pg_current_xact_id()::text::bigint),
    name text NOT NULL,
    subject_id uuid NOT NULL,
    data jsonb NOT NULL,
    PRIMARY KEY (merchant_id, event_id, recorded_at)
) PARTITION BY RANGE (recorded_at);
CREATE INDEX event_by_commit ON foundation.event (xact, event_id);
CREATE INDEX event_by_subject ON foundation.event (merchant_id, subject_id, event_id);
CREATE TABLE foundation.event_rest PARTITION OF foundation.event DEFAULT;
SELECT foundation.protect('foundation.event', 'append');

-- Make today's and the coming days' partitions; rows of a day without one fall into event_rest and are still read.
CREATE FUNCTION foundation.make_event_partitions(first_day date, days integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    made integer := 0;
    part text;
BEGIN
    FOR i IN 0 .. days - 1 LOOP
        part := 'event_' || to_char(first_day + i, 'YYYYMMDD');
        IF to_regclass('foundation.' || part) IS NULL AND NOT EXISTS (
            SELECT FROM foundation.event_rest
            WHERE recorded_at >= (first_day + i)::timestamp AT TIME ZONE 'UTC'
              AND recorded_at < (first_day + i + 1)::timestamp AT TIME ZONE 'UTC'
        ) THEN
            EXECUTE format('CREATE TABLE foundation.%I PARTITION OF foundation.event FOR VALUES FROM (%L) TO (%L)', part,
                (first_day + i)::timestamp AT TIME ZONE 'UTC', (first_day + i + 1)::timestamp AT TIME ZONE 'UTC');
            EXECUTE format('ALTER TABLE foundation.%I ENABLE ROW LEVEL SECURITY', part);
            made := made + 1;
        END IF;
    END LOOP;
    RETURN made;
END $$;
ALTER TABLE foundation.event_rest ENABLE ROW LEVEL SECURITY;

CREATE TABLE foundation.subscription (
    subscriber text PRIMARY KEY,
    xact bigint NOT NULL,
    event_id uuid NOT NULL,
    moved_at timestamptz NOT NULL DEFAULT now()
);

-- One row per event a subscriber has taken effect for: delivered at least once, effective once.
CREATE TABLE foundation.inbox (
    merchant_id uuid NOT NULL,
    subscriber text NOT NULL,
    event_id uuid NOT NULL,
    taken_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (merchant_id, subscriber, event_id)
);
CREATE INDEX inbox_by_age ON foundation.inbox (taken_at);
SELECT foundation.protect('foundation.inbox', 'edit');

-- The answer to a mutating call, kept beside its effect: the same key again gets the same answer.
CREATE TABLE foundation.reply (
    merchant_id uuid NOT NULL,
    caller text NOT NULL,
    operation text NOT NULL,
    key text NOT NULL,
    body_hash bytea NOT NULL,
    status smallint NOT NULL,
    body jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (merchant_id, caller, operation, key)
);
CREATE INDEX reply_by_age ON foundation.reply (created_at);
SELECT foundation.protect('foundation.reply', 'edit');

-- Keys that the installation makes for itself (cookie signing and the like); the owner's role alone reads them.
CREATE TABLE foundation.secret (
    name text PRIMARY KEY,
    value text NOT NULL,
    made_at timestamptz NOT NULL DEFAULT now()
);
