"""Providers' statements, line by line against our own books."""
