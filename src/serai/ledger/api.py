"""What other systems may ask of the ledger: balances, histories, and the bulk door for opening balances."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from serai.foundation.database import Transaction
from serai.ledger import bulk, store
from serai.ledger.lane import Lane, LaneSettings
from serai.ledger.types import EMPTY, Account, Balance, Entry, Phase

__all__ = ["Lane", "LaneSettings", "BulkTransfer", "DocumentTransfer", "OpenPending", "load_balances"]

BulkTransfer = bulk.BulkTransfer


class DocumentTransfer(msgspec.Struct, frozen=True):
    """A transfer as a document's page shows it."""

    transfer_id: UUID
    group_id: UUID
    recorded_at: datetime
    phase: Phase
    amount: int
    reason: str
    pending_id: UUID | None
    debit_kind: str
    credit_kind: str
    unit_id: UUID
    place_id: UUID | None
    expires_at: datetime | None
    is_open: bool


class OpenPending(msgspec.Struct, frozen=True):
    """A reservation that waits to be posted or voided; ``subject_id`` and ``place_id`` are those of its credit side."""

    transfer_id: UUID
    reason: str
    amount: int
    credit_kind: str
    subject_id: UUID | None
    place_id: UUID | None


async def load_balances(tx: Transaction, *, account_ids: Sequence[UUID]) -> dict[UUID, Balance]:
    """Balances by account id; an account that was never used has an empty one."""
    found = {row[0]: _balance(row[1:]) for row in await store.list_balances(tx, account_ids)}
    return {account_id: found.get(account_id, EMPTY) for account_id in account_ids}


async def list_subject_balances(
    tx: Transaction, *, kind: str, subject_ids: Sequence[UUID]
) -> list[tuple[UUID, UUID | None, Balance]]:
    """Balances of all accounts of a kind for some subjects: (subject, place, balance)."""
    return [
        (row[0], row[1], _balance(row[2:]))
        for row in await store.list_subject_balances(tx, kind, subject_ids)
    ]


async def list_place_balances(
    tx: Transaction,
    *,
    kind: str,
    place_id: UUID,
    most_available: int | None = None,
    after: UUID | None = None,
    limit: int = 50,
) -> list[tuple[UUID, Balance]]:
    """(subject, balance) of a debit-normal kind at a place, by subject; only those with at most so much available."""
    rows = await store.list_place_balances(tx, kind, place_id, most_available, after, limit)
    return [(row[0], _balance(row[2:])) for row in rows]


def _balance(values: Sequence[object]) -> Balance:
    posted_dr, posted_cr, pending_dr, pending_cr, normal = values
    side = normal.decode() if isinstance(normal, bytes) else str(normal)
    return Balance(int(str(posted_dr)), int(str(posted_cr)), int(str(pending_dr)), int(str(pending_cr)), side)


async def list_entries(
    tx: Transaction, *, account_id: UUID, before: UUID | None = None, limit: int = 50
) -> list[Entry]:
    """The newest transfers of one account, each with the running balance; page on with the last one's id."""
    rows = await store.list_entries(tx, account_id, before, limit)
    return [Entry(*(*row[:3], Phase(row["phase"]), *row[4:])) for row in rows]


async def sum_by_reason(tx: Transaction, *, account_id: UUID) -> dict[str, int]:
    """What ever counted on a credit-normal account, by the reason it was booked for: what came less what went."""
    return {row["reason"]: row["amount"] for row in await store.sum_by_reason(tx, account_id)}


async def list_document_transfers(tx: Transaction, *, document_id: UUID) -> list[DocumentTransfer]:
    """Everything that was moved for one document, in order of time."""
    rows = await store.list_document_transfers(tx, document_id)
    return [DocumentTransfer(*(*row[:3], Phase(row["phase"]), *row[4:])) for row in rows]


async def list_open_pendings(tx: Transaction, *, document_id: UUID) -> list[OpenPending]:
    """The reservations of a document that are still open."""
    return [OpenPending(*row.values()) for row in await store.list_open_pendings(tx, document_id)]


async def load_bulk(
    tx: Transaction,
    *,
    group_id: UUID,
    accounts: Iterable[Account],
    transfers: Iterable[BulkTransfer],
    at: datetime,
) -> int:
    """The bulk door: many posted transfers as one all-or-nothing group, see :func:`serai.ledger.bulk.load_bulk`."""
    return await bulk.load_bulk(tx, group_id=group_id, accounts=accounts, transfers=transfers, at=at)
