"""The merchant's desk: server-rendered screens over commerce and identity. Owns no tables and no rules."""
