"""Carriers: labels bought and taken back, and what they tell of parcels on their way."""
