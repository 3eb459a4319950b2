"""The compiled program of a merchant, kept per process, and what is left of its counters.

A process looks at the merchant's edition number at most every second, so without rules a quote costs one lookup in a
dictionary. What is live is judged again when an order is placed: its quote's digest names the versions.
"""

import time
from collections.abc import Sequence
from uuid import UUID

import msgspec

from serai.commerce.promotion import store
from serai.commerce.promotion.claim_counters import (
    allowance_left,
    budget_left,
    coupon_free,
    quota_left,
)
from serai.commerce.promotion.compile_rules import Program, compile_rules
from serai.commerce.promotion.keep_coupons import list_usable_coupons
from serai.commerce.promotion.load_counters import PLENTY, PLENTY_MINOR, load_counters
from serai.commerce.promotion.types import HeldCoupon, Left, Rule, Terms
from serai.foundation import clock
from serai.foundation.database import Transaction

LOOK_AGAIN_S = 1.0
MAX_PROGRAMS = 1000


class _Shelved(msgspec.Struct):
    looked_at: float
    edition: int
    program: Program


_shelf: dict[UUID, _Shelved] = {}


def forget_program(merchant_id: UUID) -> None:
    """Look at the rules anew at the next quote: this process has just changed them."""
    _shelf.pop(merchant_id, None)


async def load_program(tx: Transaction) -> Program:
    """What is live of the merchant, compiled; at most a second old, and as new as what else is read where that is kept."""
    kept = _shelf.get(tx.merchant_id)
    moment = time.monotonic()
    if tx.shelf is None and kept is not None and moment - kept.looked_at < LOOK_AGAIN_S:
        return kept.program

    async def load(_missing: list[str]) -> dict[str, tuple[int, tuple[()]]]:
        return {"": (await store.load_edition(tx), ())}

    edition = (await tx.keep("promotion edition", [""], load))[""]
    if kept is None or kept.edition != edition:
        rows = await store.list_live(tx, clock.now()) if edition else []
        rules = [
            Rule(row["promotion_id"], row["version"], msgspec.convert(row["terms"], Terms)) for row in rows
        ]
        if len(_shelf) >= MAX_PROGRAMS:
            _shelf.clear()
        kept = _Shelved(moment, edition, compile_rules(rules))
        _shelf[tx.merchant_id] = kept
    kept.looked_at = moment
    return kept.program


async def load_left(
    tx: Transaction, program: Program, *, currency: str, user_id: UUID | None
) -> dict[UUID, Left]:
    """What is left of the counters of all limited rules, by promotion. One query, none where nothing is limited."""
    if not program.limited:
        return {}
    plenty: dict[UUID, int] = {}
    for rule in program.limited:
        promotion_id = rule.promotion_id
        if rule.terms.quota is not None and not rule.terms.coupon:
            plenty[quota_left(promotion_id).account_id] = PLENTY
        if rule.terms.budget_minor is not None:
            plenty[budget_left(promotion_id, currency).account_id] = PLENTY_MINOR
        if user_id is not None and rule.terms.per_user is not None:
            plenty[allowance_left(promotion_id, user_id).account_id] = PLENTY
    balances = await load_counters(tx, plenty)
    left = {}
    for rule in program.limited:
        terms, promotion_id = rule.terms, rule.promotion_id
        allowance = None
        if user_id is not None and terms.per_user is not None:
            balance = balances[allowance_left(promotion_id, user_id).account_id]
            # An allowance that nobody has touched yet is funded when its first order is placed.
            allowance = balance.available if balance.posted_dr else terms.per_user
        left[promotion_id] = Left(
            balances[quota_left(promotion_id).account_id].available
            if terms.quota is not None and not terms.coupon
            else None,
            allowance,
            balances[budget_left(promotion_id, currency).account_id].available
            if terms.budget_minor is not None
            else None,
        )
    return left


async def load_held_coupons(
    tx: Transaction, program: Program, *, coupon_ids: Sequence[UUID], member_id: UUID | None
) -> tuple[HeldCoupon, ...]:
    """The coupons that were entered and those that the member holds, with how many uses of each are free now."""
    if not program.has_coupons and not coupon_ids:
        return ()
    rows = await list_usable_coupons(tx, coupon_ids, member_id)
    rows = [row for row in rows if row["holder_id"] in (None, member_id)]
    accounts = {
        row["coupon_id"]: coupon_free(row["promotion_id"], row["coupon_id"]).account_id for row in rows
    }
    balances = await load_counters(tx, dict.fromkeys(accounts.values(), PLENTY)) if rows else {}
    return tuple(
        HeldCoupon(
            row["coupon_id"],
            row["promotion_id"],
            # A revoked coupon is like one whose time is over.
            row["issued_at"] if row["ended"] else row["expires_at"],
            balances[accounts[row["coupon_id"]]].available,
        )
        for row in rows
    )
