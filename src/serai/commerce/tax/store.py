"""SQL of taxes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from serai.commerce.tax.types import OrderTax
from serai.foundation.database import Transaction

RATE = "rate_id, country, region, tax_class, name, rate_ppm, included, valid_from, reason, created_by, created_at"
TAX = "line_no, rate_id, country, region, tax_class, name, rate_ppm, included, base_minor, tax_minor"


async def list_live_rates(tx: Transaction, at: datetime) -> list[Any]:
    """The newest rate of every country, region and class at a moment; ended ones too."""
    return await tx.fetch(
        f"SELECT DISTINCT ON (country, region, tax_class) {RATE} FROM commerce.tax_rate"
        " WHERE merchant_id = $1 AND valid_from <= $2 ORDER BY country, region, tax_class, valid_from DESC",
        tx.merchant_id,
        at,
    )


async def list_rates(tx: Transaction, limit: int | None) -> list[Any]:
    """Every rate there ever was, by place and class, the newest first (all of them without a limit)."""
    return await tx.fetch(
        f"SELECT {RATE} FROM commerce.tax_rate WHERE merchant_id = $1"
        " ORDER BY country, region, tax_class, valid_from DESC LIMIT $2",
        tx.merchant_id,
        limit,
    )


async def insert_rate(tx: Transaction, values: tuple[Any, ...]) -> Any:
    """None when there is one from that very moment already."""
    return await tx.fetchval(
        f"INSERT INTO commerce.tax_rate (merchant_id, {RATE})"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
        " ON CONFLICT ON CONSTRAINT tax_rate_once DO NOTHING RETURNING rate_id",
        tx.merchant_id,
        *values,
    )


async def find_profile(tx: Transaction) -> Any:
    return await tx.fetchrow(
        "SELECT country, region, shipping_taxed FROM commerce.tax_profile WHERE merchant_id = $1",
        tx.merchant_id,
    )


async def save_profile(
    tx: Transaction, country: str, region: str, shipping_taxed: bool, by: str, at: datetime
) -> None:
    await tx.execute(
        "INSERT INTO commerce.tax_profile (merchant_id, country, region, shipping_taxed, changed_by, changed_at)"
        " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (merchant_id) DO UPDATE SET country = EXCLUDED.country,"
        "   region = EXCLUDED.region, shipping_taxed = EXCLUDED.shipping_taxed, changed_by = EXCLUDED.changed_by,"
        "   changed_at = EXCLUDED.changed_at",
        tx.merchant_id,
        country,
        region,
        shipping_taxed,
        by,
        at,
    )


async def list_classes(tx: Transaction) -> list[Any]:
    return await tx.fetch(
        "SELECT category_id, tax_class FROM commerce.category_tax_class WHERE merchant_id = $1",
        tx.merchant_id,
    )


async def save_class(tx: Transaction, category_id: UUID, tax_class: str) -> None:
    await tx.execute(
        "INSERT INTO commerce.category_tax_class (merchant_id, category_id, tax_class) VALUES ($1, $2, $3)"
        " ON CONFLICT (merchant_id, category_id) DO UPDATE SET tax_class = EXCLUDED.tax_class",
        tx.merchant_id,
        category_id,
        tax_class,
    )


async def delete_class(tx: Transaction, category_id: UUID) -> None:
    await tx.execute(
        "DELETE FROM commerce.category_tax_class WHERE merchant_id = $1 AND category_id = $2",
        tx.merchant_id,
        category_id,
    )


async def insert_order_taxes(tx: Transaction, rows: Sequence[tuple[UUID, OrderTax]]) -> None:
    await tx.execute(
        f"INSERT INTO commerce.order_tax (merchant_id, order_id, {TAX})"
        " SELECT $1, * FROM unnest($2::uuid[], $3::smallint[], $4::uuid[], $5::text[], $6::text[], $7::text[],"
        "   $8::text[], $9::int[], $10::bool[], $11::bigint[], $12::bigint[])",
        tx.merchant_id,
        [order_id for order_id, _tax in rows],
        *([getattr(tax, name) for _order_id, tax in rows] for name in OrderTax.__struct_fields__),
    )


async def list_order_taxes(tx: Transaction, order_id: UUID) -> list[Any]:
    return await tx.fetch(
        f"SELECT {TAX} FROM commerce.order_tax WHERE merchant_id = $1 AND order_id = $2"
        " ORDER BY line_no = 0, line_no",
        tx.merchant_id,
        order_id,
    )
