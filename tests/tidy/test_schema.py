"""Every table belongs to a merchant, first of all in its keys, and the database keeps merchants apart."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
from tests.tidy.sql_rule import SYSTEMS
from tests.tidy.test_code import read_table
from tests.tidy.verdict import expect_none

_TABLES = """
SELECT format('%s.%s', n.nspname, c.relname) AS name,
       c.relrowsecurity AS has_security,
       c.relispartition AS is_partition,
       EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid) AS has_policy,
       EXISTS (SELECT FROM pg_attribute a
               WHERE a.attrelid = c.oid AND a.attname = 'merchant_id' AND NOT a.attisdropped) AS has_merchant,
       EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary) AS has_key,
       ARRAY(SELECT i.indexrelid::regclass::text
             FROM pg_index i
             LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
             WHERE i.indrelid = c.oid AND i.indisunique AND a.attname IS DISTINCT FROM 'merchant_id'
             ORDER BY 1) AS loose_keys
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname = ANY ($1)
ORDER BY 1
"""


async def list_loose_tables(connection: asyncpg.Connection, shared: dict[str, str]) -> list[str]:
    """Tables without a merchant, keys that do not lead with it, and tables without row-level security.

    ``shared`` names the tables and unique keys of the whole installation and why; an entry without its table or key
    is a breach too.
    """
    breaches = []
    present = set()
    for table in await connection.fetch(_TABLES, list(SYSTEMS)):
        name = table["name"]
        present.add(name)
        present.update(table["loose_keys"])
        if name in shared:
            continue
        if not table["has_merchant"]:
            breaches.append(f"{name}: no merchant_id, and not listed as shared by all merchants")
            continue
        if not table["has_key"]:
            breaches.append(f"{name}: no primary key")
        loose_keys = set(table["loose_keys"]) - set(shared)
        breaches.extend(f"{name}: {key} does not lead with merchant_id" for key in sorted(loose_keys))
        if not table["has_security"]:
            breaches.append(f"{name}: row-level security is off")
        elif not table["has_policy"] and not table["is_partition"]:
            breaches.append(f"{name}: row-level security without a policy")
    breaches.extend(f"{name}: listed as shared, but not there" for name in sorted(set(shared) - present))
    return breaches


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """The owner's connection inside a transaction that is never committed."""
    opened = await asyncpg.connect(database_url)
    transaction = opened.transaction()
    await transaction.start()
    yield opened
    await transaction.rollback()
    await opened.close()


async def test_every_table_belongs_to_a_merchant(connection: asyncpg.Connection) -> None:
    expect_none(await list_loose_tables(connection, read_table("shared_tables.tsv")))


@pytest.mark.parametrize(
    ("statements", "fault"),
    [
        ("CREATE TABLE ledger.planted (a int PRIMARY KEY)", "no merchant_id"),
        (
            "CREATE TABLE ledger.planted (a int, merchant_id uuid,PRIMARY KEY (a, merchant_id))",
            "does not lead",
        ),
        ("CREATE TABLE ledger.planted (merchant_id uuid PRIMARY KEY, a int UNIQUE)", "does not lead"),
        ("CREATE TABLE ledger.planted (merchant_id uuid PRIMARY KEY)", "security is off"),
        ("CREATE TABLE ledger.planted (merchant_id uuid)", "no primary key"),
        (
            "CREATE TABLE ledger.planted (merchant_id uuid PRIMARY KEY);"
            "ALTER TABLE ledger.planted ENABLE ROW LEVEL SECURITY",
            "without a policy",
        ),
    ],
)
async def test_a_loose_table_is_found(connection: asyncpg.Connection, statements: str, fault: str) -> None:
    await connection.execute(statements)
    found = await list_loose_tables(connection, {})
    assert any(line.startswith("ledger.planted: ") and fault in line for line in found), found


async def test_a_shared_table_needs_its_entry_and_the_entry_its_table(connection: asyncpg.Connection) -> None:
    await connection.execute("CREATE TABLE ledger.planted (a int PRIMARY KEY)")
    shared = read_table("shared_tables.tsv")
    assert await list_loose_tables(connection, shared | {"ledger.planted": "a test"}) == []
    assert await list_loose_tables(connection, shared) != []
    assert await list_loose_tables(connection, shared | {"ledger.planted": "", "ledger.gone": ""}) == [
        "ledger.gone: listed as shared, but not there"
    ]
