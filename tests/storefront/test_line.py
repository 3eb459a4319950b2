"""The line before scarce goods, over HTTP: led into it, one place per browser, in turn, in the reader's language."""

from uuid import UUID

from tests.console.shop import Shop
from tests.storefront.conftest import Enter
from tests.storefront.shopper import text_of

from serai.overload.room.api import close_room, open_room


async def open_line(shop: Shop, *, per_s: float) -> UUID:
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        room = await open_room(tx, sku_id=shop.sku_id, title="Ice, crushed", per_s=per_s, hold_s=600)
    return room.room_id


async def test_the_second_buyer_waits_in_turn_and_reloading_changes_nothing(shop: Shop, enter: Enter) -> None:
    room_id = await open_line(shop, per_s=0.001)
    first, second, third = [await enter() for _n in range(3)]
    assert "In the cart" in text_of(await first.follow(await first.add()))
    for shopper, ahead in ((second, "You are next"), (third, "1 person is ahead of you")):
        for _again in range(3):
            answer = await shopper.add()
            assert (answer.status_code, answer.headers["location"]) == (303, f"/line/{room_id}")
            page = text_of(await shopper.get(f"/line/{room_id}"))
            assert ahead in page, page
            assert "Ice, crushed" in page
    assert await second.read_quantities() == []
    chinese = text_of(await third.get(f"/line/{room_id}", **{"accept-language": "zh-CN"}))
    assert "您前面还有" in chinese
    stranger = text_of(await (await enter()).get(f"/line/{room_id}"))
    assert "You are not in this line" in stranger


async def test_behind_a_closed_line_everybody_may_buy(shop: Shop, enter: Enter) -> None:
    room_id = await open_line(shop, per_s=0.001)
    first, second = await enter(), await enter()
    await first.add()
    assert (await second.add()).headers["location"] == f"/line/{room_id}"
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await close_room(tx, room_id=room_id)
    assert "In the cart" in text_of(await second.follow(await second.add()))


async def test_a_line_that_does_not_exist_is_not_found(enter: Enter) -> None:
    shopper = await enter()
    for path in ("/line/00000000-0000-0000-0000-000000000000", "/line/x", "/line/"):
        assert (await shopper.get(path)).status_code == 404, path
