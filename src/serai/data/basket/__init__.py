"""Baskets of earlier years, as other systems recorded them."""
