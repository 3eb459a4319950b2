"""Digests of all that a merchant has, to show that a refusal changed nothing."""

from uuid import UUID

from serai.foundation.database import Database

# Every table with a merchant's rows, partitions left out.
TENANT_TABLES = (
    "SELECT c.oid::regclass::text AS name FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
    " JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE a.attname = 'merchant_id' AND c.relkind IN ('r', 'p') AND NOT c.relispartition"
    " AND n.nspname !~ '^pg_' ORDER BY 1"
)


async def digest_rows(owner: Database, merchant_id: UUID) -> dict[str, str]:
    """A digest of the merchant's rows per table. Keys are left out: they note when they were last used."""
    names = [row["name"] for row in await owner.fetch(TENANT_TABLES) if row["name"] != "identity.api_key"]
    return {
        name: await owner.fetchval(
            f"SELECT md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM {name} t"
            " WHERE merchant_id = $1",
            merchant_id,
        )
        for name in names
    }
