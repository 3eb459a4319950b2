"""A shop's signing key: derived from the installation's secret, so nowhere stored; its public half is in the profile.

Messages carry a detached JSON Web Signature over the body as it is sent (RFC 7515 with RFC 7797), ES256.
"""

import base64
import hashlib
import hmac
import json
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _private_key(secret: bytes, merchant_id: UUID) -> ec.EllipticCurvePrivateKey:
    digest = hmac.new(secret, f"agent signing|{merchant_id}".encode(), hashlib.sha512).digest()
    return ec.derive_private_key(int.from_bytes(digest) % (P256_ORDER - 1) + 1, ec.SECP256R1())


def public_key(secret: bytes, merchant_id: UUID) -> dict[str, str]:
    """The key that checks a shop's messages, as a JSON Web Key."""
    numbers = _private_key(secret, merchant_id).public_key().public_numbers()
    x, y = _encode(numbers.x.to_bytes(32)), _encode(numbers.y.to_bytes(32))
    kid = hashlib.sha256(f"{x}.{y}".encode()).hexdigest()[:16]
    return {"kid": kid, "kty": "EC", "crv": "P-256", "x": x, "y": y, "use": "sig", "alg": "ES256"}


def sign_detached(secret: bytes, merchant_id: UUID, body: bytes) -> str:
    """``header..signature`` over a body."""
    header: dict[str, Any] = {
        "alg": "ES256",
        "b64": False,
        "crit": ["b64"],
        "kid": public_key(secret, merchant_id)["kid"],
    }
    first = _encode(json.dumps(header, separators=(",", ":")).encode())
    der = _private_key(secret, merchant_id).sign(first.encode() + b"." + body, ec.ECDSA(hashes.SHA256()))
    r, s = decode_dss_signature(der)
    return f"{first}..{_encode(r.to_bytes(32) + s.to_bytes(32))}"
