"""Pure rules: signatures by the Standard Webhooks convention, when to try again, and which addresses lie inside."""

import base64
import binascii
import hashlib
import hmac
import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import SplitResult, urlsplit
from uuid import UUID

from serai.foundation.errors import Invalid, Unauthorised, _

SECRET_PREFIX = "whsec_"
TOLERANCE_S = 300
# After so many failures in a row nothing is sent for a while, longer each time; then one message tries the ground.
HOLD_AFTER = 10
HOLD_FIRST_S = 30
HOLD_MAX_S = 600
RETRY_AFTER_MAX_S = 3600
SPREAD = 0.2
MAX_URL = 2000
# NAT64 and 6to4 carry an IPv4 address inside an IPv6 one, and lead to where that lies.
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def derive_secret(key: bytes, merchant_id: UUID, endpoint_id: UUID, secret_id: UUID) -> str:
    """The signing secret of an id (``whsec_`` and 32 bytes in Base64): always the same, and nowhere stored."""
    text = f"webhook|{merchant_id}|{endpoint_id}|{secret_id}".encode()
    return SECRET_PREFIX + base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()


def sign_message(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """``v1,`` and the Base64 of HMAC-SHA256 over ``id.timestamp.body``. ValueError when the secret is none."""
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError("not a signing secret") from error
    content = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()


def make_headers(secrets: Sequence[str], message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """The headers of a message, with a signature of every secret that signs."""
    timestamp = int(at.timestamp())
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(sign_message(each, message_id, timestamp, body) for each in secrets),
    }


def verify_message(
    secrets: Sequence[str],
    headers: Mapping[str, str],
    body: bytes,
    *,
    now: datetime,
    tolerance_s: int = TOLERANCE_S,
) -> str:
    """What a consumer does with every message before it believes it. Returns the message's id.

    Raises:
        Invalid: ``webhook.malformed``, a header is missing or no number.
        Unauthorised: ``webhook.forged``, no signature is of one of these secrets; ``webhook.stale``, the signature is
            right and its moment is further away than ``tolerance_s``.
    """
    message_id = headers.get("webhook-id", "")
    sent_at = headers.get("webhook-timestamp", "")
    given = headers.get("webhook-signature", "").split(" ")
    if not message_id or not (sent_at.isascii() and sent_at.isdigit() and len(sent_at) <= 12):
        raise Invalid("webhook.malformed", _("This message lacks the headers of a webhook."))
    expected = [sign_message(secret, message_id, int(sent_at), body) for secret in secrets]
    # Every pair is compared, in constant time, so the time tells nothing.
    matches = [
        hmac.compare_digest(one.encode(), other.encode("utf-8", "replace"))
        for one in expected
        for other in given
    ]
    if not any(matches):
        raise Unauthorised("webhook.forged", _("The signature does not fit."))
    if abs(now - datetime.fromtimestamp(int(sent_at), UTC)) > timedelta(seconds=tolerance_s):
        raise Unauthorised("webhook.stale", _("This message was signed too long ago, or ahead of its time."))
    return message_id


def parse_schedule(text: str) -> tuple[int, ...]:
    """Pauses in seconds from a text such as ``5,30,120``. ValueError unless they are 1 to 20 whole numbers above 0."""
    try:
        pauses = tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise ValueError("pauses are whole seconds, separated by commas") from error
    if not 1 <= len(pauses) <= 20 or any(not 0 < pause < 1_000_000 for pause in pauses):
        raise ValueError("pauses are 1 to 20 numbers of seconds, below a million each")
    return pauses


def choose_pause_s(
    schedule: Sequence[int], tries: int, *, chance: float, retry_after_s: int | None
) -> float | None:
    """Seconds until the next try after ``tries`` have failed; None when that was the last.

    Args:
        chance: a number from 0 to 1, which spreads the pause by a fifth either way.
        retry_after_s: what the receiver asked for; it lengthens the pause, up to an hour.
    """
    if tries > len(schedule):
        return None
    pause_s = schedule[tries - 1] * (1 - SPREAD + 2 * SPREAD * chance)
    return max(pause_s, min(retry_after_s or 0, RETRY_AFTER_MAX_S))


def choose_hold_s(failures: int) -> int:
    """Seconds for which an endpoint is left alone after so many failures in a row; 0 for not at all."""
    if failures < HOLD_AFTER:
        return 0
    return min(HOLD_FIRST_S * 2 ** min(failures - HOLD_AFTER, 10), HOLD_MAX_S)


def check_url(url: str, *, inside_allowed: bool) -> SplitResult:
    """An endpoint's address, as far as its text tells.

    Raises:
        Invalid: ``webhook.url_invalid``, ``webhook.url_insecure`` (no https, unless ``inside_allowed``).
    """
    wrong = Invalid(
        "webhook.url_invalid",
        _("Please give a complete address such as https://example.com/webhooks."),
        field="url",
    )
    if len(url) > MAX_URL or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise wrong
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise wrong from None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0 or parts.fragment:
        raise wrong
    if parts.username is not None or parts.password is not None:
        raise wrong
    if parts.scheme == "http" and not inside_allowed:
        raise Invalid(
            "webhook.url_insecure", _("Please give an address that begins with https://."), field="url"
        )
    return parts


def is_outside(address: Address, *, loopback_allowed: bool) -> bool:
    """Whether an address lies on the public internet, whichever way it is written; loopback where it is allowed."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None:
            return False
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if inner is None and address in NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_outside(inner, loopback_allowed=loopback_allowed)
    if address.is_loopback:
        return loopback_allowed
    return address.is_global and not (
        address.is_multicast or address.is_reserved or address.is_unspecified or address.is_private
    )


def are_outside(addresses: Iterable[Address], *, loopback_allowed: bool) -> bool:
    """Whether every address of a name lies outside; one inside is enough to refuse all."""
    found = list(addresses)
    return bool(found) and all(is_outside(each, loopback_allowed=loopback_allowed) for each in found)
