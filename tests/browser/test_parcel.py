"""Staff pick one order, pack it into two parcels on a tablet and let them leave; the buyer sees what comes with which."""

from uuid import UUID

import pytest
from playwright.async_api import expect
from tests.browser.conftest import OWNER_EMAIL, Enter
from tests.browser.test_goods import keep_picture
from tests.durability.running import RunningShop, describe_order

from serai.commerce.fulfilment.api import route_order
from serai.commerce.order.api import access_token

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


@pytest.mark.parametrize("width", [820, 390])
async def test_an_order_is_packed_into_two_parcels(
    enter: Enter, running: RunningShop, owner_password: str, width: int
) -> None:
    tea, cup = "Tea, green, 100 bags", "Cup, porcelain"
    first = await running.shop.add_product(tea, price_minor=600, stock=9)
    second = await running.shop.add_product(cup, price_minor=900, stock=9)
    order_id = await running.place((first, 2), (second, 1))
    await running.decide(await running.start_payment(order_id))
    await running.wait_for_state(order_id, "paid")
    await route_order(running.platform.commerce, running.shop.merchant_id, order_id=order_id)
    order = await running.load_order(order_id)
    staff = await enter(width=width)
    page = staff.page
    await staff.sign_in(OWNER_EMAIL, owner_password)
    await page.goto("/console/fulfilment?stage=pick")
    await keep_picture(staff, "fulfilment-list")
    await page.get_by_role("link", name=order.number, exact=True).click()
    await expect(page.get_by_role("heading", name=order.number)).to_be_visible()
    await keep_picture(staff, "fulfilment-pick")
    await page.get_by_label(f"Picked of {tea}").fill("3")
    await page.get_by_role("button", name="Save what is typed").click()
    await expect(page.get_by_text("Only 2 of that were ordered")).to_be_visible()
    await page.get_by_role("button", name="All of it is picked").click()
    await expect(page.get_by_text("All of it lies apart.")).to_be_visible()
    await page.get_by_label(f"Pack of {tea}").fill("1")
    await page.get_by_label("Weight").fill("1.2")
    await keep_picture(staff, "fulfilment-pack")
    await page.get_by_role("button", name="Close the parcel").click()
    await expect(page.get_by_text("Parcel 1 is packed.")).to_be_visible()
    await page.get_by_label("Carrier").fill("Caravan")
    await page.get_by_label("Tracking number").fill("CV1")
    await page.get_by_role("button", name="It has left").click()
    await expect(page.get_by_text("The parcel has left.")).to_be_visible()
    buyer = await enter(width=390)
    token = access_token(running.platform.commerce.secret, order_id)
    await buyer.page.goto(f"/orders/{order_id}?key={token}")
    await expect(buyer.heading("Part of your order is on its way")).to_be_visible()
    await expect(buyer.page.get_by_text("CV1")).to_be_visible()
    await keep_picture(buyer, "shop-parcels")
    assert not buyer.complaints
    await page.get_by_role("button", name="Close the parcel").click()
    await expect(page.get_by_text("Parcel 2 is packed.")).to_be_visible()
    await keep_picture(staff, "fulfilment-parcels")
    await page.get_by_role("button", name="It has left").click()
    await expect(page).to_have_url(f"{running.web.url}/console/orders/{order.number}")
    await expect(page.get_by_role("heading", name="Parcels")).to_be_visible()
    await keep_picture(staff, "order-parcels")
    order = await running.load_order(order_id)
    assert order.state == "fulfilled"
    assert [(p.tracking, sum(line.quantity for line in p.lines)) for p in order.parcels] == [
        ("CV1", 2),
        ("", 1),
    ]
    # The one refusal that was provoked, and nothing else.
    assert [each.rpartition(": ")[2] for each in staff.complaints] == [
        "Failed to load resource: the server responded with a status of 409 (Conflict)".rpartition(": ")[2]
    ]


async def test_a_pick_up_is_handed_over_to_who_shows_its_code(
    enter: Enter, running: RunningShop, owner_password: str
) -> None:
    jam = await running.shop.add_product("Jam, plum", price_minor=450, stock=5, store_stock=5)
    body = describe_order((jam, 1)) | {"delivery": "pickup", "place_id": str(running.shop.store.place_id)}
    body.pop("address")
    placed = await running.api.post("/api/v1/orders", json=body)
    assert placed.status_code == 201, placed.text
    order_id = UUID(placed.json()["order_id"])
    await running.decide(await running.start_payment(order_id))
    await running.wait_for_state(order_id, "paid")
    await route_order(running.platform.commerce, running.shop.merchant_id, order_id=order_id)
    order = await running.load_order(order_id)
    staff, buyer = await enter(width=820), await enter(width=390)
    page = staff.page
    await staff.sign_in(OWNER_EMAIL, owner_password)
    await page.goto("/console/fulfilment?stage=accept")
    await page.get_by_role("link", name=order.number, exact=True).click()
    await page.get_by_role("button", name="Accept", exact=True).click()
    await page.get_by_role("button", name="All of it is picked").click()
    await page.get_by_role("button", name="Close the parcel").click()
    await page.get_by_role("button", name="Ready: tell the buyer").click()
    await expect(page.get_by_text("The buyer is told that it can be collected.")).to_be_visible()
    await keep_picture(staff, "fulfilment-pickup")
    token = access_token(running.platform.commerce.secret, order_id)
    await buyer.page.goto(f"/orders/{order_id}?key={token}")
    shown = buyer.page.get_by_text("Show this code:")
    await expect(shown).to_be_visible()
    await keep_picture(buyer, "shop-pickup")
    code = (await shown.inner_text()).rpartition(" ")[2]
    await page.get_by_label("The buyer’s code").fill(code)
    await page.get_by_role("button", name="Hand over").click()
    await expect(page).to_have_url(f"{running.web.url}/console/orders/{order.number}")
    assert (await running.load_order(order_id)).state == "fulfilled"
    assert not staff.complaints
    assert not buyer.complaints
