"""How long personal data is kept, decided at the console."""

import pytest
from tests.console.conftest import Visit
from tests.console.shop import Shop

from serai.commerce.retention.api import RetentionPolicy, load_policy

PAGE = "/console/settings/retention"


async def policy_of(shop: Shop) -> RetentionPolicy:
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        return await load_policy(tx)


async def test_an_owner_looks_first_and_then_decides(visit: Visit, shop: Shop) -> None:
    owner = await visit("owner")
    assert "There is nothing to forget." in (await owner.get(PAGE)).text
    fields = {"order_days": "730", "unpaid_days": "14", "member_days": ""}
    answer = await owner.submit(PAGE, PAGE, **fields, act="preview")
    assert answer.status_code == 200
    assert "Tonight this would forget:" in answer.text
    assert await policy_of(shop) == RetentionPolicy()
    assert (await owner.submit(PAGE, PAGE, **fields, act="save")).status_code == 303
    assert await policy_of(shop) == RetentionPolicy(730, 14, None, 1)
    entry = (await shop.list_audit("retention.changed"))[0]
    assert (entry["actor"], entry["after"]["order_days"]) == (shop.email("owner"), 730)


@pytest.mark.parametrize("typed", ["soon", "-1", "29", "3.5", "９９９", "1" * 30, "1; DROP TABLE"])
async def test_days_that_make_no_sense_are_refused_and_come_back_as_typed(
    visit: Visit, shop: Shop, typed: str
) -> None:
    owner = await visit("owner")
    answer = await owner.submit(PAGE, PAGE, order_days=typed, act="save")
    assert answer.status_code == 422
    assert f'value="{typed}"' in answer.text
    assert await policy_of(shop) == RetentionPolicy()


@pytest.mark.parametrize("role", ["manager", "clerk"])
async def test_it_is_for_owners(visit: Visit, role: str) -> None:
    assert (await (await visit(role)).get(PAGE)).status_code == 403
