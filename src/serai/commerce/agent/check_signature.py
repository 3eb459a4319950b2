"""Shared secrets of agents that sign what they send: derived from the installation's own, so nowhere stored.

The signature is the base64url of HMAC-SHA256 over the timestamp (RFC 3339), a full stop, and the body as it was sent.
"""

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from uuid import UUID

from serai.foundation import clock

TOLERANCE = timedelta(minutes=5)


def signing_secret(secret: bytes, merchant_id: UUID, agent_id: UUID) -> str:
    """An agent's signing secret, ``as_`` and 32 bytes in base64url."""
    digest = hmac.new(secret, f"agent secret|{merchant_id}|{agent_id}".encode(), hashlib.sha256).digest()
    return "as_" + base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def sign_body(secret: str, sent_at: str, body: bytes) -> str:
    """What an agent puts into ``Signature``."""
    digest = hmac.new(secret.encode(), sent_at.encode() + b"." + body, hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def check_signature(secret: str, sent_at: str, body: bytes, signature: str) -> bool:
    """Whether a body was signed with the secret, within five minutes of now."""
    expected = sign_body(secret, sent_at[:60], body)
    is_right = hmac.compare_digest(expected.encode(), signature.rstrip("=").encode("utf-8", "replace"))
    try:
        moment = datetime.fromisoformat(sent_at[:60])
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
        is_fresh = abs(clock.now() - moment) <= TOLERANCE
    except (ValueError, OverflowError):
        is_fresh = False
    return is_right and is_fresh
