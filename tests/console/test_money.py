"""Payment methods, open payments and statements at the console."""

from datetime import timedelta
from typing import Any

import pytest
from tests.console.conftest import Visit
from tests.console.shop import Shop, find_form, read
from tests.console.test_member import join

from serai.commerce.checkout.api import accept_promise
from serai.commerce.method.api import load_methods
from serai.commerce.pledge.api import list_open
from serai.commerce.reconciliation.fetch_store import claim_fetch, insert_fetches, note_done, note_failure
from serai.foundation import clock
from serai.foundation.ids import new_id

METHODS = "/console/payment-methods"
MONEY = "/console/money"


async def open_orders(shop: Shop) -> Any:
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        return (await list_open(tx, kinds=("cash_on_delivery", "invoice", "authorised"))).items


async def switch_on(visit: Visit) -> Any:
    owner = await visit("owner")
    answer = await owner.submit(METHODS, f"{METHODS}/cash_on_delivery", active="1")
    assert answer.status_code == 303
    return owner


async def test_methods_are_switched_on_with_their_limits(visit: Visit, shop: Shop) -> None:
    owner = await visit("owner")
    answer = await owner.submit(
        METHODS,
        f"{METHODS}/cash_on_delivery",
        active="1",
        max_minor="200.00",
        countries="de, fr DE",
        members_only="1",
    )
    assert answer.status_code == 303
    await owner.submit(METHODS, f"{METHODS}/online", active="1", capture="manual")
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        terms = await load_methods(tx)
    cash = terms["cash_on_delivery"]
    assert (cash.active, cash.max_minor, cash.countries, cash.members_only) == (
        True,
        20000,
        ("DE", "FR"),
        True,
    )
    assert terms["online"].capture == "manual"
    assert len(await shop.list_audit("method.saved")) == 2


@pytest.mark.parametrize(
    ("field", "value"),
    [("max_minor", "-5"), ("max_minor", "=1+1"), ("countries", "Germany"), ("countries", "<script>")],
)
async def test_terms_that_make_no_sense_are_told_at_their_field(
    visit: Visit, shop: Shop, field: str, value: str
) -> None:
    owner = await visit("owner")
    answer = await owner.submit(METHODS, f"{METHODS}/invoice", active="1", **{field: value})
    assert answer.status_code == 422
    assert "<script>" not in answer.text
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        assert not (await load_methods(tx))["invoice"].active


async def test_a_limit_is_given_to_a_member_by_address(visit: Visit, shop: Shop) -> None:
    owner = await visit("owner")
    await join(shop, "ann@example.com", "Ann Lee")
    answer = await owner.submit(
        METHODS, f"{METHODS}/credit", email="Ann@example.com", limit="500", days="30", active="1"
    )
    assert answer.status_code == 303
    assert "$500.00" in read(await owner.get(METHODS)).text
    nobody = await owner.submit(METHODS, f"{METHODS}/credit", email="who@example.com", limit="5", days="30")
    assert nobody.status_code == 422


async def test_only_who_may_sees_the_terms(visit: Visit) -> None:
    for role in ("clerk", "manager"):
        somebody = await visit(role)
        assert (await somebody.get(METHODS)).status_code == 403
        assert (await somebody.get(MONEY)).status_code == 200


async def test_money_is_collected_in_parts_and_a_form_sent_twice_counts_once(
    visit: Visit, shop: Shop
) -> None:
    await switch_on(visit)
    order = await shop.place_order(paid=False)
    await accept_promise(
        shop.commerce, shop.merchant_id, order_id=order.order_id, method="cash_on_delivery", by="t"
    )
    clerk = await visit("clerk")
    page = await clerk.get(MONEY)
    assert order.number in read(page).text
    form = find_form(page, f"/console/orders/{order.number}/collect")
    for _twice in range(2):
        assert (await clerk.send(form, amount="1.00")).status_code == 303
    [row] = await open_orders(shop)
    assert row.open_minor == row.amount_minor - 100
    wrong = await clerk.submit(MONEY, f"/console/orders/{order.number}/collect", amount="9999")
    assert wrong.status_code == 422
    await clerk.submit(MONEY, f"/console/orders/{order.number}/collect")
    assert await open_orders(shop) == ()
    assert "Nothing is open" in read(await clerk.get(MONEY)).text


async def test_a_refused_delivery_calls_the_order_off(visit: Visit, shop: Shop) -> None:
    await switch_on(visit)
    order = await shop.place_order(paid=False)
    await accept_promise(
        shop.commerce, shop.merchant_id, order_id=order.order_id, method="cash_on_delivery", by="t"
    )
    clerk = await visit("clerk")
    await clerk.submit(MONEY, f"/console/orders/{order.number}/refuse")
    assert (await shop.load_order(order.order_id)).state == "cancelled"


async def test_a_statement_is_read_and_its_differences_are_decided(visit: Visit, shop: Shop) -> None:
    manager = await visit("manager")
    content = (
        "row_key,kind,reference,payment,refund,amount,fee,currency,at\r\n"
        "x1,capture,,pay_unknown,,12.00,0,USD,2026-01-31T09:30:00Z\r\n"
    )
    page = await manager.get(f"{MONEY}/statements")
    form = find_form(page, f"{MONEY}/statements")
    answer = await manager.client.post(
        f"{MONEY}/statements",
        data={**form.values, "provider": "sandbox"},
        files=[("file", ("day.csv", content.encode(), "text/csv"))],
    )
    assert answer.status_code == 303, read(answer).text[-900:]
    differences = await manager.get(f"{MONEY}/differences")
    assert "Not in our books" in read(differences).text
    decide = find_form(differences, f"{MONEY}/differences/resolve")
    empty = await manager.send(decide, resolution="note", note="")
    assert empty.status_code == 422
    assert (await manager.send(decide, resolution="accept", note="a gift")).status_code == 303
    assert "Nothing to decide" in read(await manager.get(f"{MONEY}/differences")).text
    assert len(await shop.list_audit("statement.resolved")) == 1


async def test_a_statement_that_has_not_come_is_shown_with_the_reason(visit: Visit, shop: Shop) -> None:
    day = clock.now().date() - timedelta(days=2)
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await insert_fetches(tx, "sandbox", [day], clock.now())
        await claim_fetch(tx, "sandbox", day, clock.now(), clock.now())
        await note_failure(tx, "sandbox", day, "sandbox: answered <500>", clock.now())
    manager = await visit("manager")
    page = await manager.get(f"{MONEY}/statements")
    shown = " ".join(read(page).text.split())
    for text in ("Statements that have not come", "sandbox: answered <500>", day.isoformat()):
        assert text in shown
    assert "<500>" not in page.text
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await note_done(tx, "sandbox", day, clock.now(), new_id())
    assert "Statements that have not come" not in (await manager.get(f"{MONEY}/statements")).text
