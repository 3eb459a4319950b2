"""What a member is told is held of returns, and what is left of them after erasure."""

import pytest
from tests.journeys.steps import pay
from tests.shop import ADDRESS, CONTACT

from serai.commerce.checkout.api import place_order, quote_cart
from serai.commerce.privacy.api import erase_member, export_member
from serai.commerce.tax.types import TaxPlace
from serai.foundation.errors import Conflict
from serai.identity.member.api import find_member, register_member


async def buy_as_member(shop, counter, provider):
    token = await register_member(
        shop.commerce.db,
        shop.merchant_id,
        email="ann@example.com",
        password="a long enough secret",
        name="Ann",
    )
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        member = await find_member(tx, token=token)
    owner, cart_id = await shop.fill_cart((await shop.add_product(), 2))
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        quote = await quote_cart(
            tx, settings=shop.commerce.settings, owner=owner, cart_id=cart_id, member_id=member.member_id,
            destination=TaxPlace(ADDRESS.country, ADDRESS.region),
        )  # fmt: skip
    placed = await place_order(
        shop.commerce, shop.merchant_id, owner=owner, cart_id=cart_id, contact=CONTACT, address=ADDRESS,
        delivery="ship", place_id=None, expected_digest=quote.digest, member_id=member.member_id, locale="en",
    )  # fmt: skip
    await pay(shop, provider, placed)
    return member, await counter.hand_over(placed.order_id)


async def test_returns_are_exported_and_their_words_erased_once_they_are_over(shop, counter, provider):
    member, order = await buy_as_member(shop, counter, provider)
    found = await counter.ask(order, (1, 1), words="I am allergic to it.")
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        exported = await export_member(tx, member_id=member.member_id)
        assert exported["orders"][0]["returns"][0]["words"] == "I am allergic to it."
        with pytest.raises(Conflict) as open_yet:
            await erase_member(tx, member_id=member.member_id)
    assert found.number in open_yet.value.data["numbers"]
    await counter.do("decline", found)
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await erase_member(tx, member_id=member.member_id)
    after = await counter.load(found)
    assert (after.words, after.answer, after.state) == ("", "", "declined")
