"""The rivals of the lane: one transaction per order, with row locks, in the two forms that a good shop would choose from.

``lane of one``   the lane's own transaction with a single group in it
``documents first``   order, lines, reply and event are written before any lock is taken, then the accounts are locked in
                  key order, judged and moved, and the transaction commits: what others wait for is held shortest

Both run the house's own statements over sixteen connections. Whichever settles more orders is the rival.
"""

import asyncpg

from serai.foundation import clock
from serai.foundation.database import Database
from serai.foundation.event import append_facts
from serai.foundation.ids import MerchantId, derive_id
from serai.ledger import store
from serai.ledger.logic import PASSED, decide
from serai.ledger.settle_groups import settle_groups
from serai.ledger.types import Account, Group, Outcome, account, posted

CONNECTIONS = 16
BUDGET = 10**12


class _RefusedError(Exception):
    """Rolls a classical transaction back."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(str(outcome))
        self.outcome = outcome


async def settle_as_lane_of_one(database: Database, merchant_id: MerchantId, group: Group) -> Outcome:
    """The lane's transaction, for one group."""
    try:
        return (await settle_groups(database, merchant_id, [group]))[0]
    except asyncpg.UniqueViolationError:
        # Another connection opened the same account in the same moment; as the lane does, try again from the start.
        return (await settle_groups(database, merchant_id, [group], opens_first=True))[0]


async def settle_documents_first(database: Database, merchant_id: MerchantId, group: Group) -> Outcome:
    """The classical transaction: documents, then locks, then commit. A repeat breaks on the transfers' primary key."""
    accounts = {a.account_id: a for t in group.transfers for a in (t.debit, t.credit) if a is not None}
    try:
        async with database.transaction(merchant_id) as tx:
            for write in group.writes:
                await write.writer(tx, [write.row])
            await append_facts(tx, group.facts)
            rows = await store.lock_accounts(tx, list(accounts))
            missing = [a for a in accounts.values() if a.account_id not in rows]
            if missing:
                # Accounts of this order alone: nobody else can be waiting for them.
                await store.add_accounts(tx, missing)
                rows |= await store.lock_accounts(tx, [a.account_id for a in missing])
            decision = decide(rows, [group], {}, {}, clock.now())
            if decision.outcomes[0] != PASSED:
                raise _RefusedError(decision.outcomes[0])
            await store.write_batch(tx, list(rows.values()), decision.movements, clock.now())
    except _RefusedError as refused:
        return refused.outcome
    return PASSED


def budget_accounts(merchant_id: MerchantId) -> tuple[Account, Account, Account]:
    """(budget, what was taken, where it came from): a counter of its own unit, as a coupon's budget would be."""
    unit = derive_id("bench budget", merchant_id)
    return (
        account("bench_budget", unit, no_negative=True),
        account("bench_taken", unit),
        account("bench_funds", unit),
    )


async def fund_budget(database: Database, merchant_id: MerchantId) -> None:
    """Fill the budget once, with more than all orders of a run will take."""
    budget, _taken, funds = budget_accounts(merchant_id)
    transfer = posted(derive_id("bench funding", merchant_id), budget, funds, BUDGET, "budget")
    await settle_groups(database, merchant_id, [Group(derive_id("bench fund", merchant_id), (transfer,))])
