"""SQL of a merchant's own terms."""

from typing import Any

from serai.foundation.database import Transaction

TERMS = "shipping_minor, free_shipping_from_minor, returns_policy, version"


async def find_terms(tx: Transaction, *, lock: bool = False) -> Any:
    return await tx.fetchrow(
        f"SELECT {TERMS} FROM commerce.shop_terms WHERE merchant_id = $1" + (" FOR UPDATE" if lock else ""),
        tx.merchant_id,
    )


async def save_terms(
    tx: Transaction, shipping_minor: int, free_from_minor: int | None, policy: str, version: int, by: str
) -> bool:
    """Keep terms as the version after ``version``. False when somebody else was first."""
    done = await tx.execute(
        "INSERT INTO commerce.shop_terms AS t (merchant_id, shipping_minor, free_shipping_from_minor, returns_policy,"
        "   version, updated_by) VALUES ($1, $2, $3, $4, $5 + 1, $6)"
        " ON CONFLICT (merchant_id) DO UPDATE SET shipping_minor = excluded.shipping_minor,"
        "   free_shipping_from_minor = excluded.free_shipping_from_minor, returns_policy = excluded.returns_policy,"
        "   version = excluded.version, updated_by = excluded.updated_by, updated_at = now() WHERE t.version = $5",
        tx.merchant_id,
        shipping_minor,
        free_from_minor,
        policy,
        version,
        by,
    )
    return bool(done.endswith(" 1"))
