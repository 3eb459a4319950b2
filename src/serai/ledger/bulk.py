"""The bulk door: hundreds of thousands of opening balances as one group, by COPY and set operations.

The same rules hold as in the lane (one unit per transfer, floors by the database's CHECK, replay changes nothing); only
the decision is the database's: the whole load passes or none of it.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from serai.foundation.database import Transaction
from serai.ledger.types import Account

TIMEOUT_S = 300
COLUMNS = ("account_id", "kind", "unit_id", "normal", "no_negative", "subject_id", "place_id")
STAGE = (
    "CREATE TEMP TABLE bulk_account (account_id uuid, kind text, unit_id uuid, normal text, no_negative bool,"
    " subject_id uuid, place_id uuid) ON COMMIT DROP;"
    "CREATE TEMP TABLE bulk_transfer (transfer_id uuid, debit_id uuid, credit_id uuid, unit_id uuid, amount bigint,"
    " reason text, document_id uuid) ON COMMIT DROP"
)
# Accounts are written in key order, the one lock order of the ledger.
POST = (
    "WITH fresh AS ("
    "  INSERT INTO ledger.transfer (merchant_id, transfer_id, group_id, debit_id, credit_id, unit_id, amount, phase,"
    "    reason, document_id, recorded_at)"
    "  SELECT $1, transfer_id, $2, debit_id, credit_id, unit_id, amount, 1, reason, document_id, $3 FROM bulk_transfer"
    "  ON CONFLICT (merchant_id, transfer_id) DO NOTHING RETURNING debit_id, credit_id, amount),"
    " side AS (SELECT id, sum(dr)::bigint AS dr, sum(cr)::bigint AS cr FROM ("
    "   SELECT debit_id AS id, amount AS dr, 0 AS cr FROM fresh UNION ALL SELECT credit_id, 0, amount FROM fresh) s"
    "   GROUP BY id),"
    " opened AS (INSERT INTO ledger.account AS a (merchant_id, account_id, kind, unit_id, normal, no_negative,"
    "    subject_id, place_id, posted_dr, posted_cr)"
    '  SELECT $1, b.account_id, b.kind, b.unit_id, b.normal::"char", b.no_negative, b.subject_id, b.place_id,'
    "    coalesce(s.dr, 0), coalesce(s.cr, 0) FROM bulk_account b LEFT JOIN side s ON s.id = b.account_id"
    "  ORDER BY b.account_id"
    "  ON CONFLICT (merchant_id, account_id) DO UPDATE"
    "   SET posted_dr = a.posted_dr + excluded.posted_dr, posted_cr = a.posted_cr + excluded.posted_cr)"
    " SELECT count(*) FROM fresh"
)


class BulkTransfer(NamedTuple):
    """A posted transfer of a bulk load."""

    transfer_id: UUID
    debit_id: UUID
    credit_id: UUID
    unit_id: UUID
    amount: int
    reason: str
    document_id: UUID | None


async def load_bulk(
    tx: Transaction,
    *,
    group_id: UUID,
    accounts: Iterable[Account],
    transfers: Iterable[BulkTransfer],
    at: datetime,
) -> int:
    """Open the accounts that are missing and post all transfers. Returns how many transfers were new.

    ``accounts`` names every account that the transfers touch. Transfers that are in the ledger already are passed over,
    so a repeated load changes nothing.

    Raises:
        ValueError: a transfer names an account that was not given, or mixes units.
        asyncpg.CheckViolationError: an account would fall below its floor; nothing is moved.
    """
    await tx.execute(f"SET LOCAL statement_timeout = {TIMEOUT_S * 1000}; {STAGE}")
    await tx.connection.copy_records_to_table(
        "bulk_account", columns=COLUMNS, records=(tuple(getattr(a, c) for c in COLUMNS) for a in accounts)
    )
    await tx.connection.copy_records_to_table(
        "bulk_transfer", columns=BulkTransfer._fields, records=transfers
    )
    await tx.execute(
        "CREATE UNIQUE INDEX ON bulk_account (account_id); ANALYZE bulk_account; ANALYZE bulk_transfer"
    )
    stray = await tx.fetchval(
        "SELECT count(*) FROM bulk_transfer t LEFT JOIN bulk_account d ON d.account_id = t.debit_id"
        " LEFT JOIN bulk_account c ON c.account_id = t.credit_id"
        " WHERE d.unit_id IS DISTINCT FROM t.unit_id OR c.unit_id IS DISTINCT FROM t.unit_id",
        timeout=TIMEOUT_S,
    )
    if stray:
        raise ValueError(f"{stray} transfers name an account that was not given or that counts another unit")
    count = await tx.fetchval(POST, tx.merchant_id, group_id, at, timeout=TIMEOUT_S)
    await tx.execute("DROP TABLE bulk_account; DROP TABLE bulk_transfer")
    return int(count)
