"""Checkout: a quote that cannot drift, and the one flow that places an order."""
