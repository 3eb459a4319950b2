"""Gift cards and purses at the desk: issued once, never below zero, over when their time is over, and watched by equations."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from tests.shop import Shop
from tests.tender.conftest import Till

from serai.commerce.tender import api
from serai.commerce.tender.invariants import INVARIANTS
from serai.commerce.tender.jobs import expire_tenders
from serai.commerce.tender.types import TenderTerms
from serai.foundation import clock
from serai.foundation.database import Database
from serai.foundation.errors import Conflict, Invalid, NotFound
from serai.foundation.ids import new_id
from serai.foundation.invariant import check_invariants

Check = Callable[[], Awaitable[None]]


async def test_the_same_key_issues_the_same_cards_once(
    shop: Shop, till: Till, owner: Database, assert_clean: Check
) -> None:
    key = new_id()
    answers = await asyncio.gather(*(till.issue(700, count=3, key=key) for _ in range(4)))
    assert all(each == answers[0] for each in answers)
    codes = {card.code for card in answers[0]}
    assert len(codes) == 3
    assert all(len(code.replace("-", "")) == 26 for code in codes)
    rows = await owner.fetch(
        "SELECT digest, code_end FROM commerce.gift_card WHERE merchant_id = $1", shop.merchant_id
    )
    assert len(rows) == 3
    # Nothing that was stored spells a code, but for its end.
    codes = {code.replace("-", "") for code in codes}
    assert {row["code_end"] for row in rows} == {code[-4:] for code in codes}
    assert all(code.encode() not in row["digest"] for row in rows for code in codes)
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        [code, *_rest] = codes
        found = await api.list_cards(tx, code_end=code[-4:].lower())
        assert code[-4:] in {card.code_end for card in found.items}
        assert (await api.list_cards(tx, code_end="ZZZZ")).items == ()
    await assert_clean()


@pytest.mark.parametrize(
    "how",
    [
        {"count": 0},
        {"count": 1001},
        {"count": True},
        {"amount_minor": 0},
        {"amount_minor": -5},
        {"currency": "usd"},
        {"expires_at": clock.now() - timedelta(days=1)},
        {"expires_at": clock.now().replace(tzinfo=None) + timedelta(days=1)},
        {"note": "x" * 300},
    ],
)
async def test_an_issue_that_makes_no_sense_is_refused(
    till: Till, owner: Database, how: dict[str, Any]
) -> None:
    with pytest.raises(Invalid):
        await till.issue(**{"amount_minor": 500, "count": 1, **how})
    assert not await owner.fetchval(
        "SELECT count(*) FROM commerce.gift_card WHERE merchant_id = $1", till.merchant_id
    )


async def test_a_blocked_card_pays_nothing_until_it_is_free_again(
    shop: Shop, till: Till, assert_clean: Check
) -> None:
    [card] = await till.issue(1000)
    browser, _cart = await shop.fill_cart((await shop.add_product(price_minor=4000), 1))
    await till.enter(browser, card.code)
    for blocked, due in ((True, 4000), (True, 4000), (False, 3000)):
        async with shop.commerce.db.transaction(shop.merchant_id) as tx:
            found = await api.block_card(tx, card_id=card.card_id, blocked=blocked, by="test")
        assert (found.state == "blocked") is blocked
        assert (await till.quote(browser)).due_minor == due
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        with pytest.raises(NotFound):
            await api.block_card(tx, card_id=new_id(), blocked=True, by="test")
    await assert_clean()


async def test_a_card_that_expires_loses_its_rest_and_is_opened_by_a_refund(
    shop: Shop, till: Till, owner: Database, assert_clean: Check
) -> None:
    [card] = await till.issue(1000, expires_at=clock.now() + timedelta(days=1))
    browser, cart_id = await shop.fill_cart((await shop.add_product(price_minor=4000), 1))
    await till.enter(browser, card.code, 400)
    order = await till.pay((await till.place(browser, cart_id)).order_id)
    later = clock.now() + timedelta(days=2)
    with clock.clock_at(later):
        assert await expire_tenders(shop.commerce, owner) >= 1
        ended = await till.card(card.card_id)
        assert (ended.state, ended.balance_minor, ended.expired_minor) == ("expired", 0, 600)
        await assert_clean()
        await till.cancel(order.order_id)
        again = await till.card(card.card_id)
        assert (again.state, again.available_minor) == ("live", 400)
        assert again.expires_at == later + timedelta(days=30)
    with clock.clock_at(later + timedelta(days=31)):
        await expire_tenders(shop.commerce, owner)
        await expire_tenders(shop.commerce, owner)
        assert (await till.card(card.card_id)).expired_minor == 1000
    await assert_clean()


async def test_a_card_that_an_order_holds_expires_once_it_is_free(
    shop: Shop, till: Till, owner: Database, assert_clean: Check
) -> None:
    [card] = await till.issue(1000, expires_at=clock.now() + timedelta(days=1))
    browser, cart_id = await shop.fill_cart((await shop.add_product(price_minor=4000), 1))
    await till.enter(browser, card.code, 400)
    placed = await till.place(browser, cart_id)
    with clock.clock_shifted(timedelta(days=2)):
        await expire_tenders(shop.commerce, owner)
        assert (await till.card(card.card_id)).balance_minor == 1000
        await till.cancel(placed.order_id)
        await expire_tenders(shop.commerce, owner)
        assert (await till.card(card.card_id)).balance_minor == 0
    await assert_clean()


async def test_points_that_came_first_are_spent_first_and_expire_first(
    shop: Shop, till: Till, owner: Database, assert_clean: Check
) -> None:
    await till.say(TenderTerms(cap_percent=100, points_days=10))
    start = clock.now()
    member = await till.member(points=300)
    with clock.clock_at(start + timedelta(days=5)):
        await till.adjust(member, "points", 200)
        sku_id = await shop.add_product(price_minor=4000)
        browser, cart_id = await shop.fill_cart((sku_id, 1))
        await till.use(browser, "points", member, 100)
        await till.pay((await till.place(browser, cart_id, member)).order_id)
        purse = await till.purse(member)
        assert (purse.points, purse.expiring_points) == (400, 400)
    with clock.clock_at(start + timedelta(days=11)):
        await expire_tenders(shop.commerce, owner)
        await expire_tenders(shop.commerce, owner)
        # 100 of the first 300 were spent, the other 200 are gone.
        assert (await till.purse(member)).points == 200
    with clock.clock_at(start + timedelta(days=16)):
        await expire_tenders(shop.commerce, owner)
        assert (await till.purse(member)).points == 0
    await assert_clean()


async def test_staff_give_and_take_once_and_never_below_zero(
    till: Till, owner: Database, assert_clean: Check
) -> None:
    member = await till.member()
    key = new_id()
    for _ in range(2):
        purse = await till.adjust(member, "wallet", 500, key)
    assert purse.wallet_minor == 500
    assert (await till.adjust(member, "wallet", -200)).wallet_minor == 300
    with pytest.raises(Conflict) as short:
        await till.adjust(member, "wallet", -301)
    assert (short.value.code, short.value.data["available"]) == ("tender.balance_short", 300)
    for units in (0, True):
        with pytest.raises(Invalid):
            await till.adjust(member, "wallet", units)
    with pytest.raises(Invalid):
        await till.adjust(member, "gift_card", 5)
    with pytest.raises(NotFound):
        await till.adjust(new_id(), "points", 5)
    audit = await owner.fetchval(
        "SELECT count(*) FROM identity.audit WHERE merchant_id = $1 AND action = 'wallet.adjusted'",
        till.merchant_id,
    )
    assert audit == 2
    async with till.commerce.db.transaction(till.merchant_id, "read") as tx:
        entries = await api.list_entries(tx, kind="wallet", subject_id=member, currency="USD")
    assert [(each.units, each.balance_units) for each in entries.items] == [(-200, 300), (500, 500)]
    await assert_clean()


async def test_twenty_who_take_at_once_take_no_more_than_there_is(till: Till, assert_clean: Check) -> None:
    member = await till.member(wallet_minor=1000)
    answers = await asyncio.gather(
        *(till.adjust(member, "wallet", -300) for _ in range(20)), return_exceptions=True
    )
    assert sum(isinstance(each, Conflict) for each in answers) == 17
    assert (await till.purse(member)).wallet_minor == 100
    await assert_clean()


async def test_a_history_leads_to_its_order(shop: Shop, till: Till) -> None:
    [card] = await till.issue(1000)
    browser, cart_id = await shop.fill_cart((await shop.add_product(price_minor=4000), 1))
    await till.enter(browser, card.code, 400)
    order = await till.pay((await till.place(browser, cart_id)).order_id)
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        entries = await api.list_entries(tx, kind="gift_card", subject_id=card.card_id, currency="USD")
    assert [(e.units, e.order_number) for e in entries.items] == [(-400, order.number), (1000, "")]


async def test_terms_out_of_bounds_are_refused(till: Till) -> None:
    for terms in (
        TenderTerms(points_block=0),
        TenderTerms(cap_percent=101),
        TenderTerms(earn_points=-1),
        TenderTerms(points_days=99_999),
    ):
        with pytest.raises(Invalid):
            await till.say(terms)
    async with till.commerce.db.transaction(till.merchant_id, "read") as tx:
        assert await api.load_terms(tx) == TenderTerms()


BREACHES = {
    "tender.balances_are_their_entries": (
        "UPDATE ledger.account SET posted_cr = posted_cr + 1 WHERE merchant_id = $1 AND kind = 'gift_card'"
    ),
    "tender.cards_are_accounted_for": (
        "UPDATE commerce.gift_card SET expired_minor = expired_minor + 1 WHERE merchant_id = $1"
    ),
    "tender.orders_carry_their_tenders": (
        "UPDATE commerce.order_tender SET amount_minor = amount_minor + 1 WHERE merchant_id = $1"
    ),
    "tender.open_orders_hold_their_tenders": (
        "UPDATE commerce.sales_order SET expired_at = now() WHERE merchant_id = $1 AND paid_at IS NULL"
    ),
    "tender.refunds_within_tenders": (
        "UPDATE commerce.tender_refund SET amount_minor = amount_minor + 9999 WHERE merchant_id = $1"
    ),
    "tender.paid_orders_are_covered": (
        "UPDATE commerce.sales_order SET paid_at = now() WHERE merchant_id = $1 AND paid_at IS NULL"
    ),
}


async def test_every_equation_sees_its_breach(
    shop: Shop, till: Till, owner: Database, assert_clean: Check
) -> None:
    """What is planted is taken out again: the database is checked as a whole after the tests."""
    sku_id = await shop.add_product(price_minor=4000)
    cards = await till.issue(1000, count=2)
    for card, paid in zip(cards, (True, False), strict=True):
        browser, cart_id = await shop.fill_cart((sku_id, 1))
        await till.enter(browser, card.code)
        placed = await till.place(browser, cart_id)
        if paid:
            await till.pay(placed.order_id)
            await till.refund(placed.order_id, 300)
    assert {each.name for each in INVARIANTS} == set(BREACHES)
    await assert_clean()
    for invariant in INVARIANTS:

        class Undone(Exception):
            pass

        with pytest.raises(Undone):
            async with owner.transaction(shop.merchant_id) as tx:
                await tx.execute(BREACHES[invariant.name], shop.merchant_id)
                broken = await tx.fetch(f"SELECT * FROM ({invariant.sql}) broken")
                assert broken, invariant.name
                raise Undone
    assert all(verdict.holds for verdict in await check_invariants(owner, INVARIANTS))
    await assert_clean()
