"""One sandbox process and one webhook receiver per test worker, one merchant per test."""

from collections.abc import Iterator

import pytest
from tests.sandbox.provider import Merchant, Provider, Receiver


@pytest.fixture(scope="session")
def receiver() -> Iterator[Receiver]:
    running = Receiver()
    yield running
    running.close()


@pytest.fixture(scope="session")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    running = Provider(
        tmp_path_factory.mktemp("provider"), "--webhook-backoff-ms", "40", "--webhook-attempts", "4"
    )
    running.start()
    yield running
    assert running.stop() == 0, running.log
    assert "Traceback" not in running.log, running.log


@pytest.fixture
def merchant(provider: Provider, receiver: Receiver) -> Iterator[Merchant]:
    made = Merchant(provider, receiver)
    yield made
    made.client.close()


@pytest.fixture
def rival(provider: Provider, receiver: Receiver) -> Iterator[Merchant]:
    """A second merchant on the same sandbox."""
    made = Merchant(provider, receiver)
    yield made
    made.client.close()
