"""Presales: a deposit now, the balance later at a price that falls with the number of buyers."""
