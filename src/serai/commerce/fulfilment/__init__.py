"""Handing over: which place sends what, picking, packing, parcels that leave, and what turns out short."""
