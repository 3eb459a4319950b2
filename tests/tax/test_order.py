"""Taxes of orders, from the quote to the ledger."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from tests.journeys.steps import order_of, pay
from tests.shop import ADDRESS, Shop
from tests.tax.conftest import Taxing

from serai.commerce.aftersale.api import refund_order
from serai.commerce.checkout.api import quote_cart
from serai.commerce.order.api import fulfil_order
from serai.commerce.payment.types import (
    deferred_sales,
    order_due,
    sales,
    sales_returns,
    shipping_income,
    tax_payable,
)
from serai.commerce.tax.api import NewRate, TaxPlace, add_rate, list_rates, set_category_class
from serai.foundation import clock
from serai.foundation.errors import Conflict, Invalid
from serai.identity.audit.api import list_entries
from serai.ledger.api import load_balances

Clean = Callable[[], Awaitable[None]]


async def balance_of(shop: Shop, account: Any) -> int:
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        return (await load_balances(tx, account_ids=[account.account_id]))[account.account_id].posted


async def test_without_rates_there_are_no_taxes(shop: Shop) -> None:
    order = await order_of(shop, (await shop.place((await shop.add_product(), 1))).order_id)
    assert (order.tax_minor, order.tax_included_minor, order.taxes) == (0, 0, ())


async def test_a_tax_on_top_is_added_by_destination_paid_and_owed(
    shop: Shop, tax: Taxing, provider: Any, assert_clean: Clean
) -> None:
    await tax("US", 7.25, region="OH", name="Ohio sales tax")
    sku_id = await shop.add_product(price_minor=1000)
    placed = await shop.place((sku_id, 2))
    # (2,000 + 599) x 7.25 % = 188.43
    order = await order_of(shop, placed.order_id)
    assert (order.total_minor, order.tax_minor, order.tax_included_minor) == (2000 + 599 + 188, 188, 0)
    assert [(t.line_no, t.base_minor, t.tax_minor) for t in order.taxes] == [(1, 2000, 145), (0, 599, 43)]
    paid = await pay(shop, provider, placed)
    assert (paid.state, paid.paid_minor) == ("paid", 2787)
    assert ("Ohio sales tax", 188, 1) in provider.payments[paid.payments[0].intent_id].lines
    await fulfil_order(shop.commerce, shop.merchant_id, order_id=placed.order_id, by="t")
    assert await balance_of(shop, sales("USD")) == 2000
    assert await balance_of(shop, shipping_income("USD")) == 599
    assert await balance_of(shop, tax_payable("USD")) == 188
    assert await balance_of(shop, deferred_sales("USD")) == 0
    assert await balance_of(shop, order_due(placed.order_id, "USD")) == 0
    await assert_clean()


async def test_a_tax_in_the_prices_leaves_the_total_and_is_told_apart(
    shop: Shop, tax: Taxing, provider: Any, assert_clean: Clean
) -> None:
    await tax("CN", 13, home=("CN", "上海市"), name="VAT", included=True)
    await tax("CN", 9, home=("CN", "上海市"), name="VAT", included=True, tax_class="food")
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await set_category_class(tx, category_id=shop.category.category_id, tax_class="food", by="t")
    sku_id = await shop.add_product(price_minor=1090, store_stock=5)
    placed = await shop.place((sku_id, 1), delivery="pickup", place_id=shop.store.place_id)
    order = await order_of(shop, placed.order_id)
    assert (order.total_minor, order.tax_minor, order.tax_included_minor) == (1090, 0, 90)
    assert [(s.percent, s.base_minor, s.tax_minor) for s in order.tax_sums] == [("9", 1000, 90)]
    await pay(shop, provider, placed)
    await fulfil_order(shop.commerce, shop.merchant_id, order_id=placed.order_id, by="t")
    assert await balance_of(shop, sales("USD")) == 1000
    assert await balance_of(shop, tax_payable("USD")) == 90
    await assert_clean()


async def test_a_parcel_is_taxed_where_it_goes_and_a_pick_up_at_home(shop: Shop, tax: Taxing) -> None:
    await tax("US", 5, region="OH", name="Ohio")
    await tax("US", 8, region="NY", name="New York")
    sku_id = await shop.add_product(price_minor=1000, store_stock=5)
    owner, cart_id = await shop.fill_cart((sku_id, 1))

    async def taxes(**terms: Any) -> list[tuple[str, int]]:
        async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
            quote = await quote_cart(
                tx, settings=shop.commerce.settings, owner=owner, cart_id=cart_id, **terms
            )
        return [(each.name, each.tax_minor) for each in quote.tax_sums]

    assert await taxes(destination=TaxPlace("US", "NY")) == [("New York", 128)]
    assert await taxes(destination=TaxPlace("US", "CA")) == []
    assert await taxes() == [("Ohio", 80)]
    store = {"delivery": "pickup", "place_id": shop.store.place_id}
    assert await taxes(**store, destination=TaxPlace("US", "NY")) == [("Ohio", 50)]


async def test_an_order_to_another_place_than_was_quoted_is_refused_with_nothing_placed(
    shop: Shop, tax: Taxing
) -> None:
    await tax("US", 5, region="OH")
    sku_id = await shop.add_product(stock=3)
    owner, cart_id = await shop.fill_cart((sku_id, 1))
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        quote = await quote_cart(
            tx,
            settings=shop.commerce.settings,
            owner=owner,
            cart_id=cart_id,
            destination=TaxPlace("US", "CA"),
        )
    assert ADDRESS.region == "OH"
    with pytest.raises(Conflict) as refused:
        await shop.place_cart(owner, cart_id, digest=quote.digest)
    assert refused.value.code == "checkout.changed"


async def test_orders_keep_the_rate_of_their_day_and_revive_with_it(
    shop: Shop, tax: Taxing, assert_clean: Clean
) -> None:
    await tax("US", 5, region="OH", name="Old")
    sku_id = await shop.add_product(price_minor=1000)
    before = await order_of(shop, (await shop.place((sku_id, 4))).order_id)
    await tax("US", 6, region="OH", name="New")
    after = await order_of(shop, (await shop.place((sku_id, 4))).order_id)
    again = await order_of(shop, before.order_id)
    assert [(s.name, s.percent, s.tax_minor) for s in again.tax_sums] == [("Old", "5", 200)]
    assert [(s.name, s.percent, s.tax_minor) for s in after.tax_sums] == [("New", "6", 240)]
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        assert [each.name for each in await list_rates(tx)] == ["New", "Old"]
        assert len(await list_entries(tx, action="tax.rate_added")) == 2
    await assert_clean()


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("tax.country_invalid", {"country": "Germany"}),
        ("tax.class_invalid", {"tax_class": "a b"}),
        ("tax.rate_invalid", {"rate_ppm": 1_000_001}),
        ("tax.rate_invalid", {"rate_ppm": -1}),
        ("tax.name_missing", {"name": "  "}),
        ("tax.too_long", {"name": "x" * 61}),
        ("tax.too_long", {"region": "x" * 61}),
        ("tax.mixed", {"region": "BY", "included": False}),
        ("tax.moment_past", {"valid_from": "past"}),
    ],
)
async def test_rates_that_cannot_be_are_refused(
    shop: Shop, tax: Taxing, code: str, change: dict[str, Any]
) -> None:
    await tax("DE", 19, name="VAT", included=True)
    if change.get("valid_from"):
        change = {"valid_from": clock.now() - timedelta(days=1)}
    terms: dict[str, Any] = {"country": "DE", "rate_ppm": 70_000, "name": "VAT", "included": True} | change
    with pytest.raises(Invalid) as refused:
        async with shop.commerce.db.transaction(shop.merchant_id) as tx:
            await add_rate(tx, rate=NewRate(**terms), by="t")
    assert refused.value.code == code
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        assert len(await list_rates(tx)) == 1


@pytest.mark.parametrize("answer", ["done", "failed"])
async def test_refunds_of_a_fulfilled_order_take_their_part_of_the_tax_back(
    shop: Shop, tax: Taxing, provider: Any, assert_clean: Clean, answer: Any
) -> None:
    await tax("US", 10, region="OH")
    sku_id = await shop.add_product(price_minor=1000)
    placed = await shop.place((sku_id, 2))
    paid = await pay(shop, provider, placed)
    assert (paid.total_minor, paid.tax_minor) == (2859, 260)
    await fulfil_order(shop.commerce, shop.merchant_id, order_id=placed.order_id, by="t")
    provider.refund_answer = answer
    for amount, key in ((1000, "a"), (7, "b"), (1852, "c")):
        order = await order_of(shop, placed.order_id)
        await refund_order(
            shop.commerce,
            shop.merchant_id,
            order_id=order.order_id,
            amount_minor=amount,
            reason="r",
            by="t",
            key=key,
        )
    left = {"done": (0, 2599), "failed": (260, 0)}[answer]
    assert (await balance_of(shop, tax_payable("USD")), await balance_of(shop, sales_returns("USD"))) == left
    assert await balance_of(shop, order_due(placed.order_id, "USD")) == 0
    await assert_clean()
