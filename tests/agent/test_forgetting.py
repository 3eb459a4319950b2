"""What agents' checkouts hold of buyers goes when its time is over."""

from datetime import timedelta
from uuid import UUID

import pytest
from tests.agent.conftest import BUYER, MakeAgent, describe_checkout, describe_payment
from tests.durability.running import RunningShop, find_breaches

from serai.commerce.agent.api import delete_old_sessions
from serai.commerce.privacy.api import blank_orders
from serai.foundation import clock

pytestmark = pytest.mark.xdist_group("agent")


async def count_sessions(running: RunningShop, words: str) -> int:
    found = await running.platform.owner.fetchval(
        "SELECT count(*) FROM commerce.agent_session WHERE merchant_id = $1 AND content::text LIKE '%' || $2 || '%'",
        running.shop.merchant_id,
        words,
    )
    return int(found)


async def test_a_left_checkout_goes_after_hours_and_one_that_bought_with_its_order(
    running: RunningShop, make_agent: MakeAgent
) -> None:
    _agent, client = await make_agent()
    sku_id = await running.shop.add_product("Tea of the forgetful", price_minor=900, stock=5)
    buyer = {**BUYER, "email": "forget.me@example.com"}
    opened = (
        await client.post("/ucp/v1/checkout-sessions", json=describe_checkout(sku_id, buyer=buyer))
    ).json()
    answer = await client.post(f"/ucp/v1/checkout-sessions/{opened['id']}/complete", json=describe_payment())
    assert answer.status_code == 200, answer.text
    order_id = UUID(answer.json()["order"]["id"])
    left = await client.post("/ucp/v1/checkout-sessions", json=describe_checkout(sku_id, buyer=buyer))
    assert left.status_code == 201, left.text
    assert await count_sessions(running, "forget.me") == 2
    db, merchant_id = running.platform.db, running.shop.merchant_id
    async with db.transaction(merchant_id) as tx:
        assert await delete_old_sessions(tx, hours=6) == 0
    with clock.clock_shifted(timedelta(hours=7)):
        async with db.transaction(merchant_id) as tx:
            assert await delete_old_sessions(tx, hours=6) >= 1
    assert await count_sessions(running, "forget.me") == 1
    async with db.transaction(merchant_id) as tx:
        await blank_orders(tx, order_ids=[order_id])
    assert await count_sessions(running, "forget.me") == 0
    assert (await client.get(f"/ucp/v1/checkout-sessions/{opened['id']}")).status_code == 404
    assert not await find_breaches(running.platform.owner)
