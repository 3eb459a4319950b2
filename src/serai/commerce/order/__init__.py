"""Orders after they were placed: find, fulfil, cancel, expire, refund."""
