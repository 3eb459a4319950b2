"""Prices beside the list price at the console, and claims on fallen prices."""

import pytest
from tests.console.conftest import Visit
from tests.console.shop import Shop

from serai.commerce.catalogue.api import set_price
from serai.commerce.price.api import list_price_offers
from serai.commerce.price.types import PriceOffer


def page_of(shop: Shop) -> str:
    return f"/console/products/{shop.product.product_id}/prices"


def action_of(shop: Shop) -> str:
    return f"/console/products/{shop.product.product_id}/offers"


async def list_offers(shop: Shop) -> list[PriceOffer]:
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        return await list_price_offers(tx, sku_id=shop.product.variants[0].sku_id)


async def test_a_reduction_is_added_once_shown_and_ended_with_a_trace(visit: Visit, shop: Shop) -> None:
    manager = await visit("manager")
    fields = {"kind": "sale", "amount": "1.99", "reason": "Summer"}
    answer = await manager.submit(page_of(shop), action_of(shop), **fields)
    assert answer.status_code == 303, answer.text
    (offer,) = await list_offers(shop)
    assert (offer.amount_minor, offer.kind, offer.created_by) == (199, "sale", shop.email("manager"))
    shown = (await manager.get(page_of(shop))).text
    for text in ("$1.99", "Summer", "Everybody", "Holds now", "End now"):
        assert text in shown, text
    assert (await shop.list_audit("price.offer_added"))[-1]["after"]["amount_minor"] == 199
    ended = await manager.submit(page_of(shop), f"{action_of(shop)}/{offer.offer_id}/end")
    assert ended.status_code == 303
    assert "Over" in (await manager.get(page_of(shop))).text
    assert (await list_offers(shop))[0].ended_by == shop.email("manager")


async def test_a_price_is_planned_in_utc(visit: Visit, shop: Shop) -> None:
    manager = await visit("manager")
    fields = {"kind": "list", "amount": "9", "valid_from": "2027-06-01T08:30", "reason": "Summer"}
    assert (await manager.submit(page_of(shop), action_of(shop), **fields)).status_code == 303
    (offer,) = await list_offers(shop)
    assert offer.valid_from.isoformat() == "2027-06-01T08:30:00+00:00"
    shown = (await manager.get(page_of(shop))).text
    assert "Planned" in shown
    assert "Call off" in shown


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"amount": "x"}, "Please give an amount such as"),
        ({"amount": "-1"}, "Please give an amount such as"),
        ({"reason": ""}, "Please give a reason."),
        ({"valid_from": "yesterday"}, "Please give a date and a time."),
        ({"valid_from": "2020-01-01T00:00"}, "A price cannot begin in the past"),
        ({"valid_to": "2020-01-01T00:00"}, "The price must end after it begins."),
        ({"kind": "member"}, "A member price needs a level."),
        ({"kind": "tier"}, "A quantity price needs a quantity of at least 2."),
        ({"kind": "sale", "member_level": "gold"}, "A reduction is announced to everybody"),
        ({"kind": "local"}, "Please choose the channel or the store."),
        ({"min_quantity": "many"}, "Please give a quantity of at least 1."),
    ],
)
async def test_what_contradicts_itself_comes_back_as_it_was_typed(
    visit: Visit, shop: Shop, fields: dict[str, str], told: str
) -> None:
    manager = await visit("manager")
    whole = {"kind": "sale", "amount": "1.50", "reason": "why"} | fields
    answer = await manager.submit(page_of(shop), action_of(shop), **whole)
    assert answer.status_code == 422
    assert told in answer.text
    assert await list_offers(shop) == []


async def test_clerks_see_prices_and_do_not_make_them(visit: Visit, shop: Shop) -> None:
    clerk = await visit("clerk")
    assert "New price" not in (await clerk.get(page_of(shop))).text
    answer = await clerk.post_plain(action_of(shop), kind="sale", amount="1", reason="x")
    assert answer.status_code == 403
    assert await list_offers(shop) == []


async def test_staff_give_a_fallen_price_back_and_find_it_in_the_list(visit: Visit, shop: Shop) -> None:
    order = await shop.place_order(2)
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await set_price(tx, sku_id=shop.sku_id, amount_minor=399, reason="x", by="x")
    manager, clerk = await visit("manager"), await visit("clerk")
    page, action = f"/console/orders/{order.number}", f"/console/orders/{order.number}/price-claims/1"
    assert "Price fell: give $2.00 back" in (await manager.get(page)).text
    assert "Price fell" not in (await clerk.get(page)).text
    assert (await manager.submit(page, action)).status_code == 303
    assert (await shop.load_order(order.order_id)).refunded_minor == 200
    shown = (await manager.get(page)).text
    assert "Price protection: $2.00 given back" in shown
    assert "Price fell" not in shown
    listed = (await clerk.get("/console/price-claims")).text
    assert order.number in listed
    assert "$2.00" in listed
