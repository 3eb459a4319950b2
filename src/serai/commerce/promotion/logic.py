"""Pure rules of coupons: how a code is spelt, read and kept."""

import hashlib
from uuid import UUID

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: no I, L, O, U to misread
CODE_BYTES = 16
MAX_CODE = 60
END = 4


def spell_code(secret: bytes) -> str:
    """128 random bits as ``7K3F9-…``: 26 characters in groups of five."""
    number = int.from_bytes(secret, "big")
    text = "".join(ALPHABET[number >> 5 * i & 31] for i in range(26))
    return "-".join(text[i : i + 5] for i in range(0, 26, 5))


def keyed_seed(secret: bytes, key: UUID) -> bytes:
    """A seed that nobody without the installation's secret can guess, the same for the same key."""
    return hashlib.blake2b(key.bytes, key=secret[:64], digest_size=32, person=b"serai coupons").digest()


def part_of_seed(seed: bytes, number: int) -> bytes:
    """The n-th code's 128 bits."""
    return hashlib.blake2b(number.to_bytes(4, "big"), key=seed, digest_size=CODE_BYTES).digest()


def read_code(text: str) -> str:
    """What somebody typed, as it is compared: capitals, no blanks or dashes, misread letters set right."""
    plain = "".join(c for c in text[: 2 * MAX_CODE].upper() if c.isalnum())[:MAX_CODE]
    return plain.replace("O", "0").replace("I", "1").replace("L", "1")


def end_of_code(text: str) -> str:
    """What of a code may be shown to those who know it: its last letters as they were given out, of a short one half."""
    plain = "".join(c for c in text.upper() if c.isalnum())
    return plain[-min(END, len(plain) // 2) :]


def digest_code(text: str) -> bytes:
    """What is stored of a code."""
    return hashlib.blake2b(read_code(text).encode(), digest_size=20, person=b"serai coupon").digest()
