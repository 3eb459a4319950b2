"""Labels and the way of a parcel at a carrier that misbehaves: bought once, followed to its end, never believed blindly."""

import asyncio
import json
from datetime import timedelta
from xml.etree import ElementTree

import httpx
import pytest
from tests.fulfilment.desk import buy, pack, ship
from tests.journeys.steps import order_of

from serai.commerce.aftersale.api import cancel_order
from serai.commerce.carrier.api import (
    buy_label,
    draw_label,
    find_living,
    list_labels,
    list_tracks,
    quote_parcel,
    settle_label,
)
from serai.commerce.carrier.jobs import settle_labels
from serai.commerce.fulfilment.api import Size, unpack_parcel
from serai.foundation import clock
from serai.foundation.errors import Conflict, Invalid, NotFound


async def packed(shop, provider, *, weight_g=1500):
    """A paid order in one packed parcel."""
    order = await buy(shop, provider, (await shop.add_product(), 2))
    return order, await pack(shop, order.order_id, size=Size(weight_g=weight_g))


async def label_of(shop, parcel, service="standard"):
    return await buy_label(
        shop.commerce,
        shop.merchant_id,
        parcel_id=parcel.parcel_id,
        carrier="caravan",
        service=service,
        by="clerk",
    )


async def labels(shop, parcel):
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        return await list_labels(tx, parcel_ids=[parcel.parcel_id])


async def way(shop, parcel):
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        found = await list_tracks(tx, parcel_ids=[parcel.parcel_id])
    return [each.kind for each in found.get(parcel.parcel_id, ())]


async def deliver(client, messages):
    """Hand webhooks on to the shop as they came; the status of each answer."""
    statuses = []
    for headers, body in messages:
        answer = await client.post(
            "/webhooks/carriers/caravan",
            content=body,
            headers={"carrier-signature": headers["carrier-signature"], "content-type": "application/json"},
        )
        statuses.append(answer.status_code)
    return statuses


@pytest.fixture
async def client(application, transport, shop, monkeypatch):
    # The application has tools of its own; these know the carrier.
    monkeypatch.setattr(application.app.state, "commerce", shop.commerce)
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{shop.host}") as opened:
        yield opened


async def test_a_label_is_quoted_bought_drawn_and_followed_to_the_door(
    shop, provider, client, simulator, post_box, assert_clean
):
    order, parcel = await packed(shop, provider)
    rates = await quote_parcel(shop.commerce, shop.merchant_id, parcel_id=parcel.parcel_id, carrier="caravan")
    assert [(rate.service, rate.price_minor) for rate in rates] == [("standard", 450), ("express", 950)]
    bought = await asyncio.gather(*(label_of(shop, parcel) for _twin in range(4)))
    assert len({each.label_id for each in bought}) == 1
    label = bought[0]
    assert (label.state, label.price_minor) == ("bought", 450)
    order = await order_of(shop, order.order_id)
    assert (order.parcels[0].tracking, order.parcels[0].carrier) == (label.tracking, "Caravan")
    picture = draw_label(order, order.parcels[0], label, sender="Shop <&>")
    assert ElementTree.fromstring(picture).tag.endswith("svg")
    assert label.tracking in picture
    simulator.advance(label.shipment_id, "picked_up")
    assert await deliver(client, post_box.take()) == [200]
    # The carrier has it, so it has left, though nobody said so here.
    order = await order_of(shop, order.order_id)
    assert (order.state, order.parcels[0].state) == ("fulfilled", "shipped")
    simulator.advance(label.shipment_id, "delivered")
    assert await deliver(client, post_box.take()) == [200]
    order = await order_of(shop, order.order_id)
    assert order.parcels[0].state == "delivered"
    assert await way(shop, parcel) == ["picked_up", "delivered"]
    await assert_clean()


async def test_messages_that_come_twice_late_or_forged_change_nothing_twice(
    shop, provider, client, simulator, post_box, assert_clean
):
    _order, parcel = await packed(shop, provider)
    label = await label_of(shop, parcel)
    await ship(shop, parcel)
    simulator.fault("webhook_duplicate")
    simulator.advance(label.shipment_id, "picked_up")
    assert await deliver(client, post_box.take(2)) == [200, 200]
    simulator.fault("webhook_out_of_order")
    simulator.advance(label.shipment_id, "in_transit")
    simulator.advance(label.shipment_id, "delivered")
    late = post_box.take(2)
    assert [json.loads(body)["kind"] for _headers, body in late] == ["delivered", "in_transit"]
    assert await deliver(client, late) == [200, 200]
    assert await way(shop, parcel) == ["picked_up", "in_transit", "delivered"]
    simulator.fault("webhook_forged")
    simulator.advance(label.shipment_id, "returned")
    (forged,) = post_box.take()
    assert await deliver(client, [forged]) == [401]
    headers, body = late[0]
    assert await deliver(client, [(headers, body.replace(b"delivered", b"lost"))]) == [401]
    order = await order_of(shop, parcel.order_id)
    assert order.parcels[0].state == "delivered"
    assert len(await way(shop, parcel)) == 3
    await assert_clean()


async def test_a_label_whose_answer_was_lost_is_found_and_not_bought_again(
    shop, provider, owner, simulator, assert_clean, monkeypatch
):
    _order, parcel = await packed(shop, provider)
    simulator.fault("timeout_after_label")
    label = await label_of(shop, parcel)
    assert (label.state, label.tracking) == ("asked", None)
    later = clock.now() + timedelta(minutes=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    await settle_labels(shop.commerce, owner)
    (found,) = await labels(shop, parcel)
    assert (found.label_id, found.state) == (label.label_id, "bought")
    assert simulator.load(found.shipment_id)["reference"] == str(label.label_id)
    await assert_clean()


@pytest.mark.parametrize("fault", ["error_500", "no_answer"])
async def test_a_carrier_that_is_down_leaves_the_parcel_and_sells_later(
    shop, provider, simulator, assert_clean, fault
):
    _order, parcel = await packed(shop, provider)
    simulator.fault(fault, delay_ms=2500, on="buy")
    assert (await label_of(shop, parcel)).state == "asked"
    assert (await label_of(shop, parcel)).state == "bought"
    assert len(await labels(shop, parcel)) == 1
    await assert_clean()


async def test_a_label_that_is_not_wanted_any_more_is_taken_back(
    shop, provider, owner, simulator, assert_clean, monkeypatch
):
    order, parcel = await packed(shop, provider)
    other, other_parcel = await packed(shop, provider)
    first, second = await label_of(shop, parcel), await label_of(shop, other_parcel)
    await unpack_parcel(
        shop.commerce, shop.merchant_id, order_id=order.order_id, parcel_id=parcel.parcel_id, by="clerk"
    )
    await cancel_order(shop.commerce, shop.merchant_id, order_id=other.order_id, by="clerk")
    later = clock.now() + timedelta(minutes=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    await settle_labels(shop.commerce, owner)
    assert [simulator.load(each.shipment_id)["status"] for each in (first, second)] == ["void", "void"]
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        assert await find_living(tx, parcel.parcel_id) is None
    await assert_clean()


async def test_what_webhooks_kept_silent_about_is_asked_for(
    shop, provider, simulator, post_box, assert_clean
):
    _order, parcel = await packed(shop, provider)
    label = await label_of(shop, parcel)
    await ship(shop, parcel)
    simulator.fault("webhook_never", 2)
    simulator.advance(label.shipment_id, "in_transit")
    simulator.advance(label.shipment_id, "lost")
    for _again in range(2):
        await settle_label(shop.commerce, shop.merchant_id, label_id=label.label_id)
    assert await way(shop, parcel) == ["in_transit", "lost"]
    assert (await order_of(shop, parcel.order_id)).parcels[0].state == "lost"
    await assert_clean()


async def test_what_a_carrier_does_not_take_is_told_and_can_be_tried_anew(
    shop, provider, client, assert_clean
):
    _order, parcel = await packed(shop, provider, weight_g=40_000)
    with pytest.raises(Invalid) as refusal:
        await label_of(shop, parcel)
    assert (refusal.value.code, refusal.value.data["why"]) == ("carrier.refused", "weight")
    with pytest.raises(Invalid):
        await label_of(shop, parcel, service="teleport")
    assert [each.state for each in await labels(shop, parcel)] == ["failed", "failed"]
    with pytest.raises(NotFound):
        await buy_label(
            shop.commerce,
            shop.merchant_id,
            parcel_id=parcel.parcel_id,
            carrier="pigeon",
            service="x",
            by="clerk",
        )
    assert (await client.post("/webhooks/carriers/pigeon", content=b"{}")).status_code == 404
    assert (await client.post("/webhooks/carriers/caravan", content=b"{}")).status_code == 401
    await ship(shop, parcel)
    with pytest.raises(Conflict) as refusal:
        await label_of(shop, parcel)
    assert refusal.value.code == "parcel.has_left"
    await assert_clean()


async def test_a_twin_that_counted_before_is_told_what_became_of_the_label(
    shop, provider, client, assert_clean, monkeypatch
):
    _order, parcel = await packed(shop, provider, weight_g=40_000)
    with pytest.raises(Invalid):
        await label_of(shop, parcel)

    async def count_as_before(_tx, _parcel_id):
        return 0

    monkeypatch.setattr("serai.commerce.carrier.store.count_labels", count_as_before)
    with pytest.raises(Invalid) as refusal:
        await label_of(shop, parcel)
    assert (refusal.value.code, refusal.value.data["why"]) == ("carrier.refused", "weight")
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        assert len(await list_labels(tx, parcel_ids=[parcel.parcel_id])) == 1
    await assert_clean()
