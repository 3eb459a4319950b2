"""Returns: goods that come back, the money or the goods given for them, from the shopper's wish to the end."""
