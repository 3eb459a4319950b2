"""A simulated carrier: rates, labels, tracking with signed webhooks, and faults on demand. No parcel moves."""
