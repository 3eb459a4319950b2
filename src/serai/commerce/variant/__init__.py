"""The JSON API of versions of a product; their rules are the catalogue's."""
