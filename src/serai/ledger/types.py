"""The ledger's words: accounts, transfers, groups, and what the lane answers."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from enum import IntEnum
from functools import lru_cache
from typing import Any, Literal
from uuid import UUID

import msgspec

from serai.foundation.database import Transaction
from serai.foundation.event import Fact
from serai.foundation.ids import derive_id


class Phase(IntEnum):
    """How a transfer counts: at once, reserved, or as the resolution of an earlier pending one."""

    POSTED = 1
    PENDING = 2
    POST = 3
    VOID = 4


class Account(msgspec.Struct, frozen=True, eq=False):
    """Which account: its id follows from kind, unit and keys, so nobody looks ids up.

    Attributes:
        unit_id: what is counted: a SKU's id, a currency (see :func:`currency_unit`) or a counter's own id.
        normal: the side on which the balance grows: ``D`` goods, cash, coupons; ``C`` points, gift cards, income.
        no_negative: whether what is available may never fall below zero.
    """

    account_id: UUID
    kind: str
    unit_id: UUID
    normal: Literal["D", "C"] = "D"
    no_negative: bool = False
    subject_id: UUID | None = None
    place_id: UUID | None = None


@lru_cache(maxsize=50_000)
def account(
    kind: str,
    unit_id: UUID,
    *,
    normal: Literal["D", "C"] = "D",
    no_negative: bool = False,
    subject_id: UUID | None = None,
    place_id: UUID | None = None,
) -> Account:
    """The account of a kind for a subject at a place; the same arguments always name the same account."""
    account_id = derive_id("account", kind, unit_id, subject_id, place_id)
    return Account(account_id, kind, unit_id, normal, no_negative, subject_id, place_id)


@lru_cache(maxsize=500)
def currency_unit(currency: str) -> UUID:
    """The unit of money amounts in a currency's minor unit."""
    return derive_id("currency", currency)


class Transfer(msgspec.Struct, frozen=True, eq=False):
    """Amount enters ``debit`` and leaves ``credit``, both in one unit.

    Build with :func:`posted`, :func:`pending`, :func:`post` or :func:`void`. ``amount`` of a POST may be lower than that
    of its pending (the rest is released) and 0 stands for all of it.
    """

    transfer_id: UUID
    phase: Phase
    amount: int
    reason: str
    debit: Account | None = None
    credit: Account | None = None
    pending_id: UUID | None = None
    expires_at: datetime | None = None


def posted(transfer_id: UUID, debit: Account, credit: Account, amount: int, reason: str) -> Transfer:
    """A transfer that counts at once."""
    return Transfer(transfer_id, Phase.POSTED, amount, reason, debit, credit)


def pending(
    transfer_id: UUID,
    debit: Account,
    credit: Account,
    amount: int,
    reason: str,
    expires_at: datetime | None = None,
) -> Transfer:
    """A reservation: it takes from what is available on the credit side, and gives nothing yet."""
    return Transfer(transfer_id, Phase.PENDING, amount, reason, debit, credit, None, expires_at)


def post(pending_id: UUID, reason: str, amount: int = 0) -> Transfer:
    """Let a pending transfer count, whole (0) or in part; its id follows from the pending's, so a repeat is known."""
    return Transfer(derive_id("resolve", pending_id), Phase.POST, amount, reason, pending_id=pending_id)


def void(pending_id: UUID, reason: str) -> Transfer:
    """Release a pending transfer."""
    return Transfer(derive_id("resolve", pending_id), Phase.VOID, 0, reason, pending_id=pending_id)


Writer = Callable[[Transaction, list[Any]], Awaitable[None]]


class Write(msgspec.Struct, frozen=True, eq=False):
    """A row that must commit with its group. The lane calls each writer once per batch with all its rows.

    Attributes:
        early: that it may be written before the ledger's accounts are locked. Only for a writer whose row locks no other
            group waits for while it holds accounts: it inserts rows under keys of its own document, or changes a row that
            groups of the same id alone change.
    """

    writer: Writer
    row: Any
    early: bool = False


class Group(msgspec.Struct, frozen=True, eq=False):
    """Transfers, documents and facts that happen together or not at all.

    A group is known by its ``group_id``: sent again after it passed, it changes nothing and is answered as replayed.
    """

    group_id: UUID
    transfers: tuple[Transfer, ...]
    writes: tuple[Write, ...] = ()
    facts: tuple[Fact, ...] = ()
    document_id: UUID | None = None


def is_early(group: Group) -> bool:
    """Whether a group's documents may be written before the accounts are locked: it resolves nothing, and they are early."""
    return all(write.early for write in group.writes) and all(
        transfer.pending_id is None for transfer in group.transfers
    )


class Shortage(msgspec.Struct, frozen=True):
    """An account that cannot give what the group asks of it."""

    account_id: UUID
    kind: str
    subject_id: UUID | None
    place_id: UUID | None
    wanted: int
    available: int


class Fault(msgspec.Struct, frozen=True):
    """A reservation that cannot be resolved: ``unknown``, ``resolved`` (by another group), ``expired`` or ``amount``."""

    pending_id: UUID
    why: Literal["unknown", "resolved", "expired", "amount"]


class Outcome(msgspec.Struct, frozen=True):
    """The lane's answer for one group: passed (maybe long ago), or refused with every reason and nothing moved."""

    passed: bool
    replayed: bool = False
    shortages: tuple[Shortage, ...] = ()
    faults: tuple[Fault, ...] = ()


class Balance(msgspec.Struct, frozen=True):
    """The four sums of an account, in its unit."""

    posted_dr: int
    posted_cr: int
    pending_dr: int
    pending_cr: int
    normal: str = "D"

    @property
    def posted(self) -> int:
        """What has counted: on hand for goods, the balance for money."""
        net = self.posted_dr - self.posted_cr
        return net if self.normal == "D" else -net

    @property
    def reserved(self) -> int:
        """What reservations take from it."""
        return self.pending_cr if self.normal == "D" else self.pending_dr

    @property
    def available(self) -> int:
        """What may still be taken. Incoming reservations never count."""
        return self.posted - self.reserved


EMPTY = Balance(0, 0, 0, 0)


class Entry(msgspec.Struct, frozen=True):
    """One transfer seen from one account: ``amount`` is signed, positive when it entered on the normal side.

    ``balance_after`` is what had counted on the account after it (posted only).
    """

    transfer_id: UUID
    group_id: UUID
    recorded_at: datetime
    phase: Phase
    amount: int
    reason: str
    document_id: UUID | None
    other_kind: str
    other_place_id: UUID | None
    balance_after: int
