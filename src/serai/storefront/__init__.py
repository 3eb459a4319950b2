"""The shop: what a shopper sees. Owns no tables and no rules; it reads commerce and speaks to people."""
