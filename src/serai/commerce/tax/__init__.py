"""Taxes on what is sold."""
