-- Degradation: what a merchant has decided about a switch, and how pressed each web worker is.

GRANT USAGE ON SCHEMA overload TO serai_app;

-- A switch without a row is 'auto': it follows the pressure. 'saving': what it saves is saved now; 'serving': never.
CREATE TABLE overload.switch (
    merchant_id uuid NOT NULL,
    name text NOT NULL,
    mode text NOT NULL CHECK (mode IN ('auto', 'saving', 'serving')),
    changed_by text NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, name)
);
SELECT foundation.protect('overload.switch', 'grow');

-- Web workers tell each other once a second how pressed they are; rows of workers that ended are dropped.
CREATE UNLOGGED TABLE overload.worker (
    worker_id uuid PRIMARY KEY,
    level smallint NOT NULL CHECK (level BETWEEN 0 AND 4),
    pressure real NOT NULL,
    told_at timestamptz NOT NULL
);
GRANT SELECT ON overload.worker TO serai_app;
