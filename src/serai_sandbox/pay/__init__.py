"""A simulated payment provider: API, hosted pay page, signed webhooks, and faults on demand. No money moves."""
