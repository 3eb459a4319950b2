"""What a presale may not say, and what may not be done with one that was published."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.presale.conftest import BEGIN, CLOSING, END, OPENING, make_terms
from tests.shop import Shop

from serai.commerce.presale import api
from serai.commerce.presale.types import PresaleTier
from serai.foundation import clock
from serai.foundation.errors import Conflict, Invalid
from serai.foundation.ids import new_id

Check = Callable[[], Awaitable[None]]
Launch = Callable[..., Awaitable[Any]]
HOUR = timedelta(hours=1)


def _at(moment: datetime, hours: int) -> datetime:
    return moment + hours * HOUR


@pytest.mark.parametrize(
    ("terms", "codes"),
    [
        ({"credit_minor": 9_999}, {"credit_below_deposit"}),
        ({"deposit_minor": 200_000, "credit_minor": 200_000}, {"nothing_left", "tier_below_zero"}),
        ({"tiers": (PresaleTier(50, 1000),)}, {"tier_below_zero"}),
        ({"tiers": (PresaleTier(50, 8000), PresaleTier(50, 7000))}, {"tier_order"}),
        ({"tiers": (PresaleTier(50, 7000), PresaleTier(60, 8000))}, {"tier_dearer"}),
        ({"tiers": (PresaleTier(50, 10_000),)}, {"tier_dearer"}),
        ({"tiers": (PresaleTier(121, 8000),)}, {"tier_out_of_reach"}),
        ({"balance_from": _at(CLOSING, -1)}, {"windows_overlap"}),
        ({"deposit_until": BEGIN}, {"deposit_window"}),
        ({"balance_until": OPENING}, {"balance_window"}),
        ({"balance_until": _at(END, 24 * 200)}, {"too_long"}),
        ({"per_member": 121}, {"member_above_quota"}),
        ({"price_minor": 220_001}, {"price_above_list"}),
        ({"name": "  "}, {"name_empty"}),
        ({"sku_ids": (new_id(),)}, {"sku_unknown"}),
        ({"deposit_from": BEGIN.replace(tzinfo=None)}, {"time_zone"}),
    ],
)
async def test_terms_that_contradict_themselves_are_refused_with_the_reason(
    shop: Shop, terms: dict[str, Any], codes: set[str]
) -> None:
    sku_id = await shop.add_product(price_minor=220_000)
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        with pytest.raises(Invalid) as refused:
            await api.create_presale(tx, terms=make_terms(sku_id, **terms), by="test")
        assert (await api.list_presales(tx)).items == ()
    assert refused.value.code == "presale.invalid"
    assert {reason["code"] for reason in refused.value.data["reasons"]} == codes


async def test_a_published_presale_stays_as_it_is(shop: Shop, launch: Launch) -> None:
    sale = await launch()
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        with pytest.raises(Conflict) as fixed:
            await api.edit_presale(
                tx,
                presale_id=sale.presale.presale_id,
                version=1,
                terms=make_terms(sale.sku_id, quota=500),
                by="test",
            )
    assert fixed.value.code == "presale.published"
    with clock.clock_at(BEGIN):
        async with shop.commerce.db.transaction(shop.merchant_id) as tx:
            second = await api.create_presale(tx, terms=make_terms(sale.sku_id), by="test")
        with pytest.raises(Conflict) as taken:
            await api.publish_presale(
                shop.commerce, shop.merchant_id, presale_id=second.presale_id, version=1, by="test"
            )
    assert taken.value.code == "presale.sku_taken"
    with clock.clock_at(END):
        await sale.work()
        with pytest.raises(Invalid) as over:
            await api.publish_presale(
                shop.commerce, shop.merchant_id, presale_id=second.presale_id, version=1, by="test"
            )
    assert over.value.data["reasons"][0]["code"] == "window_over"


async def test_two_staff_publishing_presales_of_one_article_have_one_winner(
    shop: Shop, assert_clean: Check
) -> None:
    sku_id = await shop.add_product(price_minor=220_000)
    with clock.clock_at(BEGIN):
        async with shop.commerce.db.transaction(shop.merchant_id) as tx:
            drafts = [await api.create_presale(tx, terms=make_terms(sku_id), by="test") for _ in range(4)]
        answers = await asyncio.gather(
            *(
                api.publish_presale(
                    shop.commerce, shop.merchant_id, presale_id=each.presale_id, version=1, by="test"
                )
                for each in drafts
            ),
            return_exceptions=True,
        )
        assert sum(isinstance(each, Conflict) for each in answers) == 3
        async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
            states = [(await api.load_presale(tx, presale_id=each.presale_id)).state for each in drafts]
        assert sorted(states) == ["draft", "draft", "draft", "live"]
    await assert_clean()
