"""Pure rules of markets: the commission of an order, and what of it goes back with a refund."""

from serai.commerce.market.types import PPM


def commission_of(goods_minor: int, commission_ppm: int) -> int:
    """The market's share of goods (after discounts, without delivery and added taxes), rounded half up."""
    return (2 * goods_minor * commission_ppm + PPM) // (2 * PPM)


def commission_back(commission_minor: int, total_minor: int, before_minor: int, refund_minor: int) -> int:
    """What of the commission goes back with a refund, after ``before_minor`` of the order was refunded already.

    Over all refunds of an order these sum to the commission's share of what was refunded, to all of it in the end.
    """
    if total_minor <= 0:
        return 0
    after = min(total_minor, before_minor + refund_minor)
    before = min(total_minor, before_minor)
    return commission_minor * after // total_minor - commission_minor * before // total_minor
