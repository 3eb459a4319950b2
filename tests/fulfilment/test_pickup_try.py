"""Codes of pick-ups cannot be guessed: five wrong ones lock a parcel, however many are shown at once."""

import asyncio

import pytest
from tests.fulfilment.test_pickup import give, ready

from serai.commerce.fulfilment.api import pickup_code, unlock_pickup
from serai.foundation.errors import Conflict, Invalid


async def test_five_wrong_codes_lock_a_parcel_until_it_is_unlocked(shop, provider, assert_clean):
    _tea, order, parcel = await ready(shop, provider, 2)
    code = pickup_code(shop.commerce.secret, parcel.parcel_id)
    guesses = [f"{(int(code) + n) % 10**6:06}" for n in range(1, 13)]
    for nonsense in ("", "12345", "abcdef"):
        with pytest.raises(Invalid):
            await give(shop, parcel, nonsense)
    answers = await asyncio.gather(*(give(shop, parcel, guess) for guess in guesses), return_exceptions=True)
    assert sorted(each.code for each in answers) == ["pickup.code_wrong"] * 5 + ["pickup.locked"] * 7
    with pytest.raises(Conflict) as refusal:
        await give(shop, parcel, code)
    assert refusal.value.code == "pickup.locked"
    for _again in range(2):
        await unlock_pickup(
            shop.commerce,
            shop.merchant_id,
            order_id=order.order_id,
            parcel_id=parcel.parcel_id,
            by="manager",
        )
    assert (await give(shop, parcel, code)).state == "fulfilled"
    assert (await give(shop, parcel, code)).state == "fulfilled"
    await assert_clean()
