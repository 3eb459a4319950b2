"""Keeping what a search knows beside words: prices that hold now, what is sold out, attributes, as things happen."""
