-- The merchant's token joins a query inside the functions: it must be in the lookup, but not in the ranking, where a token
-- without a place makes all matches equally good.

DROP FUNCTION commerce.find_products;
DROP FUNCTION commerce.count_found;
DROP FUNCTION commerce.match_products;

-- A query among one merchant's goods: together with the token that all of them carry.
CREATE FUNCTION commerce.own_goods(merchant uuid, match tsquery) RETURNS tsquery
LANGUAGE sql IMMUTABLE AS $$
    SELECT ('''#' || right(merchant::text, 8) || '''')::tsquery && match
$$;

-- Products that match a tsquery, of every merchant's own, at most so many.
CREATE FUNCTION commerce.match_products(match text, most integer) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog ROWS 500 AS $$
    SELECT p.product_id FROM commerce.product p
    WHERE p.search @@ commerce.own_goods(foundation.current_merchant(), match::tsquery)
      AND p.merchant_id = foundation.current_merchant() LIMIT most
$$;

-- A page of products by relevance. levels: 1 or 2 only best sellers of so many levels, ranked; 0 all products, ranked;
-- -1 and -2 all but the best sellers of one or two levels, by how well they sell; null: the first level in which at least
-- so many (broad) match, else all. The sort keys of these do not overlap, so that a cursor tells where it comes from.
CREATE FUNCTION commerce.find_products(
    levels integer, broad integer, match tsquery, title_exact tsquery, title_open tsquery, starts text, phrase text,
    in_categories uuid[], of_brand text, from_minor bigint, to_minor bigint, is_published boolean,
    after_key bigint, after_id uuid, most integer
) RETURNS TABLE (product_id uuid, sort_key bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
#variable_conflict use_column
DECLARE
    merchant uuid := foundation.current_merchant();
    own tsquery := commerce.own_goods(merchant, match);
    area bigint;
    found integer;
BEGIN
    IF levels IS NULL THEN
        levels := 0;
        FOR tried IN 1 .. 2 LOOP
            SELECT count(*) INTO found FROM (
                SELECT FROM (
                    SELECT h.product_id AS hit_id FROM commerce.search_head h
                    WHERE h.level = 1 AND h.search @@ own AND h.merchant_id = merchant
                    UNION ALL
                    SELECT h.product_id FROM commerce.search_head h
                    WHERE tried > 1 AND h.level = 2 AND h.search @@ own AND h.merchant_id = merchant
                ) hit JOIN commerce.product p ON p.merchant_id = merchant AND p.product_id = hit.hit_id
                WHERE (is_published IS NULL OR p.published = is_published)
                  AND (in_categories IS NULL OR p.category_id = ANY (in_categories))
                  AND (of_brand IS NULL OR p.brand = of_brand)
                  AND (from_minor IS NULL AND to_minor IS NULL OR (
                    SELECT v.price_minor FROM commerce.variant v WHERE v.merchant_id = merchant
                        AND v.product_id = p.product_id AND v.active ORDER BY v.position, v.sku_id LIMIT 1)
                    BETWEEN coalesce(from_minor, 0) AND coalesce(to_minor, 9223372036854775807))
                LIMIT broad
            ) few;
            IF found >= broad THEN
                levels := tried;
                EXIT;
            END IF;
        END LOOP;
    END IF;
    area := 1152921504606846976 * levels;
    IF levels > 0 THEN
        RETURN QUERY
        WITH hit AS MATERIALIZED (
            SELECT h.product_id AS hit_id, h.search FROM commerce.search_head h
            WHERE h.level = 1 AND h.search @@ own AND h.merchant_id = merchant
            UNION ALL
            SELECT h.product_id, h.search FROM commerce.search_head h
            WHERE levels > 1 AND h.level = 2 AND h.search @@ own AND h.merchant_id = merchant
        ), scored AS MATERIALIZED (
            SELECT p.product_id, -commerce.score_product(hit.search, p.title_key, p.rank, match, title_exact, title_open,
                starts, phrase) - area AS sort_key
            FROM hit JOIN commerce.product p ON p.merchant_id = merchant AND p.product_id = hit.hit_id
            WHERE (is_published IS NULL OR p.published = is_published)
              AND (in_categories IS NULL OR p.category_id = ANY (in_categories))
              AND (of_brand IS NULL OR p.brand = of_brand)
              AND (from_minor IS NULL AND to_minor IS NULL OR (
                SELECT v.price_minor FROM commerce.variant v WHERE v.merchant_id = merchant
                    AND v.product_id = p.product_id AND v.active ORDER BY v.position, v.sku_id LIMIT 1)
                BETWEEN coalesce(from_minor, 0) AND coalesce(to_minor, 9223372036854775807))
        )
        SELECT * FROM scored s WHERE after_key IS NULL OR (s.sort_key, s.product_id) > (after_key, after_id)
        ORDER BY s.sort_key, s.product_id LIMIT most;
    ELSIF levels < 0 THEN
        RETURN QUERY
        WITH found AS (
            SELECT p.product_id, -area - p.rank AS sort_key FROM commerce.product p
            WHERE p.search @@ own AND p.merchant_id = merchant
              AND (is_published IS NULL OR p.published = is_published)
              AND (in_categories IS NULL OR p.category_id = ANY (in_categories))
              AND (of_brand IS NULL OR p.brand = of_brand)
              AND (from_minor IS NULL AND to_minor IS NULL OR (
                SELECT v.price_minor FROM commerce.variant v WHERE v.merchant_id = merchant
                    AND v.product_id = p.product_id AND v.active ORDER BY v.position, v.sku_id LIMIT 1)
                BETWEEN coalesce(from_minor, 0) AND coalesce(to_minor, 9223372036854775807))
              AND NOT EXISTS (SELECT FROM commerce.search_head h WHERE h.merchant_id = merchant
                              AND h.product_id = p.product_id AND h.level <= -levels)
        )
        SELECT * FROM found s WHERE after_key IS NULL OR (s.sort_key, s.product_id) > (after_key, after_id)
        ORDER BY s.sort_key, s.product_id LIMIT most;
    ELSE
        RETURN QUERY
        WITH scored AS MATERIALIZED (
            SELECT p.product_id, -commerce.score_product(p.search, p.title_key, p.rank, match, title_exact, title_open,
                starts, phrase) AS sort_key
            FROM commerce.product p WHERE p.search @@ own AND p.merchant_id = merchant
              AND (is_published IS NULL OR p.published = is_published)
              AND (in_categories IS NULL OR p.category_id = ANY (in_categories))
              AND (of_brand IS NULL OR p.brand = of_brand)
              AND (from_minor IS NULL AND to_minor IS NULL OR (
                SELECT v.price_minor FROM commerce.variant v WHERE v.merchant_id = merchant
                    AND v.product_id = p.product_id AND v.active ORDER BY v.position, v.sku_id LIMIT 1)
                BETWEEN coalesce(from_minor, 0) AND coalesce(to_minor, 9223372036854775807))
        )
        SELECT * FROM scored s WHERE after_key IS NULL OR (s.sort_key, s.product_id) > (after_key, after_id)
        ORDER BY s.sort_key, s.product_id LIMIT most;
    END IF;
END $$;

-- What the matches among published products are: how many, in which categories, of which brands and in which price bands.
-- At most so many are looked at (most), and the prices of fewer (most_priced) unless the list is narrowed by price. Each
-- count leaves out the choice of its own kind, so that a shopper sees what another choice would bring.
CREATE FUNCTION commerce.count_found(
    match tsquery, in_categories uuid[], of_brand text, from_minor bigint, to_minor bigint,
    edges bigint[], most integer, most_priced integer
) RETURNS jsonb LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    WITH hit AS MATERIALIZED (
        SELECT p.product_id, p.category_id, p.brand, row_number() OVER () AS place FROM commerce.product p
        WHERE p.search @@ commerce.own_goods(foundation.current_merchant(), match)
          AND p.merchant_id = foundation.current_merchant() AND p.published LIMIT most
    ), priced AS MATERIALIZED (
        SELECT hit.category_id, hit.brand, hit.place, width_bucket(v.price_minor, edges) AS band,
            in_categories IS NULL OR hit.category_id = ANY (in_categories) AS in_category,
            of_brand IS NULL OR hit.brand = of_brand AS in_brand,
            (from_minor IS NULL OR v.price_minor >= from_minor) AND (to_minor IS NULL OR v.price_minor <= to_minor)
                AS in_price
        FROM hit LEFT JOIN LATERAL (
            SELECT v.price_minor FROM commerce.variant v
            WHERE (hit.place <= most_priced OR from_minor IS NOT NULL OR to_minor IS NOT NULL)
              AND v.merchant_id = foundation.current_merchant() AND v.product_id = hit.product_id AND v.active
            ORDER BY v.position, v.sku_id LIMIT 1) v ON true
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
            SELECT band, count(*) AS n FROM priced WHERE in_category AND in_brand AND band IS NOT NULL
            AND place <= most_priced GROUP BY band) p), '[]'))
$$;

REVOKE EXECUTE ON FUNCTION commerce.find_products, commerce.count_found, commerce.match_products FROM PUBLIC;
GRANT EXECUTE ON FUNCTION commerce.find_products, commerce.count_found, commerce.match_products TO serai_app;
