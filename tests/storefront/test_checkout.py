"""From the cart to the paid order over HTTP, with everything that may stand in the way."""

import asyncio

import pytest
from tests.console.shop import Shop, read
from tests.storefront.cashier import PAY_URL, Cashier
from tests.storefront.conftest import Enter
from tests.storefront.shopper import Shopper, forms_of, text_of

from serai.commerce.catalogue.api import set_price
from serai.commerce.stock.api import adjust_stock
from serai.foundation.ids import new_id


def link_of(till: Cashier) -> str:
    """Where the provider sends the shopper back to: path and query."""
    return till.opened[-1].return_url.split(".test", 1)[1]


async def test_a_guest_buys_and_sees_the_paid_order(shopper: Shopper, shop: Shop, till: Cashier) -> None:
    await shopper.add(quantity=2)
    form = await shopper.open_checkout()
    answer = await shopper.send_checkout(form)
    assert answer.status_code == 303
    assert answer.headers["location"] == PAY_URL
    assert "Your cart is empty" in text_of(await shopper.get("/cart"))
    [order] = await shopper.list_orders()
    assert (order.state, order.total_minor, order.email) == ("awaiting_payment", 1597, "ada@example.org")
    till.outcome = "paid"
    page = await shopper.follow(await shopper.get(link_of(till)))
    assert "Thank you. Your order is placed." in text_of(page)
    assert order.number in text_of(page)
    assert (await shop.load_order(order.order_id)).state == "paid"


async def test_the_waiting_page_asks_again_until_the_provider_answers(
    shopper: Shopper, till: Cashier
) -> None:
    await shopper.add()
    await shopper.send_checkout(await shopper.open_checkout())
    page = await shopper.get(link_of(till))
    assert page.status_code == 200
    assert 'http-equiv="refresh"' in page.text
    assert "we are asking for your payment" in text_of(page)
    till.is_down = True
    assert (await shopper.get(link_of(till))).status_code == 200
    till.is_down, till.outcome = False, "paid"
    answer = await shopper.get(link_of(till), hx_request="true")
    assert answer.headers["hx-redirect"].startswith("/orders/")


async def test_a_declined_payment_can_be_tried_again(shopper: Shopper, shop: Shop, till: Cashier) -> None:
    await shopper.add()
    await shopper.send_checkout(await shopper.open_checkout())
    till.outcome = "declined"
    page = await shopper.follow(await shopper.get(link_of(till)))
    assert "The payment did not go through" in text_of(page)
    [pay] = [f for f in forms_of_page(page) if "/pay" in f]
    again = await shopper.post(pay)
    assert again.headers["location"] == PAY_URL
    assert len(till.opened) == 2
    till.outcome = "paid"
    await shopper.get(link_of(till))
    [order] = await shopper.list_orders()
    assert (order.state, order.paid_minor) == ("paid", order.total_minor)


def forms_of_page(page: object) -> list[str]:
    return [form.action for form in read(page).forms]  # type: ignore[arg-type]


async def test_every_missing_field_is_told_at_once_and_what_was_typed_stays(shopper: Shopper) -> None:
    await shopper.add()
    form = await shopper.open_checkout()
    answer = await shopper.send_checkout(
        form, email="ada@", line1="", region="", postcode="12", name="Ada <script>"
    )
    said = text_of(answer)
    assert answer.status_code == 422
    assert "That is not an e-mail address." in said
    assert "Please write the street and number." in said
    assert "Please choose the state." in said
    assert "A ZIP code has five digits" in said
    assert "4 fields" in said
    [again] = forms_of(answer, "/checkout")
    assert again.values["name"] == "Ada <script>"
    assert again.values["city"] == "Columbus"
    assert "Ada <script>" not in answer.text
    assert await shopper.list_orders() == []


async def test_another_country_asks_for_its_own_address_and_keeps_the_rest(shopper: Shopper) -> None:
    await shopper.add()
    form = await shopper.open_checkout()
    answer = await shopper.send_checkout(form, intent="refresh", country="CN")
    [again] = forms_of(answer, "/checkout")
    assert answer.status_code == 200
    assert "district" in again.values
    assert "line2" not in again.values
    assert again.values["email"] == "ada@example.org"
    assert await shopper.list_orders() == []


async def test_china_wants_a_phone_number_and_gets_its_address_right(shopper: Shopper) -> None:
    await shopper.add()
    form = await shopper.open_checkout()
    address = {
        "country": "CN",
        "region": "四川省",
        "city": "成都市",
        "district": "武侯区",
        "line1": "人民南路 1 号",
    }
    answer = await shopper.send_checkout(form, **address, postcode="")
    assert "the carrier needs it" in text_of(answer)
    answer = await shopper.send_checkout(form, **address, postcode="", phone="13800138000")
    assert answer.status_code == 303
    [order] = await shopper.list_orders()
    assert order.address is not None
    assert (order.address.country, order.address.region, order.address.line2) == ("CN", "四川省", "")


async def test_sending_twice_at_once_places_one_order(shopper: Shopper, till: Cashier) -> None:
    await shopper.add()
    form = await shopper.open_checkout()
    answers = await asyncio.gather(*(shopper.send_checkout(form) for _ in range(4)))
    assert {answer.headers.get("location") for answer in answers} == {PAY_URL}
    assert len(await shopper.list_orders()) == 1
    assert len(till.opened) == 1


async def test_a_price_that_rose_meanwhile_is_told_and_nothing_is_placed(
    shopper: Shopper, shop: Shop
) -> None:
    await shopper.add(quantity=2)
    form = await shopper.open_checkout()
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await set_price(tx, sku_id=shop.sku_id, amount_minor=525, reason="test", by="test")
    answer = await shopper.send_checkout(form)
    said = text_of(answer)
    assert answer.status_code == 409
    assert "Nothing was charged." in said
    assert "Ice, crushed: $4.99 before, now $5.25." in said
    assert await shopper.list_orders() == []


@pytest.mark.parametrize("digest", ["", "forged", "0" * 30])
async def test_a_forged_total_places_nothing(shopper: Shopper, digest: str) -> None:
    await shopper.add()
    form = await shopper.open_checkout()
    answer = await shopper.send_checkout(form, digest=digest, total_minor="1")
    assert answer.status_code == 409
    assert await shopper.list_orders() == []
    [again] = forms_of(answer, "/checkout")
    assert again.values["digest"] == form.values["digest"]


async def test_stock_that_went_meanwhile_is_told_line_by_line(shopper: Shopper, shop: Shop) -> None:
    await shopper.add(quantity=5)
    form = await shopper.open_checkout()
    await adjust_stock(
        shop.commerce,
        shop.merchant_id,
        sku_id=shop.sku_id,
        place_id=shop.online.place_id,
        delta=-38,
        reason="broken",
        by="test",
        key=str(new_id()),
    )
    answer = await shopper.send_checkout(form)
    assert answer.status_code == 409
    assert "Ice, crushed: you want 5, there are 2." in text_of(answer)
    assert await shopper.list_orders() == []
    assert await shop.load_available() == 2


async def test_a_store_that_lacks_the_goods_says_so_before_anything_is_paid(
    shopper: Shopper, shop: Shop
) -> None:
    await shopper.add()
    form = await shopper.open_checkout()
    answer = await shopper.send_checkout(form, intent="refresh", delivery="pickup")
    assert "Harbor store does not have everything." in text_of(answer)
    [again] = forms_of(answer, "/checkout")
    refused = await shopper.send_checkout(again)
    assert refused.status_code == 409
    assert await shopper.list_orders() == []


async def test_the_cart_of_somebody_else_cannot_be_ordered(shopper: Shopper, enter: Enter) -> None:
    await shopper.add()
    form = await shopper.open_checkout()
    thief = await enter()
    await thief.add(quantity=2)
    own = await thief.open_checkout()
    answer = await thief.send_checkout(own, cart_id=form.values["cart_id"], digest=form.values["digest"])
    assert answer.headers.get("location") == "/cart"
    assert await shopper.list_orders() == []
    assert await shopper.read_quantities() == ["1"]


async def test_a_provider_that_is_down_leaves_the_order_to_be_paid_later(
    shopper: Shopper, till: Cashier
) -> None:
    await shopper.add()
    till.is_down = True
    page = await shopper.follow(await shopper.send_checkout(await shopper.open_checkout()))
    said = text_of(page)
    assert "payment partner does not answer" in said
    assert "One step left: the payment" in said
    till.is_down = False
    [pay] = [f for f in forms_of_page(page) if "/pay" in f]
    assert (await shopper.post(pay)).headers["location"] == PAY_URL
    assert len(await shopper.list_orders()) == 1


async def test_a_cancelled_order_gives_stock_and_money_back(
    shopper: Shopper, shop: Shop, till: Cashier
) -> None:
    await shopper.add(quantity=3)
    await shopper.send_checkout(await shopper.open_checkout())
    till.outcome = "paid"
    page = await shopper.follow(await shopper.get(link_of(till)))
    assert await shop.load_available() == 37
    [cancel] = [f for f in forms_of_page(page) if "/cancel" in f]
    done = await shopper.follow(await shopper.post(cancel))
    assert "This order is cancelled" in text_of(done)
    assert "$20.96 goes back" in text_of(done)
    assert await shop.load_available() == 40
    assert [amount for _refund, amount in till.asked] == [2096]


async def test_an_order_opens_only_with_its_key(shopper: Shopper, enter: Enter, till: Cashier) -> None:
    await shopper.add()
    await shopper.send_checkout(await shopper.open_checkout())
    [order] = await shopper.list_orders()
    path = f"/orders/{order.order_id}"
    stranger = await enter()
    for address in (path, f"{path}?key=", f"{path}?key=wrong", f"{path}/return?key=wrong"):
        answer = await stranger.get(address)
        assert answer.status_code == 404
        assert order.number not in answer.text
    for what in ("pay", "cancel"):
        assert (await stranger.post(f"{path}/{what}?key=wrong")).status_code == 404
    assert (await shopper.list_orders())[0].state == "awaiting_payment"


async def test_an_empty_cart_leads_back_to_itself(shopper: Shopper) -> None:
    assert (await shopper.get("/checkout")).headers["location"] == "/cart"
    answer = await shopper.post("/checkout", intent="pay", email="ada@example.org")
    assert (answer.status_code, answer.headers.get("location")) == (303, "/cart")
