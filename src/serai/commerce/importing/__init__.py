"""Products from files: CSV and Excel, wholly or not at all."""
