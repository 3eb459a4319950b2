"""The command ``serai retention``: what the merchants' policies would forget, or forgetting it now."""

from serai.commerce.retention.api import forget_old, load_policy, preview_policy
from serai.commerce.retention.types import Forgotten
from serai.foundation.database import open_database
from serai.foundation.ids import MerchantId
from serai.identity.merchant.api import list_merchants
from serai.main.fault import Fault

STATEMENT_TIMEOUT_MS = 120_000


async def forget_now(url: str, *, apply: bool) -> dict[str, Forgotten]:
    """By merchant, how many orders and members are due, and with ``apply`` were forgotten.

    Raises:
        Fault: there is no merchant yet.
    """
    db = await open_database(url, size=2, statement_timeout_ms=STATEMENT_TIMEOUT_MS)
    try:
        counts = {}
        for merchant in await list_merchants(db):
            merchant_id = MerchantId(merchant.merchant_id)
            if apply:
                counts[merchant.slug] = await forget_old(db, merchant_id)
                continue
            async with db.transaction(merchant_id, "read") as tx:
                counts[merchant.slug] = await preview_policy(tx, policy=await load_policy(tx))
        if not counts:
            raise Fault("There is no merchant yet.")
        return counts
    finally:
        await db.close()
