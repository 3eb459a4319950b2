"""Promotions at the console: the list, one promotion with its report and versions, and what is done with it."""

from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath

from serai.commerce.promotion import api
from serai.commerce.promotion.types import Promotion, PromotionReport, Stand
from serai.console.desk import AtDesk, Desk, link, not_found
from serai.console.form import fill_form, parse_uuid
from serai.console.promotion_fill import list_mentioned
from serai.console.promotion_kind import KINDS, MARKET_KINDS, find_kind
from serai.console.promotion_scope import name_skus, tell_scope
from serai.foundation.database import Transaction
from serai.foundation.errors import NotFound, Refused, _

PATH = "/console/promotions"
PAGE_SIZE = 25
AnyRequest = Request[Any, Any, Any]
# Which promotions a tab shows: where they stand at the moment, None wherever.
TABS: dict[str, tuple[str, Stand | None]] = {
    "": (_("All"), None),
    "live": (_("Live"), "live"),
    "planned": (_("Scheduled"), "planned"),
    "draft": (_("Drafts"), "draft"),
    "over": (_("Over"), "over"),
    "stopped": (_("Stopped"), "stopped"),
}


class PromotionView(msgspec.Struct, frozen=True):
    """A promotion as lists and its own page show it; ``stand`` is draft, planned, live, over or stopped."""

    promotion: Promotion
    report: PromotionReport
    stand: str
    kind: str
    benefit: str

    @property
    def budget_percent(self) -> int | None:
        """How much of the budget is spent or held, in percent; None without a budget."""
        if self.report.budget is None or not self.report.budget[0]:
            return None
        limit, _sold, _held, left = self.report.budget
        return max(0, min(100, 100 * (limit - left) // limit))

    @property
    def redeemed(self) -> int:
        """Coupons used, or orders that got it."""
        return self.report.coupons[3] if self.report.coupons else self.report.orders


async def view_promotion(tx: Transaction, desk: Desk, promotion: Promotion) -> PromotionView:
    """A promotion with its counters, in the reader's words."""
    currency = desk.merchant.currency
    kind = find_kind(promotion.terms)
    return PromotionView(
        promotion,
        await api.load_report(tx, promotion_id=promotion.promotion_id, currency=currency),
        promotion.stand,
        desk.say(kind.name) if kind else desk.say(_("Written by a program")),
        api.tell_benefit(promotion.terms.benefit, currency, desk.locale),
    )


async def load_asked(tx: Transaction, promotion_id: str) -> Promotion:
    """The promotion of an address; the console's own "nothing here" when there is none."""
    wanted = parse_uuid(promotion_id)
    try:
        if wanted is None:
            raise not_found()
        return await api.load_promotion(tx, promotion_id=wanted)
    except NotFound as error:
        raise not_found() from error


@get("/promotions")
async def show_promotions(desk: AtDesk) -> Response[str]:
    """The list, searched by name, by tabs."""
    desk.require("product.read")
    query, cursor = desk.query("q"), desk.query("cursor")
    tab = desk.query("state", tuple(TABS))
    _label, stand = TABS[tab]
    async with desk.reading() as tx:
        counts = await api.count_promotions(tx, query=query)
        page = await api.list_promotions(tx, query=query, stand=stand, cursor=cursor or None, limit=PAGE_SIZE)
        views = [await view_promotion(tx, desk, each) for each in page.items]
    return desk.page(
        "promotion_list.html",
        "promotion",
        desk.say(_("Promotions")),
        views=views,
        query=query,
        tab=tab,
        tabs=[
            (
                code,
                desk.say(label),
                link(PATH, state=code, q=query),
                counts.get(where, 0) if where else sum(counts.values()),
            )
            for code, (label, where) in TABS.items()
        ],
        first_href=link(PATH, state=tab, q=query) if cursor else "",
        next_href=link(PATH, state=tab, q=query, cursor=page.next_cursor) if page.next_cursor else "",
    )


@get("/promotions/new")
async def show_kinds(desk: AtDesk) -> Response[str]:
    """What kinds of promotions there are, each with a line on what it is good for."""
    desk.require("promotion.write")
    return desk.page(
        "promotion_kind.html",
        "promotion",
        desk.say(_("New promotion")),
        crumbs=[(desk.say(_("Promotions")), PATH), (desk.say(_("New promotion")), "")],
        kinds=[
            (kind, desk.say(kind.name), desk.say(kind.note))
            for kind in (MARKET_KINDS if desk.merchant.kind == "market" else KINDS)
        ],
    )


@get("/promotions/{promotion_id:str}")
async def show_promotion(desk: AtDesk, promotion_id: FromPath[str]) -> Response[str]:
    """One promotion: what it says, what it has done, its versions, its coupons."""
    desk.require("product.read")
    async with desk.reading() as tx:
        promotion = await load_asked(tx, promotion_id)
        return await show_view(desk, tx, promotion)


async def show_view(
    desk: Desk, tx: Transaction, promotion: Promotion, *, status_code: int = 200, **context: Any
) -> Response[str]:
    """The page of a promotion; ``context`` is what an action adds to it."""
    view = await view_promotion(tx, desk, promotion)
    versions = await api.list_versions(tx, promotion_id=promotion.promotion_id)
    terms = promotion.terms
    skus = await name_skus(tx, list_mentioned(terms))
    cursor = desk.query("cursor")
    page = (
        await api.list_coupons(
            tx, promotion_id=promotion.promotion_id, cursor=cursor or None, limit=PAGE_SIZE
        )
        if terms.coupon
        else None
    )
    path = f"{PATH}/{promotion.promotion_id}"
    defaults: dict[str, Any] = {
        "issue_form": fill_form("issue", count="1", uses="1", code="", expires_at=""),
        "issue_open": False,
        "issued": (),
        "found": None,
        "code": "",
        "code_refusal": "",
    }
    return desk.page(
        "promotion.html",
        "promotion",
        terms.label(desk.locale),
        crumbs=[(desk.say(_("Promotions")), PATH), (terms.label(desk.locale), "")],
        status_code=status_code,
        view=view,
        terms=terms,
        path=path,
        can_edit=find_kind(terms) is not None,
        scope=await tell_scope(tx, desk, terms.scope, skus),
        versions=[
            (each, api.tell_benefit(each.terms.benefit, desk.merchant.currency, desk.locale))
            for each in versions
        ],
        coupons=page.items if page else (),
        first_href=path if cursor else "",
        next_href=link(path, cursor=page.next_cursor) if page and page.next_cursor else "",
        **(defaults | context),
    )


@post("/promotions/{promotion_id:str}/publish", status_code=303)
async def publish(request: AnyRequest, desk: AtDesk, promotion_id: FromPath[str]) -> Response[Any]:
    """Let the version that was looked at count."""
    desk.require("promotion.write")
    sent = str((await request.form()).get("version", ""))
    version = int(sent) if sent.isascii() and sent.isdigit() and len(sent) < 10 else 0
    async with desk.reading() as tx:
        promotion = await load_asked(tx, promotion_id)
    path = f"{PATH}/{promotion.promotion_id}"
    try:
        await api.publish_promotion(
            desk.commerce,
            desk.merchant_id,
            promotion_id=promotion.promotion_id,
            version=version,
            currency=desk.merchant.currency,
            by=desk.by,
        )
    except Refused as error:
        return desk.go(path, explain_refusal(desk, error), tone="bad")
    return desk.go(path, _("“%(name)s” counts from now on, within its time."), name=promotion.terms.name)


def explain_refusal(desk: Desk, error: Refused) -> str:
    """A refusal with every reason that it carries, in words."""
    reasons = [
        desk.say(str(each["message"]), **{name: value for name, value in each.items() if name != "message"})
        for each in error.data.get("reasons", ())
    ]
    return " ".join([desk.explain(error), *reasons])


@post("/promotions/{promotion_id:str}/stop", status_code=303)
async def stop(desk: AtDesk, promotion_id: FromPath[str]) -> Response[Any]:
    """Let it count no more."""
    desk.require("promotion.write")
    async with desk.db.transaction(desk.merchant_id) as tx:
        promotion = await load_asked(tx, promotion_id)
        await api.stop_promotion(tx, promotion_id=promotion.promotion_id, by=desk.by)
    path = f"{PATH}/{promotion.promotion_id}"
    return desk.go(path, _("“%(name)s” is stopped. Orders keep what they got."), name=promotion.terms.name)
