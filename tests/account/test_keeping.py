"""Wish lists, things kept for later, alerts, gifts; export and erasure over all of them."""

import asyncio
from datetime import timedelta

import pytest
from tests.journeys.steps import pay
from tests.shop import ADDRESS, CONTACT

from serai.commerce.alert import api as alert
from serai.commerce.cart import api as cart_api
from serai.commerce.catalogue.api import set_price
from serai.commerce.checkout.api import place_order, quote_cart
from serai.commerce.gift.api import find_gift
from serai.commerce.order.api import find_order, fulfil_order
from serai.commerce.privacy import api as privacy
from serai.commerce.saved import api as saved
from serai.commerce.stock.api import receive_stock
from serai.commerce.wish import api as wish
from serai.foundation import clock
from serai.foundation.errors import Conflict, Invalid, Limited, NotFound
from serai.foundation.ids import new_id
from serai.identity.member import api as member_api

EMAIL = "ann@example.org"


def tx_of(shop, mode="write"):
    return shop.commerce.db.transaction(shop.merchant_id, mode)


@pytest.fixture
async def member(shop):
    token = await member_api.register_member(
        shop.commerce.db, shop.merchant_id, email=EMAIL, password="a calm sentence", name="Ann"
    )
    async with tx_of(shop, "read") as tx:
        return await member_api.find_member(tx, token=token)


async def test_a_list_is_filled_shared_by_link_and_closed_again(shop, member):
    sku_id = await shop.add_product()
    async with tx_of(shop) as tx:
        wish_list = await wish.add_item(tx, member_id=member.member_id, sku_id=sku_id, name="My list")
        await wish.add_item(tx, member_id=member.member_id, sku_id=sku_id, name="Another")
        [only] = await wish.list_lists(tx, member_id=member.member_id)
        assert (only.name, only.item_count, only.share_token) == ("My list", 1, None)
        await wish.share_list(tx, member_id=member.member_id, list_id=wish_list.list_id, shared=True)
        [only] = await wish.list_lists(tx, member_id=member.member_id)
        assert [i.sku_id for i in (await wish.open_shared(tx, share_token=only.share_token)).items] == [
            sku_id
        ]
        await wish.share_list(tx, member_id=member.member_id, list_id=wish_list.list_id, shared=False)
        for token in (only.share_token, "", "x" * 22, "' OR true --"):
            with pytest.raises(NotFound):
                await wish.open_shared(tx, share_token=token)


async def test_a_list_of_somebody_else_is_not_there(shop, member):
    sku_id = await shop.add_product()
    async with tx_of(shop) as tx:
        mine = await wish.add_item(tx, member_id=member.member_id, sku_id=sku_id, name="Mine")
        other = {"member_id": new_id(), "list_id": mine.list_id}
        for act in (
            wish.open_list(tx, **other),
            wish.remove_list(tx, **other),
            wish.share_list(tx, shared=True, **other),
            wish.rename_list(tx, name="x", **other),
            wish.remove_item(tx, sku_id=sku_id, **other),
            wish.add_item(tx, sku_id=sku_id, **other),
        ):
            with pytest.raises(NotFound):
                await act
        assert (await wish.open_list(tx, member_id=member.member_id, list_id=mine.list_id)).items


async def test_the_first_list_is_made_once_by_many_at_once(shop, member):
    sku_id = await shop.add_product()

    async def add():
        async with tx_of(shop) as tx:
            await wish.add_item(tx, member_id=member.member_id, sku_id=sku_id, name="List")

    await asyncio.gather(*(add() for _ in range(10)))
    async with tx_of(shop, "read") as tx:
        assert [one.item_count for one in await wish.list_lists(tx, member_id=member.member_id)] == [1]


async def test_a_line_is_kept_for_later_and_comes_back_unless_it_is_sold_out(shop):
    ice, milk = await shop.add_product(stock=5), await shop.add_product("Milk")
    owner, _cart_id = await shop.fill_cart((ice, 3), (milk, 1))
    async with tx_of(shop) as tx:
        cart = await cart_api.load_cart(tx, owner=owner)
        line = next(line for line in cart.lines if line.sku_id == ice)
        await saved.save_line(tx, owner=owner, line_id=line.line_id)
        assert [(s.item.sku_id, s.quantity) for s in await saved.list_saved(tx, owner=owner)] == [(ice, 3)]
        assert [line.sku_id for line in (await cart_api.load_cart(tx, owner=owner)).lines] == [milk]
    await shop.place((ice, 4))
    with pytest.raises(Conflict):
        async with tx_of(shop) as tx:
            await saved.restore_line(tx, owner=owner, sku_id=ice)
    async with tx_of(shop) as tx:
        assert len(await saved.list_saved(tx, owner=owner)) == 1
        with pytest.raises(NotFound):
            await saved.restore_line(tx, owner="web:somebody else", sku_id=ice)


async def set_alert(shop, sku_id, kind="price", email=EMAIL, proven=True, **more):
    async with tx_of(shop) as tx:
        return await alert.set_alert(
            tx, kind=kind, sku_id=sku_id, email=email, locale="en", member_id=None, is_proven=proven, **more
        )


async def test_a_price_alert_fires_once_and_only_when_the_price_has_fallen(shop):
    sku_id = await shop.add_product(price_minor=500)
    await set_alert(shop, sku_id)

    async def fire(amount_minor):
        async with tx_of(shop) as tx:
            await set_price(tx, sku_id=sku_id, amount_minor=amount_minor, reason="t", by="t")
            return [f.price_minor for f in await alert.fire_price_alerts(tx, sku_ids=[sku_id])]

    assert await fire(600) == []
    assert await fire(450) == [450]
    assert await fire(400) == []


async def test_nobody_is_written_to_before_confirming(shop):
    sku_id = await shop.add_product(stock=0)
    new = await set_alert(shop, sku_id, "stock", proven=False)
    assert not new.is_confirmed
    await receive_stock(
        shop.commerce, shop.merchant_id, sku_id=sku_id, place_id=shop.warehouse.place_id, quantity=3, reason="t",
        by="t", key="k",
    )  # fmt: skip
    async with tx_of(shop) as tx:
        assert await alert.fire_stock_alerts(tx, sku_ids=[sku_id]) == []
        await alert.confirm_alert(tx, token=new.token)
        [fired] = await alert.fire_stock_alerts(tx, sku_ids=[sku_id])
        assert fired.alert.email == EMAIL
        with pytest.raises(NotFound):
            await alert.end_alert(tx, token=new.token)


async def test_two_workers_fire_an_alert_once(shop):
    sku_id = await shop.add_product(price_minor=500)
    await set_alert(shop, sku_id)
    async with tx_of(shop) as tx:
        await set_price(tx, sku_id=sku_id, amount_minor=100, reason="t", by="t")

    async def fire():
        async with tx_of(shop) as tx:
            return len(await alert.fire_price_alerts(tx, sku_ids=[sku_id]))

    assert sum(await asyncio.gather(*(fire() for _ in range(6)))) == 1


async def test_a_stranger_cannot_have_somebodys_mailbox_filled(shop):
    skus = [await shop.add_product(f"P{n}") for n in range(alert.PER_ADDRESS + 1)]
    with pytest.raises(Limited):
        for sku_id in skus:
            await set_alert(shop, sku_id, proven=False)
    with pytest.raises(Invalid):
        await set_alert(shop, skus[0], email="x@y\nBcc: z@example.org")
    async with tx_of(shop) as tx:
        with clock.clock_shifted(timedelta(days=4)):
            await alert.delete_old_alerts(tx)
        assert await tx.fetchval("SELECT count(*) FROM commerce.alert") == 0


async def place_gift(shop, member_id, sku_id, message):
    owner, cart_id = await shop.fill_cart((sku_id, 1))
    async with tx_of(shop, "read") as tx:
        quote = await quote_cart(
            tx, settings=shop.commerce.settings, owner=owner, cart_id=cart_id, delivery="ship", place_id=None
        )
    return await place_order(
        shop.commerce, shop.merchant_id, owner=owner, cart_id=cart_id, contact=CONTACT, address=ADDRESS,
        delivery="ship", place_id=None, expected_digest=quote.digest, member_id=member_id, locale="en",
        gift_message=message,
    )  # fmt: skip


async def test_a_gift_message_travels_with_its_order(shop):
    sku_id = await shop.add_product()
    placed = await place_gift(shop, None, sku_id, "  Happy birthday! ")
    with pytest.raises(Invalid):
        await place_gift(shop, None, sku_id, "x" * 301)
    async with tx_of(shop, "read") as tx:
        assert (await find_gift(tx, order_id=placed.order_id)).message == "Happy birthday!"


async def test_a_member_takes_everything_along_and_is_forgotten(shop, member, provider, owner, assert_clean):
    sku_id = await shop.add_product()
    placed = await place_gift(shop, member.member_id, sku_id, "Happy birthday!")
    await set_alert(shop, sku_id)
    async with tx_of(shop) as tx:
        await wish.add_item(tx, member_id=member.member_id, sku_id=sku_id, name="My list")
        exported = await privacy.export_member(tx, member_id=member.member_id)
        assert exported["orders"][0]["gift"]["message"] == "Happy birthday!"
        assert exported["orders"][0]["order"]["address"]["line1"] == ADDRESS.line1
        assert exported["wish_lists"][0]["wish_list"]["name"] == "My list"
        assert exported["purse"]["balance"]["points"] == 0
        assert "password" not in str(exported)
        with pytest.raises(Conflict):
            await privacy.erase_member(tx, member_id=member.member_id)
    await pay(shop, provider, placed)
    await fulfil_order(shop.commerce, shop.merchant_id, order_id=placed.order_id, by="t")
    async with tx_of(shop) as tx:
        await privacy.erase_member(tx, member_id=member.member_id)
    for word in (EMAIL, CONTACT.email, CONTACT.name, ADDRESS.line1, "Happy birthday!"):
        for table in ("sales_order", "order_gift", "alert", "wish_list", "question"):
            found = await owner.fetchval(
                f"SELECT count(*) FROM commerce.{table} t WHERE merchant_id = $1 AND t::text LIKE '%' || $2 || '%'",
                shop.merchant_id,
                word,
            )
            assert found == 0, (table, word)
    async with tx_of(shop, "read") as tx:
        order = await find_order(tx, order_id=placed.order_id)
        assert (order.total_minor, order.address.postcode, order.state) == (948, "45202", "fulfilled")
        assert await find_order(tx, order_id=placed.order_id, access_token=placed.access_token) is None
    await assert_clean()


async def test_a_guests_orders_are_a_members_only_after_the_address_is_proven(shop, member):
    async with tx_of(shop) as tx:
        await tx.execute(
            "UPDATE identity.member SET email = $2 WHERE member_id = $1", member.member_id, CONTACT.email
        )
    await shop.place((await shop.add_product(), 1))
    async with tx_of(shop) as tx:
        assert (await privacy.export_member(tx, member_id=member.member_id))["orders"] == []
        asked = await member_api.ask_link(tx, purpose="verify", email=CONTACT.email)
        await member_api.verify_email(tx, token=asked.token)
        assert len((await privacy.export_member(tx, member_id=member.member_id))["orders"]) == 1
