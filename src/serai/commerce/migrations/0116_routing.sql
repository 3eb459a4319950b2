-- What routing knows of a place: whether parcels leave from it, where it lies, and how long it may take to accept work.
-- A place without a row sends parcels when it sells online.
CREATE TABLE commerce.place_profile (
    merchant_id uuid NOT NULL,
    place_id uuid NOT NULL,
    ships boolean NOT NULL,
    country text NOT NULL DEFAULT '',
    region text NOT NULL DEFAULT '',
    city text NOT NULL DEFAULT '',
    postcode text NOT NULL DEFAULT '',
    latitude double precision CHECK (latitude BETWEEN -90 AND 90),
    longitude double precision CHECK (longitude BETWEEN -180 AND 180),
    accept_minutes integer CHECK (accept_minutes BETWEEN 1 AND 10080),
    PRIMARY KEY (merchant_id, place_id),
    CHECK ((latitude IS NULL) = (longitude IS NULL)),
    FOREIGN KEY (merchant_id, place_id) REFERENCES commerce.place (merchant_id, place_id)
);
SELECT foundation.protect('commerce.place_profile', 'edit');
