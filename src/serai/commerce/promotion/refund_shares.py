"""What a partial return gives back: the share of each returned piece that was paid, less what the rest no longer earns.

Rules that ``keep`` leave their benefit on what stays. Rules that ``claw_back`` are tried again on what stays, as on the day
of the order; what they would give less now is taken from the refund. Pure.
"""

from collections.abc import Mapping

import msgspec

from serai.commerce.promotion.compile_rules import Program
from serai.commerce.promotion.price_cart import quote
from serai.commerce.promotion.types import SHIPPING, Request, Result


class Returned(msgspec.Struct, frozen=True):
    """What a return comes to: ``amount_minor`` in all, per line before claw-backs, and per promotion what is clawed back."""

    amount_minor: int
    lines: dict[str, int]
    clawed_back: dict[str, int]


def part_of(amount: int, part: int, whole: int) -> int:
    """The share of some pieces, rounded down: of all pieces together it is everything."""
    return amount * part // whole


def refund_shares(
    program: Program,
    request: Request,
    result: Result,
    returned: Mapping[str, int],
    *,
    refunded_minor: int = 0,
) -> Returned:
    """What the buyer gets for all that was returned so far.

    Args:
        program, request, result: the quote of the order.
        returned: per line key how many pieces came back in all, earlier returns included.
        refunded_minor: what was refunded for earlier returns.

    When every piece has come back (and the delivery with it), refunds add up to what was paid.

    Raises:
        ValueError: a line is not in the order, or more came back than was sold.
    """
    by_key = {line.line_key: line for line in result.lines}
    for key, count in returned.items():
        if key not in by_key or not 0 <= count <= by_key[key].quantity:
            raise ValueError(f"{count} of line {key} cannot have come back")
    lines = {
        key: part_of(by_key[key].net_minor, count, by_key[key].quantity) for key, count in returned.items()
    }
    left = {key: line.quantity - returned.get(key, 0) for key, line in by_key.items()}
    if not any(left.values()):
        amount = result.total_minor
        return Returned(max(0, amount - refunded_minor), {**lines, SHIPPING: result.shipping_minor}, {})
    clawed_back = _claw_back(program, request, result, left)
    amount = sum(lines.values()) - sum(clawed_back.values())
    return Returned(max(0, amount - refunded_minor), lines, clawed_back)


def _claw_back(program: Program, request: Request, result: Result, left: Mapping[str, int]) -> dict[str, int]:
    """Per promotion what its benefit on the rest was too much."""
    quantities = {line.line_key: line.quantity for line in result.lines}
    kept: dict[str, int] = {}
    for adjustment in result.adjustments:
        if adjustment.returns != "claw_back" or adjustment.promotion_id is None:
            continue
        # The benefit on pieces that came back is gone with them; rounded up here, since refunds round down.
        kept[str(adjustment.promotion_id)] = sum(
            share.amount_minor
            - part_of(
                share.amount_minor,
                quantities[share.line_key] - left[share.line_key],
                quantities[share.line_key],
            )
            for share in adjustment.shares
            if share.line_key != SHIPPING
        )
    used = {adjustment.coupon_id for adjustment in result.adjustments if adjustment.coupon_id}
    again = quote(
        program,
        msgspec.structs.replace(
            request,
            lines=tuple(
                msgspec.structs.replace(line, quantity=left[line.line_key])
                for line in request.lines
                if left[line.line_key]
            ),
            coupons=tuple(coupon for coupon in request.coupons if coupon.coupon_id in used),
            # What the counters hold today has no say in what this order had earned.
            left={},
        ),
    )
    earned = {
        str(adjustment.promotion_id): sum(
            share.amount_minor for share in adjustment.shares if share.line_key != SHIPPING
        )
        for adjustment in again.adjustments
    }
    return {
        promotion_id: amount - earned.get(promotion_id, 0)
        for promotion_id, amount in kept.items()
        if amount > earned.get(promotion_id, 0)
    }
