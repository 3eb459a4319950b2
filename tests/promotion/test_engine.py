"""The engine on the golden vectors: what was computed by hand, and what went wrong in other shops."""

from datetime import timedelta
from typing import Any

import pytest
from tests.promotion.conftest import NOW, sku

from serai.commerce.promotion.api import compile_rules, quote
from serai.commerce.promotion.types import (
    AddOn,
    AmountOff,
    Audience,
    Benefit,
    Bundle,
    Extra,
    FreePiece,
    Gift,
    HeldCoupon,
    Left,
    Line,
    NthPiece,
    Offer,
    PercentOff,
    PiecesPercent,
    PiecesPrice,
    Request,
    Result,
    Rule,
    Scope,
    ShippingOff,
    SkuPrice,
    SkuQuantity,
    Tender,
    TenderLimit,
    Terms,
    Tier,
    UnitPrice,
)
from serai.foundation.ids import derive_id


def rule(name: str, layer: int, benefit: Benefit, **terms: Any) -> Rule:
    return Rule(derive_id("promotion", name), 1, Terms(name=name, layer=layer, benefit=benefit, **terms))


def line(name: str, quantity: int, price: int, **facts: Any) -> Line:
    return Line(name, sku(name), derive_id("product", name), quantity, price, **facts)


def price(lines: list[Line], *rules: Rule, **facts: Any) -> Result:
    held = tuple(
        HeldCoupon(derive_id("coupon", r.terms.name), r.promotion_id) for r in rules if r.terms.coupon
    )
    facts.setdefault("coupons", held)
    return quote(compile_rules(rules), Request(lines=tuple(lines), now=facts.pop("now", NOW), **facts))


def why(result: Result, name: str) -> tuple[str, str]:
    """(outcome, code) of a promotion."""
    reason = next(r for r in result.reasons if r.name == name)
    return reason.outcome, reason.code


def shares(result: Result, name: str) -> list[int]:
    adjustment = next(a for a in result.adjustments if a.name == name)
    return [share.amount_minor for share in adjustment.shares]


def off(least: int, amount: int) -> AmountOff:
    return AmountOff((Tier(least, amount),))


@pytest.mark.parametrize(
    ("prices", "amount", "expected"),
    [((9900, 1, 99), 1000, [990, 0, 10]), ((3334, 3334, 3334), 1000, [334, 333, 333])],
)
def test_shares_are_the_largest_remainders(prices: tuple[int, ...], amount: int, expected: list[int]) -> None:
    lines = [line(str(n), 1, minor) for n, minor in enumerate(prices)]
    result = price(lines, rule("off", 3, off(0, amount)))
    found = {s.line_key: s.amount_minor for s in result.adjustments[0].shares}
    # Ties go by the stable key of the goods, so the larger share may stand on any of three equal lines.
    amounts = [found.get(str(n), 0) for n in range(3)]
    assert (amounts if prices[0] != prices[1] else sorted(amounts, reverse=True)) == expected
    assert sum(amounts) == amount


def test_a_percentage_works_on_what_the_one_before_left() -> None:
    """saleor 17453: a 70 % voucher on a 40 %-off item gave goods away."""
    sale = rule("sale", 1, UnitPrice("channel", percent_off=4000))
    voucher = rule("voucher", 4, PercentOff((Tier(0, 7000),)), coupon=True)
    result = price([line("a", 1, 10_000)], sale, voucher)
    assert [a.amount_minor for a in result.adjustments] == [4000, 4200]
    assert result.total_minor == 1800


def test_a_threshold_is_not_reached_a_cent_before() -> None:
    """mall: its subtraction in whole units let 99.01 pass for 100."""
    rule_100 = rule("100-10", 3, off(10_000, 1000))
    missed = price([line("a", 1, 9999)], rule_100)
    assert missed.total_minor == 9999
    reason = missed.reasons[0]
    assert (reason.code, reason.data["missing"]) == ("threshold", 1)
    assert price([line("a", 1, 10_000)], rule_100).total_minor == 9000


def test_a_rule_with_an_earlier_basis_takes_only_what_is_left() -> None:
    """The HiShop rule: 400 with a 380 coupon is 20, and 400 less 50 then takes 20."""
    coupon = rule("380", 4, off(0, 38_000), coupon=True)
    platform = rule("400-50", 5, off(40_000, 5000), basis=3)
    result = price([line("a", 1, 40_000)], coupon, platform)
    assert (shares(result, "380"), shares(result, "400-50"), result.total_minor) == ([38_000], [2000], 0)


@pytest.mark.parametrize(("balance", "total", "code"), [(180_000, 160_000, "applied")])
def test_a_presale_balance_is_what_coupons_are_tested_on(balance: int, total: int, code: str) -> None:
    """D=100, X=200, P=2000 at less than 50 pieces: 1800 is left to pay, and 满2000 is not reached."""
    presale = rule("presale", 1, UnitPrice("presale", (SkuPrice(sku("a"), balance),)))
    small, large = (rule(f"满{n}", 4, off(n * 100, 20_000), coupon=True) for n in (1800, 2000))
    result = price([line("a", 1, 200_000)], presale, small, large)
    assert result.total_minor == total
    assert why(result, "满1800")[1] == code
    assert price([line("a", 1, 200_000)], presale, large).total_minor == balance


def test_one_source_of_a_price_wins() -> None:
    member = rule(
        "gold", 1, UnitPrice("member", percent_off=1000), audience=Audience(member_levels=("gold",))
    )
    bulk = rule("bulk", 1, UnitPrice("quantity", (SkuPrice(sku("a"), 85),), least=10))
    lines = [line("a", 10, 100, offers=(Offer("store", 95), Offer("tier", 80, 20)))]
    assert price(lines, member, bulk).total_minor == 850
    assert price(lines, member, member_level="gold").total_minor == 900
    result = price(lines, member)
    assert (result.total_minor, result.adjustments[0].kind) == (950, "store")
    assert why(result, "gold") == ("missed", "level")


@pytest.mark.parametrize(
    ("offer", "percent_off", "total"),
    # List price 100, an offer of the price list, a percentage off by a promotion: the lowest of the three, once.
    [(80, 1000, 80), (80, 2000, 80), (80, 3000, 70), (80, 10_000, 0), (100, 1000, 90), (33, 6670, 33)],
)
def test_a_percentage_competes_with_an_offer_and_does_not_come_on_top(
    offer: int, percent_off: int, total: int
) -> None:
    cut = rule("percent", 1, UnitPrice(percent_off=percent_off))
    as_list = price([line("a", 3, 100, offers=(Offer("sale", offer),))], cut)
    # As a cart brings it: the offer that holds, and the list price above it.
    as_sold = price([line("a", 3, offer, regular_minor=100)], cut)
    assert as_list.total_minor == as_sold.total_minor == 3 * total
    applied = [each for each in as_list.adjustments if each.amount_minor]
    assert len(applied) == (0 if total == 100 else 1)


def test_what_a_quota_leaves_over_costs_the_offer() -> None:
    flash = rule("flash", 1, UnitPrice("flash", (SkuPrice(sku("a"), 50),)), quota=1)
    left = {flash.promotion_id: Left(quota=1)}
    assert price([line("a", 3, 80, regular_minor=100)], flash, left=left).total_minor == 50 + 2 * 80


def test_a_quantity_price_counts_all_lines_of_the_goods() -> None:
    bulk = rule("bulk", 1, UnitPrice("quantity", (SkuPrice(sku("a"), 85),), least=10))
    lines = [
        Line("one", sku("a"), sku("p"), 4, 100),
        Line("two", sku("a"), sku("p"), 6, 100),
    ]
    assert price(lines, bulk).total_minor == 850


def test_flash_goods_take_no_coupon_and_only_what_is_left() -> None:
    flash = rule("flash", 1, UnitPrice("flash", (SkuPrice(sku("a"), 50),)), quota=3, per_order=2)
    coupon = rule("coupon", 4, off(0, 10), coupon=True)
    result = price([line("a", 3, 100)], flash, coupon, left={flash.promotion_id: Left(quota=3)})
    assert (result.total_minor, result.claims[0].amount) == (200, 2)
    assert why(result, "coupon") == ("missed", "excluded")
    last = price([line("a", 3, 100)], flash, left={flash.promotion_id: Left(quota=1)})
    assert last.total_minor == 250
    gone = price([line("a", 3, 100)], flash, left={flash.promotion_id: Left(quota=0)})
    assert (gone.total_minor, why(gone, "flash")) == (300, ("missed", "quota"))


def test_pieces_off_by_tiers_and_a_weighed_line_is_one_piece() -> None:
    bulk = rule("2件9折", 2, PiecesPercent((Tier(2, 1000), Tier(4, 2000))))
    weighed = line("w", 125, 1000, scale=2)
    assert price([weighed], bulk).total_minor == 1250
    result = price([weighed, line("a", 1, 1000)], bulk)
    assert result.total_minor == 2025
    assert result.reasons[0].data["next_missing"] == 2


def test_the_nth_piece_is_the_cheapest() -> None:
    second = rule("第二件半价", 2, NthPiece(2, 5000))
    assert price([line("a", 1, 1000), line("b", 2, 300)], second).total_minor == 1450
    assert price([line("a", 4, 1000)], second).total_minor == 3000


def test_sets_cost_a_fixed_sum() -> None:
    three = rule("3件99", 2, PiecesPrice(3, 9900))
    assert price([line("a", 2, 5000), line("b", 2, 4000)], three).total_minor == 9900 + 5000
    assert price([line("a", 7, 5000)], three).total_minor == 2 * 9900 + 5000
    # A set that costs less by itself is none.
    assert price([line("a", 3, 1000)], three).total_minor == 3000


def test_a_bundle_is_spread_by_list_price() -> None:
    kit = Bundle((SkuQuantity(sku("a"), 1), SkuQuantity(sku("b"), 2)), 10_000)
    result = price([line("a", 2, 6000), line("b", 3, 3000)], rule("kit", 2, kit))
    assert (result.total_minor, sorted(shares(result, "kit"))) == (10_000 + 6000 + 3000, [1000, 1000])
    missing = price([line("a", 2, 6000)], rule("kit", 2, kit)).reasons[0]
    assert missing.data["missing"] == {str(sku("b")): 2}


def test_gifts_and_add_ons_are_lines_of_their_own() -> None:
    gift = rule("gift", 2, Gift(sku("g"), 1, 2, "pieces", True, 3))
    extras = {sku("g"): Extra(sku("gp"), 500, 2), sku("x"): Extra(sku("xp"), 900, 5)}
    result = price([line("a", 5, 100)], gift, extras=extras)
    assert [(e.extra, e.quantity, e.net_minor) for e in result.lines[1:]] == [("gift", 2, 0)]
    assert (result.items_minor, result.total_minor) == (1500, 500)
    short = price([line("a", 6, 100)], gift, extras=extras)
    assert (why(short, "gift"), short.total_minor) == (("missed", "extra_gone"), 600)
    add_on = rule("add", 2, AddOn(sku("x"), 300, 500, 2))
    assert why(price([line("a", 5, 100)], add_on, extras=extras), "add") == ("offered", "add_on")
    taken = price([line("a", 5, 100)], add_on, extras=extras, add_ons={add_on.promotion_id: 2})
    assert taken.total_minor == 500 + 600


def test_each_full_step_counts_up_to_the_cap() -> None:
    every = rule("每满100减10", 3, AmountOff((Tier(10_000, 1000),), every=True), cap_minor=2500)
    assert price([line("a", 1, 29_999)], every).total_minor == 27_999
    assert price([line("a", 1, 50_000)], every).total_minor == 47_500


def test_of_an_exclusive_group_the_better_one_applies() -> None:
    rules = [rule("small", 3, off(100, 10), exclusive_group="x", priority=5)]
    rules.append(rule("large", 3, off(100, 30), exclusive_group="x"))
    result = price([line("a", 1, 100)], *rules)
    assert (result.total_minor, why(result, "small"), why(result, "large")) == (
        70,
        ("missed", "better"),
        ("applied", "applied"),
    )


def test_tags_have_to_match_both_ways() -> None:
    one = rule("one", 3, off(0, 10), tags=("season",), combines_with=("brand",))
    two = rule("two", 5, off(0, 20), tags=("brand",), combines_with=("other",))
    assert price([line("a", 1, 100)], one, two).total_minor == 90
    both = rule("two", 5, off(0, 20), tags=("brand",), combines_with=("season",))
    assert price([line("a", 1, 100)], one, both).total_minor == 70


def test_a_rule_may_be_the_last_on_its_lines() -> None:
    stop = rule("stop", 2, NthPiece(2, 5000), scope=Scope(sku_ids=(sku("a"),)), stop_after=True)
    later = rule("later", 3, off(200, 50))
    result = price([line("a", 2, 100), line("b", 1, 150)], stop, later)
    assert (result.total_minor, why(result, "later")) == (300, ("missed", "threshold"))


def test_the_best_choice_of_coupons_is_found() -> None:
    """A greedy choice takes the large flat coupon and loses the pair."""
    flat = rule("flat", 4, off(0, 3000), coupon=True)
    percent = rule("percent", 4, PercentOff((Tier(0, 2000),)), coupon=True)
    platform = rule("platform", 5, off(9000, 2500), coupon=True)
    result = price([line("a", 1, 11_000)], flat, percent, platform)
    assert result.total_minor == 11_000 - 3000
    pair = price([line("a", 1, 12_000)], flat, percent, platform)
    assert pair.total_minor == 12_000 - 3000 - 2500
    assert {a.name for a in pair.adjustments} == {"flat", "platform"}


def test_a_coupon_that_saves_nothing_is_not_used() -> None:
    sale = rule("sale", 5, off(5000, 1000))
    coupon = rule("coupon", 4, off(0, 500), coupon=True)
    result = price([line("a", 1, 5000)], sale, coupon)
    assert (result.total_minor, [a.coupon_id for a in result.adjustments]) == (4000, [None])
    assert why(result, "coupon") == ("missed", "better")


def test_an_exchange_coupon_frees_the_dearest_piece() -> None:
    coupon = rule("any", 4, FreePiece(1), coupon=True)
    assert price([line("a", 2, 500), line("b", 1, 800)], coupon).total_minor == 1000


def test_cross_shop_is_spread_over_shops_with_a_floor() -> None:
    seller_a, seller_b = sku("seller a"), sku("seller b")
    rule_300 = rule("300-50", 5, AmountOff((Tier(30_000, 5000),), every=True), funded_by="platform")
    lines = [line("a", 1, 29_900, seller_id=seller_a), line("b", 1, 100, seller_id=seller_b)]
    result = price(lines, rule_300)
    assert sorted(shares(result, "300-50")) == [17, 4983]
    own = rule("b off", 4, off(0, 100), coupon=True, scope=Scope(seller_ids=(seller_b,)))
    basis = rule("300-50", 5, AmountOff((Tier(30_000, 5000),), every=True), basis=3)
    again = price(lines, own, basis)
    assert again.total_minor == 29_900 - 5000
    assert shares(again, "300-50") == [5000]


def test_delivery_is_judged_after_layer_five_and_paid_with_tenders() -> None:
    free = rule("free", 6, ShippingOff(None, 1000))
    coupon = rule("c", 4, off(0, 100), coupon=True)
    result = price([line("a", 1, 1050)], free, coupon, shipping_minor=200)
    # With the coupon the delivery would cost more than the coupon saves.
    assert (result.total_minor, result.shipping_minor) == (1050, 0)
    cap = rule("cap", 7, TenderLimit("points", 5000))
    paid = price(
        [line("a", 1, 1000)],
        cap,
        tenders=(Tender("points", "p", 10_000, 10_000), Tender("wallet", "w", 300, 300)),
    )
    assert ([t.amount_minor for t in paid.tenders], paid.due_minor, paid.total_minor) == (
        [500, 300],
        200,
        1000,
    )


def test_a_window_opens_and_closes_to_the_moment() -> None:
    timed = rule("timed", 3, off(0, 10), starts_at=NOW, ends_at=NOW + timedelta(hours=1))
    moments = (-1, 0, 3_599_999_999, 3_600_000_000)
    totals = [
        price([line("a", 1, 100)], timed, now=NOW + timedelta(microseconds=m)).total_minor for m in moments
    ]
    assert totals == [100, 90, 90, 100]


def test_every_rule_says_why() -> None:
    rules = [
        rule("app", 3, off(0, 10), audience=Audience(channels=("app",))),
        rule("place", 3, off(0, 10), audience=Audience(place_ids=(sku("place"),))),
        rule("members", 3, off(0, 10), audience=Audience(members_only=True)),
        rule("per user", 3, off(0, 10), per_user=1),
        rule("other goods", 3, off(0, 10), scope=Scope(brands=("b",))),
        rule("budget", 3, off(0, 10), budget_minor=100),
        rule("coupon", 4, off(0, 10), coupon=True),
    ]
    left = {rules[5].promotion_id: Left(budget_minor=5)}
    result = price([line("a", 1, 100)], *rules, coupons=(), left=left)
    codes = {r.name: r.code for r in result.reasons}
    assert codes == {
        "app": "channel",
        "place": "place",
        "members": "members",
        "per user": "sign_in",
        "other goods": "scope",
        "budget": "budget",
        "coupon": "coupon",
    }


def test_many_coupons_stay_bounded_and_are_no_worse_than_the_best_one() -> None:
    rules = [rule(f"c{n}", 5, off(0, 10 + n), coupon=True) for n in range(30)]
    result = price([line("a", 1, 10_000)], *rules)
    assert result.total_minor == 10_000 - sum(range(28, 40))


def test_a_line_without_quantity_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="quantity"):
        price([line("a", 0, 100)])
    with pytest.raises(ValueError, match="same key"):
        price([line("a", 1, 100), line("a", 1, 100)])
