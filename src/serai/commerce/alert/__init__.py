"""Alerts: one letter when a price falls or goods are back."""
