"""Letters of orders that points and gift cards pay: what paid is told, nothing is asked for that is paid already."""

import re
from typing import Any

import pytest
from tests.mail.test_order_letters import deliver, list_letters
from tests.shop import Shop
from tests.tender.conftest import Till

from serai.foundation.database import Database


@pytest.fixture
def till(shop: Shop, provider: Any) -> Till:
    return Till(shop, provider)


async def test_what_paid_is_told_and_what_went_back(shop: Shop, till: Till, owner: Database) -> None:
    [card] = await till.issue(1500)
    browser, cart_id = await shop.fill_cart((await shop.add_product(price_minor=4000), 1))
    await till.enter(browser, card.code)
    order = await till.pay((await till.place(browser, cart_id)).order_id)
    await till.refund(order.order_id, 700)
    await deliver(owner, shop)
    placed, paid, refunded = await list_letters(owner, shop)
    end = card.code.replace("-", "")[-4:]
    for letter in (placed, paid):
        assert (f"Gift card …{end}", "−$15.00") in letter.rows
        assert ("By card or other means", "$25.00") in letter.rows
    assert re.search(r"\$7\.00 went back to what you had paid with", " ".join(refunded.lines))


async def test_an_order_that_a_card_pays_whole_is_told_once_as_paid(
    shop: Shop, till: Till, owner: Database
) -> None:
    [card] = await till.issue(9000)
    browser, cart_id = await shop.fill_cart((await shop.add_product(price_minor=4000), 1))
    await till.enter(browser, card.code)
    placed = await till.place(browser, cart_id)
    await till.cancel(placed.order_id)
    await deliver(owner, shop)
    # The letter of the cancellation says that all goes back; no second one repeats it.
    assert [letter.subject.partition(" order ")[0] for letter in await list_letters(owner, shop)] == [
        "Payment received for",
        f"Order {placed.number} is cancelled",
    ]
