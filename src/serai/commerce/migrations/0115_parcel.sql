-- Who hands over what of an order, from where, in which parcels. The goods themselves are reservations in the ledger.

ALTER TABLE commerce.sales_order ADD COLUMN part_shipped_at timestamptz;

-- What a place has to do for an order. choice: why it was chosen, and what spoke against the others.
CREATE TABLE commerce.fulfilment (
    merchant_id uuid NOT NULL,
    order_id uuid NOT NULL,
    place_id uuid NOT NULL,
    fulfilment_id uuid NOT NULL,
    planned_at timestamptz NOT NULL,
    accept_by timestamptz,
    accepted_at timestamptz,
    accepted_by text NOT NULL DEFAULT '',
    choice jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (merchant_id, order_id, place_id),
    CONSTRAINT fulfilment_once UNIQUE (merchant_id, fulfilment_id),
    FOREIGN KEY (merchant_id, order_id) REFERENCES commerce.sales_order (merchant_id, order_id)
);
CREATE INDEX fulfilment_by_place ON commerce.fulfilment (merchant_id, place_id, planned_at);
CREATE INDEX fulfilment_unaccepted ON commerce.fulfilment (accept_by) WHERE accepted_at IS NULL AND accept_by IS NOT NULL;
SELECT foundation.protect('commerce.fulfilment', 'grow');

-- Steps of a SKU of an order's line at a place: open ones are held by the reservation hold_id; of those some are picked, of
-- those some lie in a packed parcel. Over all places of a line: ordered = open + shipped + cut.
CREATE TABLE commerce.order_goods (
    merchant_id uuid NOT NULL,
    order_id uuid NOT NULL,
    place_id uuid NOT NULL,
    line_no smallint NOT NULL,
    sku_id uuid NOT NULL,
    hold_id uuid,
    open integer NOT NULL CHECK (open >= 0),
    picked integer NOT NULL DEFAULT 0,
    packed integer NOT NULL DEFAULT 0,
    shipped integer NOT NULL DEFAULT 0 CHECK (shipped >= 0),
    cut integer NOT NULL DEFAULT 0 CHECK (cut >= 0),
    PRIMARY KEY (merchant_id, order_id, place_id, line_no, sku_id),
    CHECK ((open = 0) = (hold_id IS NULL)),
    CHECK (0 <= packed AND packed <= picked AND picked <= open),
    FOREIGN KEY (merchant_id, order_id) REFERENCES commerce.sales_order (merchant_id, order_id)
);
CREATE INDEX order_goods_open ON commerce.order_goods (merchant_id, place_id, order_id) WHERE open > 0;
SELECT foundation.protect('commerce.order_goods', 'grow');

-- state follows from the moments. A pick-up's parcel waits for its buyer since ready_at and is shipped when it is handed over.
CREATE TABLE commerce.parcel (
    merchant_id uuid NOT NULL,
    parcel_id uuid NOT NULL,
    order_id uuid NOT NULL,
    place_id uuid NOT NULL,
    parcel_no smallint NOT NULL CHECK (parcel_no > 0),
    weight_g integer CHECK (weight_g > 0),
    length_mm integer CHECK (length_mm > 0),
    width_mm integer CHECK (width_mm > 0),
    height_mm integer CHECK (height_mm > 0),
    carrier text NOT NULL DEFAULT '',
    service text NOT NULL DEFAULT '',
    tracking text NOT NULL DEFAULT '',
    packed_by text NOT NULL,
    packed_at timestamptz NOT NULL,
    ready_at timestamptz,
    collect_by timestamptz,
    collect_digest bytea,
    shipped_at timestamptz,
    delivered_at timestamptz,
    lost_at timestamptz,
    returned_at timestamptz,
    unpacked_at timestamptz,
    state text NOT NULL GENERATED ALWAYS AS (CASE
        WHEN unpacked_at IS NOT NULL THEN 'unpacked'
        WHEN returned_at IS NOT NULL THEN 'returned'
        WHEN delivered_at IS NOT NULL THEN 'delivered'
        WHEN lost_at IS NOT NULL THEN 'lost'
        WHEN shipped_at IS NOT NULL THEN 'shipped'
        WHEN ready_at IS NOT NULL THEN 'ready'
        ELSE 'packed' END) STORED,
    PRIMARY KEY (merchant_id, parcel_id),
    CONSTRAINT parcel_number_once UNIQUE (merchant_id, order_id, parcel_no),
    CHECK (unpacked_at IS NULL OR shipped_at IS NULL),
    FOREIGN KEY (merchant_id, order_id) REFERENCES commerce.sales_order (merchant_id, order_id)
);
CREATE INDEX parcel_by_state ON commerce.parcel (merchant_id, state, packed_at) WHERE state IN ('packed', 'ready');
CREATE INDEX parcel_by_tracking ON commerce.parcel (merchant_id, tracking) WHERE tracking <> '';
CREATE INDEX parcel_uncollected ON commerce.parcel (collect_by)
    WHERE collect_by IS NOT NULL AND shipped_at IS NULL AND unpacked_at IS NULL;
SELECT foundation.protect('commerce.parcel', 'grow');

CREATE TABLE commerce.parcel_line (
    merchant_id uuid NOT NULL,
    parcel_id uuid NOT NULL,
    line_no smallint NOT NULL,
    sku_id uuid NOT NULL,
    quantity integer NOT NULL CHECK (quantity > 0),
    PRIMARY KEY (merchant_id, parcel_id, line_no, sku_id),
    FOREIGN KEY (merchant_id, parcel_id) REFERENCES commerce.parcel (merchant_id, parcel_id)
);
SELECT foundation.protect('commerce.parcel_line', 'append');

-- What an order comes to less than was ordered, signed: never above zero. refund_id: the refund it was given back with.
CREATE TABLE commerce.order_cut (
    merchant_id uuid NOT NULL,
    cut_id uuid NOT NULL,
    order_id uuid NOT NULL,
    place_id uuid NOT NULL,
    line_no smallint NOT NULL,
    sku_id uuid NOT NULL,
    quantity integer NOT NULL CHECK (quantity > 0),
    kind text NOT NULL CHECK (kind IN ('short', 'weighed', 'cancelled', 'substituted', 'no_show')),
    amount_minor bigint NOT NULL CHECK (amount_minor <= 0),
    refund_id uuid,
    reason text NOT NULL DEFAULT '',
    by text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, cut_id),
    FOREIGN KEY (merchant_id, order_id) REFERENCES commerce.sales_order (merchant_id, order_id)
);
CREATE INDEX order_cut_by_order ON commerce.order_cut (merchant_id, order_id, at);
SELECT foundation.protect('commerce.order_cut', 'append');
