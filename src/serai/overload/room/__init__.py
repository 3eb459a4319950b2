"""Waiting rooms: a line in front of goods that many want at once, that knows how much there is left."""
