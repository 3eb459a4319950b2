"""One POST to one endpoint: to an address that was checked, within a time, without redirects, reading little."""

import asyncio
import ssl
from collections.abc import Sequence
from functools import cache
from urllib.parse import SplitResult

import httpx

import serai
from serai.commerce.webhook.logic import Address
from serai.commerce.webhook.types import Outcome

ANSWER_BYTES = 4096
MAX_TRIED = 3
USER_AGENT = f"Serai-Webhooks/{serai.__version__}"


@cache
def _tls() -> ssl.SSLContext:
    return httpx.create_ssl_context()


async def send_message(
    parts: SplitResult,
    addresses: Sequence[Address],
    *,
    host: str,
    headers: dict[str, str],
    body: bytes,
    timeout_s: float,
) -> Outcome:
    """Post a message. Whatever goes wrong is an outcome, not an exception.

    Args:
        parts: the address; scheme, port and path count, its name only for the certificate.
        addresses: where to connect to, one after the other until one takes the connection.
        host: the Host header.
    """
    try:
        async with asyncio.timeout(timeout_s):
            for address in addresses[:MAX_TRIED]:
                try:
                    return await _post(parts, address, host, headers, body, timeout_s)
                except httpx.ConnectError as error:
                    reason = f"no connection to {address}: {_word(error)}"
            return Outcome(None, reason)
    except (TimeoutError, httpx.TimeoutException):
        return Outcome(None, f"no answer within {timeout_s:g} s")
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, ValueError) as error:
        return Outcome(None, f"the connection broke: {_word(error)}")


async def _post(
    parts: SplitResult, address: Address, host: str, headers: dict[str, str], body: bytes, timeout_s: float
) -> Outcome:
    literal = f"[{address}]" if address.version == 6 else str(address)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    path = parts.path or "/"
    url = f"{parts.scheme}://{literal}:{port}{path}" + (f"?{parts.query}" if parts.query else "")
    # A client of its own for each message: no connection, cookie or proxy is shared between endpoints.
    async with (
        httpx.AsyncClient(
            timeout=timeout_s,
            follow_redirects=False,
            trust_env=False,
            verify=_tls() if parts.scheme == "https" else False,
        ) as client,
        client.stream(
            "POST",
            url,
            content=body,
            headers={**headers, "host": host, "accept-encoding": "identity"},
            extensions={"sni_hostname": parts.hostname or ""},
        ) as response,
    ):
        answer = b""
        async for chunk in response.aiter_raw():
            answer += chunk
            if len(answer) >= ANSWER_BYTES:
                break
        return _judge(response, answer[:ANSWER_BYTES])


def _judge(response: httpx.Response, answer: bytes) -> Outcome:
    text = answer.decode("utf-8", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
    status, wait = response.status_code, response.headers.get("retry-after", "")
    if 200 <= status < 300:
        return Outcome(status, "", text)
    reason = "redirects are not followed" if 300 <= status < 400 else f"answered {status}"
    return Outcome(
        status, reason, text, int(wait) if wait.isascii() and wait.isdigit() and len(wait) < 8 else None
    )


def _word(error: Exception) -> str:
    return (str(error) or type(error).__name__).replace("\0", "")[:200]
