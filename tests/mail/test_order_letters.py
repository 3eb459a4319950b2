"""What an order's shopper is written: once per event, in their language, with the link that opens the order."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import msgspec
from tests.journeys.steps import pay

from serai.commerce.aftersale.api import cancel_order
from serai.commerce.order.api import find_order, fulfil_order
from serai.foundation import clock
from serai.foundation.event import pump_events
from serai.foundation.mail import MAIL_JOB, Letter
from serai.storefront.subscribers import order_letters


async def list_letters(owner, shop):
    rows = await owner.fetch(
        "SELECT payload FROM foundation.job WHERE merchant_id = $1 AND name = $2 ORDER BY job_id",
        shop.merchant_id,
        MAIL_JOB,
    )
    return [msgspec.convert(row["payload"], Letter) for row in rows]


async def deliver(owner, shop):
    while await pump_events(owner, shop.commerce.db, order_letters(shop.commerce)):
        pass


async def test_an_order_is_told_from_the_cart_to_the_door(shop, owner, provider):
    sku_id = await shop.add_product(price_minor=1000)
    placed = await shop.place((sku_id, 2))
    await pay(shop, provider, placed)
    await fulfil_order(shop.commerce, shop.merchant_id, order_id=placed.order_id, by="t", tracking="Z1")
    await deliver(owner, shop)
    await deliver(owner, shop)
    letters = await list_letters(owner, shop)
    assert [letter.subject.partition(placed.number)[0] for letter in letters] == [
        "We have your order ",
        "Payment received for order ",
        "Order ",
    ]
    assert {letter.to for letter in letters} == {"ann@example.com"}
    assert ("2 × Ice, crushed, 22 lb", "$20.00") in letters[0].rows
    assert "Tracking number: Z1" in letters[2].lines
    link = urlsplit(letters[0].action[1])
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        [key] = parse_qs(link.query)["key"]
        assert await find_order(tx, order_id=placed.order_id, access_token=key) is not None


async def test_a_cancelled_and_refunded_order_is_told(shop, owner, provider):
    placed = await shop.place((await shop.add_product(price_minor=5000), 1))
    await pay(shop, provider, placed)
    await cancel_order(shop.commerce, shop.merchant_id, order_id=placed.order_id, by="staff")
    await deliver(owner, shop)
    subjects = [letter.subject for letter in await list_letters(owner, shop)]
    assert f"Order {placed.number} is cancelled" in subjects
    assert subjects.count(f"Refund for order {placed.number}") == 1


async def test_what_is_long_over_is_no_news(shop, owner):
    await shop.place((await shop.add_product(), 1))
    with clock.clock_shifted(timedelta(days=3)):
        await deliver(owner, shop)
    assert await list_letters(owner, shop) == []
