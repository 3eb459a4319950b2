"""Gift cards beside a payment provider that misbehaves: the provider is asked for the rest, and each gets its own back."""

from uuid import UUID

import pytest
from tests.durability.running import RunningShop, find_breaches
from tests.shop import CONTACT

pytestmark = pytest.mark.xdist_group("payment")


async def place(running: RunningShop, *, price_minor: int = 4000, card_minor: int = 1500) -> tuple[UUID, str]:
    """An order of which a gift card pays a part: (order, card)."""
    sku_id = await running.shop.add_product(price_minor=price_minor)
    api = running.api
    [card] = (await api.post("/api/v1/gift-cards", json={"amount_minor": card_minor})).json()
    cart = (await api.post("/api/v1/carts", json={})).json()["cart_id"]
    await api.post(f"/api/v1/carts/{cart}/lines", json={"sku_id": str(sku_id), "quantity": 1})
    await api.put(f"/api/v1/carts/{cart}/contact", json={"email": CONTACT.email, "name": CONTACT.name})
    address = {
        "country": "US",
        "region": "OH",
        "city": "Cincinnati",
        "line1": "1 Vine Street",
        "postcode": "45202",
    }
    await api.put(f"/api/v1/carts/{cart}/address", json=address)
    entry = {"kind": "gift_card", "code": card["code"]}
    assert (await api.post(f"/api/v1/carts/{cart}/tenders", json=entry)).status_code == 201
    quote = (await api.get(f"/api/v1/carts/{cart}/quote")).json()
    answer = await api.post(f"/api/v1/carts/{cart}/complete", json={"digest": quote["digest"]})
    assert answer.status_code == 201, answer.text
    return UUID(answer.json()["order_id"]), card["card_id"]


async def left(running: RunningShop, card_id: str) -> int:
    """What a card holds, all of it free."""
    card = (await running.api.get(f"/api/v1/gift-cards/{card_id}")).json()
    assert card["held_minor"] == 0
    minor: int = card["balance_minor"]
    return minor


async def test_the_provider_is_asked_for_the_rest_and_gets_its_own_back(running: RunningShop) -> None:
    order_id, card_id = await place(running)
    payment_id = await running.start_payment(order_id)
    await running.decide(payment_id)
    order = await running.wait_for_state(order_id, "paid")
    [paid] = await running.list_provider_payments(order_id)
    assert (paid["amount_minor"], order.tender_minor, await left(running, card_id)) == (2500, 1500, 0)
    answer = await running.api.post(f"/api/v1/orders/{order_id}/cancellation", json={"reason": "changed"})
    assert answer.status_code == 200, answer.text
    [paid] = await running.list_provider_payments(order_id)
    assert (paid["refunded_minor"], await left(running, card_id)) == (2500, 1500)
    assert not await find_breaches(running.platform.owner)


@pytest.mark.parametrize("fault", ["webhook_never", "webhook_duplicate"])
async def test_a_lost_or_doubled_word_takes_the_card_once(running: RunningShop, fault: str) -> None:
    order_id, card_id = await place(running)
    payment_id = await running.start_payment(order_id)
    await running.decide(payment_id, "paid", {"fault": fault, "count": None})
    await running.run_jobs()
    order = await running.wait_for_state(order_id, "paid")
    assert (order.paid_minor, await left(running, card_id)) == (2500, 0)
    assert not await find_breaches(running.platform.owner)


async def test_money_that_comes_after_the_order_has_expired_takes_the_card_again(
    running: RunningShop,
) -> None:
    order_id, card_id = await place(running)
    payment_id = await running.start_payment(order_id)
    await running.decide(
        payment_id, "paid", {"fault": "webhook_late", "count": None, "params": {"delay_ms": 900}}
    )
    await running.run_jobs(minutes=60)
    order = await running.wait_for_state(order_id, "paid")
    assert (order.refunded_minor, await left(running, card_id)) == (0, 0)
    assert not await find_breaches(running.platform.owner)


async def test_a_refused_refund_leaves_the_cards_part_where_it_is(running: RunningShop) -> None:
    order_id, card_id = await place(running)
    payment_id = await running.start_payment(order_id)
    await running.decide(payment_id)
    await running.wait_for_state(order_id, "paid")
    await running.order_fault("refund_fails", f"payment:{payment_id}", params={"how": "refused"})
    answer = await running.api.post(f"/api/v1/orders/{order_id}/refunds", json={"amount_minor": 4000})
    assert answer.status_code == 201, answer.text
    order = await running.load_order(order_id)
    assert (order.refunded_minor, order.refundable_minor, await left(running, card_id)) == (1500, 2500, 1500)
    answer = await running.api.post(f"/api/v1/orders/{order_id}/refunds", json={"amount_minor": 2500})
    assert answer.status_code == 201, answer.text
    assert (await running.load_order(order_id)).refundable_minor == 0
    assert not await find_breaches(running.platform.owner)
