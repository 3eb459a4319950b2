-- Waiting rooms: a line in front of goods that many want at once.

CREATE TABLE overload.room (
    merchant_id uuid NOT NULL,
    room_id uuid NOT NULL,
    sku_id uuid NOT NULL,
    title text NOT NULL,
    per_s double precision NOT NULL CHECK (per_s > 0),
    hold_s integer NOT NULL CHECK (hold_s > 0),
    units_each integer NOT NULL CHECK (units_each > 0),
    last_no bigint NOT NULL DEFAULT 0,
    next_at timestamptz NOT NULL,
    opened_at timestamptz NOT NULL,
    closed_at timestamptz,
    PRIMARY KEY (merchant_id, room_id)
);
CREATE UNIQUE INDEX room_open_once ON overload.room (merchant_id, sku_id) WHERE closed_at IS NULL;
SELECT foundation.protect('overload.room', 'grow');

-- One place per buyer (a digest). state: waiting; admitted until a moment; taken while an order is being placed; bought.
CREATE TABLE overload.place (
    merchant_id uuid NOT NULL,
    room_id uuid NOT NULL,
    buyer bytea NOT NULL,
    place_no bigint NOT NULL,
    state text NOT NULL CHECK (state IN ('waiting', 'admitted', 'taken', 'bought', 'lapsed')),
    joined_at timestamptz NOT NULL,
    until timestamptz,
    cart_id uuid,
    PRIMARY KEY (merchant_id, room_id, buyer),
    FOREIGN KEY (merchant_id, room_id) REFERENCES overload.room
);
CREATE UNIQUE INDEX place_in_line ON overload.place (merchant_id, room_id, place_no);
CREATE INDEX place_by_state ON overload.place (merchant_id, room_id, state, place_no);
SELECT foundation.protect('overload.place', 'edit');
