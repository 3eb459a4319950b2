"""The data platform: facts of the past and present, kept for analysis."""
