"""Identifiers, made in the application: time-ordered UUIDv7 for new things, derived ones for replay-safe things."""

import os
import time
from hashlib import blake2b
from typing import NewType, cast
from uuid import UUID

from asyncpg.pgproto import pgproto

MerchantId = NewType("MerchantId", UUID)

# The driver's own UUIDs are UUIDs whose text, hash and bytes are made in C: ids are written into other ids all the time.
_FastUUID = pgproto.UUID

_last_ms = 0
_counter = 0


def new_id() -> UUID:
    """A new UUIDv7 (RFC 9562, method 1): 48 bits of milliseconds, a 12 bit counter, 62 random bits.

    Ids of one process never go backwards, so they sort by creation and fill B-trees from the right.
    """
    global _last_ms, _counter
    now_ms = time.time_ns() // 1_000_000
    if now_ms > _last_ms:
        _last_ms, _counter = now_ms, os.urandom(1)[0]
    else:
        _counter += 1
        if _counter > 0xFFF:
            _last_ms, _counter = _last_ms + 1, 0
    random_bits = int.from_bytes(os.urandom(8), "big") & ((1 << 62) - 1)
    number = _last_ms << 80 | 0x7 << 76 | _counter << 64 | 0b10 << 62 | random_bits
    return cast(UUID, _FastUUID(number.to_bytes(16, "big")))


def derive_id(*parts: object) -> UUID:
    """The same UUID (version 8) for the same parts, always and on every machine: a BLAKE2b digest of their texts."""
    digest = bytearray(blake2b("\x1f".join(map(str, parts)).encode(), digest_size=16).digest())
    digest[6] = digest[6] & 0x0F | 0x80
    digest[8] = digest[8] & 0x3F | 0x80
    return cast(UUID, _FastUUID(bytes(digest)))
