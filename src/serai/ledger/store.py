"""The ledger's SQL, one statement per function. Nothing else in the house writes accounts or transfers."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from serai.foundation.database import Transaction
from serai.ledger.logic import Movement, Reservation, Row
from serai.ledger.types import Account

# The parts of the statements that write a batch; %s stands for the next argument, $1 is the merchant.
MOVED = (
    "INSERT INTO ledger.transfer (merchant_id, recorded_at, transfer_id, group_id, debit_id, credit_id, unit_id, amount,"
    "  phase, pending_id, expires_at, reason, document_id)"
    " SELECT $1, %s, t.* FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::uuid[], %s::uuid[], %s::bigint[],"
    "  %s::smallint[], %s::uuid[], %s::timestamptz[], %s::text[], %s::uuid[]) t"
)
SUMMED = (
    "UPDATE ledger.account a SET posted_dr = s.pd, posted_cr = s.pc, pending_dr = s.qd, pending_cr = s.qc"
    " FROM unnest(%s::uuid[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[]) s (id, pd, pc, qd, qc)"
    " WHERE a.merchant_id = $1 AND a.account_id = s.id"
)
OPENED = (
    "INSERT INTO ledger.account (merchant_id, account_id, kind, unit_id, normal, no_negative, subject_id,"
    "  place_id, posted_dr, posted_cr, pending_dr, pending_cr)"
    ' SELECT $1, * FROM unnest(%s::uuid[], %s::text[], %s::uuid[], %s::text[]::"char"[], %s::bool[],'
    "  %s::uuid[], %s::uuid[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])"
)


def _number(statement: str) -> str:
    """Give every %s its number, from $2 on."""
    return statement % tuple(f"${n}" for n in range(2, 2 + statement.count("%s")))


WRITE_BATCH = _number(f"WITH moved AS ({MOVED}) {SUMMED}")
WRITE_OPENING_BATCH = _number(f"WITH moved AS ({MOVED}), opened AS ({OPENED}) {SUMMED}")
WRITE_TRANSFERS = _number(MOVED)
WRITE_SUMS = _number(SUMMED)
WRITE_OPENING_SUMS = _number(f"WITH opened AS ({OPENED}) {SUMMED}")
ACCOUNT_COLUMNS = "account_id, kind, unit_id, normal, no_negative, subject_id, place_id"


async def lock_accounts(tx: Transaction, account_ids: Sequence[UUID]) -> dict[UUID, Row]:
    """Lock existing accounts in key order (the one lock order of the ledger) and read them."""
    rows = await tx.fetch(
        f"SELECT {ACCOUNT_COLUMNS}, posted_dr, posted_cr, pending_dr, pending_cr FROM ledger.account"
        " WHERE merchant_id = $1 AND account_id = ANY($2) ORDER BY account_id FOR NO KEY UPDATE",
        tx.merchant_id,
        account_ids,
    )
    return {row[0]: Row(Account(*(*row[:3], _normal(row[3]), *row[4:7])), list(row[7:])) for row in rows}


async def lock_sums(tx: Transaction, accounts: Mapping[UUID, Account]) -> dict[UUID, Row]:
    """The same for accounts of which everything but their sums is known already."""
    rows = await tx.fetch(
        "SELECT account_id, posted_dr, posted_cr, pending_dr, pending_cr FROM ledger.account"
        " WHERE merchant_id = $1 AND account_id = ANY($2) ORDER BY account_id FOR NO KEY UPDATE",
        tx.merchant_id,
        list(accounts),
    )
    return {row[0]: Row(accounts[row[0]], list(row[1:])) for row in rows}


def _normal(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value


async def add_accounts(tx: Transaction, accounts: Iterable[Account]) -> None:
    """Open accounts that do not exist yet, in key order, with empty sums."""
    ordered = sorted(accounts, key=lambda a: a.account_id)
    await tx.execute(
        f"INSERT INTO ledger.account (merchant_id, {ACCOUNT_COLUMNS})"
        ' SELECT $1, * FROM unnest($2::uuid[], $3::text[], $4::uuid[], $5::text[]::"char"[], $6::bool[], $7::uuid[],'
        " $8::uuid[]) ON CONFLICT DO NOTHING",
        tx.merchant_id,
        *_columns(ordered),
    )


def _columns(accounts: Sequence[Account]) -> tuple[list[Any], ...]:
    return (
        [a.account_id for a in accounts],
        [a.kind for a in accounts],
        [a.unit_id for a in accounts],
        [a.normal for a in accounts],
        [a.no_negative for a in accounts],
        [a.subject_id for a in accounts],
        [a.place_id for a in accounts],
    )


async def list_reservations(tx: Transaction, pending_ids: Sequence[UUID]) -> list[Any]:
    """Pending transfers by id; rows never change, so they may be read before the locks."""
    return await tx.fetch(
        "SELECT transfer_id, debit_id, credit_id, unit_id, amount, expires_at FROM ledger.transfer"
        " WHERE merchant_id = $1 AND transfer_id = ANY($2) AND phase = 2",
        tx.merchant_id,
        pending_ids,
    )


async def list_existing(
    tx: Transaction, transfer_ids: Sequence[UUID], pending_ids: Sequence[UUID]
) -> list[Any]:
    """Which of the batch's transfers exist (with their group), and which reservations are resolved.

    To be read after the accounts are locked: its snapshot then includes every batch that held the locks before.
    """
    if not pending_ids:
        return await tx.fetch(
            "SELECT transfer_id, group_id, pending_id FROM ledger.transfer"
            " WHERE merchant_id = $1 AND transfer_id = ANY($2)",
            tx.merchant_id,
            transfer_ids,
        )
    return await tx.fetch(
        "SELECT transfer_id, group_id, pending_id FROM ledger.transfer WHERE merchant_id = $1 AND transfer_id = ANY($2)"
        " UNION ALL SELECT transfer_id, group_id, pending_id FROM ledger.transfer"
        " WHERE merchant_id = $1 AND pending_id = ANY($3)",
        tx.merchant_id,
        transfer_ids,
        pending_ids,
    )


async def write_batch(
    tx: Transaction, rows: Sequence[Row], movements: Sequence[Movement], at: datetime
) -> None:
    """Write a decided batch in one statement: the sums of every touched account, new ones included, and all transfers.

    The accounts are locked by this transaction, so the sums decided in memory are the sums to store. A new account that
    another transaction opened meanwhile breaks the statement (unique violation); the batch is then tried again.
    """
    opened, summed = _sums_of(rows)
    if opened:
        await tx.execute(WRITE_OPENING_BATCH, tx.merchant_id, at, *_moved(movements), *opened, *summed)
    else:
        await tx.execute(WRITE_BATCH, tx.merchant_id, at, *_moved(movements), *summed)


async def write_transfers(tx: Transaction, movements: Sequence[Movement], at: datetime) -> None:
    """The transfers of a batch alone. One that exists already breaks the statement (unique violation)."""
    await tx.execute(WRITE_TRANSFERS, tx.merchant_id, at, *_moved(movements))


async def write_sums(tx: Transaction, rows: Sequence[Row]) -> None:
    """The sums of locked accounts, new ones included; see :func:`write_batch`."""
    opened, summed = _sums_of(rows)
    if opened:
        await tx.execute(WRITE_OPENING_SUMS, tx.merchant_id, *opened, *summed)
    else:
        await tx.execute(WRITE_SUMS, tx.merchant_id, *summed)


def _moved(movements: Sequence[Movement]) -> list[list[Any]]:
    return [
        [m.transfer.transfer_id for m in movements],
        [m.group.group_id for m in movements],
        [m.debit_id for m in movements],
        [m.credit_id for m in movements],
        [m.unit_id for m in movements],
        [m.amount for m in movements],
        [int(m.transfer.phase) for m in movements],
        [m.transfer.pending_id for m in movements],
        [m.transfer.expires_at for m in movements],
        [m.transfer.reason for m in movements],
        [m.group.document_id for m in movements],
    ]


def _sums_of(rows: Sequence[Row]) -> tuple[list[list[Any]], list[list[Any]]]:
    """(columns of new accounts or nothing, columns of known ones), both in key order."""
    ordered = sorted(rows, key=lambda row: row.account.account_id)
    new = [row for row in ordered if row.is_new]
    known = [row for row in ordered if not row.is_new]
    summed: list[list[Any]] = [[r.account.account_id for r in known], *_sums(known)]
    if not new:
        return [], summed
    return [*_columns([row.account for row in new]), *_sums(new)], summed


def _sums(rows: Sequence[Row]) -> list[list[int]]:
    return [[row.sums[i] for row in rows] for i in range(4)]


def reservation_of(row: Any, resolved: set[UUID]) -> Reservation:
    """A reservation row with what the locked read found out about it."""
    return Reservation(*(*row.values(), row["transfer_id"] in resolved))


async def list_balances(tx: Transaction, account_ids: Sequence[UUID]) -> list[Any]:
    return await tx.fetch(
        "SELECT account_id, posted_dr, posted_cr, pending_dr, pending_cr, normal FROM ledger.account"
        " WHERE merchant_id = $1 AND account_id = ANY($2)",
        tx.merchant_id,
        account_ids,
    )


async def list_subject_balances(tx: Transaction, kind: str, subject_ids: Sequence[UUID]) -> list[Any]:
    return await tx.fetch(
        "SELECT subject_id, place_id, posted_dr, posted_cr, pending_dr, pending_cr, normal FROM ledger.account"
        " WHERE merchant_id = $1 AND subject_id = ANY($3) AND kind = $2",
        tx.merchant_id,
        kind,
        subject_ids,
    )


async def list_place_balances(
    tx: Transaction, kind: str, place_id: UUID, most_available: int | None, after: UUID | None, limit: int
) -> list[Any]:
    """Accounts of a kind at a place in order of their subjects; with a limit on what is available, only the low ones."""
    return await tx.fetch(
        "SELECT subject_id, place_id, posted_dr, posted_cr, pending_dr, pending_cr, normal FROM ledger.account"
        " WHERE merchant_id = $1 AND place_id = $3 AND kind = $2"
        " AND ($4::bigint IS NULL OR posted_dr - posted_cr - pending_cr <= $4)"
        " AND ($5::uuid IS NULL OR subject_id > $5) ORDER BY subject_id LIMIT $6",
        tx.merchant_id,
        kind,
        place_id,
        most_available,
        after,
        limit,
    )


async def list_entries(tx: Transaction, account_id: UUID, before: UUID | None, limit: int) -> list[Any]:
    """The newest transfers of an account before a transfer id, with the running balance of what has counted.

    Transfer ids are not all time-ordered (some derive from keys), so the order is by time, then id.
    """
    return await tx.fetch(
        "WITH entry AS ("
        "  SELECT t.*, CASE WHEN t.debit_id = $2 THEN 1 ELSE -1 END * CASE a.normal WHEN 'D' THEN 1 ELSE -1 END AS sign,"
        "    CASE WHEN t.debit_id = $2 THEN t.credit_id ELSE t.debit_id END AS other_id"
        "  FROM ledger.account a JOIN ledger.transfer t ON t.merchant_id = a.merchant_id"
        "   AND (t.debit_id = a.account_id OR t.credit_id = a.account_id)"
        "  WHERE a.merchant_id = $1 AND a.account_id = $2),"
        " running AS (SELECT *, (sum(CASE WHEN phase IN (1, 3) THEN sign * amount ELSE 0 END)"
        "   OVER (ORDER BY recorded_at, transfer_id))::bigint AS balance_after FROM entry)"
        " SELECT r.transfer_id, r.group_id, r.recorded_at, r.phase, (r.sign * r.amount)::bigint AS amount, r.reason,"
        "   r.document_id, o.kind AS other_kind, o.place_id AS other_place_id, r.balance_after"
        " FROM running r JOIN ledger.account o ON o.merchant_id = $1 AND o.account_id = r.other_id"
        " WHERE $3::uuid IS NULL OR (r.recorded_at, r.transfer_id) < ("
        "   SELECT b.recorded_at, b.transfer_id FROM entry b WHERE b.transfer_id = $3)"
        " ORDER BY r.recorded_at DESC, r.transfer_id DESC LIMIT $4",
        tx.merchant_id,
        account_id,
        before,
        limit,
    )


async def sum_by_reason(tx: Transaction, account_id: UUID) -> list[Any]:
    """Credits less debits of an account, posted ones only, by reason."""
    return await tx.fetch(
        "SELECT reason, sum(CASE WHEN credit_id = $2 THEN amount ELSE -amount END)::bigint AS amount"
        " FROM ledger.transfer WHERE merchant_id = $1 AND (credit_id = $2 OR debit_id = $2) AND phase IN (1, 3)"
        " GROUP BY reason",
        tx.merchant_id,
        account_id,
    )


async def list_document_transfers(tx: Transaction, document_id: UUID) -> list[Any]:
    return await tx.fetch(
        "SELECT t.transfer_id, t.group_id, t.recorded_at, t.phase, t.amount, t.reason, t.pending_id,"
        "   d.kind AS debit_kind, c.kind AS credit_kind, t.unit_id, coalesce(d.place_id, c.place_id) AS place_id, t.expires_at,"
        "   t.phase = 2 AND NOT EXISTS (SELECT FROM ledger.transfer x"
        "     WHERE x.merchant_id = $1 AND x.pending_id = t.transfer_id) AS is_open"
        " FROM ledger.transfer t"
        " JOIN ledger.account d ON d.merchant_id = $1 AND d.account_id = t.debit_id"
        " JOIN ledger.account c ON c.merchant_id = $1 AND c.account_id = t.credit_id"
        " WHERE t.merchant_id = $1 AND t.document_id = $2 ORDER BY t.recorded_at, t.transfer_id",
        tx.merchant_id,
        document_id,
    )


async def list_open_pendings(tx: Transaction, document_id: UUID) -> list[Any]:
    """Reservations of a document that nothing has resolved yet."""
    return await tx.fetch(
        "SELECT t.transfer_id, t.reason, t.amount, c.kind AS credit_kind, c.subject_id, c.place_id"
        " FROM ledger.transfer t JOIN ledger.account c ON c.merchant_id = $1 AND c.account_id = t.credit_id"
        " WHERE t.merchant_id = $1 AND t.document_id = $2 AND t.phase = 2 AND NOT EXISTS ("
        "   SELECT FROM ledger.transfer x WHERE x.merchant_id = $1 AND x.pending_id = t.transfer_id)"
        " ORDER BY t.transfer_id",
        tx.merchant_id,
        document_id,
    )
