"""What tenders pay of a quote, within their limits, and what is refused with its reason."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from tests.promotion.conftest import Desk
from tests.shop import Shop
from tests.tender.conftest import Till

from serai.commerce.promotion.state_terms import TenderLimit
from serai.commerce.promotion.types import Terms
from serai.commerce.tender.types import TenderTerms
from serai.foundation import clock
from serai.foundation.database import Database
from serai.foundation.errors import Conflict, Invalid, NotFound, Unauthorised

Check = Callable[[], Awaitable[None]]


async def test_a_live_promotion_limits_what_a_tender_pays(shop: Shop, till: Till, desk: Desk) -> None:
    await desk.go_live(Terms(name="Half", layer=7, benefit=TenderLimit("gift_card", 2500)))
    [card] = await till.issue(4000)
    owner, _cart = await shop.fill_cart((await shop.add_product(price_minor=4000), 1))
    await till.enter(owner, card.code)
    assert (await till.quote(owner)).due_minor == 3000


async def test_points_pay_up_to_their_limit_and_in_whole_blocks(shop: Shop, till: Till) -> None:
    await till.say(TenderTerms(points_block=100, block_minor=100, cap_percent=30))
    member = await till.member(points=5050)
    owner, _cart = await shop.fill_cart((await shop.add_product(price_minor=4000), 1))
    await till.use(owner, "points", member)
    seen = await till.quote(owner, member)
    [shown] = seen.tendered.tenders
    assert (shown.code, shown.units, shown.amount_minor, seen.due_minor) == ("cap", 1200, 1200, 2800)
    assert (seen.tendered.most_points, seen.tendered.most_points_minor) == (1200, 1200)
    await till.use(owner, "points", member, 250)
    seen = await till.quote(owner, member)
    assert (seen.tendered.tenders[0].units, seen.due_minor) == (200, 3800)
    # Nobody else's quote knows of them.
    stranger = await till.quote(owner)
    assert (stranger.tendered.tenders[0].code, stranger.due_minor) == ("sign_in", 4000)


async def test_what_cannot_pay_is_refused_with_its_reason(
    shop: Shop, till: Till, owner: Database, assert_clean: Check
) -> None:
    sku_id = await shop.add_product(price_minor=4000)
    browser, _cart = await shop.fill_cart((sku_id, 1))
    with pytest.raises(NotFound) as unknown:
        await till.enter(browser, "00000-00000")
    assert unknown.value.code == "gift_card.unknown"
    [euro] = await till.issue(1000, currency="EUR")
    with pytest.raises(Invalid) as other:
        await till.enter(browser, euro.code)
    assert other.value.code == "gift_card.currency"
    [old] = await till.issue(1000, expires_at=clock.now() + timedelta(days=1))
    with clock.clock_shifted(timedelta(days=2)), pytest.raises(Conflict) as expired:
        await till.enter(browser, old.code)
    assert expired.value.code == "gift_card.expired"
    with pytest.raises(Unauthorised):
        await till.use(browser, "points", None)
    member = await till.member()
    with pytest.raises(Conflict) as off:
        await till.use(browser, "points", member)
    assert off.value.code == "tender.points_off"
    with pytest.raises(Conflict) as empty:
        await till.use(browser, "wallet", member)
    assert empty.value.code == "tender.balance_empty"
    cards = await till.issue(100, count=6)
    for card in cards[:5]:
        await till.enter(browser, card.code)
    with pytest.raises(Invalid) as many:
        await till.enter(browser, cards[5].code)
    assert many.value.code == "gift_card.too_many"
    assert (await till.quote(browser)).due_minor == 3500
    await assert_clean()
