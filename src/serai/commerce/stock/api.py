"""Stock: levels and histories from the ledger, and the three movements staff make through the lane.

Every movement carries a key: the same key again changes nothing, so a form sent twice counts once. A text is a key among
the movements of its SKU and place; a UUID is the movement's own id.
"""

from collections.abc import Mapping, Sequence
from typing import Literal
from uuid import UUID

from serai.commerce.catalogue.api import BundlePart, find_variant, load_parts
from serai.commerce.lot.api import check_mark, find_rules, plan_lots
from serai.commerce.lot.types import LOT, LotMark, LotPlan
from serai.commerce.place.api import list_places, load_place
from serai.commerce.search import api as search
from serai.commerce.stock import store
from serai.commerce.stock.events import StockMoved
from serai.commerce.stock.logic import count_bundles, list_stocked, share_stock
from serai.commerce.stock.types import (
    STOCK,
    Movement,
    StockLevel,
    StockRow,
    customer_account,
    shrink_account,
    stock_account,
    supplier_account,
)
from serai.commerce.types import Commerce, Page
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, Invalid, NotFound, _
from serai.foundation.event import Fact
from serai.foundation.ids import MerchantId, derive_id
from serai.identity.audit.api import AuditRow, record_rows
from serai.ledger import api as ledger
from serai.ledger.types import Account, Group, Phase, Transfer, Write, posted

__all__ = ["Movement", "StockLevel", "StockRow", "customer_account", "stock_account", "supplier_account"]

MAX_QUANTITY = 10_000_000
LOW = 5
ATTEMPTS = 20
PHASES = {Phase.POSTED: "posted", Phase.PENDING: "reserved", Phase.POST: "shipped", Phase.VOID: "released"}


async def load_available(tx: Transaction, *, sku_ids: Sequence[UUID], place_id: UUID) -> dict[UUID, int]:
    """What may be sold of each SKU at a place; 0 where it was never stocked. Of a bundle: what its parts make."""
    parts = await load_parts(tx, sku_ids=sku_ids)
    own = await _load_own(tx, list_stocked(sku_ids, parts), place_id)
    return {sku_id: count_bundles(sku_id, parts, own) for sku_id in sku_ids}


async def find_available(tx: Transaction, *, wanted: Mapping[UUID, int]) -> set[UUID]:
    """Those of some variants of which at least so many steps can be had at one active place; bundles by their parts."""
    parts = await load_parts(tx, sku_ids=list(wanted))
    active = {place.place_id for place in await list_places(tx)}
    by_place: dict[UUID, dict[UUID, int]] = {}
    for sku_id, place_id, balance in await ledger.list_subject_balances(
        tx, kind=STOCK, subject_ids=list_stocked(list(wanted), parts)
    ):
        if place_id in active and balance.available > 0:
            by_place.setdefault(place_id, {})[sku_id] = balance.available
    return {
        sku_id
        for own in by_place.values()
        for sku_id, steps in wanted.items()
        if count_bundles(sku_id, parts, own) >= steps
    }


async def _load_own(tx: Transaction, sku_ids: Sequence[UUID], place_id: UUID) -> dict[UUID, int]:
    accounts = {sku_id: stock_account(sku_id, place_id).account_id for sku_id in sku_ids}
    balances = await ledger.load_balances(tx, account_ids=list(accounts.values()))
    return {sku_id: max(0, balances[account_id].available) for sku_id, account_id in accounts.items()}


async def allot(
    tx: Transaction, *, wanted: Sequence[tuple[UUID, int]], place_ids: Sequence[UUID]
) -> tuple[list[int], dict[UUID, tuple[BundlePart, ...]]]:
    """What each line of a cart can have, lines in their order: what one takes is gone for the next, in bundles too.

    Returns, for each line, the most it could have after the lines before it (at the best of the places), and what the
    bundles among them consist of.
    """
    sku_ids = [sku_id for sku_id, _quantity in wanted]
    parts = await load_parts(tx, sku_ids=sku_ids)
    best = [0] * len(wanted)
    for place_id in dict.fromkeys(place_ids):
        own = await _load_own(tx, list_stocked(sku_ids, parts), place_id)
        best = [max(pair) for pair in zip(best, share_stock(wanted, parts, own), strict=True)]
    return best, parts


async def list_levels(tx: Transaction, *, sku_id: UUID) -> list[StockLevel]:
    """Every place that has or had the SKU, in the merchant's order of places."""
    parts = (await load_parts(tx, sku_ids=[sku_id])).get(sku_id)
    if parts:
        return await list_bundle_levels(tx, sku_id=sku_id, parts=parts)
    balances = {
        place_id: balance
        for _sku_id, place_id, balance in await ledger.list_subject_balances(
            tx, kind=STOCK, subject_ids=[sku_id]
        )
    }
    return [
        StockLevel(sku_id, p.place_id, p.code, p.name, b.posted, b.reserved, b.available)
        for p in await list_places(tx)
        if (b := balances.get(p.place_id)) is not None
    ]


async def list_bundle_levels(
    tx: Transaction, *, sku_id: UUID, parts: tuple[BundlePart, ...]
) -> list[StockLevel]:
    """How many bundles the parts at each place make; nothing of a bundle is on hand or reserved as such."""
    by_place: dict[UUID, dict[UUID, int]] = {}
    for part_id, place_id, balance in await ledger.list_subject_balances(
        tx, kind=STOCK, subject_ids=[part.sku_id for part in parts]
    ):
        if place_id is not None:
            by_place.setdefault(place_id, {})[part_id] = max(0, balance.available)
    levels = []
    for place in await list_places(tx):
        if place.place_id in by_place:
            count = count_bundles(sku_id, {sku_id: parts}, by_place[place.place_id])
            levels.append(StockLevel(sku_id, place.place_id, place.code, place.name, count, 0, count))
    return levels


async def list_stock(
    tx: Transaction,
    *,
    place_id: UUID,
    query: str = "",
    state: Literal["all", "low", "out"] = "all",
    cursor: str | None = None,
    limit: int = 50,
) -> Page[StockRow]:
    """A place's stock list. ``low``: at most 5 available, ``out``: none. With a query, products that match its words."""
    after = _uuid_cursor(cursor)
    limit = max(1, min(limit, 100))
    if query.strip():
        return await _search_stock(tx, place_id, query, after, limit)
    most = {"all": None, "low": LOW, "out": 0}.get(state)
    rows = await ledger.list_place_balances(
        tx, kind=STOCK, place_id=place_id, most_available=most, after=after, limit=limit + 1
    )
    titles = {row["sku_id"]: row for row in await store.list_titles(tx, [sku_id for sku_id, _b in rows])}
    items = tuple(
        StockRow(*(*titles[sku_id].values(), b.posted, b.reserved, b.available))
        for sku_id, b in rows[:limit]
        if sku_id in titles
    )
    return Page(items, str(rows[limit - 1][0]) if len(rows) > limit else None)


async def _search_stock(
    tx: Transaction, place_id: UUID, query: str, after: UUID | None, limit: int
) -> Page[StockRow]:
    prepared = await search.prepare_query(tx, query)
    if prepared is None:
        return Page(())
    rows = await store.list_matching(tx, prepared.match, after, limit + 1)
    accounts = [stock_account(row["sku_id"], place_id).account_id for row in rows]
    balances = await ledger.load_balances(tx, account_ids=accounts)
    items = tuple(
        StockRow(*(*row.values(), balances[a].posted, balances[a].reserved, balances[a].available))
        for row, a in zip(rows[:limit], accounts[:limit], strict=True)
    )
    return Page(items, str(rows[limit - 1]["sku_id"]) if len(rows) > limit else None)


def _uuid_cursor(cursor: str | None) -> UUID | None:
    if not cursor:
        return None
    try:
        return UUID(cursor)
    except ValueError as error:
        raise Invalid("list.cursor_invalid", _("This list cannot be continued from there.")) from error


async def list_movements(
    tx: Transaction, *, sku_id: UUID, place_id: UUID, cursor: str | None = None, limit: int = 50
) -> Page[Movement]:
    """The ledger behind a number: every movement of a SKU at a place, the newest first, with the running count."""
    limit = max(1, min(limit, 200))
    entries = await ledger.list_entries(
        tx,
        account_id=stock_account(sku_id, place_id).account_id,
        before=_uuid_cursor(cursor),
        limit=limit + 1,
    )
    names = {place.place_id: place.name for place in await list_places(tx)}
    items = tuple(
        Movement(
            e.transfer_id,
            e.recorded_at,
            PHASES[e.phase],
            e.amount,
            e.reason,
            e.document_id,
            e.group_id,
            names.get(e.other_place_id, e.other_kind) if e.other_place_id else e.other_kind,
            e.balance_after,
        )
        for e in entries[:limit]
    )
    return Page(items, str(entries[limit - 1].transfer_id) if len(entries) > limit else None)


def check_quantity(quantity: int, *, least: int = 1) -> None:
    """Invalid ``stock.quantity_invalid`` unless it is a whole number within the limits."""
    if isinstance(quantity, bool) or not isinstance(quantity, int) or not least <= quantity <= MAX_QUANTITY:
        raise Invalid(
            "stock.quantity_invalid",
            _("Please give a whole number from 1 to %(most)s."),
            field="quantity",
            most=MAX_QUANTITY,
        )


async def receive_stock(
    commerce: Commerce,
    merchant_id: MerchantId,
    *,
    sku_id: UUID,
    place_id: UUID,
    quantity: int,
    reason: str,
    by: str,
    key: str | UUID,
    lot: LotMark | None = None,
) -> bool:
    """Take goods in from the supplier. False when this key was done before.

    ``lot``: what is printed on goods that are kept by lots; of others nothing is kept.

    Raises:
        Invalid: ``stock.quantity_invalid``; ``lot.code_missing`` for goods that are kept by lots; ``lot.code_long``.
        NotFound: ``product.unknown``, ``place.unknown``.
    """
    check_quantity(quantity)
    async with commerce.db.transaction(merchant_id, "read") as tx:
        kept = await find_rules(tx, sku_ids=[sku_id])
    lot = check_mark(lot or LotMark()) if kept else None
    move = (stock_account(sku_id, place_id), supplier_account(sku_id), quantity)
    return await _move(
        commerce, merchant_id, "received", sku_id, place_id, [place_id], [move], reason, by, key, lot
    )


async def adjust_stock(
    commerce: Commerce,
    merchant_id: MerchantId,
    *,
    sku_id: UUID,
    place_id: UUID,
    delta: int,
    reason: str,
    by: str,
    key: str | UUID,
) -> bool:
    """Correct the books to what was counted: ``delta`` may be negative, but not below what is reserved.

    Raises:
        Invalid: ``stock.quantity_invalid``, ``stock.reason_missing``.
        Conflict: ``stock.short`` with ``available``.
    """
    check_quantity(abs(delta))
    if not reason.strip():
        raise Invalid("stock.reason_missing", _("Please give a reason."), field="reason")
    here, shrink = stock_account(sku_id, place_id), shrink_account(sku_id)
    move = (here, shrink, delta) if delta > 0 else (shrink, here, -delta)
    return await _move(
        commerce, merchant_id, "adjusted", sku_id, place_id, [place_id], [move], reason, by, key
    )


async def transfer_stock(
    commerce: Commerce,
    merchant_id: MerchantId,
    *,
    sku_id: UUID,
    from_place_id: UUID,
    to_place_id: UUID,
    quantity: int,
    reason: str,
    by: str,
    key: str | UUID,
) -> bool:
    """Move goods from one place to another.

    Raises:
        Invalid: ``stock.quantity_invalid``, ``stock.same_place``.
        Conflict: ``stock.short`` with ``available``.
    """
    check_quantity(quantity)
    if from_place_id == to_place_id:
        raise Invalid("stock.same_place", _("Please choose two different places."), field="to_place_id")
    move = (stock_account(sku_id, to_place_id), stock_account(sku_id, from_place_id), quantity)
    places = [from_place_id, to_place_id]
    return await _move(
        commerce, merchant_id, "transferred", sku_id, from_place_id, places, [move], reason, by, key
    )


def _place_of(account: Account) -> UUID | None:
    """The place of a stock account; None of the world outside."""
    return account.place_id if account.kind == STOCK else None


async def _move(
    commerce: Commerce,
    merchant_id: MerchantId,
    kind: str,
    sku_id: UUID,
    place_id: UUID,
    place_ids: list[UUID],
    moves: list[tuple[Account, Account, int]],
    reason: str,
    by: str,
    key: str | UUID,
    lot: LotMark | None = None,
) -> bool:
    async with commerce.db.transaction(merchant_id, "read") as tx:
        if await find_variant(tx, sku_id=sku_id) is None:
            raise NotFound("product.unknown", _("There is no such product."))
        if await load_parts(tx, sku_ids=[sku_id]):
            raise Conflict("stock.is_bundle", _("A bundle has no stock of its own; please move its parts."))
        for each in place_ids:
            await load_place(tx, place_id=each)
    # The id of a call stands for it whatever is moved: the same call with another SKU in it is still a repeat.
    group_id = key if isinstance(key, UUID) else derive_id("stock", kind, sku_id, place_id, key)
    reason = " ".join(reason.split())[:200] or kind
    transfers: list[Transfer] = [
        posted(derive_id(group_id, n), debit, credit, amount, reason)
        for n, (debit, credit, amount) in enumerate(moves)
    ]
    debit, _credit, amount = moves[0]
    signed = amount if debit.place_id == place_id and kind != "transferred" else -amount
    moved = StockMoved(sku_id, place_id, signed, kind, reason, by)
    details = {"place_ids": [str(p) for p in place_ids], "quantity": signed, "reason": reason}
    row = AuditRow(by, f"stock.{kind}", "sku", str(sku_id), None, details)
    flows = [(_place_of(credit), _place_of(debit), amount) for debit, credit, amount in moves]

    def make_group(lots: LotPlan) -> Group:
        writes = (Write(record_rows, row), *lots.writes)
        return Group(group_id, (*transfers, *lots.transfers), writes, (Fact(sku_id, moved),))

    for _attempt in range(ATTEMPTS):
        async with commerce.db.transaction(merchant_id, "read") as tx:
            lots = await plan_lots(tx, group_id=group_id, sku_id=sku_id, flows=flows, mark=lot)
        outcome = await commerce.lane.submit(merchant_id, make_group(lots))
        # Lots that somebody else took meanwhile are chosen anew.
        if not any(each.kind == LOT for each in outcome.shortages):
            break
    if outcome.shortages:
        raise Conflict(
            "stock.short",
            _("Only %(available)s are available there."),
            available=outcome.shortages[0].available,
            wanted=outcome.shortages[0].wanted,
        )
    return not outcome.replayed
