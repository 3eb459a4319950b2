"""PostgreSQL through asyncpg: pools, and transactions that know their merchant.

Every transaction of a merchant runs as the role ``serai_app`` with ``serai.merchant_id`` set, so row-level security
refuses rows of another merchant even where a statement forgets them. Only migrations, checks and the event pump use
the owner's role, through ``Database.owner``.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from contextvars import ContextVar
from functools import partial
from time import perf_counter
from typing import Any, Literal, Protocol
from uuid import UUID

import asyncpg
import msgspec

from serai.foundation.errors import Outside
from serai.foundation.ids import MerchantId
from serai.foundation.metric import Counter, Gauge, Histogram
from serai.foundation.shelf import K, Load, Shelf, V, Watch, keep
from serai.foundation.trace import span

APP_ROLE = "serai_app"
STATEMENT_TIMEOUT_MS = 15_000
ACQUIRE_TIMEOUT_S = 10
Mode = Literal["read", "write", "snapshot"]
BEGIN: dict[Mode, str] = {
    "write": "BEGIN",
    "read": "BEGIN READ ONLY",
    "snapshot": "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
}
Rows = list[asyncpg.Record]

COMMIT_SECONDS = Histogram(
    "serai_database_commit_seconds", "Time of COMMIT, with the log's fsync, by mode.", ("mode",)
)
ACQUIRE_SECONDS = Histogram("serai_database_acquire_seconds", "Time until a connection of the pool was free.")
CONNECTIONS = Gauge(
    "serai_database_connections", "Connections of the pools, by state (busy, idle).", ("state",)
)
WAITING = Gauge("serai_database_waiting", "Who waits for a connection of the pool just now.")
UNREACHABLE = Counter("serai_database_unreachable_total", "Times that no connection could be had.")


class Share(Protocol):
    """How much of a pool the running request may take."""

    def hold(self) -> AbstractAsyncContextManager[None]:
        """A place for one connection; TimeoutError when there is none in good time."""


# Set around a request by whoever divides the pool; without one, the pool alone decides.
SHARE: ContextVar[Share | None] = ContextVar("share", default=None)


class DatabaseUnreachable(Outside):
    """The database does not answer; the message tells what to look at."""

    def __init__(self, reason: str) -> None:
        super().__init__("database", reason, retryable=True)


class Transaction:
    """One open transaction. Functions that receive one never commit; ``merchant_id`` is the tenant it is bound to."""

    __slots__ = (
        *("connection", "merchant_id", "shelf"),
        *("execute", "fetch", "fetchrow", "fetchval", "executemany"),
    )

    def __init__(self, connection: Any, merchant_id: MerchantId) -> None:
        self.connection = connection
        self.merchant_id = merchant_id
        self.shelf: Shelf | None = None
        self.execute = connection.execute
        self.fetch = connection.fetch
        self.fetchrow = connection.fetchrow
        self.fetchval = connection.fetchval
        self.executemany = connection.executemany

    async def copy_rows(
        self, schema: str, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]
    ) -> None:
        """Send rows with COPY, the fastest way in. Row-level security forbids COPY, so stage in a temporary table."""
        await self.connection.copy_records_to_table(table, schema_name=schema, columns=columns, records=rows)

    async def keep(self, kind: str, keys: Sequence[K], load: Load[K, V]) -> dict[K, V]:
        """The values of some keys of slow-moving tables: out of memory in :meth:`Database.reading`, else read now.

        ``load`` gives (value, ids it is about) of those that exist. ``kind`` names what is kept; tables that it is read from
        tell of their changes (``foundation.tell_changes``).
        """
        return await keep(self.shelf, self.merchant_id, kind, keys, load)


class Reading(Transaction):
    """A transaction that only reads, and begins with its first statement: none is begun where memory has it all."""

    __slots__ = ("_database", "_opened")

    def __init__(self, database: "Database", merchant_id: MerchantId, shelf: Shelf) -> None:
        self._database = database
        self._opened: AbstractAsyncContextManager[Transaction] | None = None
        self.merchant_id = merchant_id
        self.shelf = shelf
        self.fetch = partial(self._ask, "fetch")
        self.fetchrow = partial(self._ask, "fetchrow")
        self.fetchval = partial(self._ask, "fetchval")

    async def _ask(self, method: str, sql: str, *args: Any) -> Any:
        if self._opened is None:
            opening = self._database.transaction(self.merchant_id, "read")
            self.connection = (await opening.__aenter__()).connection
            self._opened = opening
        return await getattr(self.connection, method)(sql, *args)

    async def end(self, error: BaseException | None) -> None:
        """Commit or roll back, where anything was asked."""
        if self._opened is not None:
            await self._opened.__aexit__(type(error) if error else None, error, None)


class Database:
    """A pool for one role. Open with :func:`open_database`, close with :meth:`close`."""

    def __init__(self, pool: asyncpg.Pool, url: str) -> None:
        self.pool = pool
        self.url = url
        self.watch: Watch | None = None
        self._waiting = 0
        self._forget = [
            CONNECTIONS.read_from(self._count_connections),
            WAITING.read_from(lambda: [((), self._waiting)]),
        ]

    def _count_connections(self) -> list[tuple[tuple[str, ...], float]]:
        size, idle = self.pool.get_size(), self.pool.get_idle_size()
        return [(("busy",), size - idle), (("idle",), idle)]

    @asynccontextmanager
    async def reading(self, merchant_id: MerchantId) -> AsyncIterator[Transaction]:
        """A transaction that reads, with what this process keeps of slow-moving tables, as of now or later.

        Processes without a watch read everything from the database.
        """
        if self.watch is None:
            async with self.transaction(merchant_id, "read") as tx:
                yield tx
            return
        try:
            await self.watch.catch_up()
        except DRIVER_ERRORS as error:
            raise DatabaseUnreachable(f"{type(error).__name__}: {error}") from error
        reading = Reading(self, merchant_id, self.watch.shelf)
        try:
            yield reading
        except BaseException as error:
            await reading.end(error)
            raise
        await reading.end(None)

    @asynccontextmanager
    async def transaction(self, merchant_id: MerchantId, mode: Mode = "write") -> AsyncIterator[Transaction]:
        """A transaction at READ COMMITTED, bound to one merchant; a ``snapshot`` reads all of it as of one moment.

        Commits when the block ends well, rolls back when it raises.
        """
        # BEGIN and the tenant travel in one round trip; the id is a UUID by type, so it may stand in the text.
        tenant = UUID(str(merchant_id))
        begin = BEGIN[mode]
        async with self._connection() as connection:
            try:
                with span("database transaction", mode=mode):
                    await connection.execute(f"{begin}; SET LOCAL serai.merchant_id = '{tenant}'")
                    yield Transaction(connection, merchant_id)
                    began = perf_counter()
                    await connection.execute("COMMIT")
                COMMIT_SECONDS.observe(perf_counter() - began, mode)
            except BaseException as error:
                if not await _roll_back(connection) and isinstance(error, DRIVER_ERRORS):
                    # The connection went away under the work; the lane tries again, an edge answers 503.
                    raise DatabaseUnreachable(f"{type(error).__name__}: {error}") from error
                raise

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        share = SHARE.get()
        if share is None:
            async with self._pooled() as connection:
                yield connection
            return
        async with AsyncExitStack() as held:
            try:
                await held.enter_async_context(share.hold())
            except TimeoutError as error:
                raise DatabaseUnreachable("every connection of this class is taken") from error
            yield await held.enter_async_context(self._pooled())

    @asynccontextmanager
    async def _pooled(self) -> AsyncIterator[Any]:
        began = perf_counter()
        self._waiting += 1
        try:
            connection = await self.pool.acquire(timeout=ACQUIRE_TIMEOUT_S)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
            UNREACHABLE.add()
            raise DatabaseUnreachable(f"{type(error).__name__}: {error}") from error
        finally:
            self._waiting -= 1
        ACQUIRE_SECONDS.observe(perf_counter() - began)
        try:
            yield connection
        finally:
            await self.pool.release(connection)

    async def fetch(self, sql: str, *args: Any) -> Rows:
        """One statement outside any tenant: registries, health, and the owner's checks."""
        return await self.pool.fetch(sql, *args)

    async def fetchval(self, sql: str, *args: Any) -> Any:
        return await self.pool.fetchval(sql, *args)

    async def fetchrow(self, sql: str, *args: Any) -> asyncpg.Record | None:
        return await self.pool.fetchrow(sql, *args)

    async def execute(self, sql: str, *args: Any) -> str:
        return await self.pool.execute(sql, *args)

    async def close(self) -> None:
        """Close the pool, waiting a few seconds for what is under way."""
        while self._forget:
            self._forget.pop()()
        try:
            await asyncio.wait_for(self.pool.close(), 10)
        except TimeoutError:
            self.pool.terminate()


DRIVER_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)


async def _roll_back(connection: Any) -> bool:
    """Leave no half transaction behind: roll back, or drop the connection when even that fails (False)."""
    try:
        if connection.is_closed():
            return False
        await asyncio.wait_for(connection.execute("ROLLBACK"), 5)
    except (*DRIVER_ERRORS, TimeoutError, asyncio.CancelledError):
        # A connection whose server died has left the pool already, and then refuses even to be ended.
        with suppress(asyncpg.InterfaceError):
            connection.terminate()
        return False
    return True


async def _keep_connection(connection: Any) -> None:
    """Nothing to reset between users: every setting is made with SET LOCAL, so it ended with its transaction."""


async def _prepare_connection(connection: Any) -> None:
    await connection.set_type_codec(
        "jsonb", encoder=_encode_jsonb, decoder=_decode_jsonb, schema="pg_catalog", format="binary"
    )


def _encode_jsonb(value: Any) -> bytes:
    return b"\x01" + msgspec.json.encode(value)


def _decode_jsonb(data: bytes) -> Any:
    return msgspec.json.decode(data[1:])


async def open_database(
    url: str, *, role: str | None = APP_ROLE, size: int = 10, statement_timeout_ms: int = STATEMENT_TIMEOUT_MS
) -> Database:
    """Open a pool of up to ``size`` connections that act as ``role`` (None: the owner of the address).

    Raises:
        DatabaseUnreachable: with the reason, when no connection can be made.
    """
    settings = {
        "application_name": "serai",
        "statement_timeout": str(statement_timeout_ms),
        "idle_in_transaction_session_timeout": "60000",
        "timezone": "UTC",
        "jit": "off",
    }
    if role:
        settings["role"] = role
    try:
        pool = await asyncpg.create_pool(
            url,
            min_size=1,
            max_size=size,
            init=_prepare_connection,
            reset=_keep_connection,
            server_settings=settings,
            command_timeout=60,
        )
    except (OSError, asyncpg.PostgresError, TimeoutError, ValueError) as error:
        raise DatabaseUnreachable(f"{type(error).__name__}: {error}") from error
    return Database(pool, url)
