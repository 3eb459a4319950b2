"""The Model Context Protocol: shopping as tools of a language model."""
