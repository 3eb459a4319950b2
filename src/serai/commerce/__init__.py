"""Selling: places, catalogue, prices, stock, carts, checkout, orders, payments."""
