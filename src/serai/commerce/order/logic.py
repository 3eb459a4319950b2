"""Pure rules of orders: their numbers, the links guests get, and which moves a state allows."""

import base64
import hashlib
from functools import lru_cache
from uuid import UUID

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: no I, L, O, U to misread

ALLOWED = {
    "pay": frozenset({"awaiting_payment", "awaiting_deposit", "awaiting_balance"}),
    "fulfil": frozenset({"paid"}),
    "cancel": frozenset({"awaiting_payment", "awaiting_deposit", "awaiting_balance", "paid"}),
    "expire": frozenset({"awaiting_payment", "awaiting_deposit"}),
    "refund": frozenset({"paid", "fulfilled", "cancelled", "expired", "lapsed"}),
}


@lru_cache(maxsize=4_000)
def make_number(order_id: UUID) -> str:
    """A number that people can read out: 50 bits of the order's id as ``7K3F9-2QDXM``."""
    bits = int.from_bytes(hashlib.blake2b(order_id.bytes, digest_size=7).digest(), "big") >> 6
    text = "".join(ALPHABET[bits >> 5 * i & 31] for i in range(10))
    return f"{text[:5]}-{text[5:]}"


def normalise_number(text: str) -> str | None:
    """What somebody typed as an order number (or its beginning), None when it cannot be one."""
    plain = (
        text.strip()
        .upper()
        .replace("-", "")
        .replace(" ", "")
        .replace("O", "0")
        .replace("I", "1")
        .replace("L", "1")
    )
    if not 3 <= len(plain) <= 10 or any(c not in ALPHABET for c in plain):
        return None
    return plain if len(plain) <= 5 else f"{plain[:5]}-{plain[5:]}"


@lru_cache(maxsize=4_000)
def access_token(secret: bytes, order_id: UUID) -> str:
    """The unguessable part of a guest's link to an order; it follows from the order, so a repeat gives the same."""
    digest = hashlib.blake2b(order_id.bytes, key=secret[:64], digest_size=18).digest()
    return base64.urlsafe_b64encode(digest).decode()


def access_digest(token: str) -> bytes:
    """What is stored of it."""
    return hashlib.blake2b(token.encode(), digest_size=20).digest()
