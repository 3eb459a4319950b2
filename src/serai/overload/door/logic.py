"""Which class a request belongs to: routes as data, and robots by what they call themselves."""

import re
from collections.abc import Mapping
from functools import lru_cache

import msgspec

from serai.overload.door.types import Kind


class RouteRule(msgspec.Struct, frozen=True):
    """Requests of these methods (none: all) whose path matches from its start are of this class."""

    kind: Kind
    methods: frozenset[str]
    pattern: str


GET, POST = frozenset({"GET", "HEAD"}), frozenset({"POST"})
ALL: frozenset[str] = frozenset()
WRITE = frozenset({"POST", "PUT", "PATCH", "DELETE"})

# The first rule that matches decides; what none matches is NORMAL. A path stands here for what it costs a buyer when it
# fails: money on its way and people at the till come first.
RULES: tuple[RouteRule, ...] = (
    # What providers and carriers tell: they ask again, but a payment waits for it.
    RouteRule(Kind.CRITICAL, POST, r"/webhooks/"),
    # To order and to pay, at the shop and at a market.
    RouteRule(Kind.CRITICAL, ALL, r"/checkout(/|$)"),
    RouteRule(Kind.CRITICAL, ALL, r"/checkouts/"),
    RouteRule(Kind.CRITICAL, POST, r"/(account/)?orders/[^/]+/(pay|cancel|coupon)$"),
    RouteRule(Kind.CRITICAL, GET, r"/orders/[^/]+(/return|/scan)?$"),
    RouteRule(Kind.CRITICAL, POST, r"/presales/"),
    RouteRule(Kind.CRITICAL, POST, r"/groups(/|$)"),
    # To sign in, and to stay signed in.
    RouteRule(Kind.CRITICAL, ALL, r"/account/(sign-in|register|passkey|link)"),
    RouteRule(Kind.CRITICAL, ALL, r"/console/(sign-in|passkey)"),
    # Money back, and goods handed over.
    RouteRule(Kind.CRITICAL, WRITE, r"/console/(orders|refunds|returns|fulfilment)/"),
    # The switches and the lines themselves must stay within reach.
    RouteRule(Kind.CRITICAL, ALL, r"/console/(overload|lines)"),
    RouteRule(Kind.CRITICAL, ALL, r"/line/"),
    # The same by JSON API and by the protocols of agents.
    RouteRule(Kind.CRITICAL, POST, r"/api/v1/orders(/|$)"),
    RouteRule(Kind.CRITICAL, POST, r"/api/v1/carts/[^/]+/complete$"),
    RouteRule(Kind.CRITICAL, POST, r"/api/v1/market/checkouts"),
    RouteRule(Kind.CRITICAL, POST, r"/api/v1/returns/[^/]+/refund$"),
    RouteRule(Kind.CRITICAL, POST, r"/acp/checkout_sessions/[^/]+/(complete|cancel)$"),
    RouteRule(Kind.CRITICAL, POST, r"/ucp/v1/checkout-sessions/[^/]+/(complete|cancel)$"),
    # What a buyer can do without for an hour.
    RouteRule(Kind.SHEDDABLE, GET, r"/(suggest|compare|search)$"),
    RouteRule(Kind.SHEDDABLE, GET, r"/account/(privacy|questions|groups)"),
    RouteRule(Kind.SHEDDABLE, ALL, r"/account/privacy/export"),
    RouteRule(Kind.SHEDDABLE, GET, r"/api/v1/(exports/|search$|schema|docs|webhook-deliveries)"),
    RouteRule(Kind.SHEDDABLE, GET, r"/api/v1/(promotions|presales)/[^/]+/report$"),
    RouteRule(Kind.SHEDDABLE, GET, r"/api/v1/variants/[^/]+/price-history$"),
    RouteRule(Kind.SHEDDABLE, ALL, r"/console/(products/(export|bulk)|papers/exports|money/statements)"),
    RouteRule(Kind.SHEDDABLE, GET, r"/console/(audit|settlement)"),
)

_COMPILED = tuple((rule.kind, rule.methods, re.compile(rule.pattern)) for rule in RULES)
# What calls itself a robot, in the words that robots use.
_ROBOT = re.compile(
    rb"bot\b|bot/|crawl|spider|slurp|scrap|archiver|facebookexternalhit|headlesschrome|python-requests|^curl/|^wget/",
    re.IGNORECASE,
)
LONGEST_PATH = 200
LONGEST_AGENT = 400


@lru_cache(maxsize=4_096)
def classify_route(method: str, path: str) -> Kind:
    """The class of a route, robots aside."""
    for kind, methods, pattern in _COMPILED:
        if (not methods or method in methods) and pattern.match(path):
            return kind
    return Kind.NORMAL


@lru_cache(maxsize=4_096)
def is_robot(agent: bytes) -> bool:
    """Whether a user agent says of itself that nobody sits before it."""
    return _ROBOT.search(agent) is not None


def classify(method: str, path: str, headers: Mapping[bytes, bytes], *, is_shadow: bool = False) -> Kind:
    """The class of a request. Robots are told by their user agent, unless they come with a key; a rehearsal comes last.

    A robot that pays stays important: what it costs to lose a payment does not depend on who made it.
    """
    kind = classify_route(method, path[:LONGEST_PATH])
    if (
        kind is not Kind.CRITICAL
        and b"authorization" not in headers
        and is_robot(headers.get(b"user-agent", b"")[:LONGEST_AGENT])
    ):
        kind = Kind.BOT
    return Kind(kind + Kind.SHADOW_CRITICAL) if is_shadow else kind
