"""What an order's shopper is written: once per event, in their language, with the link that opens the order."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import msgspec
from tests.journeys.steps import pay
from tests.promotion.conftest import Desk
from tests.promotion.test_group import join, offer

from serai.commerce.aftersale.api import cancel_order
from serai.commerce.aftersale.jobs import settle_groups
from serai.commerce.alert.api import set_alert
from serai.commerce.catalogue.api import set_price
from serai.commerce.consultation.api import answer_question, ask_question
from serai.commerce.order.api import find_order, fulfil_order
from serai.commerce.price.api import NewOffer, add_offer
from serai.foundation import clock
from serai.foundation.event import pump_events
from serai.foundation.mail import MAIL_JOB, Letter
from serai.storefront.jobs import tell_begun_offers
from serai.storefront.subscribers import ALERTS, ANSWERS, group_letters, order_letters


async def list_letters(owner, shop):
    rows = await owner.fetch(
        "SELECT payload FROM foundation.job WHERE merchant_id = $1 AND name = $2 ORDER BY job_id",
        shop.merchant_id,
        MAIL_JOB,
    )
    return [msgspec.convert(row["payload"], Letter) for row in rows]


async def deliver(owner, shop, *subscribers):
    for subscriber in subscribers or (order_letters(shop.commerce),):
        while await pump_events(owner, shop.commerce.db, subscriber):
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


async def place_in_group(shop, desk, provider, people, paying):
    """A group with so many paid orders."""
    sku_id = await shop.add_product(price_minor=5000)
    _promotion, group = await offer(desk, sku_id, people)
    placed = [await shop.place_cart(*await join(shop, sku_id, group)) for _ in range(paying)]
    for each in placed:
        await pay(shop, provider, each)
    return group, placed


async def test_everybody_is_told_once_that_the_group_is_complete(shop, owner, provider):
    _group, placed = await place_in_group(shop, Desk(shop), provider, 2, 2)
    await deliver(owner, shop)
    for _ in range(2):
        await settle_groups(shop.commerce, owner)
        await deliver(owner, shop, order_letters(shop.commerce), group_letters(shop.commerce))
    letters = await list_letters(owner, shop)
    for each in placed:
        mine = [letter for letter in letters if each.number in letter.subject]
        assert [letter.subject.partition(each.number)[0] for letter in mine] == [
            "We have your order ",
            "Payment received for order ",
            "Your group is complete: order ",
        ]
        assert any("as soon as the group is complete" in line for line in mine[1].lines)
        assert not any("We are now preparing" in line for line in mine[1].lines)


async def test_everybody_is_told_that_the_group_failed_and_what_goes_back(shop, owner, provider):
    group, [placed] = await place_in_group(shop, Desk(shop), provider, 2, 1)
    with clock.clock_at(group.deadline):
        await settle_groups(shop.commerce, owner)
    await deliver(owner, shop, order_letters(shop.commerce), group_letters(shop.commerce))
    letters = await list_letters(owner, shop)
    assert [letter.subject for letter in letters[-2:]] == [
        f"Your group did not come together: order {placed.number}",
        f"Refund for order {placed.number}",
    ]


async def test_what_is_long_over_is_no_news(shop, owner):
    await shop.place((await shop.add_product(), 1))
    with clock.clock_shifted(timedelta(days=3)):
        await deliver(owner, shop)
    assert await list_letters(owner, shop) == []


async def wait_for(shop, sku_id, kind):
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await set_alert(
            tx,
            kind=kind,
            sku_id=sku_id,
            email="bo@example.org",
            locale="zh_Hans",
            member_id=None,
            is_proven=True,
        )


async def add(shop, sku_id, amount_minor, **when):
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await add_offer(tx, offer=NewOffer(sku_id=sku_id, amount_minor=amount_minor, **when), by="t")


async def test_an_offer_is_told_like_a_lower_price_and_not_what_others_pay(shop, owner):
    sku_id = await shop.add_product(price_minor=1000)
    await wait_for(shop, sku_id, "price")
    await add(shop, sku_id, 700, kind="member", member_level="gold")
    await add(shop, sku_id, 600, kind="tier", min_quantity=5)
    await add(shop, sku_id, 1000)
    await deliver(owner, shop, ALERTS)
    assert await list_letters(owner, shop) == []
    await add(shop, sku_id, 800)
    for _ in range(2):
        await deliver(owner, shop, ALERTS)
    [letter] = await list_letters(owner, shop)
    assert any("US$8.00" in line for line in letter.lines)
    # Who asks now has seen the offer's price: only less than that is news.
    await wait_for(shop, sku_id, "price")
    await set_to(shop, sku_id, 900)
    await deliver(owner, shop, ALERTS)
    assert len(await list_letters(owner, shop)) == 1


async def test_an_offer_that_begins_later_is_told_when_it_begins_once(shop, owner):
    sku_id = await shop.add_product(price_minor=1000)
    await wait_for(shop, sku_id, "price")
    start = clock.now() + timedelta(hours=3)
    await add(shop, sku_id, 800, valid_from=start, valid_to=start + timedelta(hours=1))
    await deliver(owner, shop, ALERTS)
    await tell_begun_offers(shop.commerce, owner)
    with clock.clock_at(start + timedelta(hours=2)):
        await tell_begun_offers(shop.commerce, owner)
    assert await list_letters(owner, shop) == []
    with clock.clock_at(start):
        assert await tell_begun_offers(shop.commerce, owner) >= 1
        await tell_begun_offers(shop.commerce, owner)
        await deliver(owner, shop, ALERTS)
    assert len(await list_letters(owner, shop)) == 1


async def set_to(shop, sku_id, amount_minor):
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await set_price(tx, sku_id=sku_id, amount_minor=amount_minor, reason="t", by="t")


async def test_a_fallen_price_is_told_once_in_the_readers_language(shop, owner):
    sku_id = await shop.add_product(price_minor=500)
    await wait_for(shop, sku_id, "price")
    for amount_minor in (600, 400, 300):
        async with shop.commerce.db.transaction(shop.merchant_id) as tx:
            await set_price(tx, sku_id=sku_id, amount_minor=amount_minor, reason="t", by="t")
        await deliver(owner, shop, ALERTS)
    [letter] = await list_letters(owner, shop)
    assert (letter.to, letter.subject) == ("bo@example.org", "降价了：Ice, crushed, 22 lb")
    assert "US$4.00" in letter.lines[0]


async def test_goods_that_a_cancelled_order_gives_back_are_told(shop, owner):
    sku_id = await shop.add_product(stock=1)
    placed = await shop.place((sku_id, 1))
    await wait_for(shop, sku_id, "stock")
    await deliver(owner, shop, ALERTS)
    assert await list_letters(owner, shop) == []
    await cancel_order(shop.commerce, shop.merchant_id, order_id=placed.order_id, by="shopper")
    await deliver(owner, shop, ALERTS)
    [letter] = await list_letters(owner, shop)
    assert letter.subject.startswith("到货了")


async def test_an_answer_of_staff_reaches_the_asker_once(shop, owner):
    sku_id = await shop.add_product()
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        product_id = await tx.fetchval("SELECT product_id FROM commerce.variant WHERE sku_id = $1", sku_id)
        asked = await ask_question(
            tx,
            product_id=product_id,
            words="Will it fit?",
            email="bo@example.org",
            name="Bo",
            locale="en",
            facts=(),
        )
        await answer_question(tx, question_id=asked.question_id, words="It will.", by="o", published=False)
    await deliver(owner, shop, ANSWERS)
    await deliver(owner, shop, ANSWERS)
    [letter] = await list_letters(owner, shop)
    assert (letter.to, "It will." in letter.lines) == ("bo@example.org", True)
