-- Statements that providers are asked for by themselves, one row a day: done, or why not yet and when to ask again.
CREATE TABLE commerce.statement_fetch (
    merchant_id uuid NOT NULL,
    provider text NOT NULL,
    day date NOT NULL,
    attempts integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    failure text NOT NULL DEFAULT '',
    tried_at timestamptz,
    next_at timestamptz NOT NULL,
    done_at timestamptz,
    statement_id uuid,
    PRIMARY KEY (merchant_id, provider, day),
    CHECK ((done_at IS NULL) = (statement_id IS NULL))
);
SELECT foundation.protect('commerce.statement_fetch', 'edit');

CREATE INDEX statement_fetch_open ON commerce.statement_fetch (next_at) WHERE done_at IS NULL;
