"""Webhooks out: other systems of a merchant hear of its changes, signed, numbered per object, and repeated until heard."""
