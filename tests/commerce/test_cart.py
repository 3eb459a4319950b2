"""Carts: whose they are, what may be in them, and what is told when prices or stock have changed."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.commerce.conftest import Snapshot
from tests.shop import Shop

from serai.commerce.cart.api import (
    LIMITS,
    accept_changes,
    add_line,
    find_cart,
    load_cart,
    open_cart,
    parse_quantity,
    remove_line,
    set_cart_place,
    set_line,
)
from serai.commerce.cart.types import Cart
from serai.commerce.catalogue.api import find_variant, publish_product, set_price
from serai.commerce.stock.api import adjust_stock
from serai.foundation.errors import Conflict, Invalid, NotFound, Refused
from serai.foundation.ids import new_id

OWNER = "web:a secret of this browser"


async def put(shop: Shop, sku_id: object, quantity: Any = 1, owner: str = OWNER, **more: Any) -> Cart:
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        return await add_line(tx, owner=owner, sku_id=sku_id, quantity=quantity, **more)  # type: ignore[arg-type]


async def cart_of(shop: Shop, owner: str = OWNER) -> Cart:
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        return await load_cart(tx, owner=owner)


async def change_price(shop: Shop, sku_id: Any, amount_minor: int) -> None:
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await set_price(tx, sku_id=sku_id, amount_minor=amount_minor, reason="test", by="test")


async def take_stock(shop: Shop, sku_id: Any, quantity: int) -> None:
    await adjust_stock(
        shop.commerce,
        shop.merchant_id,
        sku_id=sku_id,
        place_id=shop.warehouse.place_id,
        delta=-quantity,
        reason="broken",
        by="test",
        key=str(new_id()),
    )


async def unpublish(shop: Shop, sku_id: Any) -> None:
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        variant = await find_variant(tx, sku_id=sku_id)
        assert variant is not None
        await publish_product(tx, product_id=variant.product_id, by="test", published=False)


@given(st.integers(1, LIMITS.line_quantity))
def test_a_whole_number_in_range_is_a_quantity_as_number_or_text(number: int):
    assert parse_quantity(number) == parse_quantity(str(number)) == parse_quantity(f" {number} ") == number


@given(
    st.one_of(
        st.integers(max_value=0),
        st.integers(min_value=LIMITS.line_quantity + 1),
        st.floats(),
        st.booleans(),
        st.none(),
        st.binary(),
        st.lists(st.integers()),
        st.decimals(),
        st.text().filter(lambda text: not text.strip().isdecimal()),
        st.integers(max_value=0).map(str),
        st.integers(min_value=LIMITS.line_quantity + 1).map(str),
    )
)
def test_anything_else_is_no_quantity(value: Any):
    with pytest.raises(Invalid) as refused:
        parse_quantity(value)
    assert refused.value.code == "cart.quantity_invalid"


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "1.0",
        "1e2",
        "+1",
        "-1",
        "0",
        "0x1",
        "1_0",
        "½",
        "²",
        "1\x00",
        "9" * 5000,
        "١" * 5000,
        "1 1",
        "NaN",
    ],
)
def test_texts_that_look_like_numbers_are_no_quantity_either(text: str):
    with pytest.raises(Invalid):
        parse_quantity(text)


async def test_a_line_of_the_same_product_grows_and_zero_takes_it_out(shop: Shop):
    ice, milk = await shop.add_product(), await shop.add_product("Milk", price_minor=100)
    await put(shop, ice, 2)
    await put(shop, milk, 1)
    cart = await put(shop, ice, "3")
    assert [(line.sku_id, line.quantity) for line in cart.lines] == [(ice, 5), (milk, 1)]
    assert (cart.items_minor, cart.quantity, cart.currency) == (5 * 349 + 100, 6, "USD")
    ids = {"owner": OWNER, "cart_id": cart.cart_id}
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        cart = await set_line(tx, **ids, line_id=cart.lines[0].line_id, quantity=1)
        assert cart.lines[0].quantity == 1
        cart = await set_line(tx, **ids, line_id=cart.lines[0].line_id, quantity=0)
        assert [line.sku_id for line in cart.lines] == [milk]
        cart = await remove_line(tx, **ids, line_id=cart.lines[0].line_id)
        assert (cart.lines, cart.items_minor) == ((), 0)


@pytest.mark.parametrize("quantity", [0, -1, 1.5, True, None, "1.5", "x", LIMITS.line_quantity + 1, 10**30])
async def test_an_impossible_quantity_puts_nothing_in(shop: Shop, take_snapshot: Snapshot, quantity: Any):
    sku_id = await shop.add_product(stock=2000)
    before = await take_snapshot()
    with pytest.raises(Invalid):
        await put(shop, sku_id, quantity)
    assert await take_snapshot() == before
    line_id = (await put(shop, sku_id, 2)).lines[0].line_id
    before = await take_snapshot()
    cart = await cart_of(shop)
    if quantity != 0:
        with pytest.raises(Invalid):
            async with shop.commerce.db.transaction(shop.merchant_id) as tx:
                await set_line(tx, owner=OWNER, cart_id=cart.cart_id, line_id=line_id, quantity=quantity)
    assert await take_snapshot() == before


async def test_lines_that_grow_past_the_limit_stay_as_they_were(shop: Shop, take_snapshot: Snapshot):
    sku_id = await shop.add_product(stock=5000)
    await put(shop, sku_id, LIMITS.line_quantity)
    before = await take_snapshot()
    with pytest.raises(Invalid):
        await put(shop, sku_id, 1)
    assert await take_snapshot() == before


async def test_more_than_there_is_and_what_is_not_for_sale_is_refused(shop: Shop, take_snapshot: Snapshot):
    few, hidden = await shop.add_product(stock=2), await shop.add_product("Hidden")
    none = await shop.add_product("Sold out", stock=0)
    await unpublish(shop, hidden)
    before = await take_snapshot()
    for sku_id, quantity, kind, code, available in (
        (few, 3, Conflict, "cart.short", 2),
        (none, 1, Conflict, "cart.short", 0),
        (hidden, 1, NotFound, "cart.product_unknown", None),
        (new_id(), 1, NotFound, "cart.product_unknown", None),
    ):
        with pytest.raises(kind) as refused:
            await put(shop, sku_id, quantity)
        assert (refused.value.code, refused.value.data.get("available")) == (code, available)
    assert await take_snapshot() == before


async def test_a_cart_holds_no_more_lines_than_its_limit(shop: Shop, owner: Any, take_snapshot: Snapshot):
    last = await shop.add_product()
    cart = await put(shop, await shop.add_product())
    await owner.execute(
        "INSERT INTO commerce.cart_line (merchant_id, cart_id, line_id, sku_id, quantity, seen_price_minor)"
        " SELECT $1, $2, gen_random_uuid(), gen_random_uuid(), 1, 1 FROM generate_series(1, $3::int)",
        shop.merchant_id,
        cart.cart_id,
        LIMITS.cart_lines - 1,
    )
    before = await take_snapshot()
    with pytest.raises(Invalid) as refused:
        await put(shop, last)
    assert refused.value.code == "cart.too_many_lines"
    assert await take_snapshot() == before


async def test_nobody_but_its_owner_finds_or_changes_a_cart(shop: Shop, take_snapshot: Snapshot):
    sku_id = await shop.add_product()
    cart = await put(shop, sku_id, 2)
    line_id = cart.lines[0].line_id
    before = await take_snapshot()
    for stranger in ("web:another", "", OWNER.upper(), OWNER + " ", f"api:{cart.cart_id}"):
        theirs = {"owner": stranger, "cart_id": cart.cart_id}
        async with shop.commerce.db.transaction(shop.merchant_id) as tx:
            assert await find_cart(tx, **theirs) is None
            for attempt, fields in (
                (load_cart, {}),
                (add_line, {"sku_id": sku_id, "quantity": 1}),
                (set_line, {"line_id": line_id, "quantity": 1}),
                (remove_line, {"line_id": line_id}),
                (set_cart_place, {"place_id": shop.store.place_id}),
                (accept_changes, {}),
            ):
                with pytest.raises(NotFound) as refused:
                    await attempt(tx, **theirs, **fields)
                assert refused.value.code == "cart.unknown"
    assert await take_snapshot() == before


async def test_only_a_digest_of_the_owners_secret_is_kept(shop: Shop, owner: Any):
    await put(shop, await shop.add_product())
    row = await owner.fetchval("SELECT c::text FROM commerce.cart c WHERE merchant_id = $1", shop.merchant_id)
    assert "secret" not in row
    assert OWNER.encode().hex() not in row


async def test_a_changed_price_is_told_beside_the_one_that_was_seen(shop: Shop):
    dear, same = await shop.add_product(price_minor=300), await shop.add_product("Milk", price_minor=100)
    await put(shop, dear, 2)
    await put(shop, same)
    await change_price(shop, dear, 350)
    cart = await cart_of(shop)
    line = cart.lines[0]
    assert (line.seen_price_minor, line.price_minor, line.total_minor) == (300, 350, 700)
    assert (line.problem, cart.lines[1].problem) == ("price_changed", None)
    assert [(change.kind, change.before, change.now) for change in cart.changes] == [
        ("price_changed", 300, 350)
    ]
    assert cart.items_minor == 800, "a total is always at today's prices"
    await change_price(shop, dear, 300)
    assert (await cart_of(shop)).changes == ()


async def test_accepting_changes_takes_new_prices_shrinks_short_lines_and_drops_what_is_gone(shop: Shop):
    dear, short = await shop.add_product("A", price_minor=300), await shop.add_product("B", stock=5)
    sold_out, gone = await shop.add_product("C", stock=1), await shop.add_product("D")
    for sku_id, quantity in ((dear, 1), (short, 4), (sold_out, 1), (gone, 1)):
        await put(shop, sku_id, quantity)
    await change_price(shop, dear, 350)
    await take_stock(shop, short, 2)
    await take_stock(shop, sold_out, 1)
    await unpublish(shop, gone)
    cart = await cart_of(shop)
    assert {(c.title, c.kind) for c in cart.changes} == {
        ("A", "price_changed"),
        ("B", "short"),
        ("C", "short"),
        ("D", "gone"),
    }
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        cart = await accept_changes(tx, owner=OWNER)
    assert [(line.title, line.quantity, line.price_minor) for line in cart.lines] == [
        ("A", 1, 350),
        ("B", 3, 349),
    ]
    assert cart.changes == ()
    again = await cart_of(shop)
    assert (again.lines, again.changes) == (cart.lines, ())


async def test_first_clicks_of_one_browser_in_the_same_moment_open_one_cart(shop: Shop, owner: Any):
    skus = [await shop.add_product(f"Product {n}") for n in range(4)]
    await asyncio.gather(*(put(shop, skus[n % 4]) for n in range(16)))
    assert (
        await owner.fetchval("SELECT count(*) FROM commerce.cart WHERE merchant_id = $1", shop.merchant_id)
        == 1
    )
    cart = await cart_of(shop)
    assert {line.sku_id: line.quantity for line in cart.lines} == dict.fromkeys(skus, 4)


async def test_clicks_at_once_never_put_in_more_than_there_is(shop: Shop):
    sku_id = await shop.add_product(stock=5)
    answers = await asyncio.gather(*(put(shop, sku_id) for _ in range(12)), return_exceptions=True)
    assert sum(isinstance(answer, Cart) for answer in answers) == 5
    assert {answer.code for answer in answers if isinstance(answer, Refused)} == {"cart.short"}
    assert (await cart_of(shop)).quantity == 5


async def test_with_a_store_chosen_its_stock_can_be_bought_as_well(shop: Shop):
    sku_id = await shop.add_product(stock=1, store_stock=4)
    with pytest.raises(Conflict):
        await put(shop, sku_id, 3)
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await open_cart(tx, owner=OWNER)
        await set_cart_place(tx, owner=OWNER, place_id=shop.store.place_id)
    assert (await put(shop, sku_id, 3)).lines[0].available == 4
    with pytest.raises(NotFound):
        async with shop.commerce.db.transaction(shop.merchant_id) as tx:
            await set_cart_place(tx, owner=OWNER, place_id=new_id())
