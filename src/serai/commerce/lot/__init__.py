"""Lots: which delivery goods came with, until when they are good, and who got them."""
