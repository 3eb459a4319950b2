"""SQL of imports."""

from serai.foundation.database import Transaction


async def try_lock(tx: Transaction) -> bool:
    """Be the merchant's only import until the transaction ends; False when another one is under way."""
    locked: bool = await tx.fetchval(
        "SELECT pg_try_advisory_xact_lock(hashtextextended('import ' || $1::uuid::text, 0))", tx.merchant_id
    )
    return locked
