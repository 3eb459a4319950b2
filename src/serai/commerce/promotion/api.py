"""Promotions: write, publish, stop and report on them; coupons; and the engine that prices a cart under them.

The engine is pure: :func:`compile_rules` once per change, :func:`quote` per cart, :func:`refund_shares` per return.
:func:`load_program`, :func:`load_left` and :func:`load_held_coupons` bring in what it needs.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import msgspec

from serai.commerce.promotion import store
from serai.commerce.promotion.check_terms import check_terms, check_together
from serai.commerce.promotion.claim_counters import (
    CLAIM_KINDS,
    budget_fund,
    budget_left,
    budget_spent,
    coupon_gone,
    fund_allowances,
    give_back_claims,
    name_claim,
    post_claims,
    quota_fund,
    quota_left,
    quota_sold,
    take_claims,
    template_fund,
    template_left,
)
from serai.commerce.promotion.compile_rules import Program, compile_rules
from serai.commerce.promotion.edit_promotion import (
    create_promotion,
    edit_promotion,
    load_promotion,
    publish_promotion,
    read_promotion,
    read_rule,
    stop_promotion,
)
from serai.commerce.promotion.fund_discounts import (
    discount_by,
    discounted_sales,
    fund_discount,
    part_back,
    refund_discounts,
    restore_discounts,
    return_discounts,
    split_funding,
    sum_funding,
)
from serai.commerce.promotion.issue_coupons import (
    expire_coupons,
    find_coupon_by_code,
    issue_coupons,
    list_coupons,
    revoke_coupon,
)
from serai.commerce.promotion.list_seats import (
    check_newcomer,
    list_begun_groups,
    list_group_members,
    list_member_groups,
    list_waiting_orders,
)
from serai.commerce.promotion.load_program import load_held_coupons, load_left, load_program
from serai.commerce.promotion.logic import keyed_seed, part_of_seed, read_code, spell_code
from serai.commerce.promotion.open_group import (
    GroupOrder,
    NewGroup,
    close_group,
    complete_group,
    find_order_group,
    insert_group_orders,
    list_group_orders,
    list_open_groups,
    list_unsettled_groups,
    load_group,
    load_seats,
    open_group,
    own_group_id,
    plan_group,
    write_opening,
)
from serai.commerce.promotion.price_cart import quote
from serai.commerce.promotion.price_singly import SinglePrice, price_singly
from serai.commerce.promotion.refund_shares import Returned, refund_shares
from serai.commerce.promotion.share_result import use_tenders
from serai.commerce.promotion.tell_terms import tell_benefit
from serai.commerce.promotion.types import Promotion, PromotionReport, Rule, Stand, State, Terms
from serai.commerce.types import Page
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Invalid, _
from serai.ledger.api import load_balances
from serai.ledger.types import Balance

__all__ = [
    "CLAIM_KINDS",
    "GroupOrder",
    "NewGroup",
    "Program",
    "Returned",
    "SinglePrice",
    "check_newcomer",
    "check_terms",
    "check_together",
    "compile_rules",
    "close_group",
    "complete_group",
    "create_promotion",
    "discount_by",
    "discounted_sales",
    "edit_promotion",
    "expire_coupons",
    "find_coupon_by_code",
    "find_order_group",
    "fund_allowances",
    "fund_discount",
    "give_back_claims",
    "insert_group_orders",
    "issue_coupons",
    "keyed_seed",
    "list_begun_groups",
    "list_coupons",
    "list_group_members",
    "list_group_orders",
    "list_live_rules",
    "list_member_groups",
    "list_open_groups",
    "count_promotions",
    "list_promotions",
    "list_terms_of_versions",
    "list_unsettled_groups",
    "list_versions",
    "list_waiting_orders",
    "load_group",
    "load_held_coupons",
    "load_left",
    "load_program",
    "load_promotion",
    "load_report",
    "load_seats",
    "name_claim",
    "open_group",
    "own_group_id",
    "plan_group",
    "part_back",
    "part_of_seed",
    "post_claims",
    "price_singly",
    "publish_promotion",
    "quota_fund",
    "quota_left",
    "quota_sold",
    "quote",
    "read_code",
    "refund_discounts",
    "refund_shares",
    "restore_discounts",
    "return_discounts",
    "revoke_coupon",
    "spell_code",
    "split_funding",
    "stop_promotion",
    "sum_funding",
    "take_claims",
    "tell_benefit",
    "use_tenders",
    "write_opening",
]


async def list_promotions(
    tx: Transaction,
    *,
    query: str = "",
    state: State | None = None,
    stand: Stand | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[Promotion]:
    """Promotions with their newest versions, the one changed last first; ``query`` is part of a name, ``stand`` where
    they stand at the moment.

    Raises:
        Invalid: ``list.cursor_invalid``.
    """
    limit = max(1, min(limit, 100))
    rows = await store.list_promotions(
        tx, clock.now(), _read_words(query), state, stand, _read_cursor(cursor), limit + 1
    )
    items = tuple(read_promotion(row) for row in rows[:limit])
    more = f"{items[-1].changed_at.isoformat()}|{items[-1].promotion_id}" if len(rows) > limit else None
    return Page(items, more)


async def count_promotions(tx: Transaction, *, query: str = "") -> dict[str, int]:
    """How many promotions stand where at the moment, by their stand; ``query`` is part of a name."""
    return await store.count_promotions(tx, clock.now(), _read_words(query))


def _read_words(query: str) -> str:
    return query.strip().lower()[:100].replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")


def _read_cursor(cursor: str | None) -> tuple[datetime, UUID] | None:
    if not cursor:
        return None
    try:
        moment, _bar, promotion_id = cursor.partition("|")
        at = datetime.fromisoformat(moment)
        if at.tzinfo is None:
            raise ValueError(moment)
        return at.astimezone(UTC), UUID(promotion_id)
    except (ValueError, OverflowError) as error:
        raise Invalid("list.cursor_invalid", _("This list cannot be continued from there.")) from error


class PromotionVersion(msgspec.Struct, frozen=True):
    """One version of a promotion, as it was written."""

    version: int
    terms: Terms
    created_by: str
    created_at: datetime


async def list_versions(tx: Transaction, *, promotion_id: UUID) -> list[PromotionVersion]:
    """The last hundred versions of a promotion, the newest first."""
    return [
        PromotionVersion(
            row["version"], msgspec.convert(row["terms"], Terms), row["created_by"], row["created_at"]
        )
        for row in await store.list_versions(tx, promotion_id)
    ]


async def list_live_rules(tx: Transaction) -> list[Rule]:
    """Every promotion that is live and not over, in the version that carts get."""
    return [read_rule(row) for row in await store.list_live(tx, clock.now())]


async def list_terms_of_versions(tx: Transaction, *, versions: Sequence[tuple[UUID, int]]) -> list[Rule]:
    """Promotions as they were in given versions: (promotion, version)."""
    ids, numbers = [each[0] for each in versions], [each[1] for each in versions]
    return [read_rule(row) for row in await store.list_terms(tx, ids, numbers)] if ids else []


async def load_report(tx: Transaction, *, promotion_id: UUID, currency: str) -> PromotionReport:
    """What a promotion has done so far. NotFound ``promotion.unknown``."""
    promotion = await load_promotion(tx, promotion_id=promotion_id)
    totals = await store.load_report(tx, promotion_id)
    accounts = {
        "quota": (quota_fund(promotion_id), quota_sold(promotion_id), quota_left(promotion_id)),
        "budget": (
            budget_fund(promotion_id, currency),
            budget_spent(promotion_id, currency),
            budget_left(promotion_id, currency),
        ),
    }
    gone = [coupon_gone(promotion_id, how) for how in ("used", "expired", "revoked")]
    template = (template_fund(promotion_id), template_left(promotion_id))
    every = [*accounts["quota"], *accounts["budget"], *gone, *template]
    balances = await load_balances(tx, account_ids=[account.account_id for account in every])
    terms = promotion.terms
    used, expired, revoked = (balances[account.account_id] for account in gone)
    issued = balances[template[0].account_id].posted - balances[template[1].account_id].posted
    locked = used.pending_dr
    free = issued - used.posted - expired.posted - revoked.posted - locked
    return PromotionReport(
        promotion_id,
        totals["orders"],
        totals["discount"],
        totals["sales"],
        _counter([balances[a.account_id] for a in accounts["quota"]])
        if terms.quota is not None and not terms.coupon
        else None,
        _counter([balances[a.account_id] for a in accounts["budget"]])
        if terms.budget_minor is not None
        else None,
        (issued, free, locked, used.posted, expired.posted, revoked.posted) if terms.coupon else None,
    )


def _counter(balances: Sequence[Balance]) -> tuple[int, int, int, int]:
    fund, sold, left = balances
    return fund.posted, sold.posted, left.reserved, left.available
