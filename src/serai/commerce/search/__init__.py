"""Finding products by words: tokens of our own in PostgreSQL's full text, typos, facets, suggestions."""
