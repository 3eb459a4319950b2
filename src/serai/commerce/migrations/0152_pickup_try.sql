-- Wrong codes shown for a parcel that waits to be collected; past the limit staff have to unlock it.
CREATE TABLE commerce.pickup_try (
    merchant_id uuid NOT NULL,
    parcel_id uuid NOT NULL,
    tries smallint NOT NULL CHECK (tries >= 0),
    PRIMARY KEY (merchant_id, parcel_id),
    FOREIGN KEY (merchant_id, parcel_id) REFERENCES commerce.parcel (merchant_id, parcel_id)
);
SELECT foundation.protect('commerce.pickup_try', 'edit');
