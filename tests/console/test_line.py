"""Waiting lines at the console."""

import pytest
from tests.console.conftest import Visit
from tests.console.shop import Shop

from serai.overload.room.api import list_rooms

PAGE = "/console/lines"


async def test_a_line_is_opened_made_faster_and_closed(visit: Visit, shop: Shop) -> None:
    manager = await visit("manager")
    sku = shop.product.variants[0].sku
    answer = await manager.submit(PAGE, PAGE, sku=sku, per_minute="30", minutes="5", units="1")
    assert answer.status_code == 303
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        [(room, _counts)] = await list_rooms(tx)
    assert (room.sku_id, room.per_s, room.hold_s) == (shop.sku_id, 0.5, 300)
    await manager.submit(PAGE, f"{PAGE}/{room.room_id}/faster")
    await manager.submit(PAGE, f"{PAGE}/{room.room_id}/close")
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        [(closed, _counts)] = await list_rooms(tx)
    assert closed.closed_at is not None
    assert closed.per_s == 1.0
    actions = ("line.opened", "line.rate_changed", "line.closed")
    assert [len(await shop.list_audit(action)) for action in actions] == [1, 1, 1]


@pytest.mark.parametrize(
    "typed",
    [
        {"sku": "no such thing"}, {"per_minute": "0"}, {"per_minute": "-5"}, {"minutes": "9999"},
        {"units": "1e3"}, {"per_minute": "９"}, {"minutes": "1; DROP TABLE"},
    ],
)  # fmt: skip
async def test_what_makes_no_sense_opens_nothing_and_comes_back_as_typed(
    visit: Visit, shop: Shop, typed: dict[str, str]
) -> None:
    owner = await visit("owner")
    fields = {"sku": shop.product.variants[0].sku, "per_minute": "30", "minutes": "5", "units": "1"} | typed
    answer = await owner.submit(PAGE, PAGE, **fields)
    assert answer.status_code in (404, 422)
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        assert await list_rooms(tx) == []


async def test_a_second_line_before_the_same_is_refused(visit: Visit, shop: Shop) -> None:
    owner = await visit("owner")
    fields = {"sku": shop.product.variants[0].sku, "per_minute": "30", "minutes": "5", "units": "1"}
    assert (await owner.submit(PAGE, PAGE, **fields)).status_code == 303
    assert (await owner.submit(PAGE, PAGE, **fields)).status_code == 409


async def test_clerks_do_not_see_it(visit: Visit) -> None:
    assert (await (await visit("clerk")).get(PAGE)).status_code == 403
