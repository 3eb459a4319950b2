-- The check of payments that providers never told about looks at every order that was left without money.

CREATE INDEX sales_order_without_money ON commerce.sales_order (placed_at)
    WHERE state IN ('awaiting_payment', 'expired', 'cancelled');
