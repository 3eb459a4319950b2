"""Bodies that nobody reads: the sender gets its answer, and its connection still serves the next request."""

import http.client
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from tests.durability.running import RunningShop

PATHS = [
    ("/api/v1/carts", 413, 3_000_000),
    ("/nothing/here", 404, 3_000_000),
    ("/webhooks/stripe/none", 404, 300_000),
]


def chunks(size: int) -> Iterator[bytes]:
    for _ in range(size // 50_000):
        yield b"x" * 50_000


@pytest.mark.parametrize(("path", "status", "size"), PATHS)
@pytest.mark.parametrize("is_chunked", [False, True])
def test_an_unread_body_leaves_the_connection_usable(
    running: RunningShop, path: str, status: int, size: int, is_chunked: bool
) -> None:
    address = urlsplit(running.web.url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=20)
    headers = {"content-type": "application/json"}
    for _ in range(3):
        body = chunks(size) if is_chunked else b"x" * size
        connection.request("POST", path, body=body, headers=headers, encode_chunked=is_chunked)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == status
        assert answer.getheader("connection") is None
    socket = connection.sock
    connection.request("GET", "/healthz")
    assert connection.getresponse().read() == b"alive\n"
    assert connection.sock is socket
    connection.close()


def test_a_body_without_end_ends_the_connection(running: RunningShop) -> None:
    address = urlsplit(running.web.url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=20)
    connection.putrequest("POST", "/nothing/here")
    connection.putheader("content-length", str(10**12))
    connection.endheaders()
    connection.send(b"x" * 5_000_000)
    answer = connection.getresponse()
    assert (answer.status, answer.getheader("connection")) == (404, "close")
    connection.close()
