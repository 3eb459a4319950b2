"""A sandbox talks to this machine only: which URLs count as loopback, and how to reach them without a resolver."""

import ipaddress
from urllib.parse import SplitResult, urlsplit, urlunsplit

from serai_sandbox.pay.refusal import Refusal


def _split_url(url: str, field: str) -> SplitResult:
    # urlsplit drops tabs and newlines and browsers read a backslash as a slash: what is checked must be what is used.
    if any(ord(character) <= 0x20 or character in '\\"<>' for character in url):
        raise Refusal(
            422, "url_malformed", f"{field} holds characters that do not belong in a URL.", field=field
        )
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise Refusal(422, "url_malformed", f"{field} is not a URL: {error}.", field=field) from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Refusal(
            422, "url_malformed", f"{field} must begin with http:// or https:// and a host.", field=field
        )
    return parts


def _is_local_name(host: str) -> bool:
    return host == "localhost" or host.endswith(".localhost")


def check_loopback_url(url: str, field: str) -> None:
    """Raise Refusal unless the URL is http or https to 127.0.0.0/8, ::1, localhost or a name under .localhost."""
    parts = _split_url(url, field)
    host = parts.hostname or ""
    if parts.username is not None or parts.password is not None:
        raise Refusal(422, "url_malformed", f"{field} must not carry a user name or password.", field=field)
    if _is_local_name(host):
        return
    try:
        is_loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        raise Refusal(
            422,
            "url_not_loopback",
            f"{field} must point to this machine (127.0.0.1, ::1, localhost).",
            field=field,
        )


def resolve_loopback_url(url: str) -> tuple[str, str]:
    """Return (address to connect to, Host header) for a checked URL; local names go to 127.0.0.1 (RFC 6761)."""
    parts = urlsplit(url)
    if not _is_local_name(parts.hostname or ""):
        return url, parts.netloc
    address = "127.0.0.1" if parts.port is None else f"127.0.0.1:{parts.port}"
    return urlunsplit(parts._replace(netloc=address, fragment="")), parts.netloc


def find_origin(url: str) -> str:
    """Return scheme, host and port of a checked URL, for the pay page's content security policy."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
