"""What a promotion may not say is refused when it is saved, with every reason."""

from datetime import UTC, datetime
from typing import Any

import pytest
from tests.promotion.conftest import Desk, sku

from serai.commerce.promotion import api
from serai.commerce.promotion.types import (
    AddOn,
    AmountOff,
    Bundle,
    Gift,
    NthPiece,
    PercentOff,
    PiecesPercent,
    Rule,
    Scope,
    ShippingOff,
    SkuPrice,
    SkuQuantity,
    Terms,
    Tier,
    UnitPrice,
)
from serai.foundation.errors import Conflict, Invalid
from serai.foundation.ids import new_id

OFF = AmountOff((Tier(10_000, 1000),))
WINDOW = {"starts_at": datetime(2026, 2, 1, tzinfo=UTC), "ends_at": datetime(2026, 1, 1, tzinfo=UTC)}
CASES: list[tuple[str, dict[str, Any]]] = [
    ("window_empty", WINDOW),
    ("window_zone", {"starts_at": datetime(2026, 2, 1)}),
    ("scope_empty", {"scope": Scope()}),
    ("scope_contradicts", {"scope": Scope(everything=True, brands=("b",))}),
    ("scope_excluded", {"scope": Scope(sku_ids=(sku("a"),), excluded_sku_ids=(sku("a"),))}),
    ("layer_wrong", {"layer": 2}),
    ("name_empty", {"name": "  "}),
    ("tiers_empty", {"benefit": AmountOff(())}),
    ("tier_unreachable", {"benefit": AmountOff((Tier(100, 10), Tier(100, 20)))}),
    ("tier_descending", {"benefit": AmountOff((Tier(100, 20), Tier(200, 20)))}),
    ("benefit_over", {"benefit": AmountOff((Tier(100, 101),))}),
    ("benefit_nothing", {"benefit": AmountOff((Tier(100, 0),))}),
    ("every_tiers", {"benefit": AmountOff((Tier(100, 10), Tier(200, 30)), every=True)}),
    ("step_zero", {"benefit": AmountOff((Tier(0, 10),), every=True)}),
    ("cap_low", {"benefit": AmountOff((Tier(100, 10),), every=True), "cap_minor": 5}),
    ("percent_over", {"benefit": PercentOff((Tier(0, 10_001),))}),
    ("percent_over", {"layer": 2, "benefit": NthPiece(2, 20_000)}),
    ("pieces_zero", {"layer": 2, "benefit": PiecesPercent((Tier(0, 100),))}),
    ("price_unclear", {"layer": 1, "benefit": UnitPrice()}),
    (
        "price_double",
        {"layer": 1, "benefit": UnitPrice(prices=(SkuPrice(sku("a"), 1), SkuPrice(sku("a"), 2)))},
    ),
    ("quantity_one", {"layer": 1, "benefit": UnitPrice("quantity", percent_off=100)}),
    ("bundle_single", {"layer": 2, "benefit": Bundle((SkuQuantity(sku("a"), 1),), 100)}),
    (
        "bundle_double",
        {"layer": 2, "benefit": Bundle((SkuQuantity(sku("a"), 1), SkuQuantity(sku("a"), 1)), 1)},
    ),
    ("loop", {"layer": 2, "benefit": Gift(sku("a")), "scope": Scope(sku_ids=(sku("a"),))}),
    ("loop", {"layer": 2, "benefit": AddOn(sku("a"), 1), "scope": Scope(sku_ids=(sku("a"),))}),
    ("budget_uncapped", {"benefit": PercentOff((Tier(0, 1000),)), "budget_minor": 10_000}),
    ("budget_uncapped", {"benefit": AmountOff((Tier(100, 10),), every=True), "budget_minor": 10_000}),
    ("budget_uncapped", {"layer": 6, "benefit": ShippingOff(), "budget_minor": 10_000}),
    ("budget_exceeded", {"budget_minor": 999}),
    ("limit_zero", {"quota": 0}),
    ("per_user_over", {"quota": 2, "per_user": 3}),
    ("per_order_layer", {"per_order": 2}),
    ("basis_late", {"basis": 3}),
    ("coupon_layer", {"coupon": True}),
    ("coupon_missing", {"layer": 4}),
]


@pytest.mark.parametrize(("code", "wrong"), CASES)
def test_a_mistake_is_named(code: str, wrong: dict[str, Any]) -> None:
    fine: dict[str, Any] = {"name": "Spend", "layer": 3, "benefit": OFF}
    assert not api.check_terms(Terms(**fine))
    assert code in {fault.code for fault in api.check_terms(Terms(**(fine | wrong)))}


def test_all_mistakes_are_named_at_once() -> None:
    terms = Terms(name="", layer=3, benefit=AmountOff((Tier(1, 2),)), scope=Scope(), **WINDOW)
    codes = {fault.code for fault in api.check_terms(terms)}
    assert codes == {"name_empty", "window_empty", "scope_empty", "benefit_over"}


def gift(source: str, target: str) -> Terms:
    return Terms(
        name=source, layer=2, benefit=Gift(sku(target), least=1), scope=Scope(sku_ids=(sku(source),))
    )


def test_gifts_that_bring_about_gifts_in_a_circle_are_found() -> None:
    live = [Rule(new_id(), 1, gift("b", "c")), Rule(new_id(), 1, gift("c", "d"))]
    assert not api.check_together(Rule(new_id(), 1, gift("a", "b")), live)
    closing = api.check_together(Rule(new_id(), 1, gift("d", "b")), live)
    assert [fault.code for fault in closing] == ["loop"]


async def test_a_faulty_promotion_is_not_stored(desk: Desk) -> None:
    with pytest.raises(Invalid) as refused:
        await desk.go_live(Terms(name="x", layer=3, benefit=OFF, budget_minor=1))
    assert refused.value.data["reasons"][0]["code"] == "budget_exceeded"
    async with desk.commerce.db.transaction(desk.merchant_id, "read") as tx:
        assert not (await api.list_promotions(tx)).items


async def test_a_version_is_added_and_the_live_one_stays_until_it_is_published(desk: Desk) -> None:
    promotion = await desk.go_live(Terms(name="Spend", layer=3, benefit=OFF))
    async with desk.commerce.db.transaction(desk.merchant_id) as tx:
        edited = await api.edit_promotion(
            tx,
            promotion_id=promotion.promotion_id,
            version=1,
            terms=Terms(name="More", layer=3, benefit=AmountOff((Tier(10_000, 2000),))),
            by="test",
        )
        live = await api.list_live_rules(tx)
    assert (edited.version, edited.live_version, live[0].version) == (2, 1, 1)
    with pytest.raises(Conflict) as refused:
        await desk.publish(promotion)
    assert refused.value.code == "promotion.changed"
    assert (await desk.publish(edited)).live_version == 2


async def test_two_staff_edit_one_promotion_and_the_second_is_told(desk: Desk) -> None:
    promotion = await desk.go_live(Terms(name="Spend", layer=3, benefit=OFF))
    for expected in (None, "promotion.changed"):
        try:
            async with desk.commerce.db.transaction(desk.merchant_id) as tx:
                await api.edit_promotion(
                    tx, promotion_id=promotion.promotion_id, version=1, terms=promotion.terms, by="test"
                )
            code = None
        except Conflict as refusal:
            code = refusal.code
        assert code == expected


async def test_a_limit_moves_but_never_below_what_is_used(desk: Desk, assert_clean: Any) -> None:
    terms = Terms(name="Some", layer=4, benefit=OFF, coupon=True, quota=10)
    promotion = await desk.go_live(terms)
    await desk.issue(promotion, count=2, uses=3)
    for quota, fits in ((20, True), (6, True), (5, False)):
        async with desk.commerce.db.transaction(desk.merchant_id) as tx:
            promotion = await api.edit_promotion(
                tx,
                promotion_id=promotion.promotion_id,
                version=promotion.version,
                terms=Terms(name="Some", layer=4, benefit=OFF, coupon=True, quota=quota),
                by="test",
            )
        if fits:
            promotion = await desk.publish(promotion)
            continue
        with pytest.raises(Conflict) as refused:
            await desk.publish(promotion)
        assert refused.value.code == "promotion.limit_below_used"
    with pytest.raises(Conflict) as refused:
        await desk.issue(promotion)
    assert refused.value.code == "coupon.limit_reached"
    await assert_clean()


async def test_the_limit_per_member_stays_once_it_was_live(desk: Desk) -> None:
    promotion = await desk.go_live(Terms(name="Once", layer=3, benefit=OFF, per_user=1))
    with pytest.raises(Conflict) as refused:
        async with desk.commerce.db.transaction(desk.merchant_id) as tx:
            terms = Terms(name="Once", layer=3, benefit=OFF, per_user=2)
            await api.edit_promotion(
                tx, promotion_id=promotion.promotion_id, version=1, terms=terms, by="test"
            )
    assert refused.value.code == "promotion.limit_fixed"
