"""How the service itself does: what the processes report, added up and judged."""
