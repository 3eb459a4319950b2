"""Which class a request is of, and the buckets of keys."""

import pytest

from serai.overload.door.count_tokens import Buckets
from serai.overload.door.logic import RULES, classify
from serai.overload.door.types import Kind

ID = "0190a5b0-0000-7000-8000-000000000000"


@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [
        ("POST", "/checkout", Kind.CRITICAL),
        ("GET", "/checkout", Kind.CRITICAL),
        ("POST", f"/orders/{ID}/pay", Kind.CRITICAL),
        ("POST", "/account/orders/S-1/pay", Kind.CRITICAL),
        ("GET", f"/orders/{ID}/return", Kind.CRITICAL),
        ("POST", "/account/sign-in", Kind.CRITICAL),
        ("POST", "/console/sign-in", Kind.CRITICAL),
        ("POST", f"/webhooks/stripe/{ID}", Kind.CRITICAL),
        ("POST", f"/api/v1/carts/{ID}/complete", Kind.CRITICAL),
        ("POST", f"/api/v1/orders/{ID}/payment", Kind.CRITICAL),
        ("POST", f"/ucp/v1/checkout-sessions/{ID}/complete", Kind.CRITICAL),
        ("POST", "/cart/lines", Kind.NORMAL),
        ("GET", "/p/crushed-ice", Kind.NORMAL),
        ("GET", "/", Kind.NORMAL),
        ("GET", "/checkouty", Kind.NORMAL),
        ("GET", "/api/v1/orders", Kind.NORMAL),
        ("GET", "/suggest", Kind.SHEDDABLE),
        ("GET", "/search", Kind.SHEDDABLE),
        ("GET", "/api/v1/exports/products", Kind.SHEDDABLE),
        ("GET", "/console/products/export", Kind.SHEDDABLE),
        ("GET", "/no/such/thing", Kind.NORMAL),
        ("DELETE", "/" + "a" * 10_000, Kind.NORMAL),
    ],
)
def test_routes_have_classes(method: str, path: str, kind: Kind) -> None:
    assert classify(method, path, {}) is kind


@pytest.mark.parametrize(
    "agent",
    [b"Mozilla/5.0 (compatible; Googlebot/2.1)", b"curl/8.5.0", b"Bytespider", b"python-requests/2.32"],
)
def test_robots_come_last_unless_they_pay_or_have_a_key(agent: bytes) -> None:
    headers = {b"user-agent": agent}
    assert classify("GET", "/p/ice", headers) is Kind.BOT
    assert classify("POST", "/checkout", headers) is Kind.CRITICAL
    assert classify("GET", "/p/ice", headers | {b"authorization": b"Bearer x"}) is Kind.NORMAL


def test_people_are_no_robots() -> None:
    phone = b"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 CUBOT"
    assert (
        classify("GET", "/", {b"user-agent": b"Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"}) is Kind.NORMAL
    )
    assert classify("GET", "/", {}) is Kind.NORMAL
    assert classify("GET", "/", {b"user-agent": phone[:-6]}) is Kind.NORMAL


def test_rehearsals_keep_their_classes_below_all_that_is_live() -> None:
    shadows = [
        classify("POST", "/checkout", {}, is_shadow=True),
        classify("GET", "/", {}, is_shadow=True),
        classify("GET", "/suggest", {}, is_shadow=True),
    ]
    assert shadows == [Kind.SHADOW_CRITICAL, Kind.SHADOW_NORMAL, Kind.SHADOW_SHEDDABLE]
    assert min(shadows) > Kind.BOT


def test_no_rule_is_shadowed_by_another_of_another_class() -> None:
    """A rule that says the same as an earlier one would never be asked."""
    assert len({(rule.methods, rule.pattern) for rule in RULES}) == len(RULES)


def test_a_bucket_gives_its_burst_and_then_its_rate() -> None:
    buckets = Buckets(10, 5)
    assert [buckets.take(b"k", 100.0) for _ in range(5)] == [0.0] * 5
    wait_s = buckets.take(b"k", 100.0)
    assert wait_s == pytest.approx(0.1)
    assert buckets.take(b"k", 100.0) == pytest.approx(0.1), "asking in vain must not cost"
    assert buckets.take(b"other", 100.0) == 0.0
    assert buckets.take(b"k", 100.0 + wait_s) == 0.0
    assert sum(buckets.take(b"k", 200 + n / 1000) == 0 for n in range(1000)) == 5 + 9


def test_buckets_forget_the_idle_and_never_grow_without_end() -> None:
    buckets = Buckets(1, 1, most=100)
    assert buckets.take(b"greedy", 0.0) == 0.0
    for n in range(150):
        buckets.take(b"%d" % n, 0.0)
    assert buckets.take(b"greedy", 0.0) > 0, "a flood of other keys must not refill one that was just used"
    for n in range(100_000):
        buckets.take(b"x%d" % n, 0.0)
    assert len(buckets) <= 201


def test_a_rate_of_nothing_is_no_limit() -> None:
    buckets = Buckets(0, 1)
    assert {buckets.take(b"k", 0.0) for _ in range(1000)} == {0.0}
