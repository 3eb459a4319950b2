"""The engine: what a cart comes to under a program, and why. Pure: the same program and request, the same result.

GATE     per rule: window, channel, place, member, coupon, counters
LAYER 1  per group of equal lines, the cheapest price (``price_lines``)
2 to 6   steps in order; of an exclusive group the best for the buyer applies. A rule sees only lines on which it meets
         every rule that touched them. Coupons are searched exhaustively: every choice of at most 12 is followed to its total.
         Beyond 12 candidates, the 12 that save most by themselves take part, so the result is never worse than the best
         single coupon nor than any choice among those 12.
LAYER 7  tenders: they change who pays, not what it costs
SHARE    what each rule took is spread over the lines exactly; nothing is ever taken below zero
"""

from collections.abc import Sequence

from serai.commerce.promotion.apply_benefit import (
    Gain,
    Group,
    Missing,
    gain_of,
    spread,
    spread_over_sellers,
    threshold_missing,
)
from serai.commerce.promotion.compile_rules import Compiled, Program, list_bits
from serai.commerce.promotion.explain_rules import explain, gate_rules
from serai.commerce.promotion.price_lines import PriceCut, make_groups, price_groups
from serai.commerce.promotion.pricing_state import Applied, Pricing, State
from serai.commerce.promotion.share_result import share_result
from serai.commerce.promotion.types import AddOn, Gift, HeldCoupon, Left, Request, Result, ShippingOff

MAX_CANDIDATES = 12
CROSS_SHOP = 5


def quote(program: Program, request: Request) -> Result:
    """Price a request. Quantities and amounts must not be negative; extras that rules may add should be given.

    Raises:
        ValueError: a line has no quantity, a negative price, or a key of another line.
    """
    _check_request(request)
    groups = make_groups(program, request.lines)
    coupons = _choose_candidates(program, request)
    gates = gate_rules(program, request, coupons)
    cuts = price_groups(program, request, groups, gates)
    start = [group.start for group in groups]
    blocked = _block_after_prices(program, cuts, len(groups))
    state = State(start, blocked, ([group.list_total for group in groups], start), request.shipping_minor)
    pricing = Pricing(program, request, groups, _members(program, groups), gates, coupons, {})
    if coupons:
        state = _search_coupons(pricing, state)
    else:
        state = _walk(pricing, state, 0, frozenset())
    return share_result(pricing, state, cuts, explain(pricing, state, cuts))


def _check_request(request: Request) -> None:
    keys = {line.line_key for line in request.lines}
    if len(keys) < len(request.lines):
        raise ValueError("two lines have the same key")
    for line in request.lines:
        if line.quantity <= 0 or line.list_minor < 0:
            raise ValueError(f"line {line.line_key} has no quantity or a negative price")


def _members(program: Program, groups: Sequence[Group]) -> list[list[int]]:
    """Per rule of layers 2 to 6, which groups it is about."""
    members: list[list[int]] = [[] for _rule in program.rules]
    indexes: dict[int, list[list[int]]] = {}
    for number, group in enumerate(groups):
        mask = group.mask
        found = indexes.get(mask)
        if found is None:
            # Lines of one category and brand are in reach of the same rules.
            found = indexes[mask] = [members[n] for n in list_bits(mask)]
        for reach in found:
            reach.append(number)
    return members


def _block_after_prices(program: Program, cuts: Sequence[PriceCut], count: int) -> list[int]:
    blocked = [0] * count
    for cut in cuts:
        if cut.compiled is not None:
            for number in cut.amounts:
                blocked[number] |= _blocks(program, cut.compiled)
    return blocked


def _blocks(program: Program, each: Compiled) -> int:
    """Which rules may not touch a line after this one."""
    return each.conflicts | (program.line_rules if each.terms.stop_after else 0)


def _choose_candidates(program: Program, request: Request) -> dict[int, HeldCoupon]:
    """Per coupon rule the coupon that would be used: one that is free and ends first."""
    chosen: dict[int, HeldCoupon] = {}
    for coupon in request.coupons:
        each = program.by_promotion.get(coupon.promotion_id)
        if each is None or not each.terms.coupon or coupon.free < 1:
            continue
        if coupon.expires_at is not None and coupon.expires_at <= request.now:
            continue
        kept = chosen.get(each.index)
        if kept is None or _end_of(coupon) < _end_of(kept):
            chosen[each.index] = coupon
    return chosen


def _end_of(coupon: HeldCoupon) -> tuple[bool, float, int]:
    ends = coupon.expires_at
    return ends is None, ends.timestamp() if ends else 0.0, coupon.coupon_id.int


def _search_coupons(pricing: Pricing, state: State) -> State:
    candidates = [index for index in pricing.coupons if pricing.gates[index] is None]
    if len(candidates) > MAX_CANDIDATES:
        alone = {index: _walk(pricing, state.copy(), 0, frozenset((index,))).total for index in candidates}
        candidates = sorted(candidates, key=lambda index: (alone[index], index))[:MAX_CANDIDATES]
    best = _branch(pricing, state.copy(), 0, frozenset(candidates))
    chosen = frozenset(a.each.index for a in best.applied if a.coupon is not None)
    # Once more along the way that was chosen, to note why the others did not apply.
    pricing.missed.clear()
    pricing.explaining = True
    return _walk(pricing, state, 0, chosen)


def _branch(pricing: Pricing, state: State, number: int, candidates: frozenset[int]) -> State:
    """Follow every choice of coupons to the end; of equal totals the one with the fewest coupons, then the first."""
    steps = pricing.program.steps
    while number < len(steps):
        here = [each for each in steps[number] if each.index in candidates]
        if not here:
            _step(pricing, state, steps[number], frozenset())
            number += 1
            continue
        best: State | None = None
        for option in (None, *here):
            branch = state.copy()
            chosen = frozenset((option.index,)) if option else frozenset()
            count = len(branch.applied)
            _step(pricing, branch, steps[number], chosen)
            took = len(branch.applied) > count and branch.applied[-1].coupon is not None
            if option is not None and not took:
                continue
            branch = _branch(pricing, branch, number + 1, candidates)
            if best is None or branch.total < best.total:
                best = branch
        assert best is not None
        return best
    return state


def _walk(pricing: Pricing, state: State, number: int, chosen: frozenset[int]) -> State:
    for step in pricing.program.steps[number:]:
        _step(pricing, state, step, chosen)
    return state


def _step(pricing: Pricing, state: State, step: tuple[Compiled, ...], chosen: frozenset[int]) -> None:
    """Apply the best rule of an exclusive group. A coupon takes part only when it is chosen, and then it comes first."""
    layer = step[0].layer
    if len(state.after) < layer:
        state.after += (state.running,) * (layer - len(state.after))
    best: Applied | None = None
    for each in step:
        if pricing.gates[each.index] is not None:
            continue
        if each.terms.coupon and each.index not in chosen:
            if pricing.explaining and isinstance(why_not := _try(pricing, state, each), Missing):
                pricing.missed[each.index] = why_not
            continue
        found = _try(pricing, state, each)
        if isinstance(found, Missing):
            pricing.missed[each.index] = found
            continue
        if best is None or (found.coupon is not None, found.amount) > (best.coupon is not None, best.amount):
            if best is not None:
                pricing.missed[best.each.index] = Missing("better", {"by": str(each.promotion_id)})
            best = found
        else:
            pricing.missed[each.index] = Missing("better", {"by": str(best.each.promotion_id)})
    if best is not None:
        _apply(pricing, state, best)


def _try(pricing: Pricing, state: State, each: Compiled) -> Applied | Missing:
    """What a rule would give as things stand."""
    members = pricing.members[each.index]
    if not members:
        return Missing("scope")
    blocked = state.blocked
    reach = [n for n in members if not blocked[n] & each.bit] if any(blocked) else members
    if not reach:
        return Missing("excluded")
    basis = state.after[each.basis] if each.basis < len(state.after) else state.running
    reached = sum([basis[n] for n in reach])
    benefit = each.benefit
    if isinstance(benefit, ShippingOff):
        return _try_shipping(pricing, state, each, benefit, reached)
    if isinstance(benefit, Gift | AddOn):
        return _try_extra(pricing, each, benefit, reached, reach)
    running = [state.running[n] for n in reach]
    gain = gain_of(each, [pricing.groups[n] for n in reach], running, reached)
    if isinstance(gain, Missing):
        return gain
    amount = min(gain.amount, sum(running))
    if each.terms.cap_minor is not None:
        amount = min(amount, each.terms.cap_minor)
    if amount <= 0:
        return Missing("nothing")
    if _exceeds_budget(pricing, each, amount):
        return Missing("budget")
    if each.layer == CROSS_SHOP and gain.weights is None:
        shares = spread_over_sellers(amount, running, [pricing.groups[n] for n in reach])
    else:
        shares = spread(amount, gain.weights or running, running)
    return Applied(
        each,
        amount,
        tuple(reach),
        tuple(shares),
        pricing.coupons.get(each.index) if each.terms.coupon else None,
        gain,
    )


def _exceeds_budget(pricing: Pricing, each: Compiled, amount: int) -> bool:
    if each.terms.budget_minor is None:
        return False
    left = pricing.request.left.get(each.promotion_id, Left()).budget_minor
    return left is not None and amount > left


def _try_shipping(
    pricing: Pricing, state: State, each: Compiled, benefit: ShippingOff, reached: int
) -> Applied | Missing:
    if reached < benefit.least:
        return threshold_missing("minor", reached, benefit.least)
    amount = state.shipping if benefit.amount_minor is None else min(benefit.amount_minor, state.shipping)
    if each.terms.cap_minor is not None:
        amount = min(amount, each.terms.cap_minor)
    if not amount:
        return Missing("nothing")
    if _exceeds_budget(pricing, each, amount):
        return Missing("budget")
    coupon = pricing.coupons.get(each.index) if each.terms.coupon else None
    return Applied(each, amount, coupon=coupon, gain=Gain(amount, None, None, reached))


def _try_extra(
    pricing: Pricing, each: Compiled, benefit: Gift | AddOn, reached: int, reach: Sequence[int]
) -> Applied | Missing:
    """Pieces that a gift or an add-on brings, as far as they can be had."""
    extra = pricing.request.extras.get(benefit.sku_id)
    if isinstance(benefit, Gift):
        if benefit.unit == "pieces":
            reached = sum(pricing.groups[n].pieces for n in reach)
        if reached < benefit.least:
            return threshold_missing(benefit.unit, reached, benefit.least)
        times = min(reached // benefit.least, benefit.most) if benefit.every and benefit.least else 1
        pieces = times * benefit.quantity
        price = 0
    else:
        if reached < benefit.least:
            return threshold_missing("minor", reached, benefit.least)
        pieces = min(pricing.request.add_ons.get(each.promotion_id, 0), benefit.most)
        price = benefit.price_minor
    gone = {"sku_id": str(benefit.sku_id)}
    if extra is None or extra.available < max(1, pieces):
        return Missing("extra_gone", gone)
    if not pieces:
        return Missing("add_on", {**gone, "price_minor": price, "list_minor": extra.list_minor})
    amount = max(0, extra.list_minor - price) * pieces
    if each.terms.cap_minor is not None and amount > each.terms.cap_minor:
        return Missing("cap")
    if _exceeds_budget(pricing, each, amount):
        return Missing("budget")
    return Applied(each, amount, tuple(reach), gain=Gain(amount, None, None, reached), pieces=pieces)


def _apply(pricing: Pricing, state: State, found: Applied) -> None:
    """Take what a rule gives, and block on its lines what it does not meet."""
    each = found.each
    state.applied += (found,)
    if isinstance(each.benefit, ShippingOff):
        state.shipping -= found.amount
        return
    if isinstance(each.benefit, Gift | AddOn):
        extra = pricing.request.extras[each.benefit.sku_id]
        state.extras += extra.list_minor * found.pieces - found.amount
    elif found.shares:
        running = state.running.copy()
        for n, share in zip(found.members, found.shares, strict=True):
            running[n] -= share
        state.running = running
    blocks = _blocks(pricing.program, each)
    if blocks:
        blocked = state.blocked.copy()
        for n in found.members:
            blocked[n] |= blocks
        state.blocked = blocked
