"""Agents: programs that shop for people, with keys, limits and checkouts of their own."""
