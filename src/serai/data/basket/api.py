"""Load and count baskets of the past."""

from collections.abc import Iterable
from typing import Any

from serai.foundation.database import Transaction

COLUMNS = (
    "sold_at",
    "basket_id",
    "line",
    "member_id",
    "place_id",
    "sku_id",
    "quantity",
    "sales_minor",
    "retail_discount_minor",
    "coupon_discount_minor",
    "coupon_match_discount_minor",
)
TIMEOUT_S = 300
STAGE = "CREATE TEMP TABLE basket_stage (LIKE data.basket_line) ON COMMIT DROP"
MOVE = "INSERT INTO data.basket_line SELECT * FROM basket_stage ON CONFLICT DO NOTHING"


async def load_baskets(tx: Transaction, *, rows: Iterable[tuple[Any, ...]]) -> int:
    """Add lines of baskets (tuples in the order of ``COLUMNS``); lines that are there stay. Returns how many were new."""
    await tx.execute(f"SET LOCAL statement_timeout = {TIMEOUT_S * 1000}")  # sql: our own constant
    await tx.execute(STAGE)
    merchant_id = tx.merchant_id
    await tx.connection.copy_records_to_table(
        "basket_stage",
        columns=("merchant_id", *COLUMNS),
        records=((merchant_id, *row) for row in rows),
        timeout=TIMEOUT_S,
    )
    done: str = await tx.execute(MOVE, timeout=TIMEOUT_S)
    return int(done.split()[-1])


async def count_lines(tx: Transaction) -> int:
    """How many lines are kept."""
    count: int = await tx.fetchval(
        "SELECT count(*) FROM data.basket_line WHERE merchant_id = $1", tx.merchant_id
    )
    return count
