"""Payments: providers, their messages, and what they do to the ledger."""
