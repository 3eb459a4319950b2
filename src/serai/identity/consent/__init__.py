"""What members agreed to, as a dated log."""
