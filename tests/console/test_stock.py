"""Stock at the console: levels, the three movements, and the ledger behind the number."""

import asyncio

import pytest
from tests.console.conftest import Visit
from tests.console.shop import Shop, find_form, read


def page_of(shop: Shop) -> str:
    return f"/console/stock/{shop.sku_id}"


async def count_transfers(shop: Shop) -> int:
    return len(await shop.fetch("SELECT 1 FROM ledger.transfer"))


async def test_receiving_adds_to_the_place_and_leaves_a_line(visit: Visit, shop: Shop) -> None:
    visitor = await visit("clerk")
    page = page_of(shop)
    answer = await visitor.submit(page, f"{page}/receive", place="s1", quantity="12", reason="Note 881")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{page}?place=s1")
    assert await shop.load_available(shop.store) == 12
    text = " ".join(read(await visitor.get(f"{page}?place=s1")).text.split())
    assert "The goods are booked in." in text
    assert "Note 881" in text
    assert "Supplier" in text
    assert "+12" in text
    entry = (await shop.list_audit("stock.received"))[-1]
    assert (entry["actor"], entry["after"]["quantity"]) == (shop.email("clerk"), 12)


async def test_an_adjustment_takes_away_but_never_what_is_not_there(visit: Visit, shop: Shop) -> None:
    visitor = await visit("clerk")
    page = page_of(shop)
    assert (await visitor.submit(page, f"{page}/adjust", delta="-3", reason="broken")).status_code == 303
    assert await shop.load_available() == 37
    answer = await visitor.submit(page, f"{page}/adjust", delta="-38", reason="all gone")
    assert answer.status_code == 409
    assert "Only 37 are available there." in answer.text
    form = find_form(answer, f"{page}/adjust")
    assert (form.values["delta"], form.values["reason"]) == ("-38", "all gone")
    assert await shop.load_available() == 37
    # The refused form may be corrected and sent again.
    assert (await visitor.send(form, delta="-37")).status_code == 303
    assert await shop.load_available() == 0


async def test_a_transfer_moves_from_one_place_to_the_other(visit: Visit, shop: Shop) -> None:
    visitor = await visit("clerk")
    page = page_of(shop)
    fields = {"from_place": "online", "to_place": "s1", "quantity": "15", "reason": "weekend"}
    assert (await visitor.submit(page, f"{page}/transfer", **fields)).status_code == 303
    assert (await shop.load_available(), await shop.load_available(shop.store)) == (25, 15)
    same = await visitor.submit(page, f"{page}/transfer", **(fields | {"to_place": "online"}))
    assert same.status_code == 422
    assert "Please choose two different places." in same.text
    assert (await shop.load_available(), await shop.load_available(shop.store)) == (25, 15)


async def test_a_movement_sent_twice_at_once_counts_once(visit: Visit, shop: Shop) -> None:
    visitor = await visit("clerk")
    page = page_of(shop)
    form = find_form(await visitor.get(page), f"{page}/receive")
    answers = await asyncio.gather(*(visitor.send(form, quantity="5", reason="r") for _n in range(4)))
    assert [answer.status_code for answer in answers] == [303] * 4
    assert await shop.load_available() == 45
    again = await visitor.send(form, quantity="6", reason="r")
    assert again.status_code == 409
    assert await shop.load_available() == 45
    assert (await visitor.send(find_form(again, f"{page}/receive"))).status_code == 303
    assert await shop.load_available() == 51


@pytest.mark.parametrize("quantity", ["0", "-1", "1.5", "abc", "", "1e3", "1000000000", "٣x", "1\0"])
async def test_a_number_of_pieces_that_is_none_is_refused(visit: Visit, shop: Shop, quantity: str) -> None:
    visitor = await visit("clerk")
    page = page_of(shop)
    before = await count_transfers(shop)
    answer = await visitor.submit(page, f"{page}/receive", quantity=quantity, reason="r")
    if quantity == "1\0":
        assert answer.status_code == 303, "a NUL is dropped, the rest is a number"
        return
    assert answer.status_code == 422
    assert "Please give a whole number of at least 1." in answer.text
    assert await count_transfers(shop) == before


async def test_an_unknown_place_or_a_missing_reason_is_refused(visit: Visit, shop: Shop) -> None:
    visitor = await visit("clerk")
    page = page_of(shop)
    answer = await visitor.submit(page, f"{page}/receive", place="moon", quantity="1", reason="")
    assert answer.status_code == 422
    assert "Please choose a place." in answer.text
    assert "Please give a reason." in answer.text
    assert await shop.load_available() == 40


async def test_the_ledger_behind_the_number_shows_reservation_and_departure(visit: Visit, shop: Shop) -> None:
    order = await shop.place_order(4)
    visitor = await visit("clerk")
    shown = await visitor.get(page_of(shop))
    assert "Reserved" in shown.text
    assert f'href="/console/orders/{order.order_id}"' in shown.text
    text = " ".join(read(shown).text.split())
    assert "40 4 36" in text or "40436" in text, "on hand, reserved, available"
    page = f"/console/orders/{order.number}"
    await visitor.submit(page, f"{page}/fulfil")
    text = " ".join(read(await visitor.get(page_of(shop))).text.split())
    assert "-4" in text
    assert "36 0 36" in text or "36036" in text


async def test_lists_filter_by_place_state_and_words(visit: Visit, shop: Shop) -> None:
    visitor = await visit("clerk")
    title = ">Ice, crushed</a>"
    page = page_of(shop)
    for path, is_there in (
        ("/console/stock", True),
        ("/console/stock?place=s1", False),
        ("/console/stock?place=moon", True),
        ("/console/stock?state=low", False),
        ("/console/stock?state=nonsense", True),
        ("/console/stock?q=crush", True),
        ("/console/stock?q=zebra", False),
    ):
        assert (title in (await visitor.get(path)).text) == is_there, path
    await visitor.submit(page, f"{page}/adjust", delta="-36", reason="count")
    assert title in (await visitor.get("/console/stock?state=low")).text
    assert title not in (await visitor.get("/console/stock?state=out")).text
    assert "Running low" in (await visitor.get("/console")).text
    await visitor.submit(page, f"{page}/adjust", delta="-4", reason="count")
    assert title in (await visitor.get("/console/stock?state=out")).text
