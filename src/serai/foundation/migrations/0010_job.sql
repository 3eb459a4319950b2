-- Work that a business transaction leaves for the worker, and buckets that limit how often somebody may do something.

-- due_at: when it may be tried (again); while a worker has it, the end of its lease, so the job of a worker that died
-- comes again. A job that succeeded is deleted, one that cannot is parked with its reason for somebody to look at.
CREATE TABLE foundation.job (
    merchant_id uuid NOT NULL,
    job_id uuid NOT NULL,
    name text NOT NULL,
    payload jsonb NOT NULL,
    tries integer NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL,
    made_at timestamptz NOT NULL,
    parked_at timestamptz,
    reason text NOT NULL DEFAULT '',
    PRIMARY KEY (merchant_id, job_id)
);
CREATE INDEX job_by_due ON foundation.job (due_at) WHERE parked_at IS NULL;
SELECT foundation.protect('foundation.job', 'edit');

-- Token buckets: who is a digest, so the table tells no addresses.
CREATE TABLE foundation.bucket (
    merchant_id uuid NOT NULL,
    name text NOT NULL,
    who bytea NOT NULL,
    tokens double precision NOT NULL,
    filled_at timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, name, who)
);
CREATE INDEX bucket_by_age ON foundation.bucket (filled_at);
SELECT foundation.protect('foundation.bucket', 'edit');
