"""The audit log: who changed what, and what it was before."""
