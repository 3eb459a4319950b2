"""Quotas, budgets, per-user allowances and coupons as accounts of the ledger, and the transfers that move them.

Each counter is a triple: what is left (it cannot fall below zero), what was sold or spent, and the fund that it came from,
which mirrors the limit. A claim of an order is a pending transfer from left to sold: held until the payment posts it,
free again when the order is cancelled or expires.
"""

from collections.abc import Iterable, Sequence
from uuid import UUID

from serai.commerce.promotion.fund_discounts import (
    FUNDING_KINDS,
    discount_by,
    discounted_sales,
    name_funder,
)
from serai.commerce.promotion.types import Claim
from serai.foundation.ids import derive_id
from serai.ledger.types import Account, Transfer, account, currency_unit, pending, post, posted

CLAIM_KINDS = frozenset(
    {"promotion_quota", "promotion_budget", "promotion_allowance", "coupon", "group_seat"}
)


def quota_left(promotion_id: UUID) -> Account:
    """Units (layer 1) or orders that a promotion may still serve."""
    unit = derive_id("promotion quota", promotion_id)
    return account("promotion_quota", unit, no_negative=True, subject_id=promotion_id)


def quota_sold(promotion_id: UUID) -> Account:
    return account(
        "promotion_quota_sold", derive_id("promotion quota", promotion_id), subject_id=promotion_id
    )


def quota_fund(promotion_id: UUID) -> Account:
    unit = derive_id("promotion quota", promotion_id)
    return account("promotion_quota_fund", unit, normal="C", subject_id=promotion_id)


def budget_left(promotion_id: UUID, currency: str) -> Account:
    """Money that a promotion may still give away."""
    unit = currency_unit(currency)
    return account("promotion_budget", unit, no_negative=True, subject_id=promotion_id)


def budget_spent(promotion_id: UUID, currency: str) -> Account:
    return account("promotion_budget_spent", currency_unit(currency), subject_id=promotion_id)


def budget_fund(promotion_id: UUID, currency: str) -> Account:
    return account("promotion_budget_fund", currency_unit(currency), normal="C", subject_id=promotion_id)


def _allowance_unit(promotion_id: UUID) -> UUID:
    return derive_id("promotion allowance", promotion_id)


def allowance_left(promotion_id: UUID, user_id: UUID) -> Account:
    """What one user may still take of a promotion."""
    return account(
        "promotion_allowance",
        _allowance_unit(promotion_id),
        no_negative=True,
        subject_id=derive_id(promotion_id, user_id),
    )


def allowance_used(promotion_id: UUID) -> Account:
    return account("promotion_allowance_used", _allowance_unit(promotion_id), subject_id=promotion_id)


def allowance_fund(promotion_id: UUID) -> Account:
    unit = _allowance_unit(promotion_id)
    return account("promotion_allowance_fund", unit, normal="C", subject_id=promotion_id)


def _coupon_unit(promotion_id: UUID) -> UUID:
    return derive_id("coupon template", promotion_id)


def template_left(promotion_id: UUID) -> Account:
    """Coupon uses that may still be issued of a promotion."""
    unit = _coupon_unit(promotion_id)
    return account("coupon_template", unit, no_negative=True, subject_id=promotion_id)


def template_fund(promotion_id: UUID) -> Account:
    return account("coupon_fund", _coupon_unit(promotion_id), normal="C", subject_id=promotion_id)


def coupon_free(promotion_id: UUID, coupon_id: UUID) -> Account:
    """Uses that one coupon still has."""
    return account("coupon", _coupon_unit(promotion_id), no_negative=True, subject_id=coupon_id)


def coupon_gone(promotion_id: UUID, how: str) -> Account:
    """Where coupon uses go: ``used``, ``expired`` or ``revoked``."""
    return account(f"coupon_{how}", _coupon_unit(promotion_id), subject_id=promotion_id)


def _seat_unit(group_id: UUID) -> UUID:
    return derive_id("group seat", group_id)


def seats_left(group_id: UUID) -> Account:
    """Seats that a buying group still has."""
    return account("group_seat", _seat_unit(group_id), no_negative=True, subject_id=group_id)


def seats_taken(group_id: UUID) -> Account:
    """Seats whose orders are paid."""
    return account("group_seat_taken", _seat_unit(group_id), subject_id=group_id)


def seats_closed(group_id: UUID) -> Account:
    """Seats of a group that has failed: nobody gets them any more."""
    return account("group_seat_closed", _seat_unit(group_id), subject_id=group_id)


def seats_fund(group_id: UUID) -> Account:
    return account("group_seat_fund", _seat_unit(group_id), normal="C", subject_id=group_id)


def _sides(claim: Claim, currency: str) -> tuple[Account, Account]:
    """(debit, credit) of taking a claim."""
    match claim.kind:
        case "quota":
            return quota_sold(claim.promotion_id), quota_left(claim.promotion_id)
        case "budget":
            return budget_spent(claim.promotion_id, currency), budget_left(claim.promotion_id, currency)
        case "allowance":
            return allowance_used(claim.promotion_id), allowance_left(claim.promotion_id, claim.subject_id)
        case "seat":
            return seats_taken(claim.subject_id), seats_left(claim.subject_id)
        case "coupon":
            return coupon_gone(claim.promotion_id, "used"), coupon_free(claim.promotion_id, claim.subject_id)
        case "seller_discount" | "platform_discount" | "brand_discount":
            return discount_by(name_funder(claim.kind), currency), discounted_sales(currency)


def name_claim(claim: Claim, currency: str) -> UUID:
    """The account that a claim takes from, as a shortage names it."""
    return _sides(claim, currency)[1].account_id


def claim_id(claim: Claim, order_id: UUID, salt: str = "") -> UUID:
    """The transfer that stands for an order's claim."""
    return derive_id(order_id, "claim", claim.kind, claim.promotion_id, claim.subject_id, salt)


def _sum_claims(claims: Iterable[Claim]) -> list[Claim]:
    """Claims on the same counter as one, so that a group names each account's move once."""
    sums: dict[tuple[str, UUID, UUID], Claim] = {}
    for claim in claims:
        key = (claim.kind, claim.promotion_id, claim.subject_id)
        amount = claim.amount + (sums[key].amount if key in sums else 0)
        if amount:
            sums[key] = Claim(*key, amount, claim.limit)
    return list(sums.values())


def take_claims(
    claims: Iterable[Claim], order_id: UUID, currency: str, *, salt: str = "", at_once: bool = False
) -> list[Transfer]:
    """The transfers that take an order's claims: pending until it is paid, or ``at_once`` where nothing is to pay."""
    take = posted if at_once else pending
    return [
        take(
            claim_id(claim, order_id, salt),
            *_sides(claim, currency),
            claim.amount,
            f"promotion {claim.kind}",
        )
        for claim in _sum_claims(claims)
    ]


def post_claims(claims: Iterable[Claim], order_id: UUID) -> list[Transfer]:
    """The transfers that let an order's claims count: it was paid."""
    return [post(claim_id(claim, order_id), f"promotion {claim.kind}") for claim in _sum_claims(claims)]


def give_back_claims(claims: Iterable[Claim], group_id: UUID, currency: str) -> list[Transfer]:
    """The transfers that return claims which had been posted: a paid order was called off.

    What was posted to the funders of its discounts is not among them: refunds may have taken part of it back before.
    """
    transfers = []
    for claim in _sum_claims(claims):
        if claim.kind in FUNDING_KINDS:
            continue
        taken, left = _sides(claim, currency)
        transfer_id = derive_id(group_id, "claim back", claim.kind, claim.promotion_id, claim.subject_id)
        transfers.append(posted(transfer_id, left, taken, claim.amount, f"promotion {claim.kind} back"))
    return transfers


def fund_allowances(claims: Iterable[Claim]) -> list[tuple[UUID, Transfer]]:
    """(group id, transfer) that give each user of the claims his allowance, once: the ids are fixed."""
    fundings = []
    for claim in claims:
        if claim.kind == "allowance":
            group_id = derive_id("allowance", claim.promotion_id, claim.subject_id)
            left = allowance_left(claim.promotion_id, claim.subject_id)
            transfer = posted(
                derive_id(group_id, "fund"),
                left,
                allowance_fund(claim.promotion_id),
                claim.limit,
                "allowance",
            )
            fundings.append((group_id, transfer))
    return fundings


def move_limit(left: Account, fund: Account, before: int, after: int, salt: Sequence[object]) -> Transfer:
    """The transfer that brings a counter's limit from one number to another."""
    transfer_id = derive_id("limit", left.account_id, before, after, *salt)
    if after > before:
        return posted(transfer_id, left, fund, after - before, "limit raised")
    return posted(transfer_id, fund, left, before - after, "limit lowered")
