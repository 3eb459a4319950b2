"""SQL of what commerce's own documents hold of a member."""

from typing import Any
from uuid import UUID

from serai.foundation.database import Transaction

# An order is its member's, or a guest's with an address that the member has proven to be theirs.
OWN = "merchant_id = $1 AND (member_id = $2 OR ($3::text <> '' AND email = $3))"


async def list_orders(tx: Transaction, member_id: UUID, proven_email: str) -> list[Any]:
    return await tx.fetch(
        f"SELECT order_id, number, state FROM commerce.sales_order WHERE {OWN} ORDER BY placed_at, order_id",
        tx.merchant_id,
        member_id,
        proven_email,
    )


async def blank_orders(tx: Transaction, order_ids: list[UUID], digests: list[bytes]) -> None:
    """Country, region and postal code stay: taxes were due there. The guest's link opens nothing any more."""
    await tx.execute(
        "UPDATE commerce.sales_order o SET email = '', name = '', phone = '', note = '', access_digest = s.digest,"
        "   address = CASE WHEN o.address IS NULL THEN NULL ELSE jsonb_build_object('country', o.address->'country',"
        "     'region', o.address->'region', 'postcode', o.address->'postcode') END"
        " FROM unnest($2::uuid[], $3::bytea[]) s (id, digest) WHERE o.merchant_id = $1 AND o.order_id = s.id",
        tx.merchant_id,
        order_ids,
        digests,
    )


async def list_checkouts(tx: Transaction, member_id: UUID, proven_email: str) -> list[Any]:
    """What a market holds of a buyer: its checkouts; their orders lie with the shops."""
    return await tx.fetch(
        "SELECT checkout_id, currency, total_minor, email, name, locale, begun_at, paid_at"
        f" FROM commerce.market_checkout WHERE {OWN} ORDER BY begun_at, checkout_id",
        tx.merchant_id,
        member_id,
        proven_email,
    )


async def blank_checkouts(tx: Transaction, member_id: UUID, proven_email: str) -> None:
    await tx.execute(
        f"UPDATE commerce.market_checkout SET email = '', name = '' WHERE {OWN}",
        tx.merchant_id,
        member_id,
        proven_email,
    )
