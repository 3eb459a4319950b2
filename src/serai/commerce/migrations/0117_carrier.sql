-- Labels bought of carriers, and what carriers tell of parcels on their way.

-- A label is asked for before the carrier is called, so that one whose answer was lost is found again by its id.
CREATE TABLE commerce.parcel_label (
    merchant_id uuid NOT NULL,
    label_id uuid NOT NULL,
    parcel_id uuid NOT NULL,
    carrier text NOT NULL,
    service text NOT NULL,
    request jsonb NOT NULL,
    asked_by text NOT NULL,
    asked_at timestamptz NOT NULL,
    tried_at timestamptz NOT NULL,
    shipment_id text,
    tracking text,
    price_minor bigint CHECK (price_minor >= 0),
    sort text NOT NULL DEFAULT '',
    bought_at timestamptz,
    failed_at timestamptz,
    failure text NOT NULL DEFAULT '',
    voided_at timestamptz,
    PRIMARY KEY (merchant_id, label_id),
    CHECK ((bought_at IS NULL) = (shipment_id IS NULL)),
    CHECK (bought_at IS NULL OR failed_at IS NULL),
    FOREIGN KEY (merchant_id, parcel_id) REFERENCES commerce.parcel (merchant_id, parcel_id)
);
CREATE UNIQUE INDEX parcel_label_live ON commerce.parcel_label (merchant_id, parcel_id)
    WHERE failed_at IS NULL AND voided_at IS NULL;
CREATE UNIQUE INDEX parcel_label_shipment ON commerce.parcel_label (merchant_id, carrier, shipment_id)
    WHERE shipment_id IS NOT NULL;
CREATE INDEX parcel_label_open ON commerce.parcel_label (tried_at)
    WHERE bought_at IS NULL AND failed_at IS NULL AND voided_at IS NULL;
CREATE INDEX parcel_label_moving ON commerce.parcel_label (tried_at) WHERE bought_at IS NOT NULL AND voided_at IS NULL;
SELECT foundation.protect('commerce.parcel_label', 'grow');

-- Once per event id of the carrier, never changed.
CREATE TABLE commerce.parcel_track (
    merchant_id uuid NOT NULL,
    carrier text NOT NULL,
    event_id text NOT NULL,
    parcel_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN
        ('picked_up', 'in_transit', 'out_for_delivery', 'failed_attempt', 'delivered', 'lost', 'returned')),
    place text NOT NULL,
    at timestamptz NOT NULL,
    sequence integer NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, carrier, event_id),
    FOREIGN KEY (merchant_id, parcel_id) REFERENCES commerce.parcel (merchant_id, parcel_id)
);
CREATE INDEX parcel_track_by_parcel ON commerce.parcel_track (merchant_id, parcel_id, sequence);
SELECT foundation.protect('commerce.parcel_track', 'append');
