"""Settling one batch of groups: one transaction, in the order that keeps locks safe or in the one that keeps them short.

``settle_groups`` locks first and writes everything under the locks; it settles whatever it is given. ``settle_early``
writes documents and transfers before it locks, so that the next batch can write its own while this one moves the sums; it
settles only batches of which every group passes, and leaves no trace of any other.
"""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from serai.foundation import clock
from serai.foundation.database import Database, Transaction
from serai.foundation.event import append_facts
from serai.foundation.ids import MerchantId
from serai.ledger import store
from serai.ledger.logic import PASSED, Decision, Reservation, Row, decide, plan_movements
from serai.ledger.types import Account, Group, Outcome, Writer, is_early


async def settle_groups(
    database: Database, merchant_id: MerchantId, groups: Sequence[Group], *, opens_first: bool = False
) -> list[Outcome]:
    """Settle one batch in one transaction and return an outcome per group, in order.

    Accounts that do not exist yet are opened by the batch itself, with the sums they end up with. Should another lane
    open one of them in the same moment, the database refuses the batch; it is then settled with ``opens_first``: missing
    accounts in a transaction of their own, so that nothing waits for a foreign insert while holding locks.

    Raises:
        asyncpg.UniqueViolationError: another lane was faster; to be tried again with ``opens_first``.
    """
    accounts, pending_ids = _touched(groups)
    while True:
        async with database.transaction(merchant_id) as tx:
            if pending_ids:
                pendings = await store.list_reservations(tx, pending_ids)
                sides = {row[side] for row in pendings for side in ("debit_id", "credit_id")}
                rows = await store.lock_accounts(tx, list(sides.union(accounts)))
            else:
                pendings = []
                rows = await store.lock_sums(tx, accounts)
            missing = [account for account_id, account in accounts.items() if account_id not in rows]
            if not missing or not opens_first:
                _open_rows(rows, missing)
                decision = await _decide_locked(tx, groups, rows, pendings, pending_ids)
                if decision.passed:
                    touched = [row for row in rows.values() if row.touched]
                    await store.write_batch(tx, touched, decision.movements, clock.now())
                    await _write_documents(tx, decision.passed)
                return decision.outcomes
        async with database.transaction(merchant_id) as tx:
            await store.add_accounts(tx, missing)


class NotAllPassError(Exception):
    """A batch that was settled early holds a group that does not pass, or did not get its turn; all of it is undone."""


# A batch that waits longer for its turn lets go of what it has written. It may be part of a circle that the database
# cannot see: the batch before it waits for locks of another process, which waits for a row that this one has written.
TURN_LIMIT_S = 1.0


async def settle_early(
    database: Database, merchant_id: MerchantId, groups: Sequence[Group], turn: asyncio.Lock
) -> list[Outcome]:
    """Settle a batch of early groups: documents and transfers, as if all passed, then locks, judgement and sums.

    Args:
        turn: held from the locks to the commit, so that the batches of one lane do not queue inside the database.

    Raises:
        NotAllPassError: a group is refused, or the turn took too long to come; nothing was written.
        asyncpg.UniqueViolationError: a document, a transfer or an account exists already; nothing was written.
    """
    assert all(is_early(group) for group in groups)
    accounts, _pending_ids = _touched(groups)
    has_turn = False
    try:
        async with database.transaction(merchant_id) as tx:
            await _write_documents(tx, groups)
            await store.write_transfers(tx, plan_movements(groups), clock.now())
            has_turn = await _take(turn)
            rows = await store.lock_sums(tx, accounts)
            _open_rows(rows, [account for account_id, account in accounts.items() if account_id not in rows])
            decision = decide(rows, groups, {}, {}, clock.now())
            if len(decision.passed) < len(groups):
                raise NotAllPassError
            await store.write_sums(tx, list(rows.values()))
    finally:
        if has_turn:
            turn.release()
    return [PASSED] * len(groups)


async def _take(turn: asyncio.Lock) -> bool:
    try:
        async with asyncio.timeout(TURN_LIMIT_S):
            return await turn.acquire()
    except TimeoutError:
        raise NotAllPassError from None


def _touched(groups: Sequence[Group]) -> tuple[dict[UUID, Account], list[UUID]]:
    accounts: dict[UUID, Account] = {}
    pending_ids: list[UUID] = []
    for group in groups:
        for transfer in group.transfers:
            if transfer.pending_id is not None:
                pending_ids.append(transfer.pending_id)
                continue
            for account in (transfer.debit, transfer.credit):
                assert account is not None
                accounts[account.account_id] = account
    return accounts, pending_ids


def _open_rows(rows: dict[UUID, Row], missing: Sequence[Account]) -> None:
    for account in missing:
        rows[account.account_id] = Row(account, [0, 0, 0, 0], is_new=True)


async def _decide_locked(
    tx: Transaction,
    groups: Sequence[Group],
    rows: dict[UUID, Row],
    pendings: list[Any],
    pending_ids: list[UUID],
) -> Decision:
    transfer_ids = [transfer.transfer_id for group in groups for transfer in group.transfers]
    found = await store.list_existing(tx, transfer_ids, pending_ids)
    existing = {row["transfer_id"]: row["group_id"] for row in found}
    resolved = {row["pending_id"] for row in found if row["pending_id"]}
    reservations: dict[UUID, Reservation] = {
        row["transfer_id"]: store.reservation_of(row, resolved) for row in pendings
    }
    return decide(rows, groups, existing, reservations, clock.now())


async def _write_documents(tx: Transaction, groups: Sequence[Group]) -> None:
    by_writer: dict[Writer, list[Any]] = {}
    for group in groups:
        for write in group.writes:
            by_writer.setdefault(write.writer, []).append(write.row)
    for writer, batch_rows in by_writer.items():
        await writer(tx, batch_rows)
    await append_facts(tx, [fact for group in groups for fact in group.facts])
