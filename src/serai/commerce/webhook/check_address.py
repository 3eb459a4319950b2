"""Where a name leads, and whether that lies outside: asked when an address is saved and again before every delivery.

What is returned is what is connected to, so a name that answers differently a moment later leads nowhere.
"""

import asyncio
import ipaddress
import socket
from urllib.parse import SplitResult

from serai.commerce.webhook.logic import Address, are_outside, check_url
from serai.foundation.errors import Invalid, _

RESOLVE_TIMEOUT_S = 5.0
MAX_ADDRESSES = 32


async def resolve_name(parts: SplitResult) -> tuple[Address, ...]:
    """The addresses of a host, in the resolver's order; numbers in any notation come out as what they mean.

    Raises:
        Invalid: ``webhook.host_unknown``.
    """
    port = parts.port or (443 if parts.scheme == "https" else 80)
    unknown = Invalid("webhook.host_unknown", _("There is no such host on the internet."), field="url")
    try:
        async with asyncio.timeout(RESOLVE_TIMEOUT_S):
            found = await asyncio.get_running_loop().getaddrinfo(
                parts.hostname, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP
            )
        addresses = tuple(dict.fromkeys(ipaddress.ip_address(entry[4][0]) for entry in found))
    except (OSError, UnicodeError, ValueError, TimeoutError) as error:
        raise unknown from error
    if not addresses:
        raise unknown
    return addresses[:MAX_ADDRESSES]


async def resolve_outside(parts: SplitResult, *, loopback_allowed: bool) -> tuple[Address, ...]:
    """The addresses of a host, all of them outside our network.

    Raises:
        Invalid: ``webhook.host_unknown``, ``webhook.host_inside``.
    """
    addresses = await resolve_name(parts)
    if not are_outside(addresses, loopback_allowed=loopback_allowed):
        raise Invalid(
            "webhook.host_inside",
            _("This address leads into a private network. Webhooks go to public addresses only."),
            field="url",
        )
    return addresses


async def check_endpoint_url(url: str, *, loopback_allowed: bool) -> None:
    """Refuse an address that webhooks may not go to. Never called inside a transaction: it asks the resolver.

    Raises:
        Invalid: ``webhook.url_invalid``, ``webhook.url_insecure``, ``webhook.host_unknown``, ``webhook.host_inside``.
    """
    parts = check_url(url, inside_allowed=loopback_allowed)
    addresses = await resolve_outside(parts, loopback_allowed=loopback_allowed)
    # Plain HTTP is for the own machine alone, whatever else is allowed.
    if parts.scheme == "http" and not all(address.is_loopback for address in addresses):
        check_url(url, inside_allowed=False)
