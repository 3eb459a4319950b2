"""Lots at the desk: kept, received with a date, listed near it, and traced to their orders."""

from datetime import timedelta

from tests.console.conftest import Visit
from tests.console.shop import Shop, read

from serai.foundation import clock
from serai.foundation.ids import new_id


async def test_a_clerk_keeps_lots_receives_one_and_finds_it_near_its_date(visit: Visit, shop: Shop) -> None:
    visitor = await visit("clerk")
    page, rule = f"/console/stock/{shop.sku_id}", f"/console/lots/rules/{shop.sku_id}"
    assert (await visitor.submit(page, rule, rest_days="x")).status_code == 303
    assert "Not kept by lots" in read(await visitor.get(page)).text
    assert (await visitor.submit(page, rule, rest_days="2")).status_code == 303
    near = (clock.now().date() + timedelta(days=5)).isoformat()
    fields = {"place": "online", "quantity": "3", "reason": "Note 1"}
    assert (await visitor.submit(page, f"{page}/receive", **fields)).status_code == 422
    wrong = await visitor.submit(page, f"{page}/receive", **fields, lot="L1", best_before="31.3.")
    assert wrong.status_code == 422
    assert await shop.load_available() == 40
    done = await visitor.submit(page, f"{page}/receive", **fields, lot="<b>L1", best_before=near)
    assert (done.status_code, await shop.load_available()) == (303, 43)
    listed = await visitor.get("/console/lots")
    assert "&lt;b&gt;L1" in listed.text
    assert near in listed.text
    (lot_id,) = [
        row["lot_id"] for row in await shop.fetch("SELECT lot_id FROM commerce.lot WHERE code <> ''")
    ]
    assert "Nobody has got any of it." in read(await visitor.get(f"/console/lots/{lot_id}")).text
    assert (await visitor.get(f"/console/lots/{new_id()}")).status_code == 404
    assert (await visitor.submit(page, rule, stop="1")).status_code == 303
    assert "Not kept by lots" in read(await visitor.get(page)).text
