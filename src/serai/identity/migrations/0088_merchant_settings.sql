-- What a merchant says of itself: the time zone its days are counted in, and whether its staff sign in with passkeys only.
-- Owners change these at the console, each merchant its own row.

ALTER TABLE identity.merchant
    ADD COLUMN time_zone text NOT NULL DEFAULT 'UTC' CHECK (length(time_zone) BETWEEN 1 AND 60),
    ADD COLUMN staff_passkeys boolean NOT NULL DEFAULT false,
    ADD COLUMN version integer NOT NULL DEFAULT 1;
CREATE POLICY own ON identity.merchant FOR UPDATE USING (merchant_id = (SELECT foundation.current_merchant()))
    WITH CHECK (merchant_id = (SELECT foundation.current_merchant()));
GRANT UPDATE (name, support_email, time_zone, staff_passkeys, version) ON identity.merchant TO serai_app;
