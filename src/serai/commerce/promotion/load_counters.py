"""Balances of counters for a quote: quotas, budgets, coupons. What is judged for good is judged in the ledger's lane.

Where a process keeps slow-moving tables in memory, a counter with plenty left may be half a second old: a quote
does not depend on whether 90,000 or 89,990 are left, and an order that takes more than there is gets refused by the lane.
A counter that runs low is read every time.
"""

import time
from collections.abc import Mapping
from uuid import UUID

from serai.foundation.database import Transaction
from serai.ledger.api import load_balances
from serai.ledger.types import Balance

RECENT_S = 0.25
MOST_RECENT = 20_000
# From here on a counter has plenty: pieces or uses, and minor units of money.
PLENTY = 10_000
PLENTY_MINOR = 5_000_000

_recent: dict[tuple[UUID, UUID], tuple[float, Balance]] = {}


async def load_counters(tx: Transaction, plenty: Mapping[UUID, int]) -> dict[UUID, Balance]:
    """Balances by account id. ``plenty`` tells of each account how much is so much that a quote may take a recent one."""
    if tx.shelf is None:
        return await load_balances(tx, account_ids=list(plenty))
    now, found, missing = time.monotonic(), {}, []
    for account_id in plenty:
        recent = _recent.get((tx.merchant_id, account_id))
        if recent is not None and recent[0] > now:
            found[account_id] = recent[1]
            continue
        missing.append(account_id)
        if recent is not None and recent[0] > now - RECENT_S:
            # One quote reads it again; those beside it take what is known for as long.
            _recent[tx.merchant_id, account_id] = (now + RECENT_S, recent[1])
    if missing:
        if len(_recent) + len(missing) > MOST_RECENT:
            _recent.clear()
        for account_id, balance in (await load_balances(tx, account_ids=missing)).items():
            found[account_id] = balance
            if balance.available >= plenty[account_id]:
                _recent[tx.merchant_id, account_id] = (now + RECENT_S, balance)
            else:
                _recent.pop((tx.merchant_id, account_id), None)
    return found
