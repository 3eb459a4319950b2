"""Passwords, sign-in attempts and session tokens, shared by members and staff."""
