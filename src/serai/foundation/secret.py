"""Keys that an installation makes for itself; they lie in the database, and only the owner's role reads them."""

import secrets

from serai.foundation.database import Database


async def ensure_secret(owner: Database, name: str) -> str:
    """The secret of a name (64 hexadecimal digits), made when it is not there yet; the first one made stays."""
    await owner.execute(
        "INSERT INTO foundation.secret (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        name,
        secrets.token_hex(32),
    )
    value = await find_secret(owner, name)
    assert value is not None
    return value


async def find_secret(owner: Database, name: str) -> str | None:
    """What is kept under a name."""
    value: str | None = await owner.fetchval("SELECT value FROM foundation.secret WHERE name = $1", name)
    return value


async def save_secret(owner: Database, name: str, value: str) -> None:
    """Keep a value under a name, in place of an earlier one."""
    await owner.execute(
        "INSERT INTO foundation.secret (name, value) VALUES ($1, $2)"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        name,
        value,
    )
