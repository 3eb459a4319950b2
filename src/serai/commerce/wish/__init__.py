"""Wish lists of members, shared by link where the member wants it."""
