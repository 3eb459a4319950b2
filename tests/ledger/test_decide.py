"""The lane's decision as a pure function, under random batches."""

from datetime import UTC, datetime
from uuid import UUID

import hypothesis.strategies as st
from hypothesis import given

from serai.ledger.logic import Decision, Reservation, Row, decide
from serai.ledger.types import Account, Group, Phase, Transfer, account, pending, post, posted, void

NOW = datetime(2026, 6, 1, tzinfo=UTC)
UNIT = UUID(int=1)
SHELVES = [account("goods", UNIT, no_negative=True, place_id=UUID(int=n)) for n in range(3)]
ACCOUNTS: list[Account] = [*SHELVES, account("supplier", UNIT), account("customer", UNIT)]
# Reservations from before the batch: of the first shelf, the second and third of them expired or resolved.
KNOWN = {
    UUID(int=900 + n): Reservation(
        UUID(int=900 + n),
        ACCOUNTS[4].account_id,
        SHELVES[0].account_id,
        UNIT,
        4,
        NOW if n == 1 else None,
        resolved=n == 2,
    )
    for n in range(3)
}


@st.composite
def batches(draw: st.DrawFn) -> list[Group]:
    """Groups of one to four transfers over few accounts, so that they get in each other's way."""
    groups, number = [], 1000
    for _ in range(draw(st.integers(1, 8))):
        transfers: dict[UUID, Transfer] = {}
        for _ in range(draw(st.integers(1, 4))):
            number += 1
            debit, credit = draw(st.permutations(ACCOUNTS))[:2]
            amount = draw(st.integers(1, 8))
            made = draw(
                st.sampled_from(
                    [
                        posted(UUID(int=number), debit, credit, amount, "x"),
                        pending(UUID(int=number), debit, credit, amount, "x"),
                        post(draw(st.sampled_from(list(KNOWN))), "x", draw(st.integers(0, 5))),
                        void(draw(st.sampled_from(list(KNOWN))), "x"),
                    ]
                )
            )
            transfers[made.transfer_id] = made
        groups.append(Group(UUID(int=5000 + number), tuple(transfers.values())))
    return groups


def fresh_rows() -> dict[UUID, Row]:
    """Ten on every shelf from the supplier; what the open reservations hold is pending."""
    rows = {each.account_id: Row(each, [0, 0, 0, 0]) for each in ACCOUNTS}
    for shelf in SHELVES:
        rows[shelf.account_id].sums[0] += 10
        rows[ACCOUNTS[3].account_id].sums[1] += 10
    for reservation in KNOWN.values():
        if not reservation.resolved:
            rows[reservation.debit_id].sums[2] += reservation.amount
            rows[reservation.credit_id].sums[3] += reservation.amount
    return rows


def run(
    groups: list[Group], existing: dict[UUID, UUID] | None = None
) -> tuple[Decision, dict[UUID, list[int]]]:
    rows = fresh_rows()
    decision = decide(rows, groups, existing or {}, KNOWN, NOW)
    return decision, {key: row.sums for key, row in rows.items()}


@given(batches())
def test_every_unit_sums_to_zero_and_no_floor_is_broken_after_any_batch(groups: list[Group]):
    decision, sums = run(groups)
    assert len(decision.outcomes) == len(groups)
    assert sum(s[0] - s[1] for s in sums.values()) == 0
    assert sum(s[2] - s[3] for s in sums.values()) == 0
    for each in SHELVES:
        posted_dr, posted_cr, _pending_dr, pending_cr = sums[each.account_id]
        assert posted_dr - posted_cr - pending_cr >= 0
    assert all(value >= 0 for s in sums.values() for value in s)


@given(batches())
def test_refused_groups_leave_no_trace_for_those_after_them(groups: list[Group]):
    decision, sums = run(groups)
    passed = [g for g, outcome in zip(groups, decision.outcomes, strict=True) if outcome.passed]
    alone, sums_alone = run(passed)
    assert all(outcome.passed for outcome in alone.outcomes)
    assert sums_alone == sums
    assert [m.transfer for m in alone.movements] == [m.transfer for m in decision.movements]


@given(batches())
def test_a_batch_decides_as_its_groups_one_after_another_would(groups: list[Group]):
    whole, sums = run(groups)
    rows, existing, known = fresh_rows(), {}, dict(KNOWN)
    for group, outcome in zip(groups, whole.outcomes, strict=True):
        one = decide(rows, [group], existing, known, NOW)
        assert one.outcomes == [outcome]
        for movement in one.movements:
            existing[movement.transfer.transfer_id] = group.group_id
            ended = movement.transfer.pending_id
            if ended is not None:
                old = known[ended]
                known[ended] = Reservation(
                    old.transfer_id,
                    old.debit_id,
                    old.credit_id,
                    old.unit_id,
                    old.amount,
                    old.expires_at,
                    resolved=True,
                )
    assert {key: row.sums for key, row in rows.items()} == sums


@given(batches())
def test_a_group_passes_with_all_of_its_transfers_or_with_none(groups: list[Group]):
    decision, _sums = run(groups)
    moved = {movement.transfer.transfer_id for movement in decision.movements}
    for group, outcome in zip(groups, decision.outcomes, strict=True):
        own = [transfer for transfer in group.transfers if transfer.phase in (Phase.POSTED, Phase.PENDING)]
        assert all((transfer.transfer_id in moved) == outcome.passed for transfer in own)
        if not outcome.passed:
            assert outcome.shortages or outcome.faults, "a refusal says why"


@given(batches())
def test_a_group_sent_again_is_answered_and_moves_nothing(groups: list[Group]):
    first, sums = run(groups)
    decision, sums_twice = run([*groups, *first.passed])
    assert decision.outcomes[: len(groups)] == first.outcomes
    assert all(outcome.replayed for outcome in decision.outcomes[len(groups) :])
    assert sums_twice == sums
    existing = {m.transfer.transfer_id: m.group.group_id for m in first.movements}
    later, _sums = run(first.passed, existing)
    assert all(outcome.replayed for outcome in later.outcomes)
    assert later.movements == []


@given(batches())
def test_who_comes_first_is_served_first(groups: list[Group]):
    """The first group of a batch is decided as if it were alone, whatever follows."""
    whole, _sums = run(groups)
    alone, _sums_alone = run(groups[:1])
    assert whole.outcomes[0] == alone.outcomes[0]
