"""One change becomes one message, in order per object, again until it is heard."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from tests.conftest import FakeProvider
from tests.shop import Shop, open_shop
from tests.webhook.consumer import Consumer
from tests.webhook.desk import Desk

from serai.commerce.webhook import deliver_due as flow
from serai.commerce.webhook.api import (
    resend_delivery,
    resend_parked,
    rotate_secret,
    send_test,
    set_endpoint_state,
)
from serai.commerce.webhook.deliver_due import carry_out, claim_due, deliver_due
from serai.foundation import clock
from serai.foundation.database import Database
from serai.foundation.errors import Conflict, NotFound
from serai.foundation.ids import MerchantId, new_id
from serai.identity.staff.api import invite_staff

Check = Callable[[], Awaitable[None]]


async def test_an_order_tells_each_change_once_and_in_order(
    desk: Desk, shop: Shop, consumer: Consumer, provider: FakeProvider, assert_clean: Check
) -> None:
    _endpoint, secret = await desk.add(consumer.url, "order.placed", "order.paid", "order.cancelled")
    placed = await shop.place((await shop.add_product(stock=5), 2))
    order_id = placed.order_id
    await desk.pay(order_id, 798)
    await desk.cancel(order_id)
    await desk.deliver_all()
    await desk.deliver_all()
    assert [each.message["type"] for each in consumer.heard] == [
        "order.placed",
        "order.paid",
        "order.cancelled",
    ]
    assert consumer.numbers() == {str(order_id): [1, 2, 3]}
    ids = consumer.verify(secret)
    assert len(set(ids)) == 3
    assert ids == [each.message["id"] for each in consumer.heard]
    first = consumer.heard[0].message
    assert first["data"]["lines"][0]["quantity"] == 2
    assert first["object"]["kind"] == "order"
    assert b"somebody@staff" not in b"".join(each.body for each in consumer.heard), "staff stay inside"
    assert {each.state for each in await desk.deliveries()} == {"delivered"}
    await assert_clean()


async def test_a_rolled_back_change_is_never_told(desk: Desk, shop: Shop, consumer: Consumer) -> None:
    await desk.add(consumer.url)
    sku_id = await shop.add_product(stock=1)
    await desk.deliver_all()
    consumer.heard.clear()
    owner, cart_id = await shop.fill_cart((sku_id, 1))
    rival, rival_cart = await shop.fill_cart((sku_id, 1))
    await shop.place_cart(owner, cart_id)
    with pytest.raises(Conflict):
        await shop.place_cart(rival, rival_cart)
    await desk.deliver_all()
    assert [each.message["type"] for each in consumer.heard] == ["order.placed"]


@pytest.mark.parametrize("answer", [500, 404, "drop", "slow", "redirect"])
async def test_what_was_not_heard_comes_again_with_the_same_id(
    desk: Desk, consumer: Consumer, answer: int | str, assert_clean: Check
) -> None:
    endpoint, secret = await desk.add(consumer.url, "order.paid")
    consumer.answer, consumer.redirect_to = (lambda heard: answer), "http://127.0.0.1:1/inside"
    await desk.pay(new_id())
    assert await desk.deliver(rounds=3) == 1, "the second try waits for its pause"
    (delivery,) = await desk.deliveries()
    assert (delivery.state, delivery.attempts) == ("waiting", 1)
    (attempt,) = await desk.attempts(delivery)
    assert attempt.ended_at is not None
    assert attempt.reason
    assert attempt.status == (answer if isinstance(answer, int) else {"redirect": 307}.get(answer))
    assert (await desk.endpoint(endpoint)).failures == 1
    consumer.answer = lambda heard: 200
    with clock.clock_shifted(timedelta(seconds=7)):
        assert await desk.deliver() == 1
        assert len(set(consumer.verify(secret))) == 1, "a repeat is signed afresh"
    assert len(consumer.heard) == 2
    assert consumer.heard[0].body == consumer.heard[1].body
    (delivery,) = await desk.deliveries()
    assert (delivery.state, delivery.attempts) == ("delivered", 2)
    assert (await desk.endpoint(endpoint)).failures == 0
    await assert_clean()


async def test_of_a_huge_answer_little_is_read(desk: Desk, consumer: Consumer) -> None:
    await desk.add(consumer.url, "order.paid")
    consumer.answer = lambda heard: "huge"
    await desk.pay(new_id())
    await desk.deliver()
    (delivery,) = await desk.deliveries()
    assert delivery.state == "delivered"
    (attempt,) = await desk.attempts(delivery)
    assert attempt.response_body == "y" * 4096
    assert consumer.sent_bytes < 20_000_000, "the connection is closed long before a gigabyte"


async def test_after_the_last_try_it_is_parked_and_the_next_one_goes_on(
    desk: Desk, consumer: Consumer, assert_clean: Check
) -> None:
    await desk.add(consumer.url, "order.paid", "order.cancelled")
    order_id, other_id = new_id(), new_id()
    consumer.answer = lambda heard: 500 if heard.message["type"] == "order.paid" else 200
    await desk.pay(order_id)
    await desk.cancel(order_id)
    await desk.cancel(other_id)
    await desk.deliver_all()
    assert consumer.numbers() == {str(order_id): [1], str(other_id): [1]}, "the second waits, others go on"
    for shift_s in (7, 60, 300):
        with clock.clock_shifted(timedelta(seconds=shift_s)):
            await desk.deliver_all()
    assert consumer.numbers()[str(order_id)] == [1, 1, 1, 1, 2]
    by_state = {each.sequence: each.state for each in await desk.deliveries(object_id=order_id)}  # type: ignore[arg-type]  # an id
    assert by_state == {1: "parked", 2: "delivered"}
    await assert_clean()


async def test_parked_messages_are_sent_again_one_or_all(desk: Desk, shop: Shop, consumer: Consumer) -> None:
    endpoint, _secret = await desk.add(consumer.url, "order.paid")
    consumer.answer = lambda heard: 500
    for _ in range(3):
        await desk.pay(new_id())
    for shift_s in (0, 7, 60, 300):
        with clock.clock_shifted(timedelta(seconds=shift_s)):
            await desk.deliver_all()
    parked = await desk.deliveries(state="parked")
    assert len(parked) == 3
    consumer.answer = lambda heard: 200
    consumer.heard.clear()
    with clock.clock_shifted(timedelta(hours=1)):
        async with shop.commerce.db.transaction(shop.merchant_id) as tx:
            await resend_delivery(tx, delivery_id=parked[0].delivery_id, by="test")
        await desk.deliver_all()
        assert [each.message["id"] for each in consumer.heard] == [f"evt_{parked[0].event_id}"]
        async with shop.commerce.db.transaction(shop.merchant_id) as tx:
            assert await resend_parked(tx, endpoint_id=endpoint.endpoint_id, by="test") == 2
        await desk.deliver_all()
    assert len(consumer.heard) == 3
    assert {each.state for each in await desk.deliveries()} == {"delivered"}


async def test_a_worker_that_dies_between_send_and_note_sends_the_same_message_again(
    desk: Desk, shop: Shop, consumer: Consumer, monkeypatch: pytest.MonkeyPatch, assert_clean: Check
) -> None:
    _endpoint, secret = await desk.add(consumer.url, "order.paid")
    order_id = new_id()
    await desk.pay(order_id)
    await desk.pay(order_id, 5)
    await desk.pump()

    async def die(*_args: object) -> None:
        raise KeyboardInterrupt

    (claim,) = await claim_due(desk.commerce, desk.owner, most=5)
    with monkeypatch.context() as broken:
        broken.setattr(flow, "_note", die)
        with pytest.raises(KeyboardInterrupt):
            await carry_out(desk.commerce, claim)
    assert len(consumer.heard) == 1
    assert await deliver_due(desk.commerce, desk.owner) == 0, "its lease holds, and the next one waits for it"
    with clock.clock_shifted(timedelta(minutes=3)):
        await desk.deliver_all()
        assert consumer.numbers() == {str(order_id): [1, 1, 2]}
        ids = consumer.verify(secret)
    assert ids[0] == ids[1] != ids[2]
    # The dead one comes to: what it has to say is noted at its own attempt and changes nothing else.
    await carry_out(desk.commerce, claim)
    newest, oldest = await desk.deliveries()
    assert (oldest.state, oldest.attempts, newest.state) == ("delivered", 2, "delivered")
    await assert_clean()


async def test_eight_workers_keep_the_order_of_every_object(
    desk: Desk, consumer: Consumer, assert_clean: Check
) -> None:
    await desk.add(consumer.url, "order.paid", "order.cancelled")
    orders = [new_id() for _ in range(6)]
    # One object after the other, so that the next ones in line are all of the same.
    for order_id in orders:
        for _ in range(5):
            await desk.pay(order_id)
    await desk.pump()
    consumer.pause_s = 0.01

    async def work() -> None:
        idle = 0
        while idle < 30:
            idle = 0 if await deliver_due(desk.commerce, desk.owner, most=3) else idle + 1
            await asyncio.sleep(0.01)

    await asyncio.gather(*(work() for _ in range(8)))
    assert consumer.numbers() == {str(order_id): [1, 2, 3, 4, 5] for order_id in orders}
    assert consumer.most_of_one_object == 1, "never two of one object at the same time"
    assert 1 < consumer.most_at_once <= desk.commerce.settings.webhook_parallel
    await assert_clean()


async def test_an_endpoint_that_fails_and_fails_is_left_alone_then_probed(
    desk: Desk, consumer: Consumer
) -> None:
    endpoint, _secret = await desk.add(consumer.url, "order.paid")
    consumer.answer = lambda heard: 503
    for _ in range(20):
        await desk.pay(new_id())
    await desk.deliver_all()
    stand = await desk.endpoint(endpoint)
    assert stand.held_until is not None
    assert 10 <= stand.failures <= 13, "held once ten have failed in a row"
    assert len(consumer.heard) == stand.failures
    consumer.heard.clear()
    with clock.clock_shifted(timedelta(minutes=20)):
        assert await deliver_due(desk.commerce, desk.owner) == 1, "one message tries the ground"
        consumer.answer = lambda heard: 200
        with clock.clock_shifted(timedelta(minutes=20)):
            await desk.deliver_all()
    assert (await desk.endpoint(endpoint)).failures == 0
    assert {each.state for each in await desk.deliveries()} == {"delivered"}


async def test_an_endpoint_is_switched_off_after_days_of_failure_and_its_owners_read_why(
    desk: Desk, shop: Shop, consumer: Consumer, assert_clean: Check
) -> None:

    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        for email, role in (("boss@example.com", "owner"), ("clerk@example.com", "clerk")):
            await invite_staff(tx, email=email, name="N", role=role, by="test")  # type: ignore[arg-type]  # a role
    endpoint, _secret = await desk.add(consumer.url, "order.paid", "order.cancelled")
    order_id = new_id()
    consumer.answer = lambda heard: 500
    await desk.pay(order_id)
    await desk.cancel(order_id)
    await desk.deliver_all()
    with clock.clock_shifted(timedelta(days=6)):
        await desk.deliver_all()
    stand = await desk.endpoint(endpoint)
    assert stand.state == "disabled"
    assert "answered 500" in stand.why_disabled
    assert {each.state for each in await desk.deliveries()} == {"parked"}
    letters = await desk.owner.fetch(
        "SELECT payload FROM foundation.job WHERE merchant_id = $1 AND name = 'send mail'", shop.merchant_id
    )
    assert [row["payload"]["to"] for row in letters] == ["boss@example.com"]
    await desk.pay(new_id())
    await desk.deliver_all()
    assert len(await desk.deliveries()) == 2, "nothing is collected for it"
    consumer.answer = lambda heard: 200
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await set_endpoint_state(tx, endpoint_id=endpoint.endpoint_id, state="active", by="test")
        await resend_parked(tx, endpoint_id=endpoint.endpoint_id, by="test")
    await desk.deliver_all()
    assert consumer.numbers()[str(order_id)][-2:] == [1, 2]
    await assert_clean()


async def test_gone_switches_off_at_once(desk: Desk, consumer: Consumer) -> None:
    endpoint, _secret = await desk.add(consumer.url, "order.paid")
    consumer.answer = lambda heard: 410
    await desk.pay(new_id())
    await desk.deliver()
    assert (await desk.endpoint(endpoint)).state == "disabled"


async def test_a_paused_endpoint_collects_and_hears_it_all_afterwards(
    desk: Desk, shop: Shop, consumer: Consumer
) -> None:
    endpoint, _secret = await desk.add(consumer.url, "order.paid")
    order_id = new_id()
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await set_endpoint_state(tx, endpoint_id=endpoint.endpoint_id, state="paused", by="test")
    await desk.pay(order_id)
    await desk.pay(order_id)
    assert await desk.deliver() == 0
    assert not consumer.heard
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await set_endpoint_state(tx, endpoint_id=endpoint.endpoint_id, state="active", by="test")
    await desk.deliver_all()
    assert consumer.numbers() == {str(order_id): [1, 2]}


async def test_while_a_secret_changes_both_sign_and_then_the_new_one_alone(
    desk: Desk, shop: Shop, consumer: Consumer
) -> None:
    endpoint, old = await desk.add(consumer.url, "order.paid")
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        new = (
            await rotate_secret(tx, commerce=shop.commerce, endpoint_id=endpoint.endpoint_id, by="test")
        ).secret
    assert new != old
    await desk.pay(new_id())
    await desk.deliver()
    assert consumer.verify(old) == consumer.verify(new)
    consumer.heard.clear()
    with clock.clock_shifted(timedelta(hours=25)):
        await desk.pay(new_id())
        await desk.deliver_all()
        assert len(consumer.verify(new)) == 1
        with pytest.raises(Exception, match="forged"):
            consumer.verify(old)


async def test_an_endpoint_hears_nothing_of_what_was_before_it(desk: Desk, consumer: Consumer) -> None:
    order_id = new_id()
    await desk.pay(order_id)
    await desk.add(consumer.url, "order.paid")
    await desk.pay(order_id)
    await desk.deliver_all()
    assert consumer.numbers() == {str(order_id): [1]}


async def test_merchants_hear_their_own_changes_only(
    desk: Desk, shop: Shop, consumer: Consumer, owner: Database, db: Database
) -> None:
    _endpoint, _secret = await desk.add(consumer.url, "order.paid")
    stranger = MerchantId(new_id())

    other = Desk(
        await open_shop(owner, shop.commerce, stranger, f"other-{stranger.hex[-10:]}"), owner, desk.pump
    )
    await other.pay(new_id())
    mine = new_id()
    await desk.pay(mine)
    await desk.deliver_all()
    assert list(consumer.numbers()) == [str(mine)]
    (delivery,) = await desk.deliveries()
    async with db.transaction(stranger) as tx:
        with pytest.raises(NotFound):
            await resend_delivery(tx, delivery_id=delivery.delivery_id, by="stranger")
        with pytest.raises(NotFound):
            await send_test(tx, endpoint_id=delivery.endpoint_id, by="stranger")
        assert await tx.fetchval("SELECT count(*) FROM commerce.webhook_attempt") == 0
    assert (await desk.deliveries())[0] == delivery


async def test_a_test_message_says_so(desk: Desk, shop: Shop, consumer: Consumer) -> None:
    endpoint, secret = await desk.add(consumer.url, "order.paid")
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await send_test(tx, endpoint_id=endpoint.endpoint_id, by="test")
    await desk.deliver()
    (heard,) = consumer.heard
    assert heard.message["type"] == "webhook.test"
    assert consumer.verify(secret)
