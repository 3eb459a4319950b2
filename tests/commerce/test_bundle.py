"""Bundles take their stock from their parts, weighed goods are sold in steps; both are counted over the whole cart."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.commerce.request import assert_problem
from tests.shop import Shop

from serai.commerce.aftersale.api import cancel_order
from serai.commerce.cart.api import add_line, find_cart, parse_amount
from serai.commerce.catalogue.api import (
    BundlePart,
    VariantEdit,
    edit_variant,
    find_variant,
    load_product,
    set_bundle,
    set_price,
)
from serai.commerce.catalogue.price_bundles import sum_parts
from serai.commerce.order.api import load_order
from serai.commerce.stock.api import load_available, receive_stock
from serai.commerce.stock.logic import share_stock
from serai.foundation.errors import Conflict, Invalid
from serai.foundation.ids import new_id

AssertClean = Callable[[], Awaitable[None]]


async def bundle(shop: Shop, *parts: tuple[UUID, int], price_minor: int = 500, pricing: str = "own") -> UUID:
    """A published bundle of these parts."""
    sku_id = await shop.add_product("Set", price_minor=price_minor, stock=0)
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await set_bundle(tx, sku_id=sku_id, version=1, parts=parts, pricing=pricing, by="test")
    return sku_id


async def weigh(shop: Shop, *, grams: int, price_minor: int = 399, increment: int = 50) -> UUID:
    """Apples sold by weight to the gram, so many of them in stock."""
    sku_id = await shop.add_product("Apples", price_minor=price_minor, stock=0)
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        edit = VariantEdit(unit="kg", scale=3, increment=increment)
        await edit_variant(tx, sku_id=sku_id, version=1, edit=edit, by="test")
    await receive_stock(
        shop.commerce,
        shop.merchant_id,
        sku_id=sku_id,
        place_id=shop.warehouse.place_id,
        quantity=grams,
        reason="opening",
        by="test",
        key="opening",
    )
    return sku_id


async def available(shop: Shop, sku_id: UUID) -> int:
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        place_id = shop.warehouse.place_id
        return (await load_available(tx, sku_ids=[sku_id], place_id=place_id))[sku_id]


# ---- Bundles ------------------------------------------------------------------------------------------------------


async def test_two_lines_that_share_a_part_of_which_there_is_one_are_refused(shop: Shop):
    """Acceptance test 2 of the reference (medusa #16502): each line alone fits, both together do not."""
    rare = await shop.add_product("Rare", stock=1)
    plenty = await shop.add_product("Plenty", stock=100)
    first = await bundle(shop, (rare, 1), (plenty, 1))
    second = await bundle(shop, (rare, 1))
    owner, cart_id = await shop.fill_cart((first, 1))
    with pytest.raises(Conflict) as short:
        async with shop.commerce.db.transaction(shop.merchant_id) as tx:
            await add_line(tx, owner=owner, sku_id=second, quantity=1, cart_id=cart_id)
    assert (short.value.code, short.value.data["available"]) == ("cart.short", 0)
    with pytest.raises(Conflict):
        async with shop.commerce.db.transaction(shop.merchant_id) as tx:
            await add_line(tx, owner=owner, sku_id=rare, quantity=1, cart_id=cart_id)


async def test_the_lane_refuses_shared_parts_that_the_cart_did_not_see(
    api: httpx.AsyncClient, shop: Shop, assert_clean: AssertClean
):
    rare = await shop.add_product("Rare", stock=1)
    first, second = await bundle(shop, (rare, 1)), await bundle(shop, (rare, 1))
    body = {
        "lines": [{"sku_id": str(first), "quantity": 1}, {"sku_id": str(second), "quantity": 1}],
        "contact": {"email": "a@example.com", "name": "A"},
        "delivery": "pickup",
        "place_id": str(shop.store.place_id),
    }
    await receive_stock(
        shop.commerce,
        shop.merchant_id,
        sku_id=rare,
        place_id=shop.store.place_id,
        quantity=1,
        reason="opening",
        by="test",
        key="1",
    )
    refused = await api.post("/api/v1/orders", json=body)
    assert_problem(refused, 409, code="checkout.short")
    shortages = refused.json()["data"]["shortages"]
    assert {s["title"] for s in shortages} == {"Set"}
    assert await available(shop, rare) == 1
    await assert_clean()


async def test_a_bundle_is_there_as_often_as_its_scarcest_part_and_takes_from_all(
    shop: Shop, assert_clean: AssertClean
):
    tea, cup = await shop.add_product("Tea", stock=7), await shop.add_product("Cup", stock=10)
    pack = await bundle(shop, (tea, 2), (cup, 1), price_minor=1001)
    assert await available(shop, pack) == 3
    placed = await shop.place((pack, 2), (tea, 1))
    assert [await available(shop, sku) for sku in (tea, cup, pack)] == [2, 8, 1]
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        order = await load_order(tx, order_id=placed.order_id)
    line = next(line for line in order.lines if line.parts)
    assert [(p.sku_id, p.quantity) for p in line.parts] == [(tea, 2), (cup, 1)]
    assert sum(p.share_minor for p in line.parts) == line.total_minor == 2002
    assert [p.share_minor for p in line.parts] == [1335, 667], "by list price: two parts to one"
    await cancel_order(shop.commerce, shop.merchant_id, order_id=placed.order_id, by="test")
    assert [await available(shop, sku) for sku in (tea, cup, pack)] == [7, 10, 3]
    await assert_clean()


async def test_many_buyers_of_bundles_and_parts_never_take_more_than_there_is(
    shop: Shop, assert_clean: AssertClean
):
    part = await shop.add_product("Part", stock=10)
    pack = await bundle(shop, (part, 3))
    carts = [await shop.fill_cart((pack, 1)) for _n in range(6)]
    carts += [await shop.fill_cart((part, 1)) for _n in range(6)]
    answers = await asyncio.gather(*(shop.place_cart(*cart) for cart in carts), return_exceptions=True)
    assert all(isinstance(a, Conflict) for a in answers if isinstance(a, BaseException)), answers
    packs = sum(not isinstance(a, BaseException) for a in answers[:6])
    pieces = sum(not isinstance(a, BaseException) for a in answers[6:])
    assert 3 * packs + pieces + await available(shop, part) == 10
    assert await available(shop, part) < 3
    await assert_clean()


async def test_a_price_made_of_parts_follows_them(shop: Shop, assert_clean: AssertClean):
    tea, cup = await shop.add_product("Tea", price_minor=300), await shop.add_product("Cup", price_minor=500)
    pack = await shop.add_product("Set", price_minor=1, stock=0)
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await set_bundle(
            tx,
            sku_id=pack,
            version=1,
            parts=[(tea, 2), (cup, 1)],
            pricing="sum",
            discount_bp=1000,
            by="test",
        )
        variant = await find_variant(tx, sku_id=pack)
        assert variant is not None
        assert variant.price_minor == 990
        await set_price(tx, sku_id=tea, amount_minor=333, reason="dearer", by="test")
        variant = await find_variant(tx, sku_id=pack)
        assert variant is not None
        assert variant.price_minor == 1049, "(2 x 333 + 500) x 0.9 = 1049.4"
    await assert_clean()


async def test_bundles_that_make_no_sense_are_refused(shop: Shop):
    plain = await shop.add_product("Plain", stock=3)
    part = await shop.add_product("Part")
    pack = await bundle(shop, (part, 1))
    outer = await shop.add_product("Outer", stock=0)

    async def refuse(sku_id: UUID, parts: list[tuple[UUID, int]], code: str) -> None:
        with pytest.raises((Conflict, Invalid)) as refused:
            async with shop.commerce.db.transaction(shop.merchant_id) as tx:
                variant = await find_variant(tx, sku_id=sku_id)
                assert variant is not None
                product = await load_product(tx, product_id=variant.product_id)
                await set_bundle(
                    tx, sku_id=sku_id, version=product.version, parts=parts, pricing="own", by="test"
                )
        assert refused.value.code == code

    await refuse(plain, [(part, 1)], "bundle.has_stock")
    await refuse(outer, [(pack, 1)], "bundle.nested")
    await refuse(part, [(plain, 1)], "bundle.nested")
    await refuse(outer, [(outer, 1)], "bundle.parts_invalid")
    await refuse(outer, [(part, 0)], "bundle.parts_invalid")
    await refuse(outer, [(part, 1), (part, 2)], "bundle.parts_invalid")
    with pytest.raises(Conflict) as refused:
        await receive_stock(
            shop.commerce,
            shop.merchant_id,
            sku_id=pack,
            place_id=shop.warehouse.place_id,
            quantity=1,
            reason="r",
            by="test",
            key="1",
        )
    assert refused.value.code == "stock.is_bundle"


NAMES = [new_id() for _n in range(4)]


@given(
    stock=st.lists(st.integers(0, 20), min_size=2, max_size=2),
    packs=st.lists(st.tuples(st.integers(1, 3), st.integers(0, 3)), min_size=2, max_size=2),
    lines=st.lists(st.tuples(st.integers(0, 3), st.integers(1, 6)), max_size=6),
)
def test_lines_that_fit_never_take_more_than_there_is(
    stock: list[int], packs: list[tuple[int, int]], lines: list[tuple[int, int]]
):
    own = {NAMES[0]: stock[0], NAMES[1]: stock[1]}
    parts = {
        NAMES[2 + n]: tuple(BundlePart(NAMES[i], q, 1, 0) for i, q in enumerate(pack) if q)
        for n, pack in enumerate(packs)
    }
    wanted = [(NAMES[i], quantity) for i, quantity in lines]
    most = share_stock(wanted, parts, own)
    if any(quantity > count for (_sku, quantity), count in zip(wanted, most, strict=True)):
        return
    used = dict.fromkeys(own, 0)
    for sku_id, quantity in wanted:
        for part_id, each in [(p.sku_id, p.quantity) for p in parts.get(sku_id, ())] or [(sku_id, 1)]:
            used[part_id] += each * quantity
    assert all(used[sku] <= own[sku] for sku in own)


def test_the_sum_of_parts_is_rounded_once():
    parts = [BundlePart(NAMES[0], 333, 1000, 3), BundlePart(NAMES[1], 1, 1, 0)]
    assert sum_parts(parts, 0) == 334
    assert sum_parts(parts, 5000) == 167
    assert sum_parts([*parts, BundlePart(NAMES[2], 1, None, 0)], 0) is None


# ---- Weighed goods ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "steps"),
    [
        ("0.25", 250),
        ("0,25 kg", 250),
        ("250 g", 250),
        ("250克", 250),
        ("半斤", None),
        ("0.5斤", 250),
        ("1", 1000),
    ],
)
def test_amounts_are_read_as_people_type_them(typed: str, steps: int | None):
    if steps is None:
        with pytest.raises(Invalid):
            parse_amount(typed, scale=3, unit="kg")
    else:
        assert parse_amount(typed, scale=3, unit="kg") == steps


@pytest.mark.parametrize(
    "typed", ["", "0", "-1", "0.0005", "1 l", "1e3", "١", "1.2.3", "999999999", "kg", "0.25 lb"]
)
def test_amounts_that_are_none_or_lie_between_steps_are_refused(typed: str):
    with pytest.raises(Invalid) as refused:
        parse_amount(typed, scale=3, unit="kg")
    assert refused.value.code == "cart.quantity_invalid"


async def test_weighed_goods_are_sold_in_steps_priced_once_and_taken_from_stock_by_the_gram(
    shop: Shop, assert_clean: AssertClean
):
    apples = await weigh(shop, grams=2000)
    placed = await shop.place((apples, 250), (await shop.add_product(price_minor=100), 2))
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        order = await load_order(tx, order_id=placed.order_id)
    line = next(line for line in order.lines if line.scale)
    assert (line.total_minor, line.amount_text) == (100, "0.25 kg"), "399 x 0.250 = 99.75"
    assert order.quantity == 3, "what is weighed counts as one piece"
    assert await available(shop, apples) == 1750
    await assert_clean()


async def test_an_amount_off_the_steps_or_beyond_stock_is_refused_in_its_unit(shop: Shop):
    apples = await weigh(shop, grams=1030)
    owner, cart_id = await shop.fill_cart((apples, 250))
    for grams, code, told in ((33, "cart.increment", "0.05 kg"), (1000, "cart.short", "1 kg")):
        with pytest.raises((Conflict, Invalid)) as refused:
            async with shop.commerce.db.transaction(shop.merchant_id) as tx:
                await add_line(tx, owner=owner, sku_id=apples, quantity=grams, cart_id=cart_id)
        assert refused.value.code == code
        assert told in (refused.value.data.get("step"), refused.value.data.get("available"))
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        cart = await find_cart(tx, owner=owner)
    assert cart is not None
    assert [line.amount_text for line in cart.lines] == ["0.25 kg"]
