"""After an order was placed: cancel, expire, refund, and what a late payment means."""
