-- What orders are priced by is kept in memory by every process; these tables tell when it changes.

SELECT foundation.tell_changes('commerce.product', 'product_id');
SELECT foundation.tell_changes('commerce.variant', 'sku_id', 'product_id');
SELECT foundation.tell_changes('commerce.listing', 'product_id');
SELECT foundation.tell_changes('commerce.product_media', 'product_id');
SELECT foundation.tell_changes('commerce.bundle', 'sku_id');
SELECT foundation.tell_changes('commerce.bundle_part', 'sku_id');
SELECT foundation.tell_changes('commerce.price_offer', 'sku_id');
SELECT foundation.tell_changes('commerce.price_entry', 'sku_id');
SELECT foundation.tell_changes('commerce.delivery_weight', 'sku_id');
SELECT foundation.tell_changes('commerce.presale_taken', 'sku_id');
SELECT foundation.tell_changes('commerce.presale');
SELECT foundation.tell_changes('commerce.category');
SELECT foundation.tell_changes('commerce.place');
SELECT foundation.tell_changes('commerce.shop_terms');
SELECT foundation.tell_changes('commerce.delivery_book');
SELECT foundation.tell_changes('commerce.delivery_option');
SELECT foundation.tell_changes('commerce.promotion_edition');
SELECT foundation.tell_changes('commerce.tax_profile');
SELECT foundation.tell_changes('commerce.tax_rate');
SELECT foundation.tell_changes('commerce.category_tax_class');
SELECT foundation.tell_changes('commerce.coupon', 'coupon_id', 'holder_id');
