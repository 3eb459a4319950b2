"""Killed in the middle of placing orders that a gift card pays: what was committed stands, what was not never was."""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest
from tests.shop import Shop
from tests.tender.conftest import Till

from serai.commerce.checkout.api import PlacedOrder
from serai.foundation.errors import Conflict

Check = Callable[[], Awaitable[None]]
CARTS = 60
# Places every cart at once, says when it has begun, and would go on for ever.
CHILD = """
import asyncio, json, sys
from uuid import UUID
from tests.shop import ADDRESS, CONTACT
from serai.commerce.checkout.api import place_order
from serai.commerce.settings import CommerceSettings
from serai.commerce.types import Commerce
from serai.foundation.database import open_database
from serai.ledger.api import Lane

async def main():
    told = json.loads(sys.stdin.read())
    db = await open_database(told["url"], size=8)
    lane = Lane(db)
    lane.start()
    commerce = Commerce(db, lane, {}, CommerceSettings(), b"test secret of guests' links")
    async def place(owner, cart_id, digest):
        try:
            await place_order(commerce, UUID(told["merchant_id"]), owner=owner, cart_id=UUID(cart_id), contact=CONTACT,
                address=ADDRESS, delivery="ship", place_id=None, expected_digest=digest, member_id=None, locale="en")
        except Exception:
            pass
    print("begun", flush=True)
    for i in range(0, len(told["carts"]), 4):
        await asyncio.gather(*(place(*cart) for cart in told["carts"][i:i + 4]))
        print("some", flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


def start_child(told: dict[str, object]) -> subprocess.Popen[str]:
    """The process that places the carts it is told of."""
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=dict(os.environ),
        text=True,
    )
    assert child.stdin is not None
    child.stdin.write(json.dumps(told))
    child.stdin.close()
    return child


@pytest.mark.kill
@pytest.mark.parametrize("seed", range(3))
async def test_a_killed_process_leaves_a_gift_card_that_adds_up(
    shop: Shop, till: Till, database_url: str, assert_clean: Check, seed: int
) -> None:
    sku_id = await shop.add_product(price_minor=4000, stock=200)
    [card] = await till.issue(10_000)
    carts: list[tuple[str, UUID]] = []
    for _ in range(CARTS):
        cart = await shop.fill_cart((sku_id, 1))
        await till.enter(cart[0], card.code, 300)
        carts.append(cart)
    digests = [(await till.quote(owner)).digest for owner, _cart_id in carts]
    told = {
        "url": database_url,
        "merchant_id": str(shop.merchant_id),
        "carts": [
            [owner, str(cart_id), digest] for (owner, cart_id), digest in zip(carts, digests, strict=True)
        ],
    }
    child = start_child(told)
    assert child.stdout is not None
    dice = random.Random(seed)
    for _ in range(1 + dice.randrange(1, 8)):
        assert await asyncio.to_thread(child.stdout.readline)
    await asyncio.sleep(dice.random() / 20)
    child.send_signal(signal.SIGKILL)
    await asyncio.to_thread(child.wait)
    child.stdout.close()
    await assert_clean()
    held = (await till.card(card.card_id)).held_minor
    assert held % 300 == 0

    answers = await asyncio.gather(
        *(till.place(*cart, digest=digest) for cart, digest in zip(carts, digests, strict=True)),
        return_exceptions=True,
    )
    placed = [each for each in answers if isinstance(each, PlacedOrder)]
    assert sum(each.replayed for each in placed) * 300 == held
    # 33 of the 60 orders can be paid with it; the others are refused, and nothing of them stays.
    assert len(placed) == 33
    assert {each.code for each in answers if isinstance(each, Conflict)} == {"checkout.changed"}
    assert (await till.card(card.card_id)).available_minor == 100
    await assert_clean()
    await asyncio.gather(*(till.cancel(each.order_id) for each in placed))
    assert (await till.card(card.card_id)).available_minor == 10_000
    await assert_clean()
