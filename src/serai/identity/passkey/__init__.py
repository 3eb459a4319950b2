"""Passkeys (WebAuthn) beside passwords, for members and staff."""
