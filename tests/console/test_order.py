"""Orders at the console: found, fulfilled, cancelled, refunded, each once and with its trace."""

import asyncio

from tests.console.conftest import Visit
from tests.console.shop import Shop, find_form, read

from serai.commerce.promotion import api as promotion
from serai.commerce.promotion.types import SkuPrice, Terms, UnitPrice
from serai.foundation.ids import new_id


async def test_an_order_is_found_by_number_e_mail_and_name(visit: Visit, shop: Shop) -> None:
    order = await shop.place_order(email="grace@example.com")
    other = await shop.place_order(email="ada@example.com")
    visitor = await visit("clerk")
    for query in (order.number, order.number[:7].lower(), "grace@exam"):
        shown = (await visitor.get(f"/console/orders?q={query}")).text
        assert order.number in shown
        assert other.number not in shown
    answer = await visitor.get(f"/console/search?q={order.number}")
    assert answer.headers["location"] == f"/console/orders/{order.number}"


async def test_tabs_count_and_filter_by_state(visit: Visit, shop: Shop) -> None:
    paid, waiting = await shop.place_order(), await shop.place_order(paid=False)
    visitor = await visit("clerk")
    shown = (await visitor.get("/console/orders?state=paid")).text
    assert paid.number in shown
    assert waiting.number not in shown
    text = " ".join(read(await visitor.get("/console/orders")).text.split())
    for tab in ("All 2", "To fulfil 1", "Awaiting payment 1", "Fulfilled 0", "Cancelled 0", "Expired 0"):
        assert tab in text, tab


async def test_a_page_too_long_goes_on_by_cursor_and_keeps_the_filter(
    visit: Visit, shop: Shop, monkeypatch
) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr("serai.console.order.PAGE_SIZE", 2)
    orders = [await shop.place_order(1, paid=False) for _n in range(3)]
    visitor = await visit("clerk")
    first = await visitor.get("/console/orders?state=awaiting_payment")
    seen = {order.number for order in orders if order.number in first.text}
    assert seen == {order.number for order in orders[1:]}
    link = next(
        part.split('"')[0].replace("&amp;", "&") for part in first.text.split('rel="next" href="')[1:]
    )
    assert "state=awaiting_payment" in link
    second = await visitor.get(link)
    assert {order.number for order in orders if order.number in second.text} == {orders[0].number}
    assert (await visitor.get("/console/orders?cursor=nonsense")).status_code == 422


async def test_the_page_of_an_order_tells_everything(visit: Visit, shop: Shop) -> None:
    order = await shop.place_order(2)
    shown = " ".join(read(await (await visit("manager")).get(f"/console/orders/{order.number}")).text.split())
    for text in (
        "Ice, crushed", "$4.99", "$9.98", "$15.97", "Grace Hopper", "grace@example.com", "1 Harbor Street",
        "Captured", "told by the provider", "Paid $15.97", "Placed for $15.97", "Held by sandbox", "2 × Ice, crushed",
    ):  # fmt: skip
        assert text in shown, text


async def test_fulfilling_moves_the_stock_and_is_told(visit: Visit, shop: Shop) -> None:
    order = await shop.place_order(3)
    visitor = await visit("clerk")
    page = f"/console/orders/{order.number}"
    answer = await visitor.submit(page, f"{page}/fulfil", tracking="1Z 999")
    assert (answer.status_code, answer.headers["location"]) == (303, page)
    after = await shop.load_order(order.order_id)
    assert (after.state, after.tracking) == ("fulfilled", "1Z 999")
    shown = (await visitor.get(page)).text
    assert f"Order {order.number} is fulfilled." in shown
    assert "Fulfilled, tracking number 1Z 999" in shown
    assert "is fulfilled." not in (await visitor.get(page)).text, "a message is told once"
    entry = (await shop.list_audit("order.fulfilled"))[0]
    assert (entry["actor"], entry["subject_id"]) == (shop.email("clerk"), str(order.order_id))


async def test_an_unpaid_order_is_not_fulfilled(visit: Visit, shop: Shop) -> None:
    order = await shop.place_order(paid=False)
    visitor = await visit("manager")
    answer = await visitor.post_plain(f"/console/orders/{order.number}/fulfil")
    assert answer.status_code == 409
    assert "This is not possible for an order in this state." in answer.text
    assert (await shop.load_order(order.order_id)).state == "awaiting_payment"


async def test_cancelling_a_paid_order_gives_goods_and_money_back(visit: Visit, shop: Shop) -> None:
    order = await shop.place_order(3)
    assert await shop.load_available() == 37
    visitor = await visit("manager")
    page = f"/console/orders/{order.number}"
    answer = await visitor.submit(page, f"{page}/cancel", reason="")
    assert answer.status_code == 422
    assert "Please give a reason." in answer.text
    assert (await shop.load_order(order.order_id)).state == "paid"
    answer = await visitor.submit(page, f"{page}/cancel", reason="Shopper asked")
    assert answer.status_code == 303
    after = await shop.load_order(order.order_id)
    assert (after.state, after.refunded_minor) == ("cancelled", order.total_minor)
    assert await shop.load_available() == 40


async def test_a_refund_sent_twice_at_once_is_paid_once(visit: Visit, shop: Shop) -> None:
    order = await shop.place_order()
    visitor = await visit("manager")
    page = f"/console/orders/{order.number}"
    form = find_form(await visitor.get(page), f"{page}/refund")
    answers = await asyncio.gather(
        *(visitor.send(form, amount="2.00", reason="one piece broken") for _n in range(3))
    )
    assert [answer.status_code for answer in answers] == [303, 303, 303]
    after = await shop.load_order(order.order_id)
    assert [(refund.amount_minor, refund.reason) for refund in after.refunds] == [(200, "one piece broken")]
    assert {amount for _refund_id, amount in shop.till.asked} == {200}
    assert len({refund_id for refund_id, _amount in shop.till.asked}) == 1
    assert "$2.00 has been given back." in (await visitor.get(page)).text
    assert len(await shop.list_audit("order.refunded")) == 1


async def test_a_refund_form_sent_again_with_another_amount_has_to_be_confirmed(
    visit: Visit, shop: Shop
) -> None:
    order = await shop.place_order()
    visitor = await visit("manager")
    page = f"/console/orders/{order.number}"
    form = find_form(await visitor.get(page), f"{page}/refund")
    assert (await visitor.send(form, amount="1.00", reason="x")).status_code == 303
    again = await visitor.send(form, amount="3.00", reason="x")
    assert again.status_code == 409
    assert "has been sent before with other values" in again.text
    assert (await shop.load_order(order.order_id)).refunded_minor == 100
    assert (
        await visitor.send(find_form(again, f"{page}/refund"), amount="3.00", reason="x")
    ).status_code == 303
    assert (await shop.load_order(order.order_id)).refunded_minor == 400


async def test_amounts_past_what_was_paid_or_no_amounts_are_refused_at_the_field(
    visit: Visit, shop: Shop
) -> None:
    order = await shop.place_order()
    visitor = await visit("manager")
    page = f"/console/orders/{order.number}"
    for amount in ("0", "-1", "15.98", "999999999", "1.001", "abc", "", "NaN", "1e3"):
        answer = await visitor.submit(page, f"{page}/refund", amount=amount, reason="try")
        assert answer.status_code == 422, amount
        assert find_form(answer, f"{page}/refund").values["reason"] == "try", "what was typed comes back"
        assert "field-error" in answer.text
    assert (await shop.load_order(order.order_id)).refunds == ()
    assert shop.till.asked == []


async def test_a_refund_that_the_provider_does_not_answer_waits(visit: Visit, shop: Shop) -> None:
    order = await shop.place_order()
    shop.till.is_down = True
    visitor = await visit("manager")
    page = f"/console/orders/{order.number}"
    assert (await visitor.submit(page, f"{page}/refund", amount="1.00", reason="x")).status_code == 303
    shown = (await visitor.get(page)).text
    assert "$1.00 is on its way back." in shown
    assert "Under way" in shown
    assert find_form(await visitor.get(page), f"{page}/refund").values["amount"] == "14.97"


async def test_a_refund_that_the_provider_refuses_is_told_plainly(visit: Visit, shop: Shop) -> None:
    order = await shop.place_order()
    shop.till.refunds = "failed"
    visitor = await visit("manager")
    page = f"/console/orders/{order.number}"
    assert (await visitor.submit(page, f"{page}/refund", amount="1.00", reason="x")).status_code == 303
    assert "refused to give $1.00 back" in (await visitor.get(page)).text
    assert (await shop.load_order(order.order_id)).refundable_minor == order.total_minor


async def test_an_order_that_is_not_there_is_not_found(visit: Visit) -> None:
    visitor = await visit("owner")
    for reference in (str(new_id()), "ABCDE-12345", "%00", "x" * 300, "' OR 1=1 --"):
        answer = await visitor.get(f"/console/orders/{reference}")
        assert answer.status_code == 404, reference
        assert "Traceback" not in answer.text


async def test_an_order_that_waits_for_its_group_does_not_leave(visit: Visit, shop: Shop) -> None:
    benefit = UnitPrice("group", (SkuPrice(shop.sku_id, 300),), people=2, hours=24)
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        draft = await promotion.create_promotion(
            tx, terms=Terms(name="Together", layer=1, benefit=benefit), by="test"
        )
    live = await promotion.publish_promotion(
        shop.commerce,
        shop.merchant_id,
        promotion_id=draft.promotion_id,
        version=draft.version,
        currency="USD",
        by="test",
    )
    plain = await shop.place_order(email="ada@example.com")
    order = await shop.place_order(group_promotion_id=live.promotion_id)
    assert order.awaits_group
    visitor = await visit("manager")
    page = await visitor.get(f"/console/orders/{order.number}")
    assert "Awaits its group" in page.text
    assert "Bought in a group of 2: 1 have paid" in page.text
    assert f"/console/orders/{order.number}/fulfil" not in page.text
    # The form of another order, sent to this one's address.
    form = find_form(
        await visitor.get(f"/console/orders/{plain.number}"), f"/console/orders/{plain.number}/fulfil"
    )
    form.action = f"/console/orders/{order.number}/fulfil"
    refused = await visitor.send(form, tracking="")
    assert refused.status_code == 409
    assert "The group of this order is not complete yet." in refused.text
    assert (await shop.load_order(order.order_id)).state == "paid"
    for state, shown, hidden in (("paid", plain, order), ("awaiting_group", order, plain)):
        listed = (await visitor.get(f"/console/orders?state={state}")).text
        assert shown.number in listed
        assert hidden.number not in listed
    tabs = " ".join(read(await visitor.get("/console/orders")).text.split())
    assert "To fulfil 1Awaits its group 1" in tabs
    assert "To fulfil1" in " ".join(read(await visitor.get("/console")).text.split())
