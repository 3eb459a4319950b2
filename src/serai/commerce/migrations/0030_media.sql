-- Photographs of products. The files lie in the blob store under the digest of what was uploaded; a deleted photograph
-- keeps row and files until its undo window is over.

CREATE TABLE commerce.product_media (
    merchant_id uuid NOT NULL,
    media_id uuid NOT NULL,
    product_id uuid NOT NULL,
    digest text NOT NULL CHECK (digest ~ '^[0-9a-f]{40}$'),
    width integer NOT NULL CHECK (width > 0),
    height integer NOT NULL CHECK (height > 0),
    bytes integer NOT NULL CHECK (bytes > 0),
    alt text NOT NULL DEFAULT '',
    position integer NOT NULL DEFAULT 0,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    PRIMARY KEY (merchant_id, media_id),
    CONSTRAINT product_media_once UNIQUE (merchant_id, product_id, digest),
    FOREIGN KEY (merchant_id, product_id) REFERENCES commerce.product (merchant_id, product_id) ON DELETE CASCADE
);
CREATE INDEX product_media_by_place ON commerce.product_media (merchant_id, product_id, position, media_id)
    WHERE deleted_at IS NULL;
CREATE INDEX product_media_by_digest ON commerce.product_media (merchant_id, digest);
CREATE INDEX product_media_deleted ON commerce.product_media (deleted_at) WHERE deleted_at IS NOT NULL;
SELECT foundation.protect('commerce.product_media', 'edit');
