"""API keys: programs that act for a merchant, within scopes."""
