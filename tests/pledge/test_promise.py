"""Cash on delivery and invoices: accepted without a provider, paid in parts, refused, paid back; a limit holds against
orders at the same moment."""

import asyncio
from datetime import timedelta

import pytest
from tests.journeys.steps import available, order_of
from tests.tender.conftest import Till

from serai.commerce.aftersale.api import cancel_order, refund_order
from serai.commerce.checkout.api import accept_promise, list_order_methods, start_payment
from serai.commerce.collect.api import pay_back, refuse_delivery, write_off
from serai.commerce.method.api import find_credit, list_methods, save_method, set_credit
from serai.commerce.method.types import MethodTerms, Wanted
from serai.commerce.order.api import fulfil_order
from serai.commerce.pledge.api import list_open
from serai.foundation.clock import clock_shifted
from serai.foundation.errors import Conflict, Invalid, NotFound, Refused
from serai.foundation.ids import new_id


async def accept(holder, order, method="cash_on_delivery"):
    return await accept_promise(
        holder.commerce, holder.merchant_id, order_id=order.order_id, method=method, by="shopper"
    )


async def waiting(holder, quantity=2):
    """An order that waits for its payment: 2 x 50.00."""
    sku_id = await holder.shop.add_product(price_minor=5000)
    placed = await holder.shop.place((sku_id, quantity))
    return await order_of(holder.shop, placed.order_id)


async def cash_order(holder):
    await holder.offer("cash_on_delivery")
    return await accept(holder, await waiting(holder))


async def fulfil(holder, order):
    return await fulfil_order(holder.commerce, holder.merchant_id, order_id=order.order_id, by="staff")


@pytest.fixture
def till(holder):
    return Till(holder.shop, holder.provider)


async def test_an_order_is_accepted_to_be_paid_on_delivery_and_collected_in_parts(holder, assert_clean):
    order = await cash_order(holder)
    assert (order.state, order.secured, order.paid_minor, order.pledged_minor) == (
        "paid",
        "cash_on_delivery",
        0,
        10000,
    )
    assert not holder.provider.payments
    await assert_clean()
    order = await fulfil(holder, order)
    order = await holder.capture(order, 4000, "first")
    assert (order.paid_minor, order.pledged_minor) == (4000, 6000)
    order = await holder.capture(order, None, "second")
    assert (order.paid_minor, order.pledged_minor, order.secured) == (10000, 0, "")
    assert not holder.provider.captures
    await assert_clean()


async def test_accepting_twice_at_once_accepts_once(holder, assert_clean):
    await holder.offer("cash_on_delivery")
    order = await waiting(holder)
    answers = await asyncio.gather(*(accept(holder, order) for _ in range(5)))
    assert {answer.state for answer in answers} == {"paid"}
    assert (await holder.load(order)).pledged_minor == 10000
    await assert_clean()


async def test_collecting_the_same_money_twice_at_once_counts_once_per_key(holder, assert_clean):
    order = await fulfil(holder, await cash_order(holder))
    await asyncio.gather(*(holder.capture(order, 6000, "same") for _ in range(5)), return_exceptions=True)
    answers = await asyncio.gather(
        *(holder.capture(order, 3000, f"k{n}") for n in range(5)), return_exceptions=True
    )
    order = await holder.load(order)
    assert (order.paid_minor, order.pledged_minor) == (9000, 1000)
    assert sum(isinstance(answer, Refused) for answer in answers) == 4
    await assert_clean()


@pytest.mark.parametrize("has_left", [False, True])
async def test_a_refused_delivery_calls_the_order_off_and_the_goods_are_back(holder, assert_clean, has_left):
    order = await cash_order(holder)
    sku_id = order.lines[0].sku_id
    if has_left:
        order = await fulfil(holder, order)
        assert await available(holder.shop, sku_id) == 8
    answers = await asyncio.gather(
        *(
            refuse_delivery(holder.commerce, holder.merchant_id, order_id=order.order_id, by="courier")
            for _ in range(3)
        )
    )
    assert {answer.state for answer in answers} == {"cancelled"}
    order = await holder.load(order)
    assert (order.pledged_minor, order.paid_minor, order.refundable_minor) == (0, 0, 0)
    assert await available(holder.shop, sku_id) == 10
    await assert_clean()


async def test_a_delivery_that_was_paid_cannot_be_refused(holder, assert_clean):
    order = await holder.capture(await fulfil(holder, await cash_order(holder)), 100)
    with pytest.raises(Conflict) as refusal:
        await refuse_delivery(holder.commerce, holder.merchant_id, order_id=order.order_id, by="courier")
    assert refusal.value.code == "order.cannot_refuse"
    assert (await holder.load(order)).state == "fulfilled"
    await assert_clean()


async def test_of_collecting_and_refusing_at_once_one_wins(holder, assert_clean):
    for _round in range(4):
        order = await fulfil(holder, await cash_order(holder))
        await asyncio.gather(
            holder.capture(order),
            refuse_delivery(holder.commerce, holder.merchant_id, order_id=order.order_id, by="courier"),
            return_exceptions=True,
        )
        order = await holder.load(order)
        assert (order.state, order.paid_minor) in (("fulfilled", 10000), ("cancelled", 0))
    await assert_clean()


async def test_collected_money_is_paid_back_by_hand(holder, assert_clean):
    order = await holder.capture(await fulfil(holder, await cash_order(holder)))
    order = await refund_order(
        holder.commerce,
        holder.merchant_id,
        order_id=order.order_id,
        amount_minor=2500,
        reason="broken",
        by="staff",
        key="r",
    )
    assert [refund.state for refund in order.refunds] == ["pending"]
    for _again in range(2):
        order = await pay_back(
            holder.commerce, holder.merchant_id, refund_id=order.refunds[0].refund_id, by="staff"
        )
    assert [refund.state for refund in order.refunds] == ["done"]
    assert not holder.provider.refunds
    with pytest.raises(NotFound):
        await pay_back(holder.commerce, holder.merchant_id, refund_id=new_id(), by="staff")
    await assert_clean()


@pytest.mark.parametrize(
    ("terms", "wanted", "why"),
    [
        ({"max_minor": 9999}, {}, "too_much"),
        ({"max_minor": 10000}, {}, ""),
        ({"countries": ("DE", "FR")}, {}, "country"),
        ({"countries": ("US",)}, {}, ""),
        ({"members_only": True}, {}, "members"),
        ({}, {"is_presale": True}, "presale"),
        ({}, {"is_market": True}, "market"),
        ({}, {"due_minor": 0}, "nothing_due"),
    ],
)
async def test_a_method_is_offered_within_its_terms(holder, terms, wanted, why):
    await holder.offer("cash_on_delivery", **terms)
    asked = {"due_minor": 10000, "currency": "USD", "country": "US"} | wanted
    async with holder.commerce.db.transaction(holder.merchant_id, "read") as tx:
        offers = await list_methods(tx, wanted=Wanted(**asked))
    assert [offer.why for offer in offers if offer.code == "cash_on_delivery"] == [why]


async def test_a_method_that_is_not_offered_is_refused_and_the_order_still_waits(holder, assert_clean):
    order = await waiting(holder)
    with pytest.raises(Conflict) as refusal:
        await accept(holder, order)
    assert (refusal.value.code, refusal.value.data["why"]) == ("method.not_offered", "off")
    for method in ("sandbox", "market", "bribe", ""):
        with pytest.raises(NotFound):
            await accept(holder, order, method)
    order = await holder.load(order)
    assert (order.state, order.payments) == ("awaiting_payment", ())
    await assert_clean()


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({"max_minor": 0}, "max_minor"),
        ({"max_minor": 10**13}, "max_minor"),
        ({"countries": ("de",)}, "countries"),
        ({"countries": ("DEU",)}, "countries"),
        ({"countries": ("１２",)}, "countries"),
        ({"capture": "manual"}, "capture"),
    ],
)
async def test_terms_that_make_no_sense_are_refused(holder, terms, field):
    async with holder.commerce.db.transaction(holder.merchant_id) as tx:
        with pytest.raises(Invalid) as refusal:
            await save_method(tx, terms=MethodTerms("cash_on_delivery", active=True, **terms), by="t")
    assert refusal.value.data["field"] == field


async def test_a_payment_that_was_begun_is_stopped_and_goes_back_if_it_comes_all_the_same(
    holder, assert_clean
):
    await holder.offer("online")
    await holder.offer("cash_on_delivery")
    order = await holder.place()
    intent_id = order.payments[0].intent_id
    order = await accept(holder, order)
    assert holder.provider.voided == [order.payments[0].provider_payment_id]
    await holder.settle(holder.provider.capture(intent_id))
    order = await holder.load(order)
    assert (order.state, order.pledged_minor, order.refunded_minor) == ("paid", 10000, 10000)
    assert list(holder.provider.refunds.values()) == [10000]
    assert order.refundable_minor == 10000
    await assert_clean()


async def test_after_changing_their_mind_a_shopper_may_pay_online(holder, assert_clean):
    await holder.offer("online")
    order = await holder.place()
    with pytest.raises(Conflict):
        await accept(holder, order)
    await start_payment(
        holder.commerce, holder.merchant_id, order_id=order.order_id, base_url="http://shop.localhost"
    )
    order = await holder.load(order)
    assert [paid.provider for paid in order.payments] == ["sandbox"]
    order = await holder.tell(order, "captured")
    assert (order.state, order.secured) == ("paid", "")
    await assert_clean()


async def credit(holder, member_id, limit_minor, days=30, **more):
    return await set_credit(
        holder.commerce,
        holder.merchant_id,
        member_id=member_id,
        limit_minor=limit_minor,
        days=days,
        currency="USD",
        by="staff",
        **more,
    )


async def member_order(holder, till, member_id):
    """An order of a member over 100.00."""
    sku_id = await holder.shop.add_product(price_minor=5000)
    owner, cart_id = await holder.shop.fill_cart((sku_id, 2), owner=f"web:{new_id()}")
    placed = await till.place(owner, cart_id, member_id)
    return await order_of(holder.shop, placed.order_id)


async def test_an_invoice_takes_from_the_limit_until_it_is_paid(holder, till, assert_clean):
    await holder.offer("invoice")
    member_id = await till.member()
    await credit(holder, member_id, 15000)
    order = await accept(holder, await member_order(holder, till, member_id), "invoice")
    assert (order.state, order.secured) == ("paid", "invoice")
    pledge = order.payments[0].pledge
    assert (pledge.due_at - pledge.made_at).days == 30
    second = await member_order(holder, till, member_id)
    with pytest.raises(Conflict) as refusal:
        await accept(holder, second, "invoice")
    assert refusal.value.data["why"] == "credit"
    await holder.capture(order, 5000)
    await accept(holder, second, "invoice")
    async with holder.commerce.db.transaction(holder.merchant_id, "read") as tx:
        assert (await find_credit(tx, member_id=member_id, currency="USD")).left_minor == 0
    await assert_clean()


async def test_orders_at_the_same_moment_do_not_pass_the_limit(holder, till, assert_clean):
    await holder.offer("invoice")
    member_id = await till.member()
    await credit(holder, member_id, 25000)
    orders = [await member_order(holder, till, member_id) for _ in range(5)]
    answers = await asyncio.gather(
        *(accept(holder, order, "invoice") for order in orders), return_exceptions=True
    )
    assert sum(not isinstance(answer, Exception) for answer in answers) == 2
    states = [(await holder.load(order)).state for order in orders]
    assert sorted(states) == ["awaiting_payment"] * 3 + ["paid"] * 2
    await assert_clean()


async def test_cancelling_and_refunding_an_invoice_give_the_limit_back(holder, till, assert_clean):
    await holder.offer("invoice")
    member_id = await till.member()
    await credit(holder, member_id, 20000)
    first = await accept(holder, await member_order(holder, till, member_id), "invoice")
    second = await accept(holder, await member_order(holder, till, member_id), "invoice")
    await cancel_order(holder.commerce, holder.merchant_id, order_id=first.order_id, by="staff")
    await refund_order(
        holder.commerce,
        holder.merchant_id,
        order_id=second.order_id,
        amount_minor=4000,
        reason="broken",
        by="staff",
        key="r",
    )
    async with holder.commerce.db.transaction(holder.merchant_id, "read") as tx:
        assert (await find_credit(tx, member_id=member_id, currency="USD")).left_minor == 14000
    second = await holder.load(second)
    assert (second.pledged_minor, second.refunds) == (6000, ())
    await assert_clean()


async def test_a_limit_does_not_fall_below_open_invoices_but_can_be_switched_off(holder, till, assert_clean):
    await holder.offer("invoice")
    member_id = await till.member()
    await credit(holder, member_id, 20000)
    await accept(holder, await member_order(holder, till, member_id), "invoice")
    with pytest.raises(Conflict) as refusal:
        await credit(holder, member_id, 9999)
    assert refusal.value.code == "credit.in_use"
    assert (await credit(holder, member_id, 10000)).left_minor == 0
    await credit(holder, member_id, 50000, active=False)
    with pytest.raises(Conflict) as refusal:
        await accept(holder, await member_order(holder, till, member_id), "invoice")
    assert refusal.value.data["why"] == "members"
    for limit, days in ((-1, 30), (True, 30), (100, 0), (100, 366), (10**13, 30)):
        with pytest.raises(Invalid):
            await credit(holder, member_id, limit, days)
    await assert_clean()


async def test_overdue_invoices_are_listed_first_due_first_and_may_be_written_off(holder, till, assert_clean):
    await holder.offer("invoice")
    member_id = await till.member()
    await credit(holder, member_id, 90000, days=14)
    first = await accept(holder, await member_order(holder, till, member_id), "invoice")
    await credit(holder, member_id, 90000, days=60)
    second = await accept(holder, await member_order(holder, till, member_id), "invoice")
    with clock_shifted(timedelta(days=15)):
        async with holder.commerce.db.transaction(holder.merchant_id, "read") as tx:
            overdue = await list_open(tx, kinds=("invoice",), overdue=True)
            every = await list_open(tx, kinds=("invoice",), limit=1)
            rest = await list_open(tx, kinds=("invoice",), cursor=every.next_cursor)
    assert [row.order_id for row in overdue.items] == [first.order_id]
    assert [row.order_id for row in (*every.items, *rest.items)] == [first.order_id, second.order_id]
    with pytest.raises(Conflict):
        await write_off(holder.commerce, holder.merchant_id, order_id=first.order_id, reason="", by="staff")
    await fulfil(holder, first)
    order = await write_off(
        holder.commerce, holder.merchant_id, order_id=first.order_id, reason="bankrupt", by="staff"
    )
    assert (order.pledged_minor, order.refundable_minor) == (0, 0)
    async with holder.commerce.db.transaction(holder.merchant_id, "read") as tx:
        assert (await find_credit(tx, member_id=member_id, currency="USD")).left_minor == 80000
    await assert_clean()


async def test_methods_of_an_order_are_told_with_their_reasons(holder, till):
    await holder.offer("cash_on_delivery")
    order = await waiting(holder)
    async with holder.commerce.db.transaction(holder.merchant_id, "read") as tx:
        offers = {each.code: each.why for each in await list_order_methods(tx, order=order)}
    assert offers == {"online": "", "cash_on_delivery": "", "invoice": "off"}
