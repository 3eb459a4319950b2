"""Real PostgreSQL for every test: one server and one database per test worker, one merchant of its own per test.

Tenancy does the isolation: a test never sees another test's rows, so nothing is truncated between them and the whole
database is checked against the invariants when the worker ends.
"""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from litestar import Litestar
from tests.shop import Shop, open_shop

from serai.commerce.settings import CommerceSettings
from serai.commerce.types import Commerce, PaymentRequest, ProviderEvent, ProviderPayment
from serai.foundation.database import Database, open_database
from serai.foundation.embedded import prepare_cluster, start_server, stop_server
from serai.foundation.errors import Outside
from serai.foundation.ids import MerchantId, new_id
from serai.foundation.invariant import check_invariants
from serai.foundation.migration import apply_migrations
from serai.ledger.api import Lane
from serai.main.check import list_invariants
from serai.main.settings import load_settings
from serai.main.systems import SYSTEMS
from serai.main.web import make_app


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """Address of a PostgreSQL server: SERAI_TEST_DATABASE_URL, or an embedded one of this test worker."""
    given = os.environ.get("SERAI_TEST_DATABASE_URL")
    if given:
        yield given
        return
    # Not below pytest's own folder: that is closed to others whenever another run starts, and under root the server
    # runs as another user.
    folder = Path(tempfile.mkdtemp(prefix="serai-test-"))
    folder.chmod(0o711)
    cluster = prepare_cluster(folder / "data")
    # A test database may be lost with the machine; what is tested with kill -9 sets its own.
    process = start_server(cluster, fsync="off", full_page_writes="off", shared_buffers="128MB")
    yield cluster.url()
    stop_server(process)
    shutil.rmtree(folder, ignore_errors=True)


async def make_database(server_url: str, name: str) -> str:
    """Create an empty database on the server and return its address."""
    connection = await asyncpg.connect(server_url)
    try:
        await connection.execute(f'CREATE DATABASE "{name}"')
    finally:
        await connection.close()
    parts = urlsplit(server_url)
    return urlunsplit(parts._replace(path=f"/{name}"))


@pytest.fixture(scope="session")
def database_url(server_url: str) -> str:
    """A migrated database of this test worker, owner role."""

    async def prepare() -> str:
        url = await make_database(server_url, f"serai_test_{uuid4().hex[:12]}")
        await apply_migrations(url, SYSTEMS)
        return url

    return asyncio.run(prepare())


@pytest.fixture(scope="session")
async def db(database_url: str) -> AsyncIterator[Database]:
    """Pool of the application's role."""
    database = await open_database(database_url, size=16)
    yield database
    await database.close()


@pytest.fixture(scope="session")
async def owner(database_url: str) -> AsyncIterator[Database]:
    """Pool of the owner's role, past row-level security."""
    database = await open_database(database_url, role=None, size=3)
    yield database
    await database.close()


@pytest.fixture
async def lane(db: Database) -> AsyncIterator[Lane]:
    running = Lane(db)
    running.start()
    yield running
    await running.stop()


@pytest.fixture
def merchant_id() -> MerchantId:
    """A merchant that no other test knows."""
    return MerchantId(new_id())


class FakeProvider:
    """A payment provider in memory for tests that are about something else; the real protocol has its own tests."""

    name = "sandbox"
    can_hold = True

    def __init__(self) -> None:
        self.captures: dict[UUID, int] = {}
        self.capture_answer: Literal["done", "pending", "failed"] = "done"
        self.voided: list[str] = []
        self.payments: dict[UUID, PaymentRequest] = {}
        self.events: dict[UUID, ProviderEvent] = {}
        self.refunds: dict[UUID, int] = {}
        self.down = False
        self.refund_answer: Literal["done", "pending", "failed"] = "done"

    def _check(self) -> None:
        if self.down:
            raise Outside(self.name, "down on demand")

    async def create_payment(self, merchant_id: UUID, request: PaymentRequest) -> ProviderPayment:
        self._check()
        self.payments[request.intent_id] = request
        return ProviderPayment(f"p-{request.intent_id}", f"http://pay.localhost/{request.intent_id}")

    async def load_payment(
        self, merchant_id: UUID, intent_id: UUID, provider_payment_id: str | None = None
    ) -> ProviderPayment | None:
        self._check()
        event = self.events.get(intent_id)
        return ProviderPayment(f"p-{intent_id}", None, (event,) if event else ())

    async def void_payment(self, merchant_id: UUID, provider_payment_id: str) -> None:
        self._check()
        self.voided.append(provider_payment_id)

    async def capture_payment(
        self, merchant_id: UUID, provider_payment_id: str, capture_id: UUID, amount_minor: int
    ) -> Literal["done", "pending", "failed"]:
        self._check()
        if self.capture_answer == "done":
            self.captures[capture_id] = amount_minor
        return self.capture_answer

    async def refund(
        self, merchant_id: UUID, provider_payment_id: str, refund_id: UUID, amount_minor: int
    ) -> Literal["done", "pending", "failed"]:
        self._check()
        self.refunds[refund_id] = amount_minor
        return self.refund_answer

    async def read_webhook(self, merchant_id: UUID, headers: Any, body: bytes) -> ProviderEvent:
        raise NotImplementedError("the real adapter is tested for this")

    def tell(
        self, intent_id: UUID, kind: Any, amount_minor: int | None = None, *, event_id: str = "", **more: Any
    ) -> ProviderEvent:
        """What the provider says about a payment that it was asked for; the total so far, all of it by default."""
        request = self.payments[intent_id]
        amount = request.amount_minor if amount_minor is None else amount_minor
        name = event_id or f"{kind}-{amount}"
        return ProviderEvent(
            self.name,
            f"{name}-{intent_id}",
            kind,
            intent_id,
            f"p-{intent_id}",
            amount,
            request.amount_minor,
            request.currency,
            {},
            **more,
        )

    def capture(
        self, intent_id: UUID, *, event_id: str = "evt-1", amount_minor: int | None = None
    ) -> ProviderEvent:
        """The shopper has paid: the event that the provider will tell."""
        request = self.payments[intent_id]
        amount = request.amount_minor if amount_minor is None else amount_minor
        event = ProviderEvent(
            self.name,
            f"{event_id}-{intent_id}",
            "captured",
            intent_id,
            f"p-{intent_id}",
            amount,
            amount,
            request.currency,
            {},
        )
        self.events[intent_id] = event
        return event


@pytest.fixture
def provider() -> FakeProvider:
    return FakeProvider()


@pytest.fixture
def commerce(db: Database, lane: Lane, provider: FakeProvider) -> Commerce:
    return Commerce(db, lane, {"sandbox": provider}, CommerceSettings(), b"test secret of guests' links")


@pytest.fixture
async def shop(owner: Database, commerce: Commerce, merchant_id: MerchantId) -> Shop:
    """A shop of this test alone."""
    return await open_shop(owner, commerce, merchant_id, f"shop-{merchant_id.hex[-12:]}")


@asynccontextmanager
async def hold_lifespan(app: Litestar) -> AsyncIterator[None]:
    """Run an application's lifespan in a task of its own: it has to end in the task in which it began, and a
    fixture's two halves run in two."""
    over = asyncio.Event()
    ready = asyncio.get_running_loop().create_future()

    async def hold() -> None:
        try:
            async with app.lifespan():
                ready.set_result(None)
                await over.wait()
        except BaseException as error:
            if ready.done():
                raise
            ready.set_exception(error)

    task = asyncio.create_task(hold())
    await ready
    try:
        yield
    finally:
        over.set()
        await task


@pytest.fixture(scope="session")
async def application(database_url: str) -> AsyncIterator[Any]:
    """The whole web application on this worker's database."""
    settings = load_settings({"SERAI_DATABASE_URL": database_url})
    front = make_app(database_url, "0" * 64, settings)
    async with hold_lifespan(front.app):
        yield front


@pytest.fixture
async def transport(application: Any, shop: Shop) -> httpx.ASGITransport:
    """A way to call the application in this process; it knows the test's shop by its host name."""
    await application.app.state.platform.merchants.refresh()
    return httpx.ASGITransport(application)


@pytest.fixture
async def assert_clean(owner: Database) -> Callable[[], Awaitable[None]]:
    """Check every invariant of the house over the whole database."""

    async def check() -> None:
        broken = [v for v in await check_invariants(owner, list_invariants()) if not v.holds]
        assert not broken, [(v.invariant.name, v.offending[:2]) for v in broken]

    return check
