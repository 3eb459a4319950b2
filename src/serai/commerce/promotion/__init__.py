"""Promotions: rules as data, one pure engine that applies them, coupons, and what they take from the ledger."""
