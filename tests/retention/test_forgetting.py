"""Personal data is forgotten when its time is over: not a day before, and nothing that is still needed."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.journeys.steps import order_of, pay

from serai.commerce.aftersale.api import cancel_order, refund_order
from serai.commerce.aftersale.jobs import expire_orders
from serai.commerce.order.api import fulfil_order
from serai.commerce.retention.api import (
    Forgotten,
    RetentionPolicy,
    forget_old,
    load_policy,
    preview_policy,
    save_policy,
)
from serai.commerce.tender.api import adjust_balance
from serai.foundation import clock
from serai.foundation.errors import Conflict, Invalid
from serai.foundation.ids import new_id
from serai.identity.member.api import find_member, register_member
from serai.identity.session.api import delete_expired_sessions


async def decide(shop: Any, **days: int | None) -> None:
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        version = (await load_policy(tx)).version
        await save_policy(tx, policy=RetentionPolicy(**days, version=version), by="test")  # type: ignore[arg-type]  # days by name


async def due(shop: Any) -> Forgotten:
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        return await preview_policy(tx, policy=await load_policy(tx))


async def run(shop: Any) -> Forgotten:
    foreseen = await due(shop)
    forgotten = await forget_old(shop.commerce.db, shop.merchant_id)
    assert forgotten == foreseen
    return forgotten


async def fulfilled(shop: Any, provider: Any) -> UUID:
    order = await pay(shop, provider, await shop.place((await shop.add_product(), 1)))
    await fulfil_order(shop.commerce, shop.merchant_id, order_id=order.order_id, by="staff")
    return order.order_id


async def new_member(shop: Any) -> UUID:
    email = f"{new_id().hex}@example.com"
    token = await register_member(
        shop.commerce.db, shop.merchant_id, email=email, password="a long enough secret", name="Ann Lee"
    )
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        member = await find_member(tx, token=token)
    assert member is not None
    return member.member_id


async def is_known(shop: Any, member_id: UUID) -> bool:
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        member = await find_member(tx, member_id=member_id)
    return member is not None and bool(member.email)


async def test_without_a_policy_everything_is_kept(shop, provider):
    order_id = await fulfilled(shop, provider)
    with clock.clock_shifted(timedelta(days=20_000)):
        assert await run(shop) == Forgotten(0, 0)
    assert (await order_of(shop, order_id)).email


async def test_an_order_is_blanked_after_its_days_and_not_before(shop, provider, assert_clean):
    order_id = await fulfilled(shop, provider)
    await decide(shop, order_days=90)
    with clock.clock_shifted(timedelta(days=89)):
        assert await run(shop) == Forgotten(0, 0)
    with clock.clock_shifted(timedelta(days=91)):
        assert await run(shop) == Forgotten(1, 0)
        assert await run(shop) == Forgotten(0, 0)
    order = await order_of(shop, order_id)
    assert (order.email, order.name, order.phone, order.note) == ("", "", "", "")
    assert order.address is not None
    assert (order.address.line1, order.address.city) == ("", "")
    assert order.address.country
    assert order.lines
    await assert_clean()


async def test_what_is_under_way_is_kept_however_old(shop, provider):
    paid = await pay(shop, provider, await shop.place((await shop.add_product(), 1)))
    waiting = await shop.place((await shop.add_product(), 1))
    await decide(shop, order_days=30, unpaid_days=1)
    with clock.clock_shifted(timedelta(days=400)):
        assert await run(shop) == Forgotten(0, 0)
    assert (await order_of(shop, paid.order_id)).email
    assert (await order_of(shop, waiting.order_id)).email


async def test_unpaid_orders_go_by_their_own_days(shop, owner, provider):
    unpaid = await shop.place((await shop.add_product(), 1))
    paid = await pay(shop, provider, await shop.place((await shop.add_product(), 1)))
    await cancel_order(shop.commerce, shop.merchant_id, order_id=paid.order_id, by="staff")
    with clock.clock_shifted(timedelta(hours=1)):
        await expire_orders(shop.commerce, owner)
    await decide(shop, order_days=60, unpaid_days=2)
    with clock.clock_shifted(timedelta(days=3)):
        assert await run(shop) == Forgotten(1, 0)
    assert (await order_of(shop, unpaid.order_id)).email == ""
    assert (await order_of(shop, paid.order_id)).email
    with clock.clock_shifted(timedelta(days=61)):
        assert await run(shop) == Forgotten(1, 0)


async def test_money_on_its_way_back_keeps_an_order(shop, provider):
    order_id = await fulfilled(shop, provider)
    provider.refund_answer = "pending"
    await refund_order(
        shop.commerce,
        shop.merchant_id,
        order_id=order_id,
        amount_minor=100,
        reason="broken",
        by="staff",
        key="a",
    )
    await decide(shop, order_days=30)
    with clock.clock_shifted(timedelta(days=400)):
        assert await run(shop) == Forgotten(0, 0)


async def test_idle_members_are_erased_unless_something_of_theirs_is_left(shop, owner, assert_clean):
    idle, rich, fresh = [await new_member(shop) for _ in range(3)]
    await adjust_balance(
        shop.commerce,
        shop.merchant_id,
        member_id=rich,
        kind="points",
        units=5,
        currency="USD",
        reason="a gift",
        by="test",
        key=new_id(),
    )
    await decide(shop, member_days=180)
    assert await run(shop) == Forgotten(0, 0)
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        # The idle one's session is over, as it is by then in truth; the fresh one has signed in on another device.
        await tx.execute(
            "UPDATE identity.session SET expires_at = now() - interval '1 day' WHERE merchant_id = $1 AND subject_id = ANY($2)",
            shop.merchant_id,
            [idle, rich],
        )
        await delete_expired_sessions(tx)
    with clock.clock_shifted(timedelta(days=200)):
        assert await run(shop) == Forgotten(0, 1)
    assert not await is_known(shop, idle)
    assert await is_known(shop, rich)
    assert await is_known(shop, fresh)
    await assert_clean()


async def test_two_runs_at_once_forget_each_order_once(shop, provider):
    for _ in range(5):
        await fulfilled(shop, provider)
    await decide(shop, order_days=30)
    with clock.clock_shifted(timedelta(days=31)):
        runs = await asyncio.gather(*(forget_old(shop.commerce.db, shop.merchant_id) for _ in range(3)))
    assert sum(each.orders for each in runs) == 5


@pytest.mark.parametrize(
    "days",
    [
        {"order_days": 29},
        {"unpaid_days": 0},
        {"member_days": 179},
        {"order_days": -5},
        {"order_days": 36_501},
    ],
)
async def test_days_out_of_bounds_are_refused(shop, days):
    with pytest.raises(Invalid) as refused:
        await decide(shop, **days)
    assert refused.value.data["field"] in days
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        assert await load_policy(tx) == RetentionPolicy()


async def test_who_saves_what_somebody_else_changed_is_told(shop):
    await decide(shop, order_days=100)
    with pytest.raises(Conflict):
        async with shop.commerce.db.transaction(shop.merchant_id) as tx:
            await save_policy(tx, policy=RetentionPolicy(order_days=50), by="late")
