"""What buyers in a presale are written, and in which words it ends."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from tests.presale.conftest import Campaign
from tests.shop import Shop

from serai.commerce.aftersale.api import cancel_order
from serai.foundation import clock
from serai.foundation.database import Database
from serai.foundation.event import pump_events
from serai.foundation.mail import MAIL_JOB, Letter
from serai.storefront.subscribers import order_letters

Launch = Callable[..., Awaitable[Any]]
DAY = timedelta(days=1)


async def read_letters(owner: Database, shop: Shop) -> list[Letter]:
    """Deliver the event log; the letters of the shop, first to last."""
    while await pump_events(owner, shop.commerce.db, order_letters(shop.commerce)):
        pass
    rows = await owner.fetch(
        "SELECT payload FROM foundation.job WHERE merchant_id = $1 AND name = $2 ORDER BY job_id",
        shop.merchant_id,
        MAIL_JOB,
    )
    return [msgspec.convert(row["payload"], Letter) for row in rows]


async def launch_now(launch: Launch, **terms: Any) -> Campaign:
    """A presale around this moment, since letters tell what has just happened."""
    now = clock.now()
    campaign: Campaign = await launch(
        tiers=(),
        deposit_from=now - DAY,
        deposit_until=now + DAY,
        balance_from=now + DAY,
        balance_until=now + 4 * DAY,
        published_at=now,
        **terms,
    )
    return campaign


@pytest.mark.parametrize(("missed", "words"), [("keep", "is not given back"), ("refund", "goes back")])
async def test_a_buyer_is_written_at_every_step(
    shop: Shop, launch: Launch, owner: Database, missed: str, words: str
) -> None:
    sale = await launch_now(launch, missed=missed)
    order = await sale.buy()
    for ahead in (1 * DAY, 3 * DAY, 4 * DAY, 4 * DAY):
        with clock.clock_shifted(ahead):
            await sale.work()
    letters = await read_letters(owner, shop)
    steps = [
        "Your reservation",
        "Deposit received",
        "Please pay your balance",
        "One day left for your balance",
        f"Order {order.number} has ended: the balance did not come",
    ]
    if missed == "refund":
        steps.append("Refund for order")
    assert len(letters) == len(steps), [letter.subject for letter in letters]
    assert all(letter.subject.startswith(step) for letter, step in zip(letters, steps, strict=True))
    assert "$1,800.00" in letters[2].lines[1]
    assert letters[2].action is not None
    assert letters[2].action[0] == "Pay the balance"
    assert words in letters[4].lines[2]


async def test_a_paid_balance_is_told_like_any_payment_and_a_cancelled_deposit_says_what_becomes_of_it(
    shop: Shop, launch: Launch, owner: Database
) -> None:
    sale = await launch_now(launch, missed="keep")
    kept, paid = await sale.buy(), await sale.buy()
    await cancel_order(shop.commerce, shop.merchant_id, order_id=kept.order_id, by="shopper", by_buyer=True)
    with clock.clock_shifted(DAY):
        await sale.work()
        await sale.pay(paid.order_id)
    letters = await read_letters(owner, shop)
    gone = next(letter for letter in letters if "is cancelled" in letter.subject)
    assert "is not given back" in gone.lines[2]
    assert any(letter.subject.startswith("Payment received for order") for letter in letters)
