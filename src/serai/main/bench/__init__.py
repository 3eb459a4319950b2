"""`serai bench`: what Serai does per second, as ratios between two ways measured in one and the same run.

Absolute figures of a shared machine say little, so both sides of a figure take turns, several times, on one fresh
database with fsync on, and what is kept is the median of the turns' ratios with their spread.
"""
