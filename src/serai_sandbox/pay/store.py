"""The sandbox's SQLite file: one connection, used only from the event loop's thread and never across an await,
so a transaction is a critical section. A lock on the directory keeps a second process out."""

import fcntl
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from serai_sandbox.pay.types import Delivery, Event, Payment, Refund

Row = TypeVar("Row", bound=msgspec.Struct)


class StoreUnavailable(Exception):
    """The data directory cannot be used; the message says why and what to do."""


class Store:
    """All statements of the sandbox. Methods without a transaction around them commit on their own."""

    def __init__(self, directory: Path) -> None:
        """Open or create the state under `directory`; raises StoreUnavailable when that cannot be done."""
        try:
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = (directory / "lock").open("w")
        except OSError as error:
            raise StoreUnavailable(f"cannot write to {directory}: {error.strerror or error}") from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._lock.close()
            raise StoreUnavailable(
                f"another payment sandbox already runs on {directory}; stop it first"
            ) from error
        path = directory / "sandbox.sqlite3"
        try:
            self._db = sqlite3.connect(path, isolation_level=None)
            self._db.row_factory = sqlite3.Row
            # WAL with NORMAL keeps every commit through a kill of the process; only a power cut may lose the last ones.
            self._db.executescript(
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;"
            )
            self._db.executescript(
                resources.files("serai_sandbox.pay").joinpath("schema.sql").read_text("utf-8")
            )
        except sqlite3.Error as error:
            self._lock.close()
            raise StoreUnavailable(f"cannot open {path}: {error}") from error

    def close(self) -> None:
        """Close the file and give up the lock."""
        self._db.close()
        self._lock.close()

    @contextmanager
    def transact(self) -> Iterator[None]:
        """Everything inside commits together or not at all. Not to be nested, no await inside."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def _insert(self, table: str, row: msgspec.Struct, omit: str = "") -> int:
        values = {name: value for name, value in msgspec.structs.asdict(row).items() if name != omit}
        marks = ", ".join(f":{name}" for name in values)
        cursor = self._db.execute(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})", values)
        return cursor.lastrowid or 0

    def _update(self, table: str, key: str, row: msgspec.Struct) -> None:
        values = msgspec.structs.asdict(row)
        changes = ", ".join(f"{name} = :{name}" for name in values if name != key)
        self._db.execute(f"UPDATE {table} SET {changes} WHERE {key} = :{key}", values)

    def _list(self, kind: type[Row], sql: str, *parameters: Any) -> list[Row]:
        rows = self._db.execute(sql, parameters).fetchall()
        return [msgspec.convert(dict(row), kind, strict=False) for row in rows]

    def _find(self, kind: type[Row], sql: str, *parameters: Any) -> Row | None:
        return next(iter(self._list(kind, sql, *parameters)), None)

    # Payments and refunds

    def insert_payment(self, payment: Payment) -> None:
        """Add a new payment."""
        self._insert("payment", payment)

    def update_payment(self, payment: Payment) -> None:
        """Write all columns of an existing payment; the table's checks refuse impossible sums."""
        self._update("payment", "payment_id", payment)

    def find_payment(self, payment_id: str) -> Payment | None:
        """Return the payment or None."""
        return self._find(Payment, "SELECT * FROM payment WHERE payment_id = ?", payment_id)

    def list_payments_of_reference(self, account: str, reference: str, limit: int) -> list[Payment]:
        """Return the payments of one merchant reference, newest first."""
        return self._list(
            Payment,
            "SELECT * FROM payment WHERE account = ? AND reference = ? ORDER BY created_ms DESC, rowid DESC LIMIT ?",
            account,
            reference,
            limit,
        )

    def list_overdue_payments(self, now_ms: int, limit: int) -> list[Payment]:
        """Return unpaid payments whose time is over."""
        return self._list(
            Payment,
            "SELECT * FROM payment WHERE status IN ('created', 'requires_action') AND expires_ms <= ?"
            " ORDER BY expires_ms LIMIT ?",
            now_ms,
            limit,
        )

    def insert_refund(self, refund: Refund) -> None:
        """Add a new refund."""
        self._insert("refund", refund)

    def update_refund(self, refund: Refund) -> None:
        """Write all columns of an existing refund."""
        self._update("refund", "refund_id", refund)

    def find_refund(self, refund_id: str) -> Refund | None:
        """Return the refund or None."""
        return self._find(Refund, "SELECT * FROM refund WHERE refund_id = ?", refund_id)

    def find_refund_by_reference(self, payment_id: str, reference: str) -> Refund | None:
        """Return the payment's refund with the merchant's reference, or None."""
        return self._find(
            Refund, "SELECT * FROM refund WHERE payment_id = ? AND reference = ?", payment_id, reference
        )

    def list_refunds(self, payment_id: str) -> list[Refund]:
        """Return all refunds of a payment, oldest first. Their number is limited when they are made."""
        return self._list(Refund, "SELECT * FROM refund WHERE payment_id = ? ORDER BY rowid", payment_id)

    def list_due_refunds(self, now_ms: int, limit: int) -> list[Refund]:
        """Return pending refunds whose time has come."""
        return self._list(
            Refund,
            "SELECT * FROM refund WHERE status = 'pending' AND due_ms <= ? ORDER BY due_ms LIMIT ?",
            now_ms,
            limit,
        )

    def insert_movement(
        self, payment: Payment, kind: str, amount_minor: int, at_ms: int, refund_id: str | None
    ) -> None:
        """Note a capture or a refund for the statement."""
        self._db.execute(
            "INSERT INTO movement (account, payment_id, refund_id, kind, amount_minor, at_ms)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (payment.account, payment.payment_id, refund_id, kind, amount_minor, at_ms),
        )

    def list_movements(
        self, account: str, from_ms: int, until_ms: int, after: int, limit: int
    ) -> list[dict[str, Any]]:
        """Return one page of statement rows: from_ms <= time < until_ms, position > after."""
        rows = self._db.execute(
            "SELECT m.position, m.kind, m.payment_id, p.reference, m.refund_id, r.reference AS refund_reference,"
            " m.amount_minor, p.currency, m.at_ms FROM movement m JOIN payment p USING (payment_id)"
            " LEFT JOIN refund r ON r.refund_id = m.refund_id"
            " WHERE m.account = ? AND m.at_ms >= ? AND m.at_ms < ? AND m.position > ? ORDER BY m.position LIMIT ?",
            (account, from_ms, until_ms, after, limit),
        )
        return [dict(row) for row in rows]

    def sum_movements(self, account: str, from_ms: int, until_ms: int) -> list[dict[str, Any]]:
        """Return the statement's totals, one row per currency."""
        rows = self._db.execute(
            "SELECT p.currency, count(*) AS line_count,"
            " sum(CASE m.kind WHEN 'capture' THEN m.amount_minor ELSE 0 END) AS captured_minor,"
            " sum(CASE m.kind WHEN 'refund' THEN m.amount_minor ELSE 0 END) AS refunded_minor"
            " FROM movement m JOIN payment p USING (payment_id)"
            " WHERE m.account = ? AND m.at_ms >= ? AND m.at_ms < ? GROUP BY p.currency ORDER BY p.currency",
            (account, from_ms, until_ms),
        )
        return [dict(row) for row in rows]

    # Events and their deliveries

    def insert_event(self, event: Event) -> None:
        """Append an event; its position is given by the table."""
        self._insert("event", event, omit="position")

    def list_events(self, account: str, after: int, limit: int) -> list[Event]:
        """Return the account's events with position > after, in order."""
        return self._list(
            Event,
            "SELECT * FROM event WHERE account = ? AND position > ? ORDER BY position LIMIT ?",
            account,
            after,
            limit,
        )

    def insert_delivery(self, delivery: Delivery) -> None:
        """Add a message to send; its id is given by the table."""
        self._insert("delivery", delivery, omit="delivery_id")

    def update_delivery(self, delivery: Delivery) -> None:
        """Write all columns of an existing delivery."""
        self._update("delivery", "delivery_id", delivery)

    def list_due_deliveries(self, now_ms: int, limit: int) -> list[Delivery]:
        """Return messages whose time has come, earliest first; held ones whose patience is over are among them."""
        return self._list(
            Delivery,
            "SELECT * FROM delivery WHERE state IN ('waiting', 'held') AND due_ms <= ?"
            " ORDER BY due_ms, sequence, delivery_id LIMIT ?",
            now_ms,
            limit,
        )

    def release_held_deliveries(self, payment_id: str, before_sequence: int, now_ms: int) -> None:
        """Let messages go that waited for a later event of their payment to be delivered first."""
        self._db.execute(
            "UPDATE delivery SET state = 'waiting', due_ms = ?"
            " WHERE payment_id = ? AND state = 'held' AND sequence < ?",
            (now_ms, payment_id, before_sequence),
        )

    def list_deliveries(self, account: str, payment_id: str, limit: int) -> list[Delivery]:
        """Return the payment's messages in the order they were made."""
        return self._list(
            Delivery,
            "SELECT * FROM delivery WHERE account = ? AND payment_id = ? ORDER BY delivery_id LIMIT ?",
            account,
            payment_id,
            limit,
        )

    def find_next_due_ms(self) -> int | None:
        """Return when the next message, refund or expiry is due, or None when nothing waits."""
        row = self._db.execute(
            "SELECT min(due_ms) FROM ("
            " SELECT min(due_ms) AS due_ms FROM delivery WHERE state IN ('waiting', 'held')"
            " UNION ALL SELECT min(due_ms) FROM refund WHERE status = 'pending'"
            " UNION ALL SELECT min(expires_ms) FROM payment WHERE status IN ('created', 'requires_action'))"
        ).fetchone()
        return row[0] if row else None

    # Faults and idempotency keys

    def insert_fault(self, fault: msgspec.Struct) -> None:
        """Add a fault."""
        self._insert("fault", fault)

    def list_faults(self, kind: type[Row], account: str, scopes: list[str] | None, limit: int) -> list[Row]:
        """Return the account's faults in the order they were asked for, of the named scopes or of all."""
        if scopes is None:
            return self._list(
                kind,
                "SELECT * FROM fault WHERE account = ? ORDER BY created_ms, rowid LIMIT ?",
                account,
                limit,
            )
        marks = ", ".join("?" for _ in scopes)
        return self._list(
            kind,
            f"SELECT * FROM fault WHERE account = ? AND scope IN ({marks}) ORDER BY created_ms, rowid LIMIT ?",
            account,
            *scopes,
            limit,
        )

    def count_down_fault(self, fault_id: str, remaining: int | None) -> None:
        """Note one use of a fault; the last use removes it. None means it has no count."""
        if remaining is not None and remaining <= 1:
            self._db.execute("DELETE FROM fault WHERE fault_id = ?", (fault_id,))
        elif remaining is not None:
            self._db.execute("UPDATE fault SET remaining = remaining - 1 WHERE fault_id = ?", (fault_id,))

    def delete_faults(self, account: str, fault_id: str | None) -> int:
        """Remove one fault of the account, or all; return how many went."""
        cursor = self._db.execute(
            "DELETE FROM fault WHERE account = ? AND (? IS NULL OR fault_id = ?)",
            (account, fault_id, fault_id),
        )
        return cursor.rowcount

    def find_idempotency(self, account: str, key: str) -> tuple[str, str] | None:
        """Return (fingerprint, resource_id) of the request first made with this key, or None."""
        row = self._db.execute(
            "SELECT fingerprint, resource_id FROM idempotency WHERE account = ? AND key = ?", (account, key)
        ).fetchone()
        return (row["fingerprint"], row["resource_id"]) if row else None

    def insert_idempotency(self, account: str, key: str, fingerprint: str, resource_id: str) -> None:
        """Remember what a key was used for."""
        self._db.execute(
            "INSERT INTO idempotency VALUES (?, ?, ?, ?)", (account, key, fingerprint, resource_id)
        )
