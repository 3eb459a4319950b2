"""A partial return gives back what was paid for what comes back; benefits stay or are taken back, as the rule says."""

from typing import Any

import pytest
from tests.promotion.conftest import NOW, sku

from serai.commerce.promotion.api import Returned, compile_rules, quote, refund_shares
from serai.commerce.promotion.types import AmountOff, Extra, Gift, Line, Request, Rule, Terms, Tier
from serai.foundation.ids import derive_id

LINES = (
    Line("a", sku("a"), sku("pa"), 1, 6000),
    Line("b", sku("b"), sku("pb"), 2, 2500),
)


def give_back(terms: Terms, returned: dict[str, int], **more: Any) -> Returned:
    rule = Rule(derive_id("rule", terms.name), 1, terms)
    request = Request(lines=LINES, now=NOW, shipping_minor=500, extras={sku("g"): Extra(sku("pg"), 700, 9)})
    program = compile_rules([rule])
    return refund_shares(program, request, quote(program, request), returned, **more)


def spend(returns: str) -> Terms:
    return Terms(
        name="满100减11",
        layer=3,
        benefit=AmountOff((Tier(10_000, 1100),)),
        returns=returns,  # type: ignore[arg-type]
    )


def test_a_kept_benefit_stays_on_what_stays() -> None:
    # b carries 500 of the 1,100; one of its two pieces cost 2,250.
    back = give_back(spend("keep"), {"b": 1})
    assert (back.amount_minor, back.clawed_back) == (2250, {})


def test_a_missed_threshold_takes_the_rest_of_the_benefit_back() -> None:
    # 11,000 less 2,500 is below 10,000: the 850 that a and the other b kept are taken back.
    back = give_back(spend("claw_back"), {"b": 1})
    assert list(back.clawed_back.values()) == [850]
    assert back.amount_minor == 2250 - 850


def test_a_gift_that_is_not_earned_any_more_is_charged_or_returned() -> None:
    gift = Terms(name="gift", layer=2, benefit=Gift(sku("g"), 1, 10_000))
    key = f"gift:{derive_id('rule', 'gift')}"
    assert give_back(gift, {"b": 2}).amount_minor == 5000 - 700
    assert give_back(gift, {"b": 2, key: 1}).amount_minor == 5000


def test_everything_gives_back_the_delivery_too() -> None:
    back = give_back(spend("claw_back"), {"a": 1, "b": 2}, refunded_minor=1400)
    assert back.amount_minor == 11_000 - 1100 + 500 - 1400


def test_more_than_was_sold_cannot_come_back() -> None:
    for wrong in ({"b": 3}, {"c": 1}, {"a": -1}):
        with pytest.raises(ValueError, match="come back"):
            give_back(spend("keep"), wrong)
