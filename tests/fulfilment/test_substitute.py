"""Something else comes instead of what is short: only with the buyer's word, never for more money, never twice."""

import asyncio
from uuid import UUID

import pytest
from tests.fulfilment.desk import buy, earned, handling, on_hand, pack, ship, stand
from tests.fulfilment.test_cut import pick, rest_off
from tests.journeys.steps import order_of
from tests.shop import api_client

from serai.commerce.aftersale.api import cancel_order
from serai.commerce.fulfilment.api import (
    Pick,
    Replacement,
    agree_substitutes,
    list_wishes,
    substitute_goods,
    suggest_substitutes,
)
from serai.commerce.returns.load_returns import count_cut
from serai.foundation.errors import Conflict, Invalid, NotFound
from serai.foundation.ids import new_id


async def agree(shop, order, wishes):
    await agree_substitutes(
        shop.commerce, shop.merchant_id, order_id=order.order_id, wishes=wishes, by="shopper"
    )


async def replace(shop, order, new_sku_id, count=1, new_count=None, *, line_no=1, key="s1", **more):
    return await substitute_goods(
        shop.commerce,
        shop.merchant_id,
        order_id=order.order_id,
        replacement=Replacement(line_no, count, new_sku_id, new_count or count, more.pop("sku_id", None)),
        by="clerk",
        key=key,
        **more,
    )


async def test_a_cheaper_one_comes_instead_and_the_difference_goes_back(shop, provider, assert_clean):
    ice, gelato = await shop.add_product(price_minor=500), await shop.add_product("Gelato", price_minor=300)
    order = await buy(shop, provider, (ice, 3))
    await agree(shop, order, {0: True})
    for _again in range(2):
        order = await replace(shop, order, gelato, 2)
    assert order.refunded_minor == 2 * 200
    assert list(provider.refunds.values()) == [400]
    (made,) = order.substitutes
    assert (made.taken_minor, made.value_minor, made.title, made.amount_text) == (1000, 600, "Gelato", "2")
    assert (await on_hand(shop, ice), await on_hand(shop, gelato)) == ((10, 1), (10, 2))
    assert await stand(shop, order.order_id) == {1: (3, 0, 2)}
    await assert_clean()
    await pick(shop, order, Pick(1, 1, ice))
    parcel = await pack(shop, order.order_id)
    assert {(each.sku_id, each.quantity) for each in parcel.lines} == {(ice, 1), (gelato, 2)}
    order = await ship(shop, parcel)
    assert order.state == "fulfilled"
    assert (await on_hand(shop, ice), await on_hand(shop, gelato)) == ((9, 0), (8, 0))
    now = await earned(shop, order.order_id)
    assert (now["deferred"], now["sales"]) == (0, 500 + 600)
    # Of the line one piece is the line's own: only that one comes back at the line's price.
    assert count_cut(order) == ({1: 2}, {1: 1000})
    await assert_clean()


async def test_a_dearer_one_costs_what_was_ordered(shop, provider, assert_clean):
    ice, gelato = await shop.add_product(price_minor=500), await shop.add_product("Gelato", price_minor=900)
    order = await buy(shop, provider, (ice, 2))
    await agree(shop, order, {1: True})
    order = await replace(shop, order, gelato, 2)
    assert (order.refunded_minor, provider.refunds) == (0, {})
    assert order.substitutes[0].value_minor == 1000
    order = await ship(shop, await pack(shop, order.order_id))
    assert (order.state, (await earned(shop, order.order_id))["sales"]) == ("fulfilled", 1000)
    await assert_clean()


async def test_without_a_word_nothing_is_replaced_and_a_line_speaks_for_itself(shop, provider, assert_clean):
    ice, milk = await shop.add_product(price_minor=500), await shop.add_product("Milk", price_minor=300)
    gelato = await shop.add_product("Gelato", price_minor=300)
    order = await buy(shop, provider, (ice, 1), (milk, 1))
    with pytest.raises(Conflict) as refusal:
        await replace(shop, order, gelato)
    assert refusal.value.code == "substitute.not_agreed"
    await agree(shop, order, {0: True, 1: False})
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        assert await list_wishes(tx, order_id=order.order_id, line_nos=[1, 2]) == {1: False, 2: True}
    with pytest.raises(Conflict):
        await replace(shop, order, gelato)
    order = await replace(shop, order, gelato, line_no=2)
    assert order.refunded_minor == 0
    assert await on_hand(shop, gelato) == (10, 1)
    await assert_clean()


async def test_a_word_that_is_taken_back_and_a_replacement_take_turns(shop, provider, assert_clean):
    gelato = await shop.add_product("Gelato", price_minor=300, stock=100)
    for _round in range(4):
        ice = await shop.add_product(price_minor=500)
        order = await buy(shop, provider, (ice, 2))
        await agree(shop, order, {0: True})
        done, _word, twin = await asyncio.gather(
            replace(shop, order, gelato),
            agree(shop, order, {0: False}),
            replace(shop, order, gelato),
            return_exceptions=True,
        )
        order = await order_of(shop, order.order_id)
        came = not isinstance(done, BaseException) or not isinstance(twin, BaseException)
        assert len(order.substitutes) == came
        with pytest.raises(Conflict):
            await replace(shop, order, gelato, key="later")
    await assert_clean()


async def test_the_last_ones_are_replaced_for_one_of_two_orders_only(shop, provider, assert_clean):
    ice = await shop.add_product(price_minor=500)
    gelato = await shop.add_product("Gelato", price_minor=300, stock=2)
    orders = [await buy(shop, provider, (ice, 2)) for _twin in range(3)]
    for order in orders:
        await agree(shop, order, {0: True})
    answers = await asyncio.gather(
        *(replace(shop, order, gelato, 2) for order in orders), return_exceptions=True
    )
    refused = [each.code for each in answers if isinstance(each, Conflict)]
    assert refused == ["stock.short_there"] * 2
    assert await on_hand(shop, gelato) == (2, 2)
    assert await on_hand(shop, ice) == (10, 4)
    await assert_clean()


async def test_ship_cut_and_replace_at_once_keep_goods_and_money(shop, provider, assert_clean):
    gelato = await shop.add_product("Gelato", price_minor=300, stock=100)
    for number in range(4):
        ice = await shop.add_product(price_minor=500)
        order = await buy(shop, provider, (ice, 4))
        await agree(shop, order, {0: True})
        parcel = await pack(shop, order.order_id, [(1, 1)])
        await asyncio.gather(
            ship(shop, parcel),
            replace(shop, order, gelato, 1, key=f"a{number}"),
            replace(shop, order, gelato, 1, key=f"b{number}"),
            pick(shop, order, Pick(1, 1, ice, is_final=False), key="p"),
            return_exceptions=True,
        )
        await rest_off(shop, order)
        order = await order_of(shop, order.order_id)
        assert order.state == "fulfilled"
        now = await earned(shop, order.order_id)
        assert now["deferred"] == 0
        assert now["sales"] + now["shipping_income"] == order.total_minor - order.refunded_minor
    await assert_clean()
    assert (await on_hand(shop, gelato))[1] == 0


async def test_what_came_instead_is_short_too_and_only_its_own_price_goes_back(shop, provider, assert_clean):
    ice, gelato = await shop.add_product(price_minor=500), await shop.add_product("Gelato", price_minor=300)
    sorbet = await shop.add_product("Sorbet", price_minor=450)
    order = await buy(shop, provider, (ice, 2))
    await agree(shop, order, {0: True})
    await replace(shop, order, gelato, 2)
    # Sorbet costs more than gelato, and so costs what gelato did.
    order = await replace(shop, order, sorbet, 1, key="s2", sku_id=gelato)
    assert [each.value_minor for each in order.substitutes] == [600, 300]
    order = await pick(shop, order, Pick(1, 0, gelato, is_final=True))
    assert order.refunded_minor == 400 + 300
    await assert_clean()
    order = await ship(shop, await pack(shop, order.order_id))
    assert (order.state, (await earned(shop, order.order_id))["sales"]) == ("fulfilled", 300)
    assert (await on_hand(shop, gelato), await on_hand(shop, sorbet)) == ((10, 0), (9, 0))
    await assert_clean()


async def test_an_order_with_a_substitute_is_cancelled_as_a_whole(shop, provider, assert_clean):
    ice, gelato = await shop.add_product(price_minor=500), await shop.add_product("Gelato", price_minor=300)
    order = await buy(shop, provider, (ice, 2))
    await agree(shop, order, {0: True})
    await replace(shop, order, gelato, 1)
    order = await cancel_order(shop.commerce, shop.merchant_id, order_id=order.order_id, by="t", reason="r")
    assert (order.state, order.refunded_minor) == ("cancelled", order.total_minor)
    assert (await on_hand(shop, ice), await on_hand(shop, gelato)) == ((10, 0), (10, 0))
    await assert_clean()


async def test_what_cannot_come_instead_is_refused_and_changes_nothing(shop, provider, assert_clean):
    ice, gelato = await shop.add_product(price_minor=500), await shop.add_product("Gelato", price_minor=300)
    order = await buy(shop, provider, (ice, 3))
    await agree(shop, order, {0: True})
    await pack(shop, order.order_id, [(1, 1)])
    before = (await handling(shop, order.order_id)).goods
    for wanted, count, line_no, kind, code in (
        (ice, 1, 1, Conflict, "substitute.not_possible"),
        (new_id(), 1, 1, NotFound, "product.unknown"),
        (gelato, 3, 1, Conflict, "parcel.too_much"),
        (gelato, 1, 7, Invalid, "parcel.line_unknown"),
        (await shop.add_product("None", price_minor=100, stock=0), 1, 1, Conflict, "stock.short_there"),
    ):
        with pytest.raises(kind) as refusal:
            await replace(shop, order, wanted, count, line_no=line_no)
        assert refusal.value.code == code
    assert (await handling(shop, order.order_id)).goods == before
    with pytest.raises(Invalid):
        await agree(shop, order, {9: True})
    await assert_clean()


async def test_suggestions_are_similar_and_there(shop, provider):
    ice = await shop.add_product(price_minor=500)
    near = await shop.add_product("Gelato", price_minor=450)
    far = await shop.add_product("Cake", price_minor=2000)
    await shop.add_product("Gone", price_minor=499, stock=0)
    order = await buy(shop, provider, (ice, 1))
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        more = {"order_id": order.order_id, "line_no": 1, "place_id": shop.warehouse.place_id}
        found = await suggest_substitutes(tx, **more)
        searched = await suggest_substitutes(tx, **more, query="cake")
    assert [each.sku_id for each in found] == [near, far]
    assert found[0].available == 10
    assert [each.sku_id for each in searched] in ([far], [])


async def test_a_program_asks_suggests_and_replaces(transport, shop, provider, assert_clean):
    ice, gelato = await shop.add_product(price_minor=500), await shop.add_product("Gelato", price_minor=300)
    order = await buy(shop, provider, (ice, 2))
    path = f"/api/v1/orders/{order.order_id}"
    async with api_client(transport, shop, await shop.make_key()) as client:
        body = {"replacement": {"line_no": 1, "quantity": 1, "new_sku_id": str(gelato), "new_quantity": 1}}
        assert (await client.post(f"{path}/substitutes", json=body)).json()["code"] == "substitute.not_agreed"
        said = await client.post(
            f"{path}/substitute-wishes", json={"lines": [{"line_no": 0, "agreed": True}]}
        )
        assert said.json()["lines"] == [{"line_no": 0, "agreed": True}, {"line_no": 1, "agreed": True}]
        found = await client.get(
            f"{path}/suggestions", params={"line_no": 1, "place_id": str(shop.warehouse.place_id)}
        )
        assert [UUID(each["sku_id"]) for each in found.json()["items"]] == [gelato]
        key = {"idempotency-key": str(new_id())}
        first = await client.post(f"{path}/substitutes", json=body, headers=key)
        again = await client.post(f"{path}/substitutes", json=body, headers=key)
        assert (first.status_code, again.json()) == (200, first.json())
        assert first.json()["substitutes"][0]["value_minor"] == 300
        for wrong in (
            {"quantity": 0},
            {"quantity": -1},
            {"new_quantity": 10**30},
            {"new_quantity": 1.5},
            {"line_no": "x"},
            {"new_sku_id": "x"},
            {"price_minor": 1},
        ):
            bad = {"replacement": body["replacement"] | wrong}
            assert (await client.post(f"{path}/substitutes", json=bad)).status_code in (400, 422)
    assert await on_hand(shop, gelato) == (10, 1)
    await assert_clean()
