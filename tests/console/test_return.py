"""Returns at the console: the list, each step with its right and its trace, terms, and money for pieces that stay."""

from dataclasses import replace

from tests.console.conftest import Visit
from tests.console.shop import Shop, find_form, read

from serai.commerce.order.api import fulfil_order
from serai.commerce.returns import api
from serai.commerce.returns.types import Return, WantedLine
from serai.foundation.ids import new_id


async def ask(shop: Shop, quantity: int = 2, wanted: int = 1) -> Return:
    order = await shop.place_order(quantity)
    await fulfil_order(shop.commerce, shop.merchant_id, order_id=order.order_id, by="test")
    return await api.request_return(
        shop.commerce,
        shop.merchant_id,
        order_id=order.order_id,
        lines=[WantedLine(1, wanted, "fit")],
        wish="refund",
        by="shopper",
        key=str(new_id()),
        words="Too <i>small</i>",
    )


async def load(shop: Shop, found: Return) -> Return:
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        return await api.load_return(tx, return_id=found.return_id)


async def test_a_return_goes_its_way_step_by_step(visit: Visit, shop: Shop) -> None:
    found = await ask(shop)
    clerk = await visit("clerk")
    page = f"/console/returns/{found.return_id}"
    assert found.number in (await clerk.get("/console/returns")).text
    shown = (await clerk.get(page)).text
    assert "Too &lt;i&gt;small&lt;/i&gt;" in shown
    assert (await clerk.submit(page, f"{page}/approve")).status_code == 303
    before = await shop.load_available()
    wrong = await clerk.submit(
        page, f"{page}/receive", **{"sellable-1": "2", "damaged-1": "0", "unusable-1": "0"}
    )
    assert wrong.status_code == 422
    assert "only 1 were announced" in read(wrong).text
    done = await clerk.submit(
        page, f"{page}/receive", **{"sellable-1": "1", "damaged-1": "0", "unusable-1": "0"}
    )
    assert done.status_code == 303
    assert await shop.load_available() == before + 1
    # What is done is not offered again, and a clerk takes goods in but gives no money.
    offered = (await clerk.get(page)).text
    assert f'{page}/approve"' not in offered
    assert f'{page}/refund"' not in offered
    manager = await visit("manager")
    assert (await manager.submit(page, f"{page}/refund", amount="4.99")).status_code == 303
    assert (await load(shop, found)).refund_minor == 499
    for action in ("return.approved", "return.received", "return.refunded"):
        assert len(await shop.list_audit(action)) == 1, action


async def test_a_clerk_may_not_refund_and_nobody_else_terms(visit: Visit, shop: Shop) -> None:
    found = await ask(shop)
    clerk = await visit("clerk")
    page = f"/console/returns/{found.return_id}"
    assert (await clerk.submit(page, f"{page}/approve")).status_code == 303
    form = replace(find_form(await clerk.get(page), f"{page}/expire"), action=f"{page}/refund")
    assert (await clerk.send(form, amount="1")).status_code == 403
    assert (await (await visit("manager")).get("/console/returns/terms")).status_code == 403
    assert (await clerk.get(f"/console/returns/{new_id()}")).status_code == 404
    assert (await load(shop, found)).state == "approved"


async def test_a_declined_return_is_told_why_and_can_be_undone(visit: Visit, shop: Shop) -> None:
    found = await ask(shop)
    clerk = await visit("clerk")
    page = f"/console/returns/{found.return_id}"
    silent = await clerk.submit(page, f"{page}/decline", answer=" ")
    assert silent.status_code == 422
    assert (await load(shop, found)).state == "requested"
    assert (await clerk.submit(page, f"{page}/decline", answer="It was worn.")).status_code == 303
    assert "It was worn." in read(await clerk.get(page)).text
    assert (await clerk.submit(page, f"{page}/reopen")).status_code == 303
    assert (await load(shop, found)).state == "requested"


async def test_the_owner_says_what_may_come_back(visit: Visit, shop: Shop) -> None:
    owner = await visit("owner")
    page = "/console/returns/terms"
    values = {
        "window_days": "30", "send_days": "7", "approve_days": "0", "approve": "25", "restocking": "12.5",
        "postage": "3.50", "code-0": "damaged", "name-0": "Arrived damaged", "fault-0": "1",
        "name-6": "Wrong colour", "zh-6": "颜色不对", "exchanges": "",
        **{f"name-{number}": "" for number in range(1, 6)},
    }  # fmt: skip
    assert (await owner.submit(page, page, **values)).status_code == 303
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        terms = await api.load_terms(tx)
    assert (terms.window_days, terms.approve_minor, terms.restocking_bp, terms.postage_minor) == (
        30,
        2500,
        1250,
        350,
    )
    assert [(r.code, r.name, r.by_fault) for r in terms.reasons] == [
        ("damaged", "Arrived damaged", True), ("r1", "Wrong colour", False),
    ]  # fmt: skip
    assert terms.reasons[1].label("zh_Hans") == "颜色不对"
    assert not terms.exchanges
    for wrong in (
        {"window_days": "-1"},
        {"restocking": "101"},
        {"postage": "x"},
        {"name-0": "", "name-6": ""},
    ):
        answer = await owner.submit(page, page, **{**values, **wrong})
        assert answer.status_code == 422, wrong


async def test_staff_ask_for_a_shopper_and_give_money_for_pieces_that_stay(visit: Visit, shop: Shop) -> None:
    order = await shop.place_order(3)
    await fulfil_order(shop.commerce, shop.merchant_id, order_id=order.order_id, by="test")
    manager = await visit("manager")
    page = f"/console/orders/{order.number}"
    asked = await manager.submit(page, f"{page}/returns", **{"quantity-1": "1", "reason": "fit"})
    assert asked.headers["location"].startswith("/console/returns/")
    too_many = await manager.submit(page, f"{page}/returns", **{"quantity-1": "9", "reason": "fit"})
    assert too_many.headers["location"] == page
    given = await manager.submit(
        page, f"{page}/refund", **{"pieces-1": "1", "amount": "", "reason": "a dent"}
    )
    assert given.status_code == 303
    assert (await shop.load_order(order.order_id)).refunded_minor == 499
    more = await manager.submit(page, f"{page}/refund", **{"pieces-1": "1", "amount": "50", "reason": "x"})
    assert more.status_code == 422
    assert (await shop.load_order(order.order_id)).refunded_minor == 499
