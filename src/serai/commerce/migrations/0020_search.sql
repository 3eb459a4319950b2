-- Search: tokens of our own (see commerce/search/make_document.py) in a tsvector, words for typos, phrases to suggest.

-- title_key: a product's titles as phrases are looked up in them. Existing rows get theirs from `serai reindex`, which
-- the worker runs by itself for every merchant whose index is of an older make.
ALTER TABLE commerce.product ADD COLUMN title_key text NOT NULL DEFAULT '';

-- The best sellers of a large catalogue once more: a word that thousands of products have is answered from here.
CREATE TABLE commerce.search_head (
    merchant_id uuid NOT NULL,
    product_id uuid NOT NULL,
    search tsvector NOT NULL,
    PRIMARY KEY (merchant_id, product_id),
    FOREIGN KEY (merchant_id, product_id) REFERENCES commerce.product (merchant_id, product_id) ON DELETE CASCADE
);
CREATE INDEX search_head_by_search ON commerce.search_head USING gin (search);
SELECT foundation.protect('commerce.search_head', 'edit');

-- Words that a typo may have meant, with the number of products that have them, and under which forms they are found.
CREATE TABLE commerce.search_word (
    merchant_id uuid NOT NULL,
    word text COLLATE "C" NOT NULL,
    products integer NOT NULL,
    PRIMARY KEY (merchant_id, word)
);
SELECT foundation.protect('commerce.search_word', 'edit');

CREATE TABLE commerce.search_slip (
    merchant_id uuid NOT NULL,
    form text COLLATE "C" NOT NULL,
    word text COLLATE "C" NOT NULL,
    PRIMARY KEY (merchant_id, form, word)
);
SELECT foundation.protect('commerce.search_slip', 'edit');

-- What a change of products brought and the vocabulary does not have yet. Rows are only added by those who sell and
-- taken away by the worker, so nobody who edits products waits for a word that somebody else is adding.
CREATE TABLE commerce.search_fresh (
    merchant_id uuid NOT NULL,
    fresh_id uuid NOT NULL,
    words jsonb NOT NULL,
    brands jsonb NOT NULL,
    PRIMARY KEY (merchant_id, fresh_id)
);
SELECT foundation.protect('commerce.search_fresh', 'edit');

-- What people searched for, until the worker has counted it.
CREATE TABLE commerce.search_use (
    merchant_id uuid NOT NULL,
    use_id uuid NOT NULL,
    query text NOT NULL,
    products integer NOT NULL,
    PRIMARY KEY (merchant_id, use_id)
);
SELECT foundation.protect('commerce.search_use', 'edit');

-- What to suggest while typing: brands, categories, searches. keys are the beginnings it is found by (folded, pinyin).
CREATE TABLE commerce.search_phrase (
    merchant_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('brand', 'category', 'query')),
    phrase text NOT NULL,
    key text COLLATE "C" NOT NULL,
    weight integer NOT NULL,
    target uuid,
    PRIMARY KEY (merchant_id, kind, phrase, key)
);
CREATE INDEX search_phrase_by_key ON commerce.search_phrase (merchant_id, key);
SELECT foundation.protect('commerce.search_phrase', 'edit');

-- Words of the merchant's own that mean the same: who types term finds also_means.
CREATE TABLE commerce.search_synonym (
    merchant_id uuid NOT NULL,
    term text COLLATE "C" NOT NULL CHECK (term <> ''),
    also_means text[] NOT NULL,
    PRIMARY KEY (merchant_id, term)
);
SELECT foundation.protect('commerce.search_synonym', 'edit');

-- Of which make a merchant's index is, and when its vocabulary was counted afresh.
CREATE TABLE commerce.search_state (
    merchant_id uuid NOT NULL PRIMARY KEY,
    make integer NOT NULL,
    rebuilt_at timestamptz NOT NULL
);
SELECT foundation.protect('commerce.search_state', 'grow');

-- The functions below look things up as the owner of the tables, for the reason that row-level security keeps @@ from
-- using an index (it might leak what a row holds). They see to the tenant themselves: current_merchant() and no other.

-- Products that match a tsquery, of every merchant's own, at most so many.
CREATE FUNCTION commerce.match_products(match text, most integer) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog ROWS 500 AS $$
    SELECT p.product_id FROM commerce.product p
    WHERE p.search @@ match::tsquery AND p.merchant_id = foundation.current_merchant() LIMIT most
$$;

-- How well a product answers a query: 4 a title begins with it, 3 a title has it as a phrase, 2 a title has all its words,
-- 1 a title has them with the last one as a beginning, 0 found elsewhere; within these, ts_rank times how well it sells.
CREATE FUNCTION commerce.score_product(
    search tsvector, title_key text, rank integer,
    match tsquery, title_exact tsquery, title_open tsquery, starts text, phrase text
) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT 1000000000000000 * (CASE
        WHEN strpos(title_key, starts) > 0 THEN 4
        WHEN strpos(title_key, phrase) > 0 THEN 3
        WHEN search @@ title_exact THEN 2
        WHEN search @@ title_open THEN 1
        ELSE 0 END)::bigint
        + least(100000000000000, 1000000000 * ts_rank('{0.05, 0.2, 0.4, 1.0}', search, match)
            * (1 + ln(1 + greatest(rank, 0))))::bigint
$$;

-- Whether a product passes what a list is narrowed to; nulls do not narrow. The price is that of the first variant.
CREATE FUNCTION commerce.is_wanted(
    p commerce.product, in_categories uuid[], of_brand text, from_minor bigint, to_minor bigint, is_published boolean
) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT (is_published IS NULL OR p.published = is_published)
        AND (in_categories IS NULL OR p.category_id = ANY (in_categories))
        AND (of_brand IS NULL OR p.brand = of_brand)
        AND (from_minor IS NULL AND to_minor IS NULL OR EXISTS (
            SELECT FROM (SELECT v.price_minor FROM commerce.variant v WHERE v.merchant_id = p.merchant_id
                AND v.product_id = p.product_id AND v.active ORDER BY v.position, v.sku_id LIMIT 1) v
            WHERE v.price_minor >= coalesce(from_minor, 0)
              AND v.price_minor <= coalesce(to_minor, 9223372036854775807)))
$$;

-- A page of products by relevance. area: 'all'; 'head' only best sellers, 'rest' all but those, by how well they sell.
-- Sort keys of the three do not overlap, so that a cursor tells where it comes from. matched: how many there are in all.
CREATE FUNCTION commerce.find_products(
    area text, match tsquery, title_exact tsquery, title_open tsquery, starts text, phrase text,
    in_categories uuid[], of_brand text, from_minor bigint, to_minor bigint, is_published boolean,
    after_key bigint, after_id uuid, most integer
) RETURNS TABLE (product_id uuid, sort_key bigint, matched integer)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
#variable_conflict use_column
DECLARE
    merchant uuid := foundation.current_merchant();
BEGIN
    IF area = 'head' THEN
        RETURN QUERY
        WITH hit AS MATERIALIZED (
            SELECT h.product_id AS hit_id, h.search FROM commerce.search_head h
            WHERE h.search @@ match AND h.merchant_id = merchant
        ), scored AS (
            SELECT p.product_id, -commerce.score_product(hit.search, p.title_key, p.rank, match, title_exact, title_open,
                starts, phrase) - 2305843009213693952 AS sort_key, count(*) OVER ()::integer AS matched
            FROM hit JOIN commerce.product p ON p.merchant_id = merchant AND p.product_id = hit.hit_id
            WHERE commerce.is_wanted(p, in_categories, of_brand, from_minor, to_minor, is_published)
        )
        SELECT * FROM scored s WHERE after_key IS NULL OR (s.sort_key, s.product_id) > (after_key, after_id)
        ORDER BY s.sort_key, s.product_id LIMIT most;
    ELSIF area = 'rest' THEN
        RETURN QUERY
        WITH found AS (
            SELECT p.product_id, 2305843009213693952 - p.rank AS sort_key, 0 AS matched FROM commerce.product p
            WHERE p.search @@ match AND p.merchant_id = merchant
              AND commerce.is_wanted(p, in_categories, of_brand, from_minor, to_minor, is_published)
              AND NOT EXISTS (SELECT FROM commerce.search_head h WHERE h.merchant_id = merchant
                              AND h.product_id = p.product_id)
        )
        SELECT * FROM found s WHERE after_key IS NULL OR (s.sort_key, s.product_id) > (after_key, after_id)
        ORDER BY s.sort_key, s.product_id LIMIT most;
    ELSE
        RETURN QUERY
        WITH scored AS MATERIALIZED (
            SELECT p.product_id, -commerce.score_product(p.search, p.title_key, p.rank, match, title_exact, title_open,
                starts, phrase) AS sort_key, count(*) OVER ()::integer AS matched
            FROM commerce.product p WHERE p.search @@ match AND p.merchant_id = merchant
              AND commerce.is_wanted(p, in_categories, of_brand, from_minor, to_minor, is_published)
        )
        SELECT * FROM scored s WHERE after_key IS NULL OR (s.sort_key, s.product_id) > (after_key, after_id)
        ORDER BY s.sort_key, s.product_id LIMIT most;
    END IF;
END $$;

-- What the matches are: how many (at most so many looked at), in which categories, of which brands and at which prices.
-- Each count leaves out the choice of its own kind, so that a shopper sees what another choice would bring.
CREATE FUNCTION commerce.count_found(
    is_head boolean, match tsquery, in_categories uuid[], of_brand text, from_minor bigint, to_minor bigint,
    edges bigint[], most integer
) RETURNS jsonb LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    WITH hit AS MATERIALIZED (
        (SELECT p.product_id, p.category_id, p.brand FROM commerce.product p
         WHERE NOT is_head AND p.search @@ match AND p.merchant_id = foundation.current_merchant() AND p.published
         LIMIT most)
        UNION ALL
        (SELECT p.product_id, p.category_id, p.brand FROM commerce.search_head h
         JOIN commerce.product p ON p.merchant_id = h.merchant_id AND p.product_id = h.product_id
         WHERE is_head AND h.search @@ match AND h.merchant_id = foundation.current_merchant() AND p.published
         LIMIT most)
    ), priced AS MATERIALIZED (
        SELECT hit.category_id, hit.brand, width_bucket(v.price_minor, edges) AS band,
            in_categories IS NULL OR hit.category_id = ANY (in_categories) AS in_category,
            of_brand IS NULL OR hit.brand = of_brand AS in_brand,
            (from_minor IS NULL OR v.price_minor >= from_minor) AND (to_minor IS NULL OR v.price_minor <= to_minor)
                AS in_price
        FROM hit LEFT JOIN LATERAL (
            SELECT v.price_minor FROM commerce.variant v WHERE v.merchant_id = foundation.current_merchant()
                AND v.product_id = hit.product_id AND v.active ORDER BY v.position, v.sku_id LIMIT 1) v ON true
    )
    SELECT jsonb_build_object(
        'seen', (SELECT count(*) FROM hit),
        'total', (SELECT count(*) FROM priced WHERE in_category AND in_brand AND in_price),
        'categories', coalesce((SELECT jsonb_agg(jsonb_build_array(category_id, n) ORDER BY n DESC, category_id) FROM (
            SELECT category_id, count(*) AS n FROM priced WHERE in_brand AND in_price GROUP BY category_id
            ORDER BY n DESC, category_id LIMIT 100) c), '[]'),
        'brands', coalesce((SELECT jsonb_agg(jsonb_build_array(brand, n) ORDER BY n DESC, brand) FROM (
            SELECT brand, count(*) AS n FROM priced WHERE in_category AND in_price AND brand <> '' GROUP BY brand
            ORDER BY n DESC, brand LIMIT 30) b), '[]'),
        'bands', coalesce((SELECT jsonb_agg(jsonb_build_array(band, n) ORDER BY band) FROM (
            SELECT band, count(*) AS n FROM priced WHERE in_category AND in_brand AND band IS NOT NULL GROUP BY band) p),
            '[]'))
$$;

REVOKE EXECUTE ON FUNCTION commerce.match_products, commerce.find_products, commerce.count_found FROM PUBLIC;
GRANT EXECUTE ON FUNCTION commerce.match_products, commerce.find_products, commerce.count_found TO serai_app;
