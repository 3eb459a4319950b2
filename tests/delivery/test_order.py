"""A chosen option is in the quote, in its digest, and with the order, together with the days it promises."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from tests.delivery.conftest import Dispatch, flat
from tests.shop import ADDRESS, Shop

from serai.commerce.checkout.api import Address, quote_cart
from serai.commerce.delivery.types import Destination, Goods, Zone
from serai.commerce.order.api import load_order
from serai.commerce.order.types import Order
from serai.foundation import clock
from serai.foundation.errors import Conflict, Refused

# A Tuesday, 9 in the morning in New York.
MORNING = datetime(2026, 11, 24, 14, 0, tzinfo=UTC)
BERLIN = Address("DE", "", "Berlin", "", "Unter den Linden 1", "", "10117")


async def load(shop: Shop, order_id: object) -> Order:
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        return await load_order(tx, order_id=order_id)  # type: ignore[arg-type]


async def test_a_shop_without_options_delivers_at_the_price_of_its_terms_and_promises_nothing(
    shop: Shop, dispatch: Dispatch
) -> None:
    owner, cart_id = await shop.fill_cart((await shop.add_product(), 2))
    quote = await dispatch.quote(owner, cart_id)
    assert [(each.code, each.price_minor, each.promise) for each in quote.options] == [
        ("standard", 599, None)
    ]
    placed = await dispatch.place(owner, cart_id, quote.digest)
    assert (await load(shop, placed.order_id)).shipping is None


async def test_the_cheapest_option_is_chosen_until_another_is(shop: Shop, dispatch: Dispatch) -> None:
    await dispatch.keep()
    await dispatch.add("express", flat("Express", 1290, transit_low=1, transit_high=1, handling_days=0))
    await dispatch.add("standard", flat("Standard", 490, transit_low=2, transit_high=3, carrier="UPS"))
    owner, cart_id = await shop.fill_cart((await shop.add_product(), 2))
    with clock.clock_at(MORNING):
        quote = await dispatch.quote(owner, cart_id)
        express = await dispatch.quote(owner, cart_id, option="express")
        placed = await dispatch.place(owner, cart_id, express.digest, option="express")
    assert quote.delivery.option is not None
    assert quote.delivery.option.code == "standard"
    assert (quote.total_minor, express.total_minor) == (2 * 349 + 490, 2 * 349 + 1290)
    assert quote.digest != express.digest
    kept = (await load(shop, placed.order_id)).shipping
    assert kept is not None
    # Thursday is Thanksgiving, but the parcel that leaves on Tuesday arrives on Wednesday.
    assert (kept.option_code, kept.promised_from, kept.promised_until) == (
        "express",
        date(2026, 11, 25),
        date(2026, 11, 25),
    )


async def test_an_order_at_a_price_that_was_edited_meanwhile_is_refused_and_nothing_is_placed(
    shop: Shop, dispatch: Dispatch, assert_clean: Callable[[], Awaitable[None]]
) -> None:
    row = await dispatch.add("standard", flat("Standard", 490))
    owner, cart_id = await shop.fill_cart((await shop.add_product(stock=2), 2))
    with clock.clock_at(MORNING):
        seen = await dispatch.quote(owner, cart_id)
        row = await dispatch.edit(row, terms=flat("Standard", 590))
        with pytest.raises(Conflict) as refused:
            await dispatch.place(owner, cart_id, seen.digest)
        assert refused.value.code == "checkout.changed"
        again = await dispatch.quote(owner, cart_id)
        assert (again.total_minor - seen.total_minor, again.shortages) == (100, ())
        # Other days are another promise, also at the same price.
        await dispatch.edit(row, terms=flat("Standard", 590, transit_high=9))
        with pytest.raises(Conflict):
            await dispatch.place(owner, cart_id, again.digest)
        placed = await dispatch.place(owner, cart_id, (await dispatch.quote(owner, cart_id)).digest)
    assert placed.total_minor == 2 * 349 + 590
    await assert_clean()


async def test_a_passed_cut_off_is_told_before_anybody_pays(shop: Shop, dispatch: Dispatch) -> None:
    await dispatch.keep()
    await dispatch.add("standard", flat("Standard", 490))
    owner, cart_id = await shop.fill_cart((await shop.add_product(), 1))
    with clock.clock_at(datetime(2026, 11, 24, 18, 59, 59, tzinfo=UTC)):
        seen = await dispatch.quote(owner, cart_id)
    with clock.clock_at(datetime(2026, 11, 24, 19, 0, tzinfo=UTC)):
        with pytest.raises(Conflict) as refused:
            await dispatch.place(owner, cart_id, seen.digest)
        assert refused.value.code == "checkout.changed"


async def test_nothing_is_sent_where_no_option_goes(shop: Shop, dispatch: Dispatch) -> None:
    await dispatch.add("standard", flat("Standard", 490))
    owner, cart_id = await shop.fill_cart((await shop.add_product(stock=1), 1))
    quote = await dispatch.quote(owner, cart_id, address=BERLIN)
    assert (quote.options, quote.delivery.problem) == ((), "place")
    with pytest.raises(Conflict) as refused:
        await dispatch.place(owner, cart_id, quote.digest, address=BERLIN)
    assert (refused.value.code, refused.value.data["problem"]) == ("delivery.unserved", "place")
    # The digest of a good address does not open a bad one.
    good = await dispatch.quote(owner, cart_id)
    with pytest.raises(Conflict):
        await dispatch.place(owner, cart_id, good.digest, address=BERLIN)
    await dispatch.place(owner, cart_id, good.digest, address=ADDRESS)


async def test_an_option_that_is_switched_off_is_offered_no_more_but_stays_with_its_orders(
    shop: Shop, dispatch: Dispatch
) -> None:
    await dispatch.add("standard", flat("Standard", 490))
    express = await dispatch.add("express", flat("Express", 990))
    sku_id = await shop.add_product()
    owner, cart_id = await shop.fill_cart((sku_id, 1))
    quote = await dispatch.quote(owner, cart_id, option="express")
    placed = await dispatch.place(owner, cart_id, quote.digest, option="express")
    await dispatch.edit(express, active=False)
    offered = await dispatch.offer([Goods(sku_id, 1, 349)])
    assert [each.code for each in offered.options] == ["standard"]
    kept = (await load(shop, placed.order_id)).shipping
    assert kept is not None
    assert kept.option_code == "express"


async def test_an_edit_beside_many_orders_lets_none_pass_at_a_price_that_it_did_not_agree_to(
    shop: Shop, dispatch: Dispatch, assert_clean: Callable[[], Awaitable[None]]
) -> None:
    row = await dispatch.add("standard", flat("Standard", 490))
    sku_id = await shop.add_product(stock=50)
    carts = [await shop.fill_cart((sku_id, 1)) for _each in range(8)]
    with clock.clock_at(MORNING):
        quotes = [await dispatch.quote(owner, cart_id) for owner, cart_id in carts]

        orders = (dispatch.place(*cart, quote.digest) for cart, quote in zip(carts, quotes, strict=True))
        answers, _edited = await asyncio.gather(
            asyncio.gather(*orders, return_exceptions=True),
            dispatch.edit(row, terms=flat("Standard", 990)),
        )
        # Who comes after the edit is refused for certain.
        owner, cart_id = await shop.fill_cart((sku_id, 1))
        after = await dispatch.quote(owner, cart_id)
    # Each order stands at the price it agreed to, or was refused.
    for answer in answers:
        assert answer.code == "checkout.changed" if isinstance(answer, Refused) else answer.total_minor == 839
    assert after.total_minor == 349 + 990
    await assert_clean()


async def test_a_cart_whose_goods_are_all_gone_costs_no_delivery(shop: Shop, dispatch: Dispatch) -> None:
    sku_id = await shop.add_product()
    owner, cart_id = await shop.fill_cart((sku_id, 1))
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await tx.execute(
            "UPDATE commerce.variant SET active = false WHERE merchant_id = $1 AND sku_id = $2",
            shop.merchant_id,
            sku_id,
        )
    quote = await dispatch.quote(owner, cart_id)
    assert (quote.shipping_minor, quote.total_minor) == (0, 0)


async def test_before_an_address_is_known_everything_is_offered(shop: Shop, dispatch: Dispatch) -> None:
    await dispatch.add("us", flat("Standard", 490))
    await dispatch.add("de", flat("Standard", 990, zone=Zone(("DE",))))
    goods = [Goods(await shop.add_product(), 1, 349)]
    assert [each.code for each in (await dispatch.offer(goods, Destination())).options] == ["us", "de"]
    assert [each.code for each in (await dispatch.offer(goods, Destination("DE"))).options] == ["de"]


async def test_options_cost_a_quote_no_query_more(shop: Shop, dispatch: Dispatch) -> None:
    owner, cart_id = await shop.fill_cart((await shop.add_product(), 1))

    async def count_statements() -> int:
        statements: list[str] = []

        def note(record: Any) -> None:
            statements.append(record.query)

        async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
            tx.connection.add_query_logger(note)
            try:
                await quote_cart(tx, settings=shop.commerce.settings, owner=owner, cart_id=cart_id)
            finally:
                tx.connection.remove_query_logger(note)
        return len(statements)

    await count_statements()
    without = await count_statements()
    for number in range(3):
        await dispatch.add(f"option-{number}", flat(f"Option {number}", 500 + number))
    # The first quote after a change reads the book.
    assert await count_statements() == without + 2
    assert await count_statements() == without
