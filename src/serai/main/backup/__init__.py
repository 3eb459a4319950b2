"""Backups of a whole installation, and bringing one back as it stood at a moment."""
