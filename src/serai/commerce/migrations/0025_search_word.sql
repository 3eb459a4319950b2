-- Whole words before beginnings of words: who types "ice" means ice before iced tea. 6 and 5: a title begins with the
-- query, or has it as a phrase, as whole words; 4 to 0 as before.
CREATE OR REPLACE FUNCTION commerce.score_product(
    search tsvector, title_key text, rank integer,
    match tsquery, title_exact tsquery, title_open tsquery, starts text, phrase text
) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT 1000000000000000 * (CASE
        WHEN strpos(title_key || E'\n', starts || ' ') > 0 OR strpos(title_key || E'\n', starts || E'\n') > 0 THEN 6
        WHEN strpos(title_key || E'\n', phrase || ' ') > 0 OR strpos(title_key || E'\n', phrase || E'\n') > 0 THEN 5
        WHEN strpos(title_key, starts) > 0 THEN 4
        WHEN strpos(title_key, phrase) > 0 THEN 3
        WHEN search @@ title_exact THEN 2
        WHEN search @@ title_open THEN 1
        ELSE 0 END)::bigint
        + least(100000000000000, 1000000000 * ts_rank('{0.05, 0.2, 0.4, 1.0}', search, match)
            * (1 + ln(1 + greatest(rank, 0))))::bigint
$$;
