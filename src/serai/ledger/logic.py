"""The decision of the lane, as a pure function: which groups of a batch pass, and what they change."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from serai.ledger.types import Account, Fault, Group, Outcome, Phase, Shortage, Transfer

PASSED = Outcome(True)
REPLAYED = Outcome(True, replayed=True)


class Row(msgspec.Struct):
    """An account as locked by the batch, with its sums running along."""

    account: Account
    sums: list[int]  # posted_dr, posted_cr, pending_dr, pending_cr
    touched: bool = False
    is_new: bool = False

    def available(self) -> int:
        posted_dr, posted_cr, pending_dr, pending_cr = self.sums
        if self.account.normal == "D":
            return posted_dr - posted_cr - pending_cr
        return posted_cr - posted_dr - pending_dr


class Reservation(msgspec.Struct, frozen=True):
    """A pending transfer that a batch wants to resolve. ``resolved`` tells that another group already did."""

    transfer_id: UUID
    debit_id: UUID
    credit_id: UUID
    unit_id: UUID
    amount: int
    expires_at: datetime | None
    resolved: bool


class Movement(msgspec.Struct, frozen=True):
    """A transfer row to be written. ``released`` is what a resolution takes back from the pending sums."""

    transfer: Transfer
    group: Group
    debit_id: UUID
    credit_id: UUID
    unit_id: UUID
    amount: int
    released: int = 0


class Decision(msgspec.Struct):
    """What a batch comes to: an outcome per group (in order), the rows to write, the accounts as they will stand."""

    outcomes: list[Outcome]
    passed: list[Group]
    movements: list[Movement]


def check_group(group: Group) -> None:
    """Refuse a group that is malformed. These are bugs of the caller, so ValueError."""
    if not group.transfers:
        raise ValueError("a group needs at least one transfer")
    seen = set()
    for transfer in group.transfers:
        if transfer.transfer_id in seen:
            raise ValueError(f"transfer {transfer.transfer_id} stands twice in group {group.group_id}")
        seen.add(transfer.transfer_id)
        if transfer.phase in (Phase.POSTED, Phase.PENDING):
            debit, credit = transfer.debit, transfer.credit
            if debit is None or credit is None or debit.account_id == credit.account_id:
                raise ValueError("a transfer needs two different accounts")
            if debit.unit_id != credit.unit_id:
                raise ValueError(f"{debit.kind} and {credit.kind} do not count the same unit")
            if not 0 < transfer.amount < 2**62:
                raise ValueError(f"amount {transfer.amount} is not a positive number of steps")
        elif transfer.pending_id is None or transfer.amount < 0:
            raise ValueError("a resolution needs its pending transfer")


def decide(
    rows: Mapping[UUID, Row],
    groups: Sequence[Group],
    existing: Mapping[UUID, UUID],
    reservations: Mapping[UUID, Reservation],
    now: datetime,
) -> Decision:
    """Decide a batch in arrival order; a refused group leaves no trace for those after it.

    Args:
        rows: every account that the groups touch, by id; sums are moved in place for groups that pass.
        existing: transfers of the batch that are in the ledger already, each with the group that it came with.
        reservations: the pendings that the batch wants to resolve, by id.
    """
    decision = Decision([], [], [])
    came_with = dict(existing)
    resolved = {r.transfer_id for r in reservations.values() if r.resolved}
    for group in groups:
        earlier = came_with.get(group.transfers[0].transfer_id)
        if earlier == group.group_id:
            decision.outcomes.append(REPLAYED)
            continue
        movements, faults = _resolve(group, reservations, resolved, now)
        if faults:
            decision.outcomes.append(Outcome(False, faults=tuple(faults)))
            continue
        shortages = _apply(rows, movements)
        if shortages:
            decision.outcomes.append(Outcome(False, shortages=shortages))
            continue
        decision.outcomes.append(PASSED)
        decision.passed.append(group)
        decision.movements += movements
        for movement in movements:
            came_with[movement.transfer.transfer_id] = group.group_id
            if movement.transfer.pending_id:
                resolved.add(movement.transfer.pending_id)
    return decision


def plan_movements(groups: Sequence[Group]) -> list[Movement]:
    """The transfer rows of groups that resolve nothing, should all of them pass."""
    return [movement for group in groups for movement in _resolve(group, {}, set(), datetime.max)[0]]


def _resolve(
    group: Group, reservations: Mapping[UUID, Reservation], resolved: set[UUID], now: datetime
) -> tuple[list[Movement], list[Fault]]:
    movements: list[Movement] = []
    faults: list[Fault] = []
    for transfer in group.transfers:
        if transfer.pending_id is None:
            debit, credit = transfer.debit, transfer.credit
            assert debit is not None
            assert credit is not None
            movements.append(
                Movement(transfer, group, debit.account_id, credit.account_id, debit.unit_id, transfer.amount)
            )
            continue
        reservation = reservations.get(transfer.pending_id)
        if reservation is None:
            faults.append(Fault(transfer.pending_id, "unknown"))
        elif transfer.pending_id in resolved:
            faults.append(Fault(transfer.pending_id, "resolved"))
        elif transfer.phase is Phase.POST and reservation.expires_at and reservation.expires_at <= now:
            faults.append(Fault(transfer.pending_id, "expired"))
        elif transfer.amount > reservation.amount:
            faults.append(Fault(transfer.pending_id, "amount"))
        else:
            movements.append(
                Movement(
                    transfer,
                    group,
                    reservation.debit_id,
                    reservation.credit_id,
                    reservation.unit_id,
                    transfer.amount or reservation.amount,
                    reservation.amount,
                )
            )
    return movements, faults


def _apply(rows: Mapping[UUID, Row], movements: list[Movement]) -> tuple[Shortage, ...]:
    """Move the sums for one group, or put all back and return every shortage.

    The floor is checked after the whole group: voiding a hold and taking its place in one group leaves no gap.
    """
    before: dict[UUID, list[int]] = {}
    for movement in movements:
        for account_id in (movement.debit_id, movement.credit_id):
            if account_id not in before:
                before[account_id] = rows[account_id].sums.copy()
        _move(rows[movement.debit_id].sums, rows[movement.credit_id].sums, movement)
    shortages = []
    for account_id, sums in before.items():
        row = rows[account_id]
        if row.account.no_negative and (left := row.available()) < 0:
            now_sums, row.sums = row.sums, sums
            available = row.available()
            row.sums = now_sums
            shortages.append(
                Shortage(
                    account_id,
                    row.account.kind,
                    row.account.subject_id,
                    row.account.place_id,
                    available - left,
                    available,
                )
            )
    for account_id, sums in before.items():
        if shortages:
            rows[account_id].sums = sums
        else:
            rows[account_id].touched = True
    return tuple(shortages)


def _move(debit: list[int], credit: list[int], movement: Movement) -> None:
    amount = movement.amount
    phase = movement.transfer.phase
    if phase is Phase.PENDING:
        debit[2] += amount
        credit[3] += amount
        return
    if movement.released:
        debit[2] -= movement.released
        credit[3] -= movement.released
    if phase is not Phase.VOID:
        debit[0] += amount
        credit[1] += amount
