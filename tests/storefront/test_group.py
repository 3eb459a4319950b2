"""Buying in a group over HTTP: open it, join by its link, complete, called off, and what each page says."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
from tests.console.shop import Shop
from tests.storefront.conftest import Enter
from tests.storefront.shopper import ADDRESS, CONTACT, Shopper, forms_of, text_of
from tests.storefront.test_account import register
from tests.storefront.test_promotion import go_live

from serai.commerce.aftersale.jobs import settle_groups
from serai.commerce.order.api import access_token
from serai.commerce.order.types import Order
from serai.commerce.promotion.types import Audience, Promotion, SkuPrice, UnitPrice
from serai.foundation import clock
from serai.foundation.database import Database
from serai.foundation.ids import new_id


async def offer(shop: Shop, people: int = 2, **terms: Any) -> Promotion:
    """Crushed ice at $3.00 instead of $4.99 for so many people within a day."""
    benefit = UnitPrice("group", (SkuPrice(shop.sku_id, 300),), people=people, hours=24)
    return await go_live(shop, **{"name": "Together", "layer": 1, "benefit": benefit, **terms})


async def see_product(shopper: Shopper) -> httpx.Response:
    [row] = await shopper.shop.fetch("SELECT slug FROM commerce.product ORDER BY product_id LIMIT 1")
    return await shopper.get(f"/p/{row['slug']}")


async def open_group(shopper: Shopper) -> httpx.Response:
    """From the product's page to the checkout of a new group."""
    [form] = forms_of(await see_product(shopper), "/groups")
    sent = await shopper.client.post("/groups", data=form.values)
    assert sent.headers["location"] == "/checkout?for=group"
    return await shopper.follow(sent)


async def join(shopper: Shopper, group_id: UUID) -> httpx.Response:
    """From a group's page to the checkout."""
    [form] = forms_of(await shopper.get(f"/groups/{group_id}"), f"/groups/{group_id}/join")
    return await shopper.follow(await shopper.client.post(form.action, data=form.values))


async def order(shopper: Shopper, page: httpx.Response, name: str = "Ada Li") -> Order:
    """Send the checkout, and come back from the provider having paid."""
    [form] = forms_of(page, "/checkout?for=group")
    form.values |= CONTACT | ADDRESS | {"name": name}
    before = {each.order_id for each in await shopper.list_orders()}
    sent = await shopper.send_checkout(form)
    assert sent.status_code == 303, text_of(sent)
    [placed] = [each for each in await shopper.list_orders() if each.order_id not in before]
    await shopper.shop.pay(placed.order_id)
    return await shopper.shop.load_order(placed.order_id)


def link(shop: Shop, order: Order) -> str:
    return f"/orders/{order.order_id}?key={access_token(shop.commerce.secret, order.order_id)}"


async def test_a_group_is_opened_joined_and_complete(
    shopper: Shopper, enter: Enter, shop: Shop, owner: Database
) -> None:
    await offer(shop)
    said = text_of(await see_product(shopper))
    assert "2 people buy within 24 hours" in said
    assert "$3.00 $4.99 alone" in said
    page = await open_group(shopper)
    assert "You open a group of 2." in text_of(page)
    first = await order(shopper, page)
    assert (first.items_minor - first.discount_minor, first.awaits_group) == (300, True)
    assert first.group is not None
    waiting = text_of(await shopper.get(link(shop, first)))
    assert "Your order waits for its group" in waiting
    assert "1 person is missing" in waiting
    assert f"/groups/{first.group.group_id}" in (await shopper.get(link(shop, first))).text

    second = await enter()
    shown = await see_product(second)
    assert "A.L." in text_of(shown)
    assert "Ada" not in text_of(shown)
    page = await join(second, first.group.group_id)
    assert "You join a group of 2." in text_of(page)
    other = await order(second, page, "Wu Song")
    await settle_groups(shop.commerce, owner)
    for one in (first, other):
        said = text_of(await second.get(link(shop, one)))
        assert "Your group is complete" in said
        assert "Your order is being prepared" in said
    ended = await second.get(f"/groups/{first.group.group_id}")
    assert "This group is complete" in text_of(ended)
    assert not forms_of(ended, f"/groups/{first.group.group_id}/join")
    assert "/join" not in (await see_product(second)).text


async def test_a_group_that_fails_is_told_with_the_refund(
    shopper: Shopper, shop: Shop, owner: Database
) -> None:
    await offer(shop, people=3)
    placed = await order(shopper, await open_group(shopper))
    assert placed.group is not None
    with clock.clock_at(placed.group.deadline + timedelta(seconds=1)):
        await settle_groups(shop.commerce, owner)
        said = text_of(await shopper.get(link(shop, placed)))
        page = await shopper.get(f"/groups/{placed.group.group_id}")
    assert "Your group did not come together" in said
    assert "goes back the way it came" in said
    assert "This group did not come together" in text_of(page)
    assert (await shop.load_order(placed.order_id)).refunded_minor == placed.total_minor


async def test_what_is_in_the_cart_stays_there(shopper: Shopper, shop: Shop) -> None:
    await offer(shop)
    await shopper.add(quantity=7)
    await order(shopper, await open_group(shopper))
    assert await shopper.read_quantities() == ["7"]


async def test_a_seat_that_is_gone_is_told_and_cannot_be_paid(
    shopper: Shopper, enter: Enter, shop: Shop
) -> None:
    await offer(shop)
    first = await order(shopper, await open_group(shopper))
    assert first.group is not None
    late, quick = await enter(), await enter()
    page = await join(late, first.group.group_id)
    await order(quick, await join(quick, first.group.group_id))
    [form] = forms_of(page, "/checkout?for=group")
    form.values |= CONTACT | ADDRESS
    answer = await late.send_checkout(form)
    assert answer.status_code == 409
    assert "The group price cannot be had any more." in text_of(answer)
    assert 'value="pay"' not in answer.text
    assert len(await late.list_orders()) == 2
    refused = await late.post(f"/groups/{first.group.group_id}/join", sku_id=shop.sku_id, quantity="1")
    assert "This group is full or has ended." in text_of(await late.follow(refused))


async def test_a_member_has_one_seat_in_a_group_and_sees_it_in_the_account(
    shopper: Shopper, shop: Shop
) -> None:
    await offer(shop, people=3)
    await register(shopper)
    assert "No groups yet" in text_of(await shopper.get("/account/groups"))
    placed = await order(shopper, await open_group(shopper))
    assert placed.group is not None
    path = f"/groups/{placed.group.group_id}"
    refused = await shopper.post(f"{path}/join", sku_id=shop.sku_id, quantity="1")
    assert "You have a seat in this group already." in text_of(await shopper.follow(refused))
    listed = text_of(await shopper.get("/account/groups"))
    assert "2 people are missing" in listed
    assert placed.number in listed


async def test_a_group_price_for_others_is_not_offered(shopper: Shopper, shop: Shop) -> None:
    await offer(shop, audience=Audience(member_levels=("gold",)))
    assert not forms_of(await see_product(shopper), "/groups")


async def test_forged_fields_open_nothing(shopper: Shopper, shop: Shop) -> None:
    await offer(shop)
    for fields in (
        {"promotion_id": str(new_id()), "sku_id": str(shop.sku_id)},
        {"promotion_id": "nonsense", "sku_id": str(shop.sku_id)},
        {"promotion_id": str(new_id()), "sku_id": "'; DROP TABLE"},
        {"sku_id": str(new_id()), "quantity": "-3"},
        {"sku_id": str(shop.sku_id), "quantity": "9" * 400, "next": "https://elsewhere.example/"},
    ):
        answer = await shopper.post("/groups", **fields)
        assert answer.status_code == 303
        assert answer.headers["location"] == "/"
    assert (await shopper.get(f"/groups/{new_id()}")).status_code == 404
    assert (await shopper.post(f"/groups/{new_id()}/join", sku_id=str(shop.sku_id))).status_code == 303
    assert not await shop.fetch("SELECT FROM commerce.group_buy")
