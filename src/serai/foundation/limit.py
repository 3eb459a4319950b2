"""Limits on how often somebody may do something: token buckets in the database, shared by all processes.

Of an address or an e-mail address only a digest is stored.
"""

import hashlib
from datetime import timedelta

from serai.foundation import clock
from serai.foundation.database import Database, Transaction
from serai.foundation.errors import Limited, _


async def take_token(tx: Transaction, *, name: str, who: str, most: int, per_s: float) -> None:
    """Take one token out of somebody's bucket of a name; ``most`` fit in, all of them come back within ``per_s`` seconds.

    Raises:
        Limited: ``limit.reached`` with ``minutes`` and ``retry_after_s`` when the bucket is empty.
    """
    digest = hashlib.blake2b(who.strip().lower().encode(), digest_size=16).digest()
    left: float = await tx.fetchval(
        "INSERT INTO foundation.bucket AS b (merchant_id, name, who, tokens, filled_at) VALUES ($1, $2, $3, $4 - 1, $5)"
        " ON CONFLICT (merchant_id, name, who) DO UPDATE SET filled_at = greatest(b.filled_at, $5),"
        "   tokens = least($4, b.tokens + greatest(0, extract(epoch FROM $5 - b.filled_at)) * $4 / $6) - 1"
        " RETURNING tokens",
        tx.merchant_id,
        name,
        digest,
        float(most),
        clock.now(),
        float(per_s),
    )
    if left < 0:
        # The refusal undoes the taking, so asking on and on does not lengthen the wait.
        wait_s = int(-left * per_s / most) + 1
        minutes = wait_s // 60 + 1
        raise Limited(
            "limit.reached",
            _("That was too often. Please try again in %(minutes)s minutes."),
            minutes=minutes,
            retry_after_s=wait_s,
        )


async def delete_old_buckets(owner: Database, *, days: int = 2) -> None:
    """Forget buckets that have long been full again (owner's role)."""
    await owner.execute(
        "DELETE FROM foundation.bucket WHERE filled_at < $1", clock.now() - timedelta(days=days)
    )
