"""Sealing what must not lie open in the database: AES-GCM with a key derived from the installation's secret."""

import secrets
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

NONCE_SIZE = 12


class Vault:
    """Seals and opens. What is sealed for one merchant and provider opens for no other.

    Args:
        secret: the installation's secret, or the operator's own key.
    """

    def __init__(self, secret: bytes) -> None:
        derived = HKDF(SHA256(), length=32, salt=None, info=b"serai pay account").derive(secret)
        self._cipher = AESGCM(derived)

    def seal(self, merchant_id: UUID, provider: str, content: bytes) -> bytes:
        """The content, unreadable without the key."""
        nonce = secrets.token_bytes(NONCE_SIZE)
        return nonce + self._cipher.encrypt(nonce, content, _name(merchant_id, provider))

    def open(self, merchant_id: UUID, provider: str, sealed: bytes) -> bytes | None:
        """The content; None when it was sealed with another key, for someone else, or was changed."""
        try:
            return self._cipher.decrypt(
                sealed[:NONCE_SIZE], sealed[NONCE_SIZE:], _name(merchant_id, provider)
            )
        except (InvalidTag, ValueError):
            return None


def _name(merchant_id: UUID, provider: str) -> bytes:
    return f"{merchant_id}/{provider}".encode()
