-- A merchant of kind market has no goods of its own: it sells those of its members.
ALTER TABLE identity.merchant ADD COLUMN kind text NOT NULL DEFAULT 'shop' CHECK (kind IN ('shop', 'market'));
