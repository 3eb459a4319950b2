"""What holds for every cart under every set of rules."""

from typing import Any

import msgspec
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.promotion.conftest import NOW, sku

from serai.commerce.promotion.api import check_terms, compile_rules, quote, refund_shares
from serai.commerce.promotion.types import (
    SHIPPING,
    AmountOff,
    Bundle,
    Extra,
    FreePiece,
    Gift,
    HeldCoupon,
    Line,
    NthPiece,
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
    Terms,
    Tier,
    UnitPrice,
)
from serai.foundation.ids import derive_id

NAMES = "abcdef"
MINOR = st.integers(1, 30_000)
PERCENT = st.integers(1, 10_000)
FEW = st.integers(1, 5)

scopes = st.one_of(
    st.just(Scope(everything=True)),
    st.sets(st.sampled_from(NAMES), min_size=1).map(lambda s: Scope(sku_ids=tuple(map(sku, sorted(s))))),
    st.sampled_from(("x", "y")).map(lambda b: Scope(brands=(b,))),
)


def tiers(least: st.SearchStrategy[int], benefit: st.SearchStrategy[int]) -> st.SearchStrategy[Any]:
    """One to three tiers, climbing."""
    pairs = st.lists(st.tuples(least, benefit), min_size=1, max_size=3)
    return pairs.map(
        lambda found: tuple(
            Tier(a, b)
            for a, b in zip(sorted({a for a, _b in found}), sorted({b for _a, b in found}), strict=False)
        )
    )


benefits = st.one_of(
    st.tuples(
        st.just(1),
        st.builds(
            UnitPrice,
            source=st.sampled_from(("member", "channel", "flash")),
            percent_off=PERCENT,
            least=FEW,
        ),
    ),
    st.tuples(
        st.just(1),
        st.builds(
            UnitPrice,
            prices=st.dictionaries(st.sampled_from(NAMES), MINOR, min_size=1).map(
                lambda d: tuple(SkuPrice(sku(n), p) for n, p in d.items())
            ),
        ),
    ),
    st.tuples(st.just(2), st.builds(PiecesPercent, tiers(st.integers(1, 8), PERCENT))),
    st.tuples(st.just(2), st.builds(NthPiece, st.integers(2, 4), PERCENT)),
    st.tuples(st.just(2), st.builds(PiecesPrice, st.integers(2, 4), MINOR)),
    st.tuples(
        st.just(2),
        st.builds(
            Bundle,
            st.dictionaries(st.sampled_from(NAMES), st.integers(1, 2), min_size=2, max_size=3).map(
                lambda d: tuple(SkuQuantity(sku(n), q) for n, q in d.items())
            ),
            MINOR,
        ),
    ),
    st.tuples(st.just(2), st.builds(Gift, st.just(sku("gift")), FEW, MINOR)),
    st.tuples(st.sampled_from((3, 4, 5)), st.builds(AmountOff, tiers(MINOR, MINOR))),
    st.tuples(
        st.sampled_from((3, 5)),
        st.builds(AmountOff, st.tuples(st.builds(Tier, MINOR, MINOR)), st.just(True)),
    ),
    st.tuples(st.sampled_from((3, 4, 5)), st.builds(PercentOff, tiers(st.integers(0, 30_000), PERCENT))),
    st.tuples(st.just(4), st.builds(FreePiece, FEW)),
    st.tuples(st.just(6), st.builds(ShippingOff, st.none() | MINOR, MINOR)),
)


@st.composite
def rule_sets(draw: st.DrawFn) -> list[Rule]:
    rules = []
    for n in range(draw(st.integers(0, 7))):
        layer, benefit = draw(benefits)
        coupon = layer == 4 or (layer in (5, 6) and draw(st.booleans()))
        rules.append(
            Rule(
                derive_id("property", n),
                1,
                Terms(
                    name=f"r{n}",
                    layer=layer,
                    benefit=benefit,
                    scope=draw(scopes),
                    priority=draw(st.integers(-2, 2)),
                    exclusive_group=draw(st.sampled_from(("", "", "g", "h"))),
                    tags=draw(st.sampled_from(((), ("s",), ("t",)))),
                    combines_with=draw(st.sampled_from((None, None, ("s",), ()))),
                    stop_after=draw(st.booleans()) and draw(st.booleans()),
                    cap_minor=draw(st.none() | MINOR),
                    basis=draw(st.none() | st.integers(1, max(1, layer - 1))) if layer > 1 else None,
                    per_order=draw(st.none() | FEW) if layer == 1 else None,
                    coupon=coupon,
                    returns=draw(st.sampled_from(("keep", "claw_back"))),
                ),
            )
        )
    return rules


@st.composite
def carts(draw: st.DrawFn, *, weighed: bool = True) -> tuple[Line, ...]:
    lines = []
    for name in draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=6, unique=True)):
        scale = draw(st.sampled_from((0, 0, 0, 2))) if weighed else 0
        quantity = draw(st.integers(1, 300 if scale else 6))
        brand = "x" if name in "abc" else "y"
        minor = draw(st.integers(0, 20_000))
        lines.append(Line(name, sku(name), sku(f"p{name}"), quantity, minor, scale, (), brand))
    return tuple(lines)


def ask(lines: tuple[Line, ...], rules: list[Rule], *, skip: int = -1) -> Request:
    coupons = tuple(
        HeldCoupon(derive_id("coupon", n), each.promotion_id)
        for n, each in enumerate(rules)
        if each.terms.coupon and n != skip
    )
    return Request(
        lines=lines,
        now=NOW,
        coupons=coupons,
        shipping_minor=599,
        extras={sku("gift"): Extra(sku("gift product"), 250, 9)},
    )


def check(result: Result) -> None:
    """The equations of every result: M1, M2, M3 and the bounds."""
    taken: dict[str, int] = {}
    for adjustment in result.adjustments:
        assert sum(share.amount_minor for share in adjustment.shares) == adjustment.amount_minor > 0
        for share in adjustment.shares:
            assert share.amount_minor >= 0
            taken[share.line_key] = taken.get(share.line_key, 0) + share.amount_minor
    for line in result.lines:
        assert line.discount_minor == taken.pop(line.line_key, 0)
        assert line.net_minor == line.list_total_minor - line.discount_minor >= 0
    assert taken.pop(SHIPPING, 0) == result.shipping_list_minor - result.shipping_minor
    assert not taken
    assert result.shipping_minor >= 0
    assert result.items_minor == sum(line.list_total_minor for line in result.lines)
    assert result.total_minor == sum(line.net_minor for line in result.lines) + result.shipping_minor
    assert 0 <= result.total_minor <= result.items_minor + result.shipping_list_minor


@settings(max_examples=300, deadline=None)
@given(rule_sets(), carts(), st.randoms(use_true_random=False))
def test_shares_are_exact_and_the_order_of_lines_and_rules_does_not_matter(
    rules: list[Rule], lines: tuple[Line, ...], random: Any
) -> None:
    request = ask(lines, rules)
    result = quote(compile_rules(rules), request)
    check(result)
    shuffled, mixed = list(lines), list(rules)
    random.shuffle(shuffled)
    random.shuffle(mixed)
    again = quote(compile_rules(mixed), msgspec.structs.replace(request, lines=tuple(shuffled)))
    assert again.total_minor == result.total_minor
    assert sorted(again.lines, key=lambda line: line.line_key) == sorted(
        result.lines, key=lambda line: line.line_key
    )
    assert quote(compile_rules(rules), request) == result


coupons = st.one_of(
    st.builds(AmountOff, tiers(st.integers(0, 30_000), MINOR)),
    st.builds(PercentOff, tiers(st.integers(0, 30_000), PERCENT)),
    st.builds(FreePiece, FEW),
)


@settings(max_examples=400, deadline=None)
@given(rule_sets(), carts(), coupons, scopes, st.sampled_from(("", "g", "h")), st.booleans())
def test_one_more_coupon_never_costs_more(
    rules: list[Rule], lines: tuple[Line, ...], benefit: Any, scope: Scope, group: str, stop: bool
) -> None:
    terms = Terms(
        name="one more",
        layer=4,
        benefit=benefit,
        scope=scope,
        coupon=True,
        exclusive_group=group,
        stop_after=stop,
    )
    rules = [*rules, Rule(derive_id("property", "more"), 1, terms)]
    program = compile_rules(rules)
    without = quote(program, ask(lines, rules, skip=len(rules) - 1))
    assert quote(program, ask(lines, rules)).total_minor <= without.total_minor


@settings(max_examples=300, deadline=None)
@given(rule_sets(), carts(weighed=False), st.data())
def test_a_line_of_pieces_can_be_split(rules: list[Rule], lines: tuple[Line, ...], data: Any) -> None:
    number = data.draw(st.integers(0, len(lines) - 1))
    line = lines[number]
    assume(line.quantity > 1)
    first = data.draw(st.integers(1, line.quantity - 1))
    parts = (
        msgspec.structs.replace(line, line_key="z1", quantity=first),
        msgspec.structs.replace(line, line_key="0", quantity=line.quantity - first),
    )
    program = compile_rules(rules)
    whole = quote(program, ask(lines, rules))
    split = quote(program, ask((*lines[:number], *parts, *lines[number + 1 :]), rules))
    check(split)
    assert split.total_minor == whole.total_minor


@settings(max_examples=200, deadline=None)
@given(rule_sets(), carts(weighed=False), st.data())
def test_returning_everything_in_steps_gives_back_what_was_paid(
    rules: list[Rule], lines: tuple[Line, ...], data: Any
) -> None:
    program, request = compile_rules(rules), ask(lines, rules)
    result = quote(program, request)
    returned = {line.line_key: 0 for line in result.lines}
    refunded = 0
    for _step in range(3):
        for line in result.lines:
            more = data.draw(st.integers(0, line.quantity - returned[line.line_key]))
            returned[line.line_key] += more
        back = refund_shares(program, request, result, returned, refunded_minor=refunded)
        refunded += back.amount_minor
        assert back.amount_minor >= 0
        assert refunded <= result.total_minor
    everything = {line.line_key: line.quantity for line in result.lines}
    last = refund_shares(program, request, result, everything, refunded_minor=refunded)
    assert refunded + last.amount_minor == result.total_minor


@settings(max_examples=200, deadline=None)
@given(rule_sets())
def test_what_passes_the_check_can_be_stored_and_read(rules: list[Rule]) -> None:
    for each in rules:
        if not check_terms(each.terms):
            stored = msgspec.json.encode(each.terms)
            assert msgspec.json.decode(stored, type=Terms) == each.terms
