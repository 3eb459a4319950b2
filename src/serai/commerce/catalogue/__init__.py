"""Products, their variants (SKUs), categories and prices."""
