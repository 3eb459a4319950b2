"""Record and list who changed what. Entries commit with the change itself and cannot be edited."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from serai.foundation.database import Transaction
from serai.foundation.ids import new_id
from serai.identity.audit import store
from serai.identity.audit.types import AuditEntry

__all__ = ["AuditEntry", "AuditRow", "list_entries", "record", "record_rows"]


class AuditRow(msgspec.Struct, frozen=True):
    """An entry to be written, for instance beside a group of the ledger's lane."""

    actor: str
    action: str
    subject_kind: str
    subject_id: str
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None


async def record_rows(tx: Transaction, rows: Sequence[AuditRow]) -> None:
    """Write entries in the running transaction; a writer for the lane's batches as well."""
    await store.insert_entries(
        tx,
        (
            [new_id() for _ in rows],
            [row.actor for row in rows],
            [row.action for row in rows],
            [row.subject_kind for row in rows],
            [row.subject_id for row in rows],
            [row.before for row in rows],
            [row.after for row in rows],
        ),
    )


async def record(
    tx: Transaction,
    *,
    actor: str,
    action: str,
    subject_kind: str,
    subject_id: object,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Write one entry. ``action`` is dotted and past tense, e.g. ``price.changed``."""
    await record_rows(tx, [AuditRow(actor, action, subject_kind, str(subject_id), before, after)])


async def list_entries(
    tx: Transaction,
    *,
    subject_id: str | None = None,
    actor: str | None = None,
    action: str | None = None,
    before: UUID | None = None,
    limit: int = 50,
) -> list[AuditEntry]:
    """Entries, the newest first; ``action`` matches by its beginning. Page on with the last entry's id."""
    rows = await store.list_entries(tx, subject_id, actor, action, before, min(limit, 200))
    return [AuditEntry(*row.values()) for row in rows]
