"""Serai, an open retail cloud: one system that sells online and in stores, for many merchants."""

__version__ = "0.1.0"
