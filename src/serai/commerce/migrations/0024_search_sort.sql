-- Which products a search sorted by something else than relevance lists: all that match, or of more than so many (most)
-- the best sellers among them, because sorting means to look at the price or title of every one.
CREATE FUNCTION commerce.match_sorted(match text, most integer) RETURNS SETOF uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog ROWS 500 AS $$
DECLARE
    merchant uuid := foundation.current_merchant();
    own tsquery := commerce.own_goods(merchant, match::tsquery);
    many boolean;
BEGIN
    many := EXISTS (SELECT FROM commerce.search_head h WHERE h.merchant_id = merchant AND h.level = 2)
        AND (SELECT count(*) > most FROM (SELECT FROM commerce.product p WHERE p.search @@ own AND p.merchant_id = merchant
             LIMIT most + 1) few);
    IF many THEN
        RETURN QUERY
        SELECT h.product_id FROM commerce.search_head h
        WHERE h.level = 1 AND h.search @@ own AND h.merchant_id = merchant
        UNION ALL
        SELECT h.product_id FROM commerce.search_head h
        WHERE h.level = 2 AND h.search @@ own AND h.merchant_id = merchant;
    ELSE
        RETURN QUERY SELECT p.product_id FROM commerce.product p WHERE p.search @@ own AND p.merchant_id = merchant;
    END IF;
END $$;

REVOKE EXECUTE ON FUNCTION commerce.match_sorted FROM PUBLIC;
GRANT EXECUTE ON FUNCTION commerce.match_sorted TO serai_app;
