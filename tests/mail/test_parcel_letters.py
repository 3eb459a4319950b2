"""What a shopper is written of parcels: one letter each where there are several, and a pick-up's code, nothing twice."""

from tests.fulfilment.desk import buy, pack, ship
from tests.mail.test_order_letters import deliver, list_letters

from serai.commerce.fulfilment.api import Content, cut_goods, make_ready, pickup_code


async def test_each_of_several_parcels_has_its_letter_and_the_order_none_more(shop, owner, provider):
    tea, jam = await shop.add_product("Tea"), await shop.add_product("Jam", price_minor=400)
    order = await buy(shop, provider, (tea, 2), (jam, 2))
    await ship(shop, await pack(shop, order.order_id, [(1, 1)]), tracking="A1")
    await cut_goods(
        shop.commerce,
        shop.merchant_id,
        order_id=order.order_id,
        contents=[Content(2, 1)],
        kind="short",
        reason="",
        by="t",
        key="c",
    )
    await ship(shop, await pack(shop, order.order_id, key="p2"), tracking="A2")
    await deliver(owner, shop)
    letters = [letter for letter in await list_letters(owner, shop) if "refund" not in letter.subject.lower()]
    assert [letter.subject.partition(order.number)[0] for letter in letters[2:]] == [
        "A parcel of order ",
        "A change to your order ",
        "A parcel of order ",
    ]
    assert "Tracking number: A1" in letters[2].lines
    assert any("$4.00" in line for line in letters[3].lines)
    assert "Tracking number: A2" in letters[4].lines


async def test_a_pick_up_is_told_with_its_code(shop, owner, provider):
    tea = await shop.add_product("Tea", store_stock=5)
    order = await buy(shop, provider, (tea, 1), delivery="pickup", place_id=shop.store.place_id)
    parcel = await pack(shop, order.order_id)
    await make_ready(
        shop.commerce, shop.merchant_id, order_id=order.order_id, parcel_id=parcel.parcel_id, by="t"
    )
    await deliver(owner, shop)
    letter = (await list_letters(owner, shop))[-1]
    assert letter.subject == f"Order {order.number} is ready for you"
    code = pickup_code(shop.commerce.secret, parcel.parcel_id)
    assert sum(code in line for line in letter.lines) == 1
    assert not any("Tracking" in line for line in letter.lines)
