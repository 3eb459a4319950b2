"""Plays WeChat Pay, API v3: signed both ways with RSA, notifications encrypted with AES-GCM."""
