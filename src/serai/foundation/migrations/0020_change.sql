-- What processes keep in memory of slow-moving tables (prices, goods, rates, places), and how they learn that it changed:
-- a statement that changes such a table leaves one row here per merchant, in its own transaction, whoever runs it.

CREATE TABLE foundation.change (
    merchant_id uuid NOT NULL,
    change_id uuid NOT NULL DEFAULT gen_random_uuid(),
    xact bigint NOT NULL DEFAULT (pg_current_xact_id()::text::bigint),
    made_at timestamptz NOT NULL DEFAULT now(),
    -- What the changed rows are about; NULL: anything of the merchant.
    ids uuid[],
    PRIMARY KEY (merchant_id, change_id)
);
CREATE INDEX change_by_commit ON foundation.change (xact);
CREATE INDEX change_by_age ON foundation.change (made_at);
SELECT foundation.protect('foundation.change', 'append');

-- Arguments: the columns that name what a row is about. Without any, and past 200 of them, everything is meant.
CREATE FUNCTION foundation.note_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    about text := '';
BEGIN
    FOR i IN 0 .. TG_NARGS - 1 LOOP
        about := about || CASE WHEN i > 0 THEN ' UNION ' ELSE '' END
            || format('SELECT merchant_id, %I AS id FROM changed', TG_ARGV[i]);
    END LOOP;
    IF about = '' THEN
        INSERT INTO foundation.change (merchant_id) SELECT DISTINCT merchant_id FROM changed;
    ELSE
        EXECUTE 'INSERT INTO foundation.change (merchant_id, ids)'
            || ' SELECT merchant_id, CASE WHEN count(*) <= 200 THEN array_agg(id) END FROM (' || about
            || ') each GROUP BY merchant_id';
    END IF;
    RETURN NULL;
END $$;
GRANT EXECUTE ON FUNCTION foundation.note_change() TO serai_app;

-- Let changes of a table be told.
CREATE FUNCTION foundation.tell_changes(target regclass, VARIADIC about text[] DEFAULT '{}') RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    arguments text := (SELECT coalesce(string_agg(quote_literal(name), ', '), '') FROM unnest(about) AS name);
BEGIN
    EXECUTE format('CREATE TRIGGER tell_new AFTER INSERT ON %s REFERENCING NEW TABLE AS changed'
        ' FOR EACH STATEMENT EXECUTE FUNCTION foundation.note_change(%s)', target, arguments);
    EXECUTE format('CREATE TRIGGER tell_changed AFTER UPDATE ON %s REFERENCING NEW TABLE AS changed'
        ' FOR EACH STATEMENT EXECUTE FUNCTION foundation.note_change(%s)', target, arguments);
    EXECUTE format('CREATE TRIGGER tell_gone AFTER DELETE ON %s REFERENCING OLD TABLE AS changed'
        ' FOR EACH STATEMENT EXECUTE FUNCTION foundation.note_change(%s)', target, arguments);
END $$;
