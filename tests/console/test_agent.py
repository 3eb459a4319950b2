"""The page of shopping agents: keys with limits, for owners only; and agents' orders among the others."""

import re

import pytest
from tests.console.conftest import Visit
from tests.console.shop import Shop, Visitor, read

PAGE = "/console/agents"
NEW = {"name": "Rufus", "order": "200", "day": "1000", "hour": "20", "scopes": "checkout:write"}


@pytest.fixture
async def owner_at(visit: Visit) -> Visitor:
    return await visit("owner")


async def test_a_key_is_shown_once_and_its_limits_are_kept(shop: Shop, owner_at: Visitor) -> None:
    made = await owner_at.submit(f"{PAGE}/new", f"{PAGE}/new", **NEW | {"expires": "2099-12-31"})
    assert made.status_code == 200, made.text
    secret = re.search(r"ag_[A-Za-z0-9_-]{20,}", made.text)
    assert secret is not None
    assert secret.group() not in (await owner_at.get(PAGE)).text
    [row] = await shop.fetch(
        "SELECT agent_id, name, scopes, order_minor, day_minor, hour_orders, is_open, expires_at FROM commerce.agent"
    )
    assert tuple(row.values())[1:7] == ("Rufus", ["checkout:write"], 20_000, 100_000, 20, False)
    text = read(await owner_at.get(PAGE)).text
    assert "$200.00 an order" in text
    assert "20 orders an hour" in text
    assert len(await shop.list_audit("agent.created")) == 1
    edit = f"{PAGE}/{row['agent_id']}/edit"
    changed = await owner_at.submit(
        edit, edit, **NEW | {"order": "", "day": "50", "name": "Rufus 2", "expires": ""}
    )
    assert changed.status_code == 303, changed.text
    [row] = await shop.fetch("SELECT agent_id, name, order_minor, day_minor, expires_at FROM commerce.agent")
    assert tuple(row.values())[1:] == ("Rufus 2", None, 5_000, None)
    await owner_at.submit(PAGE, f"{PAGE}/{row['agent_id']}/revoke")
    assert "Revoked" in read(await owner_at.get(PAGE)).text
    assert len(await shop.list_audit("agent.changed")) == len(await shop.list_audit("agent.revoked")) == 1
    assert (await owner_at.submit(edit, edit, **NEW)).status_code == 409


@pytest.mark.parametrize(
    "change",
    [
        {"name": ""},
        {"name": "x" * 101},
        {"order": "much"},
        {"order": "-5"},
        {"day": "0"},
        {"hour": "0"},
        {"hour": "1.5"},
        {"hour": "９"},
        {"expires": "soon"},
        {"expires": "2001-01-01"},
        {"scopes": "order:write"},
        {"categories": "00000000-0000-0000-0000-000000000000"},
    ],
)
async def test_limits_that_make_no_sense_come_back_as_typed(
    shop: Shop, owner_at: Visitor, change: dict[str, str]
) -> None:
    answer = await owner_at.submit(f"{PAGE}/new", f"{PAGE}/new", **NEW | change)
    assert answer.status_code == 422, answer.text
    assert await shop.fetch("SELECT agent_id FROM commerce.agent") == []


async def test_one_agent_at_most_stands_for_callers_without_a_key(owner_at: Visitor) -> None:
    assert (await owner_at.submit(f"{PAGE}/new", f"{PAGE}/new", **NEW | {"is_open": "1"})).status_code == 200
    again = await owner_at.submit(f"{PAGE}/new", f"{PAGE}/new", **NEW | {"is_open": "1", "name": "Two"})
    assert again.status_code == 409
    assert "Another agent already stands" in again.text


async def test_only_owners_see_agents(visit: Visit) -> None:
    for role in ("manager", "clerk"):
        assert (await (await visit(role)).get(PAGE)).status_code == 403


async def test_agents_that_are_not_there(owner_at: Visitor) -> None:
    for agent_id in ("x", "00000000-0000-0000-0000-000000000000"):
        assert (await owner_at.get(f"{PAGE}/{agent_id}/edit")).status_code == 404


async def test_orders_are_narrowed_to_those_of_agents(owner_at: Visitor) -> None:
    page = await owner_at.get("/console/orders?by=agent")
    assert page.status_code == 200
    assert "No order matches" in page.text
