"""A market and its members stay apart: no transaction writes for two of them; and the equations over both are seen to break."""

from collections.abc import Awaitable, Callable

import pytest
from tests.market.conftest import Market
from tests.market.test_cross_shop import cancel, order_over_both
from tests.market.test_payout import pay
from tests.market.test_price_basket import cross

from serai.commerce.market.invariants import INVARIANTS as MARKET
from serai.commerce.promotion.invariants import INVARIANTS as PROMOTION
from serai.foundation.database import Database

Clean = Callable[[], Awaitable[None]]
TABLES = (
    "ledger.transfer",
    "commerce.sales_order",
    "commerce.order_line",
    "commerce.order_adjustment",
    "commerce.refund",
    "commerce.payment_event",
    "commerce.market_checkout",
    "commerce.market_order",
    "commerce.market_discount",
    "commerce.market_refund",
    "commerce.market_payout",
    "commerce.market_payout_line",
    "foundation.event",
)


async def live(market: Market) -> None:
    """A checkout over both shops from its placing to a cancelled order, a refund and a payout."""
    checkout, _promotion = await order_over_both(
        market, cross(30_000, 3_000, seller_percent=2_000, budget_minor=9_000, cap_minor=3_000)
    )
    await market.pay(checkout)
    await cancel(market, checkout, 0)
    await pay(market)


async def test_no_transaction_writes_for_two_merchants(
    market: Market, owner: Database, assert_clean: Clean
) -> None:
    await live(market)
    mine = [market.market_id, *(shop.merchant_id for shop in market.shops)]
    rows = " UNION ALL ".join(f"SELECT xmin::text AS xact, merchant_id FROM {table}" for table in TABLES)
    found = await owner.fetch(
        f"SELECT xact, count(DISTINCT merchant_id) AS merchants, bool_or(merchant_id = ANY($1)) AS ours"
        f" FROM ({rows}) written GROUP BY xact",
        mine,
    )
    ours = [row for row in found if row["ours"]]
    assert len(ours) > 10
    assert {row["merchants"] for row in ours} == {1}
    await assert_clean()


@pytest.mark.parametrize(
    ("name", "breach"),
    [
        (
            "commerce.market_owes_what_members_expect",
            "UPDATE ledger.account SET posted_cr = posted_cr + 1 WHERE kind = 'settlement_due' AND merchant_id = $1",
        ),
        (
            "commerce.market_discounts_are_their_shares",
            "UPDATE commerce.market_order SET platform_minor = platform_minor - 1 WHERE merchant_id = $1",
        ),
        (
            "commerce.market_refunds_are_what_was_captured",
            "UPDATE commerce.market_refund SET paid_minor = 27001 WHERE merchant_id = $1",
        ),
        (
            "commerce.payouts_are_what_left",
            "UPDATE commerce.market_payout SET reversed_at = now() WHERE merchant_id = $1",
        ),
        (
            "commerce.open_checkouts_hold_their_claims",
            "UPDATE commerce.market_checkout SET paid_at = NULL WHERE merchant_id = $1",
        ),
        (
            "promotion.discounts_are_posted_to_their_funders",
            "UPDATE commerce.sales_order SET cancelled_at = now() WHERE cancelled_at IS NULL AND merchant_id IN"
            " (SELECT member_id FROM commerce.market_member WHERE merchant_id = $1)",
        ),
    ],
)
async def test_an_equation_over_both_sides_breaks_when_one_side_is_changed(
    market: Market, owner: Database, name: str, breach: str
) -> None:
    await live(market)
    [equation] = [each for each in (*MARKET, *PROMOTION) if each.name == name]
    async with owner.pool.acquire() as connection:
        change = connection.transaction()
        await change.start()
        try:
            before = await connection.fetch(equation.sql)
            await connection.execute(breach, market.market_id)
            assert len(await connection.fetch(equation.sql)) > len(before)
        finally:
            await change.rollback()
