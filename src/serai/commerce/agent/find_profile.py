"""Where an agent wants to hear of its orders: read from the profile that it names, once a minute at most.

The address comes from a stranger, so it is treated as a webhook's is: resolved, refused when it lies inside, connected to
exactly as checked, no redirects, little read. Whatever goes wrong, the agent is told nothing by webhook, and may shop.
"""

import re
import time
from typing import Any

import httpx
import msgspec

from serai.commerce.settings import CommerceSettings
from serai.commerce.webhook.api import check_url, resolve_outside
from serai.foundation.errors import Refused

TIMEOUT_S = 2.0
MAX_BYTES = 100_000
REMEMBER_S = 60.0
MAX_KNOWN = 1000
ORDER_CAPABILITY = "dev.ucp.shopping.order"
PROFILE = re.compile(r'profile\s*=\s*"([^"]*)"')
VERSION = re.compile(r'version\s*=\s*"([^"]*)"')

_known: dict[str, tuple[float, str]] = {}


def read_agent_header(header: str) -> tuple[str, str]:
    """(profile, version) of a ``UCP-Agent`` header; empty where it does not say."""
    profile, version = PROFILE.search(header[:3000]), VERSION.search(header[:3000])
    return (profile.group(1) if profile else "", version.group(1) if version else "")


async def find_webhook_url(settings: CommerceSettings, profile_url: str) -> str:
    """The address for news of orders in an agent's profile; empty when there is none that may be used."""
    if not profile_url:
        return ""
    known = _known.get(profile_url)
    if known and known[0] > time.monotonic():
        return known[1]
    try:
        content = await _fetch(settings, profile_url)
        found = _read_url(content)
        if found:
            check_url(found, inside_allowed=settings.webhook_loopback)
    except (
        Refused,
        httpx.HTTPError,
        httpx.InvalidURL,
        msgspec.DecodeError,
        OSError,
        ValueError,
        RecursionError,
    ):
        found = ""
    if len(_known) >= MAX_KNOWN:
        _known.clear()
    _known[profile_url] = (time.monotonic() + REMEMBER_S, found)
    return found


async def _fetch(settings: CommerceSettings, url: str) -> Any:
    parts = check_url(url, inside_allowed=settings.webhook_loopback)
    addresses = await resolve_outside(parts, loopback_allowed=settings.webhook_loopback)
    # A name may stand for several addresses of which only one listens.
    failure: httpx.HTTPError | None = None
    for address in addresses[:3]:
        literal = f"[{address}]" if address.version == 6 else str(address)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        target = f"{parts.scheme}://{literal}:{port}{parts.path or '/'}" + (
            f"?{parts.query}" if parts.query else ""
        )
        try:
            return await _read(target, parts.netloc, parts.hostname or "")
        except httpx.ConnectError as error:
            failure = error
    raise failure or ValueError("no address")


async def _read(target: str, host: str, name: str) -> Any:
    async with (
        httpx.AsyncClient(timeout=TIMEOUT_S, follow_redirects=False, trust_env=False) as client,
        client.stream(
            "GET",
            target,
            headers={"host": host, "accept-encoding": "identity"},
            extensions={"sni_hostname": name},
        ) as response,
    ):
        if response.status_code != 200:
            raise ValueError("no profile")
        body = b""
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > MAX_BYTES:
                raise ValueError("too large")
    return msgspec.json.decode(body)


def _read_url(content: Any) -> str:
    """The webhook address of the order capability: capabilities are a list, in newer versions a map of lists."""
    capabilities = content.get("ucp", {}).get("capabilities") if isinstance(content, dict) else None
    entries: list[Any] = capabilities if isinstance(capabilities, list) else []
    if isinstance(capabilities, dict):
        named = capabilities.get(ORDER_CAPABILITY)
        entries = (
            [{**each, "name": ORDER_CAPABILITY} for each in named if isinstance(each, dict)]
            if isinstance(named, list)
            else []
        )
    for entry in entries:
        if isinstance(entry, dict) and entry.get("name") == ORDER_CAPABILITY:
            config = entry.get("config")
            url = config.get("webhook_url") if isinstance(config, dict) else None
            if isinstance(url, str) and len(url) <= 2000:
                return url
    return ""
