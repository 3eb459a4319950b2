"""Points, gift cards and red packets pay a part; the rest is held, paid on delivery or invoiced. Every part goes back where
it came from."""

import pytest
from tests.journeys.steps import order_of
from tests.tender.conftest import Till

from serai.commerce.aftersale.api import cancel_order, refund_order
from serai.commerce.checkout.api import accept_promise, start_payment
from serai.commerce.collect.api import refuse_delivery
from serai.commerce.method.api import set_credit
from serai.commerce.order.api import fulfil_order
from serai.foundation.ids import new_id

METHODS = ["held", "cash_on_delivery", "invoice"]


@pytest.fixture
def till(holder):
    return Till(holder.shop, holder.provider)


async def split(holder, till, method):
    """An order over 100.00 of which tenders pay 40.00: (order, member, gift card)."""
    await till.say()
    member_id = await till.member(points=1000, wallet_minor=1500)
    [issued] = await till.issue(1500)
    sku_id = await holder.shop.add_product(price_minor=5000)
    owner, cart_id = await holder.shop.fill_cart((sku_id, 2), owner=f"web:{new_id()}")
    await till.enter(owner, issued.code)
    await till.use(owner, "wallet", member_id)
    await till.use(owner, "points", member_id)
    placed = await till.place(owner, cart_id, member_id)
    order = await order_of(holder.shop, placed.order_id)
    assert order.tender_count == 3
    if method == "held":
        await start_payment(
            holder.commerce, holder.merchant_id, order_id=order.order_id, base_url="http://shop.localhost"
        )
        order = await holder.tell(await holder.load(order), "authorised")
    else:
        await holder.offer(method)
        await set_credit(
            holder.commerce,
            holder.merchant_id,
            member_id=member_id,
            limit_minor=100_000,
            days=30,
            currency="USD",
            by="staff",
        )
        order = await accept_promise(
            holder.commerce, holder.merchant_id, order_id=order.order_id, method=method, by="shopper"
        )
    assert (order.state, order.pledged_minor) == ("paid", order.total_minor - order.tender_minor)
    return order, member_id, issued.card_id


async def left(till, member_id, card_id):
    purse, card = await till.purse(member_id), await till.card(card_id)
    return purse.points, purse.wallet_minor, card.balance_minor


@pytest.mark.parametrize("method", METHODS)
async def test_a_split_order_is_called_off_and_every_part_is_back(holder, till, assert_clean, method):
    order, member_id, card_id = await split(holder, till, method)
    await cancel_order(holder.commerce, holder.merchant_id, order_id=order.order_id, by="staff")
    order = await holder.load(order)
    assert (order.state, order.pledged_minor, order.refundable_minor) == ("cancelled", 0, 0)
    assert await left(till, member_id, card_id) == (1000, 1500, 1500)
    assert not holder.provider.refunds
    await assert_clean()


@pytest.mark.parametrize("method", METHODS)
async def test_a_split_order_gives_tenders_back_first_then_what_has_not_come_then_money(
    holder, till, assert_clean, method
):
    order, _member_id, _card_id = await split(holder, till, method)
    tenders, rest = order.tender_minor, order.total_minor - order.tender_minor
    await fulfil_order(holder.commerce, holder.merchant_id, order_id=order.order_id, by="staff")
    await holder.capture(order, 1000)

    async def refund(amount_minor, key):
        return await refund_order(
            holder.commerce,
            holder.merchant_id,
            order_id=order.order_id,
            amount_minor=amount_minor,
            reason="broken",
            by="staff",
            key=key,
        )

    after = await refund(tenders + 500, "a")
    assert (sum(r.amount_minor for r in after.tender_refunds), after.pledged_minor) == (tenders, rest - 1500)
    after = await refund(rest - 1500 + 300, "b")
    assert (after.pledged_minor, [r.amount_minor for r in after.refunds]) == (0, [300])
    after = await refund(700, "c")
    assert after.refundable_minor == 0
    await assert_clean()


async def test_a_refused_delivery_gives_tenders_back_too(holder, till, assert_clean):
    order, member_id, card_id = await split(holder, till, "cash_on_delivery")
    await fulfil_order(holder.commerce, holder.merchant_id, order_id=order.order_id, by="staff")
    await refuse_delivery(holder.commerce, holder.merchant_id, order_id=order.order_id, by="courier")
    assert await left(till, member_id, card_id) == (1000, 1500, 1500)
    await assert_clean()
