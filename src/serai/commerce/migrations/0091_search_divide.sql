-- Count what matches in one pass: sample and, where that is small, all of it, in one statement instead of two.
--
-- Measured at a million products: an entry takes 1 kB, words included. PostgreSQL moves values out of line only from rows of
-- 2 kB on, whatever the table's target says, and to read words for ranking beside the row is cheap (1.5 ms for 800 rows).
ALTER TABLE commerce.search_entry RESET (toast_tuple_target);

CREATE OR REPLACE FUNCTION commerce.divide_found(
    match tsquery, from_minor bigint, to_minor bigint, edges bigint[], most integer, kinds text[]
) RETURNS jsonb LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    merchant uuid := foundation.current_merchant();
    own tsquery := commerce.own_query(merchant, match);
    condition text := commerce.entry_condition(true, from_minor, to_minor) || ' AND e.search @@ $4';
    answer jsonb;
BEGIN
    -- The second scan is not begun where its one-time condition does not hold.
    EXECUTE format(
        'WITH sample AS MATERIALIZED (SELECT e.category_id, e.brand, e.price_minor, e.facts FROM commerce.search_entry e'
        '   WHERE e.sampled AND %1$s),'
        ' whole AS MATERIALIZED (SELECT e.category_id, e.brand, e.price_minor, e.facts FROM commerce.search_entry e'
        '   WHERE (SELECT 16 * count(*) <= $6 FROM sample) AND %1$s LIMIT 4 * $6),'
        ' hit AS MATERIALIZED (SELECT * FROM whole UNION ALL'
        '   SELECT * FROM sample WHERE (SELECT 16 * count(*) > $6 FROM sample))'
        ' SELECT jsonb_build_object(''total'', (SELECT count(*) FROM hit),'
        ' ''factor'', (SELECT CASE WHEN 16 * count(*) > $6 THEN 16 ELSE 1 END FROM sample),'
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
    RETURN answer;
END $$;
