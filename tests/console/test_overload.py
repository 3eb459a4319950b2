"""Peak switches at the console."""

import pytest
from tests.console.conftest import Visit
from tests.console.shop import Shop

from serai.overload.ladder.api import list_states

PAGE = "/console/overload"


async def mode_of(shop: Shop, name: str) -> str:
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        return (await list_states(tx))[name].mode


@pytest.mark.parametrize("role", ["owner", "manager"])
async def test_owners_and_managers_turn_switches_and_the_audit_log_knows(
    visit: Visit, shop: Shop, role: str
) -> None:
    visitor = await visit(role)
    assert "Filters beside search results" in (await visitor.get(PAGE)).text
    assert (await visitor.submit(PAGE, f"{PAGE}/facets", mode="saving")).status_code == 303
    assert await mode_of(shop, "facets") == "saving"
    page = (await visitor.get(PAGE)).text
    assert shop.email(role) in page
    entry = (await shop.list_audit("overload.switched"))[0]
    assert (entry["actor"], entry["before"], entry["after"]) == (
        shop.email(role), {"mode": "auto"}, {"mode": "saving"},
    )  # fmt: skip


async def test_what_no_switch_knows_is_refused_and_changes_nothing(visit: Visit, shop: Shop) -> None:
    owner = await visit("owner")
    for name, mode in (("facets", "never"), ("facets", ""), ("suggestions", "'; DROP TABLE")):
        await owner.submit(PAGE, f"{PAGE}/{name}", mode=mode)
    assert await mode_of(shop, "facets") == "auto"
    assert await shop.list_audit("overload.switched") == []


async def test_clerks_neither_see_nor_turn_them(visit: Visit, shop: Shop) -> None:
    clerk = await visit("clerk")
    assert (await clerk.get(PAGE)).status_code == 403
    assert PAGE not in (await clerk.get("/console")).text
