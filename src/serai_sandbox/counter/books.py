"""The books of the simulated providers: trades, refunds and ordered faults. Amounts are in the provider's own units."""

import secrets
import sqlite3
import time
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct


class Refund(Struct):
    """One refund. ``status``: succeeded, pending or failed."""

    refund_id: str
    reference: str
    amount: int
    status: str
    will_end: str = "succeeded"
    at_s: float = 0


class Trade(Struct):
    """One payment at one provider. ``status``: open, paid, closed or failed."""

    trade_id: str
    provider: str
    account: str
    reference: str
    amount: int
    currency: str
    description: str
    return_url: str
    notify_url: str
    created_s: float
    expires_s: float
    status: str = "open"
    paid_amount: int = 0
    paid_s: float = 0
    refunds: list[Refund] = []
    extra: dict[str, Any] = {}

    @property
    def refunded(self) -> int:
        """What has been given back, or is on its way."""
        return sum(refund.amount for refund in self.refunds if refund.status != "failed")

    def find_refund(self, reference: str) -> Refund | None:
        return next((refund for refund in self.refunds if refund.reference == reference), None)


class Fault(Struct, forbid_unknown_fields=True):
    """One kind of misbehaviour, ordered for a provider, maybe for one reference. ``count`` null: until removed."""

    provider: str
    name: str
    on: str
    count: int | None = 1
    reference: str = ""
    delay_ms: int = 0
    delta: int = 0
    times: int = 2
    how: str = ""


class Books:
    """Everything of one process, written through to one file so that a restart goes on with it."""

    def __init__(self, folder: Path | None) -> None:
        self.trades: dict[str, Trade] = {}
        self.faults: list[Fault] = []
        self.replies: dict[str, tuple[str, int, bytes]] = {}
        self._db = sqlite3.connect(folder / "payments.sqlite" if folder else ":memory:")
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("CREATE TABLE IF NOT EXISTS trade (trade_id TEXT PRIMARY KEY, body BLOB NOT NULL)")
        for (body,) in self._db.execute("SELECT body FROM trade"):
            trade = msgspec.json.decode(body, type=Trade)
            self.trades[trade.trade_id] = trade

    def close(self) -> None:
        self._db.close()

    def keep(self, trade: Trade) -> Trade:
        """Write a trade down."""
        self.trades[trade.trade_id] = trade
        self._db.execute(
            "INSERT OR REPLACE INTO trade VALUES (?, ?)", (trade.trade_id, msgspec.json.encode(trade))
        )
        self._db.commit()
        return trade

    def find(self, provider: str, account: str, reference: str) -> Trade | None:
        """A merchant's trade by the merchant's own number, the newest of them."""
        found = [
            trade
            for trade in self.trades.values()
            if (trade.provider, trade.account, trade.reference) == (provider, account, reference)
        ]
        return found[-1] if found else None

    def close_old(self, trade: Trade) -> None:
        """An unpaid trade past its time is closed when somebody looks."""
        if trade.status == "open" and time.time() > trade.expires_s:
            trade.status = "closed"
            self.keep(trade)

    def take(self, provider: str, reference: str, on: str, *names: str) -> Fault | None:
        """Use up and return a fault that strikes here; one for this reference first."""
        fits = [
            fault
            for fault in self.faults
            if fault.provider == provider
            and fault.on == on
            and fault.name in names
            and fault.reference in ("", reference)
        ]
        fits.sort(key=lambda fault: fault.reference == "")
        if not fits:
            return None
        fault = fits[0]
        if fault.count is not None:
            fault.count -= 1
            if fault.count <= 0:
                self.faults.remove(fault)
        return fault


def make_token(prefix: str = "", size: int = 12) -> str:
    """A fresh id."""
    return prefix + secrets.token_hex(size)
