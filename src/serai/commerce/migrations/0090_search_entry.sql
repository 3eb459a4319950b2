-- What a search has to know of a product, in one narrow row: its words, where it stands, what it costs everybody now,
-- whether it can be bought, how well it sells. The words lie out of line, so that a list reads many rows with few pages.

-- search: words (see commerce/search/make_document.py) and a mark per category, brand and value that lists are narrowed by.
-- title_key: titles as phrases are looked up in them. price_minor: what everybody pays now for the variant that stands for
-- the product; discount_bp: by how many hundredths of a percent that is below its list price. popularity: see
-- refresh_lists. level: among how many best sellers it is, 9 none. facts: "code=value" of its attributes. sampled: one
-- product of sixteen, by which large numbers are estimated.
CREATE TABLE commerce.search_entry (
    merchant_id uuid NOT NULL,
    product_id uuid NOT NULL,
    category_id uuid NOT NULL,
    published boolean NOT NULL,
    sold_out boolean NOT NULL DEFAULT false,
    level smallint NOT NULL DEFAULT 9,
    discount_bp integer NOT NULL DEFAULT 0 CHECK (discount_bp BETWEEN 0 AND 10000),
    popularity integer NOT NULL DEFAULT 0,
    price_minor bigint,
    created_at timestamptz NOT NULL,
    rank_key bigint NOT NULL GENERATED ALWAYS AS
        (CASE WHEN sold_out THEN 1099511627776 ELSE 0 END - popularity::bigint) STORED,
    sampled boolean NOT NULL GENERATED ALWAYS AS (right(product_id::text, 1) = '7') STORED,
    brand text NOT NULL,
    title_key text NOT NULL,
    facts text[] NOT NULL DEFAULT '{}',
    search tsvector NOT NULL,
    PRIMARY KEY (merchant_id, product_id),
    FOREIGN KEY (merchant_id, product_id) REFERENCES commerce.product (merchant_id, product_id) ON DELETE CASCADE
) WITH (toast_tuple_target = 256, fillfactor = 90);
ALTER TABLE commerce.search_entry ALTER COLUMN search SET STORAGE EXTERNAL;
ALTER TABLE commerce.search_entry ALTER COLUMN title_key SET STORAGE MAIN;
ALTER TABLE commerce.search_entry ALTER COLUMN facts SET STORAGE MAIN;
SELECT foundation.protect('commerce.search_entry', 'edit');

-- The token of a choice by which lists are narrowed: "c=" and a category, "b=" and a brand, "a=" and a fact.
CREATE FUNCTION commerce.mark_of(choice text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT '@' || left(md5(choice), 12)
$$;

CREATE FUNCTION commerce.marks_of(category_id uuid, brand text, facts text[]) RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
    SELECT ARRAY[commerce.mark_of('c=' || category_id), commerce.mark_of('b=' || brand)]
        || ARRAY(SELECT commerce.mark_of('a=' || fact) FROM unnest(facts) fact)
$$;

-- Entries of products that were there before; the worker makes their words afresh, since they are of an older make.
INSERT INTO commerce.search_entry (merchant_id, product_id, category_id, published, popularity, price_minor, created_at,
    brand, title_key, search)
SELECT p.merchant_id, p.product_id, p.category_id, p.published, greatest(p.rank, 0), v.price_minor, p.created_at, p.brand,
    p.title_key, p.search || array_to_tsvector(commerce.marks_of(p.category_id, p.brand, '{}'))
FROM commerce.product p LEFT JOIN LATERAL (
    SELECT v.price_minor FROM commerce.variant v WHERE v.merchant_id = p.merchant_id AND v.product_id = p.product_id
        AND v.active ORDER BY v.position, v.sku_id LIMIT 1) v ON true;

-- Small pending lists: a search has to read through them.
CREATE INDEX search_entry_by_words ON commerce.search_entry USING gin (search) WITH (gin_pending_list_limit = 512);
CREATE INDEX search_entry_level_1 ON commerce.search_entry USING gin (search) WHERE level <= 1;
CREATE INDEX search_entry_level_2 ON commerce.search_entry USING gin (search) WHERE level <= 2;
CREATE INDEX search_entry_level_3 ON commerce.search_entry USING gin (search) WHERE level <= 3;
CREATE INDEX search_entry_level_4 ON commerce.search_entry USING gin (search) WHERE level <= 4;
CREATE INDEX search_entry_sampled ON commerce.search_entry USING gin (search) WITH (gin_pending_list_limit = 512)
    WHERE sampled;
CREATE INDEX search_entry_by_rank ON commerce.search_entry (merchant_id, rank_key, product_id) WHERE published;
CREATE INDEX search_entry_by_category ON commerce.search_entry (merchant_id, category_id, rank_key, product_id)
    WHERE published;

-- Products whose entries have to be looked at again: only added by those who change something, taken by the worker.
-- is_reworded: their words too, else only what is beside the words.
CREATE TABLE commerce.search_stale (
    merchant_id uuid NOT NULL,
    stale_id uuid NOT NULL,
    product_ids uuid[] NOT NULL,
    is_reworded boolean NOT NULL,
    PRIMARY KEY (merchant_id, stale_id)
);
SELECT foundation.protect('commerce.search_stale', 'edit');

-- levels: how many levels of best sellers are kept. is_main: whether most entries of the installation are this merchant's,
-- so that a word alone finds fewer rows than the word with the merchant's token reads. rebuilt_to: how far a rebuild that
-- has not ended came. offers_at: until when offers that began or ended have been seen to.
ALTER TABLE commerce.search_state
    ADD COLUMN levels smallint NOT NULL DEFAULT 0,
    ADD COLUMN is_main boolean NOT NULL DEFAULT false,
    ADD COLUMN rebuilt_to uuid,
    ADD COLUMN offers_at timestamptz;
CREATE INDEX price_offer_by_start ON commerce.price_offer (valid_from);
CREATE INDEX price_offer_by_end ON commerce.price_offer (valid_to) WHERE valid_to IS NOT NULL;

DROP FUNCTION commerce.find_products, commerce.count_found, commerce.match_products, commerce.match_sorted;
DROP TABLE commerce.search_head;
ALTER TABLE commerce.product DROP COLUMN search, DROP COLUMN title_key;

-- A query among one merchant's goods: together with the token that all of them carry, unless most entries are its own.
CREATE FUNCTION commerce.own_query(merchant uuid, match tsquery) RETURNS tsquery LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN (SELECT s.is_main FROM commerce.search_state s WHERE s.merchant_id = merchant) THEN match
        ELSE commerce.own_goods(merchant, match) END
$$;

-- Products that match a tsquery, at most so many.
CREATE FUNCTION commerce.match_products(match text, most integer) RETURNS SETOF uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog ROWS 500 AS $$
DECLARE
    merchant uuid := foundation.current_merchant();
    own tsquery := commerce.own_query(merchant, match::tsquery);
BEGIN
    RETURN QUERY SELECT e.product_id FROM commerce.search_entry e
        WHERE e.search @@ own AND e.merchant_id = merchant LIMIT most;
END $$;

-- What a list leaves out, as a condition on the row e: $1 the merchant, $2 the lowest and $3 the highest price.
CREATE FUNCTION commerce.entry_condition(is_published boolean, from_minor bigint, to_minor bigint) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
    SELECT 'e.merchant_id = $1'
        || CASE WHEN is_published THEN ' AND e.published' WHEN NOT is_published THEN ' AND NOT e.published' ELSE '' END
        || CASE WHEN from_minor IS NULL THEN '' ELSE ' AND e.price_minor >= $2' END
        || CASE WHEN to_minor IS NULL THEN '' ELSE ' AND e.price_minor <= $3' END
$$;

-- Products that are called exactly so or have that code, best sellers first; none when there are more than so many.
CREATE FUNCTION commerce.find_exact(
    match tsquery, from_minor bigint, to_minor bigint, is_published boolean, most integer
) RETURNS TABLE (product_id uuid, sort_key bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    merchant uuid := foundation.current_merchant();
BEGIN
    RETURN QUERY EXECUTE format(
        'WITH hit AS MATERIALIZED (SELECT e.product_id, e.popularity FROM commerce.search_entry e'
        ' WHERE e.search @@ $4 AND %s LIMIT $5 + 1)'
        ' SELECT product_id, -6917529027641081856 - popularity FROM hit WHERE (SELECT count(*) FROM hit) <= $5'
        ' ORDER BY popularity DESC, product_id',
        commerce.entry_condition(is_published, from_minor, to_minor))
    USING merchant, from_minor, to_minor, commerce.own_query(merchant, match), most;
END $$;

-- A page of products by relevance. levels: 1 to 4 only best sellers of so many levels, ranked; 0 all products, ranked; -1 to
-- -4 all others, by how well they sell; null: the first level in which at least so many (broad) match, else all. Sort keys
-- of these do not overlap, so that a cursor tells where it comes from. words: what is ranked by, match without what only
-- narrows. sinks: what is sold out comes last, in the levels not at all. skipped: ids that are shown already.
CREATE FUNCTION commerce.find_products(
    levels integer, broad integer, match tsquery, words tsquery, title_exact tsquery, title_open tsquery, starts text,
    phrase text, from_minor bigint, to_minor bigint, is_published boolean, sinks boolean, skipped uuid[],
    after_key bigint, after_id uuid, most integer
) RETURNS TABLE (product_id uuid, sort_key bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    merchant uuid := foundation.current_merchant();
    own tsquery := commerce.own_query(merchant, match);
    condition text := commerce.entry_condition(is_published, from_minor, to_minor)
        || CASE WHEN skipped = '{}' THEN '' ELSE ' AND e.product_id <> ALL ($5)' END;
    kept integer := coalesce((SELECT s.levels FROM commerce.search_state s WHERE s.merchant_id = merchant), 0);
    sunk text := CASE WHEN sinks THEN ' AND NOT e.sold_out' ELSE '' END;
    key text := '-commerce.score_product(e.search, e.title_key, e.popularity, $6, $7, $8, $9, $10)';
    source text;
    found integer;
BEGIN
    IF levels IS NULL THEN
        levels := 0;
        FOR tried IN 1 .. kept LOOP
            EXECUTE format(
                'SELECT count(*) FROM (SELECT FROM commerce.search_entry e WHERE e.level <= %s AND e.search @@ $4'
                ' AND %s%s LIMIT $6) few', tried, condition, sunk)
            INTO found USING merchant, from_minor, to_minor, own, skipped, broad;
            IF found >= broad THEN
                levels := tried;
                EXIT;
            END IF;
        END LOOP;
    END IF;
    IF levels > 0 THEN
        source := format('e.level <= %s AND e.search @@ $4 AND %s%s', levels, condition, sunk);
        key := format('%s - 1152921504606846976 * %s', key, levels);
    ELSIF levels < 0 THEN
        source := format('e.search @@ $4 AND %s AND NOT (e.level <= %s%s)', condition, -levels, sunk);
        key := format('1152921504606846976 * %s + e.rank_key', -levels);
    ELSE
        source := format('e.search @@ $4 AND %s', condition);
        key := key || CASE WHEN sinks THEN ' + CASE WHEN e.sold_out THEN 18014398509481984 ELSE 0 END' ELSE '' END;
    END IF;
    RETURN QUERY EXECUTE format(
        'WITH scored AS MATERIALIZED (SELECT e.product_id, %s AS sort_key FROM commerce.search_entry e WHERE %s)'
        ' SELECT * FROM scored s WHERE $11 IS NULL OR (s.sort_key, s.product_id) > ($11, $12)'
        ' ORDER BY s.sort_key, s.product_id LIMIT $13', key, source)
    USING merchant, from_minor, to_minor, own, skipped, words, title_exact, title_open, starts, phrase,
        after_key, after_id, most;
END $$;

-- A page of products in an order that is no relevance; what is sold out comes last. Of more than so many (cut) matches of a
-- large catalogue only best sellers are listed, because sorting means to look at every one.
CREATE FUNCTION commerce.list_entries(
    match tsquery, in_categories uuid[], from_minor bigint, to_minor bigint, is_published boolean, sort text, cut integer,
    after_key bigint, after_id uuid, most integer
) RETURNS TABLE (product_id uuid, sort_key bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    merchant uuid := foundation.current_merchant();
    own tsquery := commerce.own_query(merchant, match);
    source text := commerce.entry_condition(is_published, from_minor, to_minor)
        || CASE WHEN match IS NULL THEN '' ELSE ' AND e.search @@ $4' END
        || CASE WHEN in_categories IS NULL THEN '' ELSE ' AND e.category_id = ANY ($5)' END;
    key text := CASE sort
        WHEN 'price' THEN 'coalesce(e.price_minor, 4503599627370496)'
        WHEN '-price' THEN '-coalesce(e.price_minor, -1)'
        WHEN 'newest' THEN '-(1000000 * extract(epoch FROM e.created_at))::bigint'
        WHEN 'discount' THEN '-e.discount_bp::bigint'
        ELSE 'e.rank_key' END;
    found integer;
BEGIN
    IF sort IN ('price', '-price', 'newest', 'discount') THEN
        key := key || ' + CASE WHEN e.sold_out THEN 9007199254740992 ELSE 0 END';
    END IF;
    IF match IS NOT NULL AND (SELECT s.levels >= 3 FROM commerce.search_state s WHERE s.merchant_id = merchant) THEN
        EXECUTE format('SELECT count(*) FROM (SELECT FROM commerce.search_entry e WHERE %s LIMIT $6 + 1) few', source)
        INTO found USING merchant, from_minor, to_minor, own, in_categories, cut;
        source := source || CASE WHEN found > cut THEN ' AND e.level <= 3' ELSE '' END;
    END IF;
    RETURN QUERY EXECUTE format(
        'SELECT e.product_id, %1$s FROM commerce.search_entry e WHERE %2$s%3$s ORDER BY %1$s, e.product_id LIMIT $8',
        key, source,
        CASE WHEN after_key IS NULL THEN '' ELSE format(' AND (%s, e.product_id) > ($6, $7)', key) END)
    USING merchant, from_minor, to_minor, own, in_categories, after_key, after_id, most;
END $$;

-- How many products a list has, counted up to so many.
CREATE FUNCTION commerce.count_entries(
    match tsquery, in_categories uuid[], from_minor bigint, to_minor bigint, is_published boolean, most integer
) RETURNS integer LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    merchant uuid := foundation.current_merchant();
    found integer;
BEGIN
    EXECUTE format('SELECT count(*) FROM (SELECT FROM commerce.search_entry e WHERE %s%s%s LIMIT $6) few',
        commerce.entry_condition(is_published, from_minor, to_minor),
        CASE WHEN match IS NULL THEN '' ELSE ' AND e.search @@ $4' END,
        CASE WHEN in_categories IS NULL THEN '' ELSE ' AND e.category_id = ANY ($5)' END)
    INTO found USING merchant, from_minor, to_minor, commerce.own_query(merchant, match), in_categories, most;
    RETURN found;
END $$;

-- How what matches among published products divides. Up to so many (most) are counted; where a sample says that there are
-- more, the sample is counted and factor is what each of it stands for. kinds: what to count beside the total.
CREATE FUNCTION commerce.divide_found(
    match tsquery, from_minor bigint, to_minor bigint, edges bigint[], most integer, kinds text[]
) RETURNS jsonb LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    merchant uuid := foundation.current_merchant();
    own tsquery := commerce.own_query(merchant, match);
    condition text := commerce.entry_condition(true, from_minor, to_minor) || ' AND e.search @@ $4';
    found integer;
    factor integer := 1;
    answer jsonb;
BEGIN
    EXECUTE format('SELECT count(*) FROM commerce.search_entry e WHERE e.sampled AND %s', condition)
    INTO found USING merchant, from_minor, to_minor, own;
    IF found * 16 > most THEN
        factor := 16;
        condition := 'e.sampled AND ' || condition;
    END IF;
    EXECUTE format(
        'WITH hit AS MATERIALIZED (SELECT e.category_id, e.brand, e.price_minor, e.facts FROM commerce.search_entry e'
        '   WHERE %s LIMIT 4 * $6)'
        ' SELECT jsonb_build_object(''total'', (SELECT count(*) FROM hit),'
        ' ''categories'', CASE WHEN ''categories'' = ANY ($7) THEN (SELECT jsonb_agg(jsonb_build_array(category_id, n)'
        '     ORDER BY n DESC, category_id) FROM (SELECT category_id, count(*) AS n FROM hit GROUP BY category_id'
        '     ORDER BY n DESC, category_id LIMIT 100) c) END,'
        ' ''brands'', CASE WHEN ''brands'' = ANY ($7) THEN (SELECT jsonb_agg(jsonb_build_array(brand, n)'
        '     ORDER BY n DESC, brand) FROM (SELECT brand, count(*) AS n FROM hit WHERE brand <> '''' GROUP BY brand'
        '     ORDER BY n DESC, brand LIMIT 60) b) END,'
        ' ''bands'', CASE WHEN ''bands'' = ANY ($7) THEN (SELECT jsonb_agg(jsonb_build_array(band, n) ORDER BY band)'
        '     FROM (SELECT width_bucket(price_minor, $5) AS band, count(*) AS n FROM hit WHERE price_minor IS NOT NULL'
        '     GROUP BY 1) p) END,'
        ' ''facts'', CASE WHEN ''facts'' = ANY ($7) THEN (SELECT jsonb_agg(jsonb_build_array(fact, n)'
        '     ORDER BY n DESC, fact) FROM (SELECT fact, count(*) AS n FROM hit, unnest(hit.facts) fact GROUP BY fact'
        '     ORDER BY n DESC, fact LIMIT 1000) f) END)', condition)
    INTO answer USING merchant, from_minor, to_minor, own, edges, most, kinds;
    RETURN answer || jsonb_build_object('factor', factor);
END $$;

-- Write the words of entries, in the order of ids: what stands beside the words follows the product's row; what the worker
-- looks after stays as it is.
CREATE FUNCTION commerce.write_entries(ids uuid[], vectors text[], title_keys text[]) RETURNS void
LANGUAGE sql AS $$
    INSERT INTO commerce.search_entry AS e (merchant_id, product_id, category_id, published, popularity, price_minor,
        created_at, brand, title_key, search)
    SELECT p.merchant_id, p.product_id, p.category_id, p.published, greatest(p.rank, 0), v.price_minor, p.created_at,
        p.brand, n.title_key, n.vector::tsvector || array_to_tsvector(commerce.marks_of(p.category_id, p.brand, '{}'))
    FROM unnest(ids, vectors, title_keys) n (id, vector, title_key)
    JOIN commerce.product p ON p.merchant_id = (SELECT foundation.current_merchant()) AND p.product_id = n.id
    LEFT JOIN LATERAL (
        SELECT v.price_minor FROM commerce.variant v WHERE v.merchant_id = p.merchant_id AND v.product_id = p.product_id
            AND v.active ORDER BY v.position, v.sku_id LIMIT 1) v ON true
    ORDER BY p.product_id
    ON CONFLICT (merchant_id, product_id) DO UPDATE SET category_id = excluded.category_id,
        published = excluded.published, brand = excluded.brand, title_key = excluded.title_key,
        search = excluded.search || array_to_tsvector(commerce.marks_of(excluded.category_id, excluded.brand, e.facts))
$$;

-- Bring what stands beside the words of entries up to date: category, brand and facts from the rows of product and
-- variants, the rest as given. Entries that are right already are not written.
CREATE FUNCTION commerce.refresh_entries(ids uuid[], prices bigint[], discounts integer[], sold_outs boolean[])
RETURNS void LANGUAGE sql AS $$
    WITH fresh AS MATERIALIZED (
        SELECT p.product_id, p.category_id, p.published, p.brand, n.price_minor, n.discount_bp, n.sold_out,
            ARRAY(SELECT DISTINCT left(said.key || '=' || (said.value #>> '{}'), 120) AS fact
                FROM (SELECT (jsonb_each(p.attributes)).* UNION SELECT (jsonb_each(v.attributes)).* FROM commerce.variant v
                    WHERE v.merchant_id = p.merchant_id AND v.product_id = p.product_id AND v.active
                      AND v.attributes <> '{}') said ORDER BY fact) AS facts
        FROM unnest(ids, prices, discounts, sold_outs) n (id, price_minor, discount_bp, sold_out)
        JOIN commerce.product p ON p.merchant_id = (SELECT foundation.current_merchant()) AND p.product_id = n.id
    )
    UPDATE commerce.search_entry e SET category_id = f.category_id, published = f.published, brand = f.brand,
        facts = f.facts, price_minor = f.price_minor, discount_bp = f.discount_bp, sold_out = f.sold_out,
        search = CASE WHEN (e.category_id, e.brand, e.facts) = (f.category_id, f.brand, f.facts) THEN e.search
            ELSE ts_delete(e.search, commerce.marks_of(e.category_id, e.brand, e.facts))
                || array_to_tsvector(commerce.marks_of(f.category_id, f.brand, f.facts)) END
    FROM fresh f
    WHERE e.merchant_id = (SELECT foundation.current_merchant()) AND e.product_id = f.product_id
      AND (e.category_id, e.published, e.brand, e.facts, e.price_minor, e.discount_bp, e.sold_out) IS DISTINCT FROM
          (f.category_id, f.published, f.brand, f.facts, f.price_minor, f.discount_bp, f.sold_out)
$$;

REVOKE EXECUTE ON FUNCTION commerce.match_products, commerce.find_exact, commerce.find_products, commerce.list_entries,
    commerce.count_entries, commerce.divide_found FROM PUBLIC;
GRANT EXECUTE ON FUNCTION commerce.match_products, commerce.find_exact, commerce.find_products, commerce.list_entries,
    commerce.count_entries, commerce.divide_found TO serai_app;
