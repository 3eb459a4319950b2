"""The command ``serai reindex``: search indexes made afresh, merchant by merchant."""

from serai.commerce.search.api import rebuild_index
from serai.foundation.database import open_database
from serai.foundation.ids import MerchantId
from serai.identity.merchant.api import list_merchants
from serai.main.fault import Fault
from serai.main.screen import Report

STATEMENT_TIMEOUT_MS = 120_000


async def reindex_merchants(url: str, slug: str | None, progress: Report) -> dict[str, int]:
    """Rebuild the index of one merchant or of all. Returns the number of products by merchant.

    Raises:
        Fault: there is no such merchant.
    """
    db = await open_database(url, size=2, statement_timeout_ms=STATEMENT_TIMEOUT_MS)
    try:
        merchants = [m for m in await list_merchants(db) if slug in (None, m.slug)]
        if not merchants:
            raise Fault(f"There is no merchant {slug}." if slug else "There is no merchant yet.")
        counts = {}
        for merchant in merchants:
            title = f"Indexing the products of {merchant.name}"

            def report(done: int, total: int, title: str = title) -> None:
                progress(title, done, total)

            counts[merchant.slug] = await rebuild_index(db, MerchantId(merchant.merchant_id), report=report)
        return counts
    finally:
        await db.close()
