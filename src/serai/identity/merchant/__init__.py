"""Merchants, the tenants of an installation."""
