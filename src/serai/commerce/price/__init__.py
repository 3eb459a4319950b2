"""Prices beside the list price, when they hold and for whom, and what a price was before it was reduced."""
