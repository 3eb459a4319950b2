"""Markets: one checkout over the goods of several merchants."""
