-- Programs that shop for people: their keys and limits, the checkouts they hold open, the orders they placed.

-- order_minor, day_minor and hour_orders limit what is placed (NULL: no limit); no categories means all of them.
-- is_open: callers without a key act under this agent. is_test: orders without street and e-mail address are taken.
CREATE TABLE commerce.agent (
    merchant_id uuid NOT NULL,
    agent_id uuid NOT NULL,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    prefix text NOT NULL,
    secret_digest bytea NOT NULL,
    scopes text[] NOT NULL CHECK (cardinality(scopes) > 0),
    is_open boolean NOT NULL DEFAULT false,
    is_test boolean NOT NULL DEFAULT false,
    order_minor bigint CHECK (order_minor > 0),
    day_minor bigint CHECK (day_minor > 0),
    hour_orders integer CHECK (hour_orders > 0),
    category_ids uuid[] NOT NULL DEFAULT '{}',
    expires_at timestamptz,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    revoked_at timestamptz,
    last_used_at timestamptz,
    PRIMARY KEY (merchant_id, agent_id),
    UNIQUE (merchant_id, secret_digest)
);
CREATE UNIQUE INDEX agent_open ON commerce.agent (merchant_id) WHERE is_open AND revoked_at IS NULL;
SELECT foundation.protect('commerce.agent', 'grow');

-- A checkout that an agent holds open. Its goods lie in a cart of its own; content is what it was told beside them.
-- placed: an order stands and its payment is not decided yet.
CREATE TABLE commerce.agent_session (
    merchant_id uuid NOT NULL,
    session_id uuid NOT NULL,
    agent_id uuid NOT NULL,
    protocol text NOT NULL CHECK (protocol IN ('ucp', 'acp', 'mcp')),
    cart_id uuid NOT NULL,
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'placed', 'completed', 'canceled')),
    order_id uuid,
    content jsonb NOT NULL,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, session_id),
    FOREIGN KEY (merchant_id, agent_id) REFERENCES commerce.agent,
    CONSTRAINT agent_session_has_order CHECK (state NOT IN ('placed', 'completed') OR order_id IS NOT NULL)
);
CREATE INDEX agent_session_by_age ON commerce.agent_session (merchant_id, updated_at);
SELECT foundation.protect('commerce.agent_session', 'edit');

-- Which agent placed an order, in which day and hour it counts, and what the agent has reported of it since.
-- returned_at: the payment was declined, and the order was called off without counting against the agent's limits.
CREATE TABLE commerce.agent_order (
    merchant_id uuid NOT NULL,
    order_id uuid NOT NULL,
    agent_id uuid NOT NULL,
    agent_name text NOT NULL,
    session_id uuid NOT NULL,
    protocol text NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
    currency text NOT NULL,
    day date NOT NULL,
    hour smallint NOT NULL CHECK (hour BETWEEN 0 AND 23),
    webhook_url text NOT NULL DEFAULT '',
    reports jsonb NOT NULL DEFAULT '{}',
    placed_at timestamptz NOT NULL,
    returned_at timestamptz,
    PRIMARY KEY (merchant_id, order_id),
    FOREIGN KEY (merchant_id, agent_id) REFERENCES commerce.agent
);
CREATE INDEX agent_order_by_agent ON commerce.agent_order (merchant_id, agent_id, placed_at);
SELECT foundation.protect('commerce.agent_order', 'grow');

-- Addresses that a test agent gave for a buyer, whose e-mail address is kept as a digest. No agent sees those of another.
CREATE TABLE commerce.agent_address (
    merchant_id uuid NOT NULL,
    agent_id uuid NOT NULL,
    buyer bytea NOT NULL,
    address_id text NOT NULL CHECK (length(address_id) BETWEEN 1 AND 100),
    position integer NOT NULL,
    address jsonb NOT NULL,
    PRIMARY KEY (merchant_id, agent_id, buyer, address_id)
);
SELECT foundation.protect('commerce.agent_address', 'edit');
