-- Papers: who sells and who buys as the law wants it written, and numbered invoices and credit notes as they were issued.

-- What stands at the head and the foot of a merchant's papers. A version grows with every change.
CREATE TABLE commerce.paper_seller (
    merchant_id uuid PRIMARY KEY,
    version integer NOT NULL CHECK (version > 0),
    terms jsonb NOT NULL,
    changed_by text NOT NULL,
    changed_at timestamptz NOT NULL
);
SELECT foundation.protect('commerce.paper_seller', 'grow');

-- What a buyer wants on the invoice of one order instead of the name it was ordered under.
CREATE TABLE commerce.paper_buyer (
    merchant_id uuid NOT NULL,
    order_id uuid NOT NULL,
    details jsonb NOT NULL,
    changed_by text NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, order_id)
);
SELECT foundation.protect('commerce.paper_buyer', 'edit');

-- The last number of each series. Its row is locked until the paper is written, so no number is left out or used twice;
-- last_at keeps dates from running backwards.
CREATE TABLE commerce.paper_series (
    merchant_id uuid NOT NULL,
    series text NOT NULL CHECK (length(series) BETWEEN 1 AND 24),
    last bigint NOT NULL CHECK (last > 0),
    last_at timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, series)
);
SELECT foundation.protect('commerce.paper_series', 'grow');

-- content is the text of which the paper is drawn, digest its SHA-256: neither changes once it was issued.
CREATE TABLE commerce.paper (
    merchant_id uuid NOT NULL,
    paper_id uuid NOT NULL,
    order_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('invoice', 'credit_note')),
    series text NOT NULL,
    serial bigint NOT NULL CHECK (serial > 0),
    number text NOT NULL CHECK (number <> ''),
    issued_at timestamptz NOT NULL,
    issued_by text NOT NULL,
    locale text NOT NULL,
    currency text NOT NULL,
    total_minor bigint NOT NULL CHECK (total_minor >= 0),
    tax_minor bigint NOT NULL CHECK (tax_minor >= 0),
    corrects_id uuid,
    source_id uuid NOT NULL,
    content text NOT NULL,
    digest bytea NOT NULL CHECK (digest = sha256(convert_to(content, 'UTF8'))),
    PRIMARY KEY (merchant_id, paper_id),
    CONSTRAINT paper_serial_once UNIQUE (merchant_id, series, serial),
    CONSTRAINT paper_number_once UNIQUE (merchant_id, number),
    -- An order has one invoice, a refund one credit note.
    CONSTRAINT paper_source_once UNIQUE (merchant_id, kind, source_id),
    CONSTRAINT paper_corrects_an_invoice CHECK ((kind = 'credit_note') = (corrects_id IS NOT NULL)),
    FOREIGN KEY (merchant_id, corrects_id) REFERENCES commerce.paper,
    FOREIGN KEY (merchant_id, series) REFERENCES commerce.paper_series
);
CREATE INDEX paper_by_order ON commerce.paper (merchant_id, order_id);
CREATE INDEX paper_by_moment ON commerce.paper (merchant_id, issued_at);
SELECT foundation.protect('commerce.paper', 'append');

-- The file that was made of a paper, by the digest of its bytes.
CREATE TABLE commerce.paper_file (
    merchant_id uuid NOT NULL,
    paper_id uuid NOT NULL,
    digest text NOT NULL CHECK (digest ~ '^[0-9a-f]{64}$'),
    bytes integer NOT NULL CHECK (bytes > 0),
    made_at timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, paper_id, digest),
    FOREIGN KEY (merchant_id, paper_id) REFERENCES commerce.paper
);
SELECT foundation.protect('commerce.paper_file', 'append');

-- Exports of a month: how far they are, and the file when it is done.
CREATE TABLE commerce.paper_export (
    merchant_id uuid NOT NULL,
    export_id uuid NOT NULL,
    month date NOT NULL,
    papers integer NOT NULL CHECK (papers >= 0),
    done integer NOT NULL DEFAULT 0 CHECK (done BETWEEN 0 AND papers),
    digest text,
    bytes bigint,
    asked_by text NOT NULL,
    asked_at timestamptz NOT NULL,
    ended_at timestamptz,
    PRIMARY KEY (merchant_id, export_id),
    CONSTRAINT paper_export_has_a_file CHECK ((ended_at IS NULL) = (digest IS NULL))
);
SELECT foundation.protect('commerce.paper_export', 'grow');
