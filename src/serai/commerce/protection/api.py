"""Price protection: what can be claimed of an order, and claiming it. The refund and the claim are one group of the lane."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import msgspec

from serai.commerce.aftersale.api import Back, charge_lines, fund_lines, load_line_money, refund_order
from serai.commerce.catalogue.api import list_sale_items
from serai.commerce.order.api import load_order
from serai.commerce.order.types import Order
from serai.commerce.price.api import price_items
from serai.commerce.price.types import Buyer
from serai.commerce.protection import store
from serai.commerce.protection.events import PriceClaimed
from serai.commerce.protection.logic import measure_line, protected_until, read_kinds
from serai.commerce.protection.types import Claimable, PriceClaim
from serai.commerce.returns.api import list_order_returns
from serai.commerce.returns.types import OPEN
from serai.commerce.settings import CommerceSettings
from serai.commerce.types import Commerce, Page
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, Invalid, NotFound, Refused, _
from serai.foundation.event import Fact, append_facts
from serai.foundation.ids import MerchantId, derive_id
from serai.ledger.types import Write

__all__ = ["Claimable", "PriceClaim", "claim_price", "list_claimable", "list_claims", "list_order_claims"]

MAX_PAGE = 100


async def list_claimable(
    tx: Transaction, *, order: Order, settings: CommerceSettings
) -> tuple[Claimable, ...]:
    """The lines of a paid order whose public price is below what was paid for them, within the days of protection.

    The public price is that of one unit for everybody in the order's channel. A line that was claimed is left out.
    """
    until = protected_until(order, settings.price_protection_days)
    # What a presale costs is settled for all its buyers together.
    if until is None or clock.now() >= until or order.presale_id is not None:
        return ()
    sku_ids = [line.sku_id for line in order.lines]
    items = await list_sale_items(tx, sku_ids=sku_ids)
    prices = await price_items(tx, items=items, buyer=Buyer(order.channel))
    claimed = {claim.line_no for claim in await list_order_claims(tx, order_id=order.order_id)}
    excluded = read_kinds(settings.price_protection_excludes)
    kept, left = await _count_kept(tx, order), await load_line_money(tx, order)
    measured = (
        measure_line(
            line,
            prices.get(line.sku_id),
            scale=items[line.sku_id].scale if line.sku_id in items else 0,
            kept=kept[line.line_no],
            excluded=excluded,
            refundable_minor=min(order.refundable_minor, left[line.line_no]),
            until=until,
        )
        for line in order.lines
        if line.line_no not in claimed
    )
    return tuple(found for found in measured if found is not None)


async def _count_kept(tx: Transaction, order: Order) -> dict[int, int]:
    """Per line how much of it stays with the buyer: neither came back nor is announced."""
    kept = {line.line_no: line.quantity for line in order.lines}
    for found in await list_order_returns(tx, order_id=order.order_id):
        is_awaited = found.state in OPEN and found.received_at is None
        for line in found.lines:
            kept[line.line_no] -= line.quantity if is_awaited else line.accepted
    return kept


async def list_order_claims(tx: Transaction, *, order_id: UUID) -> list[PriceClaim]:
    """What was claimed of an order."""
    return [PriceClaim(*row.values()) for row in await store.list_order_claims(tx, order_id)]


async def list_claims(tx: Transaction, *, cursor: str | None = None, limit: int = 50) -> Page[PriceClaim]:
    """All claims, the newest first. Invalid ``list.cursor_invalid``."""
    limit = max(1, min(limit, MAX_PAGE))
    rows = await store.list_claims(tx, _read_cursor(cursor), limit + 1)
    items = tuple(PriceClaim(*row.values()) for row in rows[:limit])
    more = f"{items[-1].claimed_at.isoformat()}|{items[-1].claim_id}" if len(rows) > limit else None
    return Page(items, more)


def _read_cursor(cursor: str | None) -> tuple[datetime, UUID] | None:
    if not cursor:
        return None
    moment, _bar, claim_id = cursor.partition("|")
    try:
        at = datetime.fromisoformat(moment)
        if at.tzinfo is None:
            raise ValueError(moment)
        return at.astimezone(UTC), UUID(claim_id)
    except (ValueError, OverflowError) as error:
        raise Invalid("list.cursor_invalid", _("This list cannot be continued from there.")) from error


class NewClaim(msgspec.Struct, frozen=True):
    """A claim as it is written beside its refund."""

    claim_id: UUID
    order_id: UUID
    claim: Claimable
    currency: str
    by: str


async def claim_price(
    commerce: Commerce, merchant_id: MerchantId, *, order_id: UUID, line_no: int, by: str
) -> PriceClaim:
    """Give back what the price of a line has fallen by. A line is claimed once; asking again answers with that claim.

    Raises:
        NotFound: ``order.unknown``, ``order.line_unknown``.
        Conflict: ``protection.nothing`` when the price has not fallen, or the protection is over.
        Invalid: ``refund.amount_invalid``, ``refund.split`` when the money has gone back in another way meanwhile.
    """
    try:
        await _submit_claim(commerce, merchant_id, order_id, line_no, by)
    except Refused:
        # A twin of this call may have claimed between two of our reads: what it took is not missing.
        granted = await _load_claim(commerce, merchant_id, order_id, line_no)
        if granted is None:
            raise
        return granted
    granted = await _load_claim(commerce, merchant_id, order_id, line_no)
    assert granted is not None, "the claim commits with its refund"
    return granted


async def _submit_claim(
    commerce: Commerce, merchant_id: MerchantId, order_id: UUID, line_no: int, by: str
) -> None:
    async with commerce.db.transaction(merchant_id, "read") as tx:
        order = await load_order(tx, order_id=order_id)
        if not any(line.line_no == line_no for line in order.lines):
            raise NotFound("order.line_unknown", _("There is no such line in this order."))
        found = await list_claimable(tx, order=order, settings=commerce.settings)
    claim = next((each for each in found if each.line_no == line_no), None)
    if claim is None:
        raise Conflict(
            "protection.nothing",
            _("There is nothing to claim: the price has not fallen, or the time is over."),
        )
    # The id follows from the line, and the refund's from it: a twin of this call is the same group of the lane.
    key = f"price claim {line_no}"
    new = NewClaim(derive_id("refund", order_id, key), order_id, claim, order.currency, by)
    await fund_lines(commerce, merchant_id, order)

    async def beside(_tx: Transaction, order: Order) -> Back:
        return Back(tuple(charge_lines(order, {line_no: claim.amount_minor}, new.claim_id)))

    await refund_order(
        commerce,
        merchant_id,
        order_id=order_id,
        amount_minor=claim.amount_minor,
        reason="price protection",
        by=by,
        key=key,
        writes=(Write(write_claims, new),),
        beside=beside,
    )


async def _load_claim(
    commerce: Commerce, merchant_id: MerchantId, order_id: UUID, line_no: int
) -> PriceClaim | None:
    async with commerce.db.transaction(merchant_id, "read") as tx:
        claims = await list_order_claims(tx, order_id=order_id)
    return next((claim for claim in claims if claim.line_no == line_no), None)


async def write_claims(tx: Transaction, rows: Sequence[NewClaim]) -> None:
    """Write claims and tell of them; a writer for the lane's batches."""
    now = clock.now()
    await store.insert_claims(
        tx,
        (
            [row.claim_id for row in rows],
            [row.order_id for row in rows],
            [row.claim.line_no for row in rows],
            # The days of protection are one window, counted from the payment.
            [0 for _row in rows],
            [row.claim.sku_id for row in rows],
            [row.claim.quantity for row in rows],
            [row.claim.paid_minor for row in rows],
            [row.claim.now_minor for row in rows],
            [row.claim.amount_minor for row in rows],
            [row.currency for row in rows],
            [row.by for row in rows],
            [now for _row in rows],
        ),
    )
    await append_facts(
        tx,
        [
            Fact(
                row.order_id,
                PriceClaimed(
                    row.order_id,
                    row.claim_id,
                    row.claim.line_no,
                    row.claim.sku_id,
                    row.claim.amount_minor,
                    row.currency,
                    row.by,
                ),
            )
            for row in rows
        ],
    )
