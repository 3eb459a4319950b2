"""The ladder as data: levels with their thresholds, and switches with what they save and what a shopper notices."""

from datetime import datetime
from typing import Literal

import msgspec

from serai.foundation.errors import _

# auto: as the level says; saving: left out now; serving: never left out.
Mode = Literal["auto", "saving", "serving"]
MODES: tuple[Mode, ...] = ("auto", "saving", "serving")


class Level(msgspec.Struct, frozen=True):
    """When a level comes and goes. Pressure is the share of requests that had to wait or were turned away.

    It comes when the pressure has been at ``on_at`` or above for ``on_after_s`` seconds, and goes when it has been below
    ``off_at`` for ``off_after_s``: far apart, so that a switch does not flutter.
    """

    number: int
    on_at: float
    on_after_s: float
    off_at: float
    off_after_s: float


LEVELS = (
    Level(1, 0.05, 3, 0.01, 30),
    Level(2, 0.15, 5, 0.04, 30),
    Level(3, 0.30, 5, 0.08, 45),
    Level(4, 0.50, 8, 0.15, 60),
)


class Switch(msgspec.Struct, frozen=True):
    """One thing that can be left out.

    ``level``: from which level on it is. ``saving_percent``: what that saves of the cost of the requests it touches, as
    promised; the bench measures it. ``routes``: requests (methods, pattern) that are not answered at all meanwhile, with
    ``status``: 503 says so, 204 just sends nothing. Without routes the pages themselves leave something out.
    """

    name: str
    level: int
    title: str
    effect: str
    owner: str
    saving_percent: int
    routes: tuple[tuple[tuple[str, ...], str], ...] = ()
    status: int = 503


SUGGESTIONS, EXPORTS, LIKE_GOODS, PRICE_CHART, FACETS, KEEP_LONGER, COMPARE = (
    "suggestions",
    "exports",
    "like_goods",
    "price_chart",
    "facets",
    "keep_longer",
    "compare",
)
SWITCHES = (
    Switch(
        SUGGESTIONS,
        1,
        _("Suggestions while typing"),
        _("The search field suggests nothing; searching works."),
        "storefront",
        100,
        ((("GET",), r"/suggest$"),),
        204,
    ),
    Switch(
        EXPORTS,
        1,
        _("Exports and reports"),
        _("Shoppers notice nothing. Staff and programs are asked to come back later."),
        "console",
        100,
        (
            (("GET",), r"/api/v1/exports/"),
            (("GET",), r"/api/v1/(promotions|presales)/[^/]+/report$"),
            (("GET", "POST"), r"/console/(products/export|papers/exports)"),
        ),
    ),
    Switch(
        LIKE_GOODS,
        2,
        _("Like goods on product pages"),
        _("Product pages end without “From the same shelf”."),
        "storefront",
        10,
    ),
    Switch(
        PRICE_CHART,
        2,
        _("Price charts"),
        _("Product pages show the price without its history."),
        "storefront",
        5,
    ),
    Switch(
        FACETS,
        3,
        _("Filters beside search results"),
        _("Lists show their products without numbers to filter by."),
        "storefront",
        30,
    ),
    Switch(
        KEEP_LONGER,
        3,
        _("Freshness of kept pages"),
        _(
            "Pages may show a price or the stock of up to five seconds ago. Cart and checkout always ask anew."
        ),
        "main",
        50,
    ),
    Switch(
        COMPARE,
        4,
        _("Comparison, and questions to the shop"),
        _("Products cannot be compared, and questions wait until later."),
        "storefront",
        100,
        ((("GET",), r"/compare$"), (("GET", "POST"), r"/p/[^/]+/questions$")),
    ),
)
BY_NAME = {switch.name: switch for switch in SWITCHES}


class SwitchState(msgspec.Struct, frozen=True):
    """What a merchant has decided about a switch."""

    name: str
    mode: Mode
    changed_by: str = ""
    changed_at: datetime | None = None


class Pressure(msgspec.Struct, frozen=True):
    """How pressed the installation is: the highest level that any web worker has told of in the last seconds."""

    level: int
    pressure: float
    workers: int
