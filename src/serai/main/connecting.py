"""Reaching the database before anything else does: create it when it is ours, explain what is wrong when it is not."""

from typing import Any

import asyncpg

from serai.main.fault import Fault
from serai.main.installation import DATABASE_NAME
from serai.main.settings import hide_password

CONNECT_TIMEOUT_S = 6
VERSION_LOWEST = 15
CHECK_ADDRESS = "Check SERAI_DATABASE_URL: postgresql://USER:PASSWORD@HOST:PORT/DATABASE"


async def ensure_database(server_url: str, database: str = DATABASE_NAME) -> None:
    """Create the database in our own cluster when it is not there yet. ``server_url`` names the database postgres."""
    connection = await connect_database(server_url)
    try:
        if not await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", database):
            create = f"CREATE DATABASE \"{database}\" TEMPLATE template0 ENCODING 'UTF8'"  # sql: our own name
            await connection.execute(create)
    finally:
        await connection.close()


async def require_database(url: str) -> None:
    """Make sure that the database answers and is new enough. Fault says what was tried and what to look at."""
    connection = await connect_database(url)
    try:
        version = connection.get_server_version()
        if version.major < VERSION_LOWEST:
            raise Fault(
                f"The database at {hide_password(url)} is PostgreSQL {version.major}.{version.minor}.",
                f"Serai needs {VERSION_LOWEST} or newer.",
            )
    finally:
        await connection.close()


async def connect_database(url: str) -> Any:
    """One plain connection. Fault, with the password hidden, when there is none to be had."""
    tried = hide_password(url)
    try:
        return await asyncpg.connect(url, timeout=CONNECT_TIMEOUT_S)
    except (asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError) as error:
        raise Fault(
            f"The database at {tried} refused the user: {error}.",
            "Check user and password in SERAI_DATABASE_URL, and the server's pg_hba.conf.",
        ) from error
    except asyncpg.InvalidCatalogNameError as error:
        raise Fault(
            f"There is no such database: {error} (tried {tried}).",
            "Create it first: createdb --encoding UTF8 NAME",
        ) from error
    except asyncpg.ClientConfigurationError as error:
        raise Fault(
            f"SERAI_DATABASE_URL cannot be read as an address: {tried} ({error}).", CHECK_ADDRESS
        ) from error
    except ValueError:
        # The driver's words would quote a piece of the password, so neither they nor the error itself go on from here.
        raise Fault(
            f"SERAI_DATABASE_URL cannot be read as an address: {tried}.",
            CHECK_ADDRESS,
            "In a password, write / as %2F, @ as %40, # as %23, ? as %3F and % as %25.",
        ) from None
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise Fault(f"The database at {tried} refuses connections: {error}.") from error
    except (TimeoutError, OSError) as error:
        reason = str(error) or f"no answer within {CONNECT_TIMEOUT_S} s"
        raise Fault(
            f"The database at {tried} cannot be reached: {reason}.",
            "Check that the server runs and listens there (pg_isready -h HOST -p PORT),",
            CHECK_ADDRESS + ",",
            "or unset SERAI_DATABASE_URL to use the embedded PostgreSQL.",
        ) from error
