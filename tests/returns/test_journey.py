"""A return from the shopper's wish to the money, with goods and ledger checked after each."""

from datetime import timedelta

import pytest
from tests.shop import open_shop

from serai.commerce.aftersale.api import load_line_money, refund_order
from serai.commerce.returns import api
from serai.commerce.returns.jobs import expire_returns
from serai.commerce.returns.types import ReceivedLine
from serai.foundation import clock
from serai.foundation.errors import Conflict, Invalid, NotFound
from serai.foundation.ids import MerchantId, new_id


async def test_goods_come_back_and_the_money_goes_back(shop, counter, provider, assert_clean):
    ice, milk = await shop.add_product(price_minor=349), await shop.add_product("Milk", price_minor=299)
    order = await counter.sell((ice, 2), (milk, 3))
    asked = await counter.ask(order, (1, 1), (2, 3))
    assert (asked.state, asked.order_number) == ("requested", order.number)
    approved = await counter.do("approve", asked)
    assert approved.state == "approved"
    assert approved.expires_at is not None
    assert (await counter.do("send", approved)).state == "sent"
    received = await counter.do("receive", approved)
    assert received.state == "received"
    assert (await counter.available(ice), await counter.available(milk)) == (9, 10)
    refunded = await counter.do("refund", received)
    assert (refunded.state, refunded.refund_minor) == ("refunded", 349 + 3 * 299)
    assert sum(provider.refunds.values()) == 349 + 3 * 299
    after = await counter.order(order)
    assert after.refunded_minor == 349 + 3 * 299
    assert [note.what for note in after.timeline if note.what.startswith("Return")] == [
        "ReturnRequested", "ReturnApproved", "ReturnSent", "ReturnReceived", "ReturnRefunded",
    ]  # fmt: skip
    await assert_clean()


async def test_with_the_last_piece_the_delivery_comes_back_too(shop, counter, assert_clean):
    ice = await shop.add_product(price_minor=349)
    order = await counter.sell((ice, 2))
    first = await counter.give_back(order, (1, 1))
    last = await counter.give_back(order, (1, 1))
    assert first.refund_minor == 349
    assert last.refund_minor == 349 + order.shipping_minor
    assert (await counter.order(order)).refundable_minor == 0
    await assert_clean()


async def test_a_line_never_gets_more_than_it_cost_though_the_order_could_give_more(
    shop, counter, assert_clean
):
    ice, milk = await shop.add_product(price_minor=333), await shop.add_product("Milk", price_minor=9000)
    order = await counter.sell((ice, 3), (milk, 1))
    given = [(await counter.give_back(order, (1, 1))).refund_minor for _ in range(3)]
    assert given == [333, 333, 333]
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        left = await load_line_money(tx, await counter.order(order))
    assert (left[1], left[2]) == (0, 9000)
    await assert_clean()


async def test_damaged_goods_wait_in_quarantine_and_unusable_ones_leave_the_books(
    shop, counter, assert_clean
):
    ice = await shop.add_product(price_minor=349, stock=10)
    order = await counter.sell((ice, 4))
    found = await counter.do("approve", await counter.ask(order, (1, 4)))
    received = await counter.do("receive", found, lines=[ReceivedLine(1, 1, 1, 1)], answer="One was used.")
    assert received.lines[0].accepted == 3
    assert await counter.available(ice) == 7
    refunded = await counter.do("refund", received)
    assert refunded.refund_minor == 3 * 349
    # The piece that was not accepted may be announced once more.
    assert (await counter.ask(order, (1, 1))).state == "requested"
    await assert_clean()


async def test_nothing_accepted_ends_the_return_without_money(shop, counter, provider, assert_clean):
    ice = await shop.add_product()
    order = await counter.sell((ice, 1))
    found = await counter.do("approve", await counter.ask(order, (1, 1)))
    with pytest.raises(Invalid) as silent:
        await counter.do("receive", found, lines=[])
    assert silent.value.code == "return.answer_missing"
    rejected = await counter.do("receive", found, lines=[], answer="That is not ours.")
    assert (rejected.state, rejected.answer) == ("rejected", "That is not ours.")
    with pytest.raises(Conflict) as refused:
        await counter.do("refund", rejected)
    assert refused.value.code == "return.cannot_refund"
    assert provider.refunds == {}
    assert await counter.available(ice) == 9
    await assert_clean()


async def test_a_fee_and_the_way_back_are_kept_unless_the_merchant_is_at_fault(shop, counter, assert_clean):
    await counter.say(restocking_bp=1000, postage_minor=150)
    ice = await shop.add_product(price_minor=1000)
    order = await counter.sell((ice, 3))
    own = await counter.give_back(order, (1, 1), reason="mind")
    assert (own.fee_minor, own.postage_minor, own.refund_minor) == (100, 150, 750)
    fault = await counter.give_back(order, (1, 1), reason="damaged")
    assert (fault.fee_minor, fault.postage_minor, fault.refund_minor) == (0, 0, 1000)
    await assert_clean()


async def test_staff_may_give_less_and_never_more(shop, counter, assert_clean):
    ice = await shop.add_product(price_minor=1000)
    order = await counter.sell((ice, 2))
    received = await counter.bring(order, (1, 1))
    for wrong in (1001, -1, True):
        with pytest.raises(Invalid) as refused:
            await counter.do("refund", received, amount_minor=wrong)
        assert refused.value.code == "refund.amount_invalid"
    assert (await counter.order(order)).refunded_minor == 0
    given = await counter.do("refund", received, amount_minor=600)
    assert (given.refund_minor, given.fee_minor) == (600, 400)
    await assert_clean()


async def test_nothing_of_money_ends_a_return_all_the_same(shop, counter, provider, assert_clean):
    ice = await shop.add_product(price_minor=1000)
    order = await counter.sell((ice, 1))
    received = await counter.bring(order, (1, 1))
    ended = await counter.do("refund", received, amount_minor=0)
    assert (ended.state, ended.refund_minor, ended.refund_id) == ("refunded", 0, None)
    assert provider.refunds == {}
    await assert_clean()


async def test_small_returns_are_approved_at_once_where_the_terms_say_so(shop, counter, assert_clean):
    await counter.say(approve_minor=500)
    ice = await shop.add_product(price_minor=349)
    order = await counter.sell((ice, 3))
    assert (await counter.ask(order, (1, 1))).state == "approved"
    assert (await counter.ask(order, (1, 2))).state == "requested"
    await counter.say(approve_minor=500, approve_members_only=True)
    guest = await counter.sell((ice, 1))
    assert (await counter.ask(guest, (1, 1))).state == "requested"
    await assert_clean()


async def test_an_approved_return_that_is_not_sent_ends_and_its_pieces_are_free_again(
    shop, counter, owner, monkeypatch, assert_clean
):
    ice = await shop.add_product()
    order = await counter.sell((ice, 1))
    found = await counter.do("approve", await counter.ask(order, (1, 1)))
    await expire_returns(counter.commerce, owner)
    assert (await counter.load(found)).state == "approved"
    later = found.expires_at + timedelta(seconds=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    await expire_returns(counter.commerce, owner)
    assert (await counter.load(found)).state == "expired"
    assert (await counter.ask(order, (1, 1), by_staff=True)).state == "requested"
    await assert_clean()


async def test_the_time_for_returns_binds_shoppers_and_not_staff(shop, counter, monkeypatch):
    ice = await shop.add_product()
    order = await counter.sell((ice, 2))
    late = order.fulfilled_at + timedelta(days=14)
    monkeypatch.setattr(clock, "now", lambda: late)
    with pytest.raises(Conflict) as refused:
        await counter.ask(order, (1, 1))
    assert refused.value.code == "return.too_late"
    assert (await counter.ask(order, (1, 1), by_staff=True, by="clerk")).state == "requested"


async def test_excluded_goods_and_orders_that_have_not_left_stay(shop, counter):
    await counter.say(excluded_category_ids=(shop.category.category_id,))
    ice = await shop.add_product()
    order = await counter.sell((ice, 1))
    with pytest.raises(Conflict) as refused:
        await counter.ask(order, (1, 1))
    assert refused.value.code == "return.excluded"
    await counter.say()
    placed = await shop.place((ice, 1))
    waiting = await counter.order(placed)
    with pytest.raises(Conflict) as early:
        await counter.ask(waiting, (1, 1))
    assert early.value.code == "return.nothing_left"
    await counter.say(window_days=0)
    with pytest.raises(Conflict) as never:
        await counter.ask(order, (1, 1))
    assert never.value.code == "return.not_offered"


async def test_a_declined_return_can_be_taken_up_again(shop, counter, assert_clean):
    ice = await shop.add_product()
    order = await counter.sell((ice, 1))
    declined = await counter.do("decline", await counter.ask(order, (1, 1)))
    assert (declined.state, declined.answer) == ("declined", "Worn.")
    again = await counter.do("reopen", declined)
    assert (again.state, again.answer) == ("requested", "")
    with pytest.raises(Conflict):
        await counter.ask(order, (1, 1))
    assert (
        await counter.do("refund", await counter.do("receive", await counter.do("approve", again)))
    ).state == "refunded"
    second = await counter.sell((ice, 1))
    declined = await counter.do("decline", await counter.ask(second, (1, 1)))
    other = await counter.ask(second, (1, 1))
    with pytest.raises(Conflict) as taken:
        await counter.do("reopen", declined)
    assert taken.value.code == "return.nothing_left"
    assert (await counter.load(other)).state == "requested"
    await assert_clean()


async def test_money_that_staff_gave_freely_bounds_what_a_return_gives(shop, counter, assert_clean):
    ice = await shop.add_product(price_minor=1000)
    order = await counter.sell((ice, 2))
    free = order.total_minor - 300
    await refund_order(
        counter.commerce,
        counter.merchant_id,
        order_id=order.order_id,
        amount_minor=free,
        reason="a sorry",
        by="t",
        key="g",
    )
    given = await counter.give_back(order, (1, 2))
    assert given.refund_minor == 300
    assert (await counter.order(order)).refundable_minor == 0
    await assert_clean()


async def test_another_shops_return_is_unknown(shop, counter, owner, commerce):
    ice = await shop.add_product()
    found = await counter.ask(await counter.sell((ice, 1)), (1, 1))
    merchant_id = MerchantId(new_id())
    await open_shop(owner, commerce, merchant_id, f"shop-{merchant_id.hex[-12:]}")
    with pytest.raises(NotFound):
        await api.approve_return(commerce, merchant_id, return_id=found.return_id, by="thief")
    assert (await counter.load(found)).state == "requested"
