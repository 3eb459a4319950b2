"""What a checkout takes of the market's promotions, in the market's books: held while it waits, counted when it is paid,
free again when it is called off or not paid in time."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from serai.commerce.market import store
from serai.commerce.market.types import MarketCheckout, MarketDiscount, MarketOrder
from serai.commerce.order.api import load_order
from serai.commerce.promotion.api import (
    CLAIM_KINDS,
    fund_allowances,
    give_back_claims,
    post_claims,
    take_claims,
)
from serai.commerce.promotion.events import CouponUsed
from serai.commerce.promotion.types import Claim
from serai.foundation.database import Database, Transaction
from serai.foundation.errors import Conflict, _
from serai.foundation.event import Fact
from serai.foundation.ids import MerchantId, derive_id
from serai.ledger.api import DocumentTransfer, Lane, list_document_transfers, list_open_pendings
from serai.ledger.types import Group, Phase, Transfer, Write, void

# Where claims go that count.
GONE = frozenset(
    {"promotion_quota_sold", "promotion_budget_spent", "promotion_allowance_used", "coupon_used"}
)


async def begin_checkout(db: Database, lane: Lane, market_id: MerchantId, checkout: MarketCheckout) -> bool:
    """Write a checkout down and take what it claims of the market's promotions. False when it had begun before.

    Conflict ``checkout.changed`` when a promotion ran out meanwhile; nothing was written then.
    """
    claims = claims_of(checkout)
    if not claims:
        async with db.transaction(market_id) as tx:
            return bool(await store.insert_checkouts(tx, [checkout]))
    for group_id, transfer in fund_allowances(claims):
        await lane.submit(market_id, Group(group_id, (transfer,), document_id=transfer.transfer_id))
    is_free = not checkout.total_minor
    taken = take_claims(claims, checkout.checkout_id, checkout.currency, at_once=is_free)
    outcome = await lane.submit(
        market_id,
        Group(
            derive_id("market begin", checkout.checkout_id),
            tuple(taken),
            (Write(write_checkouts, checkout),),
            tuple(_used_coupons(checkout)) if is_free else (),
            document_id=checkout.checkout_id,
        ),
    )
    if not outcome.passed:
        raise _gone(checkout.discounts, {s.subject_id for s in outcome.shortages if s.kind in CLAIM_KINDS})
    return not outcome.replayed


async def write_checkouts(tx: Transaction, rows: Sequence[MarketCheckout]) -> None:
    """Write checkouts beside what they claim; a writer for the lane's batches."""
    await store.insert_checkouts(tx, rows)


def claims_of(checkout: MarketCheckout) -> tuple[Claim, ...]:
    """All that a checkout takes of the market's promotions."""
    return tuple(claim for each in checkout.discounts for claim in each.claims)


def _gone(discounts: Sequence[MarketDiscount], subjects: set[UUID | None]) -> Conflict:
    gone = [each for each in discounts if any(_subjects(claim) & subjects for claim in each.claims)]
    gone = gone or list(discounts)
    return Conflict(
        "checkout.changed",
        _("“%(name)s” has just run out. Nothing was ordered or charged."),
        name=gone[0].name,
        changes=[
            {"kind": "promotion_gone", "title": each.name, "promotion_id": str(each.promotion_id)}
            for each in gone
        ],
    )


def _subjects(claim: Claim) -> set[UUID | None]:
    """What the account of a claim may be kept under."""
    return {claim.promotion_id, claim.subject_id, derive_id(claim.promotion_id, claim.subject_id)}


def _used_coupons(checkout: MarketCheckout) -> list[Fact]:
    return [
        Fact(
            each.promotion_id,
            CouponUsed(each.coupon_id, each.promotion_id, checkout.checkout_id, each.amount_minor),
        )
        for each in checkout.discounts
        if each.coupon_id is not None
    ]


async def count_claims(lane: Lane, market_id: MerchantId, checkout: MarketCheckout) -> bool:
    """Let a paid checkout's claims count. After it lapsed they are taken anew; False when there is not enough left, and
    then none of its orders may stand."""
    claims = claims_of(checkout)
    if not claims or not checkout.total_minor:
        return True
    facts = tuple(_used_coupons(checkout))
    outcome = await lane.submit(
        market_id,
        Group(
            derive_id("market claims", checkout.checkout_id),
            tuple(post_claims(claims, checkout.checkout_id)),
            facts=facts,
            document_id=checkout.checkout_id,
        ),
    )
    if outcome.passed:
        return True
    taken = take_claims(claims, checkout.checkout_id, checkout.currency, salt="late", at_once=True)
    late = await lane.submit(
        market_id,
        Group(
            derive_id("market claims late", checkout.checkout_id),
            tuple(taken),
            facts=facts,
            document_id=checkout.checkout_id,
        ),
    )
    return late.passed


async def release_claims(
    db: Database, lane: Lane, market_id: MerchantId, checkout: MarketCheckout, why: str
) -> None:
    """Free what a checkout that is not paid holds of the market's promotions; what it holds no more is fine.

    A checkout that costs nothing took its claims at once: they are given back, once.
    """
    async with db.transaction(market_id, "read") as tx:
        pendings = await list_open_pendings(tx, document_id=checkout.checkout_id)
        moved = await list_document_transfers(tx, document_id=checkout.checkout_id)
    group_id = derive_id(why, checkout.checkout_id, *sorted(each.transfer_id for each in pendings))
    transfers = [void(each.transfer_id, why) for each in pendings]
    if not checkout.total_minor and _has_counted(moved):
        transfers += give_back_claims(claims_of(checkout), group_id, checkout.currency)
    await _give_back(lane, market_id, group_id, transfers, checkout)


def _has_counted(moved: Sequence[DocumentTransfer]) -> bool:
    return any(each.debit_kind in GONE and each.phase in (Phase.POST, Phase.POSTED) for each in moved)


async def return_claims(
    db: Database, lane: Lane, market_id: MerchantId, checkout: MarketCheckout, order: MarketOrder
) -> None:
    """An order of a checkout whose claims counted was called off: its part of budgets is free again, and once no order
    stands any more, so is everything else."""
    async with db.transaction(market_id, "read") as tx:
        moved = await list_document_transfers(tx, document_id=checkout.checkout_id)
    if not _has_counted(moved):
        return
    group_id = derive_id("market budget back", checkout.checkout_id, order.order_id)
    budgets = [
        msgspec.structs.replace(claim, amount=share.amount_minor)
        for each in checkout.discounts
        for share in each.shares
        for claim in each.claims
        if claim.kind == "budget" and share.member_id == order.member_id and share.amount_minor
    ]
    await _give_back(
        lane, market_id, group_id, give_back_claims(budgets, group_id, checkout.currency), checkout
    )
    for other in checkout.orders:
        async with db.transaction(MerchantId(other.member_id), "read") as tx:
            if (await load_order(tx, order_id=other.order_id)).state not in ("cancelled", "expired"):
                return
    group_id = derive_id("market claims back", checkout.checkout_id)
    rest = [claim for claim in claims_of(checkout) if claim.kind != "budget"]
    await _give_back(lane, market_id, group_id, give_back_claims(rest, group_id, checkout.currency), checkout)


async def _give_back(
    lane: Lane, market_id: MerchantId, group_id: UUID, transfers: list[Transfer], checkout: MarketCheckout
) -> None:
    if transfers:
        outcome = await lane.submit(
            market_id, Group(group_id, tuple(transfers), document_id=checkout.checkout_id)
        )
        # A twin that was faster has resolved the same reservations: they are free all the same.
        assert outcome.passed or outcome.faults, "what counted can be given back"
