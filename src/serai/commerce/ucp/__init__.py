"""The Universal Commerce Protocol: its words for what agents do here."""
