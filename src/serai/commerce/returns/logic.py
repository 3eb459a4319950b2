"""Pure rules of returns: which moves a state allows, what may come back until when, and what it comes to.

Money is shared out by what is left. Of every line the ledger keeps what may still be given back; pieces that come back get
their part of it, the last ones all of the rest. So whatever was given back of a line before (a price claim, a share that
staff gave) is never given twice, and no rounding is lost.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from uuid import UUID

import msgspec

from serai.commerce.order.types import Order, OrderLine
from serai.commerce.returns.types import OPEN, RefundPlan, Return, ReturnLine, ReturnTerms, State

# From which states a return may be moved so.
MOVES: dict[str, frozenset[State]] = {
    "approve": frozenset({"requested"}),
    "decline": frozenset({"requested"}),
    "reopen": frozenset({"declined"}),
    "withdraw": frozenset({"requested", "approved"}),
    "send": frozenset({"approved", "sent"}),
    "receive": frozenset({"approved", "sent"}),
    "expire": frozenset({"approved", "sent"}),
    "refund": frozenset({"received"}),
    "exchange": frozenset({"received"}),
}
# Where each move leads; ``receive`` of nothing ends the return as rejected.
LEADS_TO: dict[str, State] = {
    "approve": "approved",
    "decline": "declined",
    "reopen": "requested",
    "withdraw": "withdrawn",
    "send": "sent",
    "receive": "received",
    "expire": "expired",
    "refund": "refunded",
    "exchange": "exchanged",
}
DELIVERY = 0
# The kind of the adjustment by which an exchange is paid.
EXCHANGE = "exchange"
BASIS_POINTS = 10_000


def is_allowed(state: State, move: str) -> bool:
    """Whether a return in a state may be moved so."""
    return state in MOVES[move]


def is_open(state: State) -> bool:
    """Whether something is still to happen."""
    return state in OPEN


def ends_at(order: Order, terms: ReturnTerms) -> datetime | None:
    """Until when the buyer may ask; None where there are no returns, or nothing was handed over."""
    since = order.fulfilled_at or order.part_shipped_at
    if since is None or terms.window_days <= 0:
        return None
    return since + timedelta(days=terms.window_days)


def refuse_line(
    line: OrderLine,
    left: int,
    *,
    until: datetime | None,
    now: datetime,
    chain: Iterable[UUID],
    terms: ReturnTerms,
) -> str:
    """Why a line cannot be announced, as the code of a refusal; empty when it can.

    Args:
        left: pieces that were handed over and neither came back nor are announced.
        chain: the line's category and those above it.
    """
    if left <= 0:
        return "return.nothing_left"
    if until is None:
        return "return.not_offered"
    if now >= until:
        return "return.too_late"
    if set(chain) & set(terms.excluded_category_ids):
        return "return.excluded"
    return ""


def approves_itself(order: Order, terms: ReturnTerms, worth_minor: int, now: datetime) -> bool:
    """Whether a return may be approved without anybody looking at it."""
    if terms.approve_minor is None or worth_minor > terms.approve_minor:
        return False
    if terms.approve_members_only and order.member_id is None:
        return False
    if terms.approve_days and order.fulfilled_at is not None:
        return now < order.fulfilled_at + timedelta(days=terms.approve_days)
    return True


class LineStand(msgspec.Struct, frozen=True):
    """A line before a return is settled: pieces with the buyer, what it may still get back, and what of that is held back
    by promotions for pieces that came earlier."""

    kept: int
    left_minor: int
    held_minor: int


def stand_of(
    order: Order,
    left: Mapping[int, int],
    settled: Iterable[Return],
    cut: Mapping[int, int],
    cut_minor: Mapping[int, int],
) -> dict[int, LineStand]:
    """How the lines of an order stand after the returns that were settled before.

    Args:
        cut, cut_minor: pieces that never came, and what was given back for them outside of the lines' accounts.
    """
    back: dict[int, int] = {}
    held: dict[int, int] = {}
    for line in (line for each in settled for line in each.lines):
        back[line.line_no] = back.get(line.line_no, 0) + line.accepted
        held[line.line_no] = held.get(line.line_no, 0) + line.share_minor - line.charged_minor
    return {
        line.line_no: LineStand(
            line.quantity - back.get(line.line_no, 0) - cut.get(line.line_no, 0),
            max(0, left.get(line.line_no, 0) - cut_minor.get(line.line_no, 0)),
            max(0, held.get(line.line_no, 0)),
        )
        for line in order.lines
    }


def share_lines(stands: Mapping[int, LineStand], counts: Mapping[int, int]) -> dict[int, int]:
    """What each line's pieces were paid with, of what is left of it; the last pieces get all of the rest."""
    shares = {}
    for line_no, count in counts.items():
        stand = stands[line_no]
        free = max(0, stand.left_minor - stand.held_minor)
        shares[line_no] = free * count // stand.kept if count < stand.kept else free
    return shares


def plan_refund(
    stands: Mapping[int, LineStand],
    counts: Mapping[int, int],
    *,
    delivery_minor: int,
    taken_before: int,
    taken_after: int,
    most_minor: int,
    restocking_bp: int = 0,
    postage_minor: int = 0,
) -> RefundPlan:
    """What pieces that came back come to.

    Args:
        counts: per line number how many pieces are settled now; all of them were with the buyer.
        delivery_minor: what of the delivery may still be given back; it is, once every piece has come back.
        taken_before, taken_after: what promotions take back, for the returns before and with this one.
        most_minor: what the order may still give back at all.
    """
    shares = share_lines(stands, counts)
    goods_minor = sum(shares.values())
    is_all = all(stand.kept == counts.get(line_no, 0) for line_no, stand in stands.items())
    left = {
        line_no: stand.left_minor
        for line_no, stand in stands.items()
        if counts.get(line_no) or stand.held_minor
    }
    wanted = goods_minor - (taken_after - taken_before)
    if is_all:
        left = {line_no: stand.left_minor for line_no, stand in stands.items()} | {DELIVERY: delivery_minor}
        wanted = sum(left.values())
    given = max(0, min(wanted, sum(left.values()), most_minor))
    # Lines of this return pay first, then those whose earlier shares were held back, then the delivery.
    order = [*counts, *(no for no in left if no not in counts and no != DELIVERY), DELIVERY]
    # Each of them its own share before the rest of any: what stays with the buyer keeps what it was paid with.
    charges = _take(given, shares, list(counts))
    rest = given - sum(charges.values())
    more = _take(rest, {no: minor - charges.get(no, 0) for no, minor in left.items()}, order)
    charges = {no: charges.get(no, 0) + more.get(no, 0) for no in order if no in charges or no in more}
    fee = 0
    if restocking_bp:
        fee = (given - charges.get(DELIVERY, 0)) * restocking_bp // BASIS_POINTS
    postage = min(postage_minor, given - fee)
    return RefundPlan(shares, charges, goods_minor, goods_minor - given, fee, postage)


def _take(amount: int, left: Mapping[int, int], order: Sequence[int]) -> dict[int, int]:
    """An amount out of several purses, one after the other."""
    taken = {}
    for key in order:
        part = min(amount, left.get(key, 0))
        if part > 0:
            taken[key] = part
            amount -= part
    return taken


def spread(amount: int, lines: Sequence[ReturnLine]) -> dict[int, int]:
    """An amount over the replacements of lines by what they cost, exactly; none costs more than its price."""
    totals = {line.line_no: (line.replacement_price_minor or 0) * line.accepted for line in lines}
    whole = sum(totals.values())
    shares = {no: amount * total // whole for no, total in totals.items()} if whole else {}
    rest = amount - sum(shares.values())
    for no in shares:
        more = min(rest, totals[no] - shares[no])
        shares[no] += more
        rest -= more
    return shares


def share_credit(
    order: Order, credit_minor: int, before: Mapping[int, int], counts: Mapping[int, int]
) -> int:
    """What of the credit that an exchange was paid with belongs to pieces of it that come back now.

    Args:
        before: pieces that came back earlier.
    """
    shares = {
        line_no: minor
        for each in order.adjustments
        if each.kind == EXCHANGE
        for line_no, minor in each.shares
    }
    whole = sum(shares.values())
    if not whole:
        return 0
    came = {
        line.line_no: (
            line.quantity,
            before.get(line.line_no, 0),
            before.get(line.line_no, 0) + counts.get(line.line_no, 0),
        )
        for line in order.lines
    }

    def worth(stage: int) -> int:
        # All pieces of all lines are the whole credit; less is rounded down once.
        parts = [Fraction(shares.get(no, 0) * numbers[stage], numbers[0]) for no, numbers in came.items()]
        return int(credit_minor * sum(parts, Fraction(0)) / whole)

    return worth(2) - worth(1)
