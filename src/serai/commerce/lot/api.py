"""Lots: goods that are kept by them, where they lie, which leave first, and who got them.

Every movement of such goods moves lots in the same group. What came by a way that knows no lots (an import, a return) is put
into the lot without a code by :func:`align_lots`, which the worker calls.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from uuid import UUID

import msgspec

from serai.commerce.catalogue.api import load_variant
from serai.commerce.lot import store
from serai.commerce.lot.logic import sort_lots, take_first
from serai.commerce.lot.types import (
    CODE_LIMIT,
    LOT,
    ExpiringLot,
    LeavingLine,
    Lot,
    LotLevel,
    LotMark,
    LotOrder,
    LotPlan,
    LotRule,
    ParcelLot,
    alignment_control,
    alignments,
    lot_account,
    lot_control,
    make_lot,
)
from serai.commerce.place.api import list_places
from serai.commerce.types import Commerce
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, Invalid, NotFound, _
from serai.foundation.ids import MerchantId, derive_id
from serai.identity.audit.api import AuditRow, record_rows
from serai.ledger import api as ledger
from serai.ledger.types import Group, Transfer, Write, posted

__all__ = ["Lot", "LotLevel", "LotMark", "LotPlan", "LotRule"]

ATTEMPTS = 5
# How far back expired lots are still looked for, how many of them, and how many orders of a lot are told.
LOOK_BACK_DAYS = 400
MOST = 1_000
# A flow of steps: from a place (None: from outside) to a place (None: out).
Flow = tuple[UUID | None, UUID | None, int]


async def find_rules(tx: Transaction, *, sku_ids: Sequence[UUID]) -> dict[UUID, LotRule]:
    """Those of some SKUs that are kept by lots."""
    return {row["sku_id"]: LotRule(*row.values()) for row in await store.list_rules(tx, sku_ids)}


async def list_levels(tx: Transaction, *, sku_ids: Sequence[UUID]) -> list[LotLevel]:
    """What of each lot of some SKUs lies where, what expires first first; empty lots are left out."""
    lots = {row["lot_id"]: Lot(*row.values()) for row in await store.list_lots(tx, sku_ids)}
    if not lots:
        return []
    return sort_lots(
        [
            LotLevel(
                lot_id, lots[lot_id].sku_id, lots[lot_id].code, lots[lot_id].best_before, place_id, b.posted
            )
            for lot_id, place_id, b in await ledger.list_subject_balances(
                tx, kind=LOT, subject_ids=list(lots)
            )
            if place_id is not None and b.posted > 0
        ]
    )


async def count_stale(
    tx: Transaction, *, sku_ids: Sequence[UUID], place_ids: Sequence[UUID]
) -> dict[UUID, dict[UUID, int]]:
    """Per place how many steps of each SKU may not be sent any more; empty for goods that are not kept by lots."""
    rules = await find_rules(tx, sku_ids=sku_ids)
    found: dict[UUID, dict[UUID, int]] = {place_id: {} for place_id in place_ids}
    if not rules:
        return found
    today = clock.now().date()
    for each in await list_levels(tx, sku_ids=list(rules)):
        if each.place_id in found and not each.is_good(today, rules[each.sku_id].rest_days):
            of_place = found[each.place_id]
            of_place[each.sku_id] = of_place.get(each.sku_id, 0) + each.on_hand
    return found


def check_mark(mark: LotMark) -> LotMark:
    """Invalid ``lot.code_missing`` for one without a code, ``lot.code_long``."""
    code = " ".join(mark.code.split())
    if not code:
        raise Invalid("lot.code_missing", _("Please give the lot's code."), field="lot")
    if len(code) > CODE_LIMIT or not code.isprintable():
        raise Invalid("lot.code_long", _("A lot's code has at most 40 characters."), field="lot")
    return msgspec.structs.replace(mark, code=code)


async def plan_lots(
    tx: Transaction, *, group_id: UUID, sku_id: UUID, flows: Sequence[Flow], mark: LotMark | None = None
) -> LotPlan:
    """What flows of a SKU move of its lots; nothing where it is not kept by lots.

    What comes in is of the lot ``mark`` (without one, of the lot without a code); what goes takes first what expires first.
    """
    if not await store.list_rules(tx, [sku_id]):
        return LotPlan()
    levels = await list_levels(tx, sku_ids=[sku_id])
    transfers: list[Transfer] = []
    writes: list[Write] = []
    control = lot_control(sku_id)

    def move(lot_id: UUID, source: UUID | None, goal: UUID | None, count: int) -> None:
        debit = lot_account(lot_id, sku_id, goal) if goal else control
        credit = lot_account(lot_id, sku_id, source) if source else control
        transfers.append(posted(derive_id(group_id, "lot", len(transfers)), debit, credit, count, "lot"))

    for source, goal, count in flows:
        if source is None:
            lot = make_lot(sku_id, mark or LotMark())
            writes.append(Write(insert_lots, lot))
            move(lot.lot_id, None, goal, count)
            continue
        taken, _missing = take_first([each for each in levels if each.place_id == source], count)
        for level, steps in taken:
            move(level.lot_id, source, goal, steps)
    return LotPlan(tuple(transfers), tuple(writes))


async def plan_leaving(tx: Transaction, *, group_id: UUID, lines: Sequence[LeavingLine]) -> LotPlan:
    """From which lots goods that leave in parcels are taken: what expires first, of what may still be sent.

    Raises:
        Conflict: ``lot.expired`` with ``left`` when too little of it is good for long enough.
    """
    rules = await find_rules(tx, sku_ids=list({line.sku_id for line in lines}))
    if not rules:
        return LotPlan()
    today = clock.now().date()
    levels = {
        (each.lot_id, each.place_id): each
        for each in await list_levels(tx, sku_ids=list(rules))
        if each.is_good(today, rules[each.sku_id].rest_days)
    }
    transfers: list[Transfer] = []
    writes: list[Write] = []
    for line in lines:
        if line.sku_id not in rules:
            continue
        mine = [e for e in levels.values() if (e.sku_id, e.place_id) == (line.sku_id, line.place_id)]
        taken, missing = take_first(mine, line.quantity)
        if missing:
            raise Conflict(
                "lot.expired",
                _("Only %(left)s of line %(line_no)s are good for long enough to be sent."),
                left=line.quantity - missing,
                line_no=line.line_no,
            )
        for level, count in taken:
            key = level.lot_id, level.place_id
            levels[key] = msgspec.structs.replace(level, on_hand=level.on_hand - count)
            place = lot_account(level.lot_id, level.sku_id, level.place_id)
            transfer_id = derive_id(group_id, "lot", len(transfers))
            transfers.append(posted(transfer_id, lot_control(line.sku_id), place, count, "shipped"))
            row = ParcelLot(line.parcel_id, line.line_no, line.sku_id, level.lot_id, count)
            writes.append(Write(insert_parcel_lots, row))
    return LotPlan(tuple(transfers), tuple(writes))


async def insert_lots(tx: Transaction, rows: Sequence[Lot]) -> None:
    """Lots; a writer for the lane's batches."""
    await store.insert_lots(tx, list({row.lot_id: row for row in rows}.values()), clock.now())


async def insert_parcel_lots(tx: Transaction, rows: Sequence[ParcelLot]) -> None:
    """Lots of parcels; a writer for the lane's batches."""
    await store.insert_parcel_lots(tx, rows)


async def keep_lots(
    commerce: Commerce, merchant_id: MerchantId, *, sku_id: UUID, rest_days: int | None, by: str
) -> None:
    """Keep a SKU by lots from now on (None: no longer). What lies there already is of the lot without a code.

    Saying it again changes nothing.

    Raises:
        Invalid: ``lot.rest_invalid``. NotFound: ``product.unknown``.
    """
    if rest_days is not None and not 0 <= rest_days <= 3650:
        raise Invalid("lot.rest_invalid", _("Please give days from 0 to 3650."), field="rest_days")
    async with commerce.db.transaction(merchant_id) as tx:
        await load_variant(tx, sku_id=sku_id)
        before = (await find_rules(tx, sku_ids=[sku_id])).get(sku_id)
        if (before.rest_days if before else None) == rest_days:
            return
        if rest_days is None:
            await store.delete_rule(tx, sku_id)
        else:
            await store.save_rule(tx, LotRule(sku_id, rest_days), by, clock.now())
        old = {"rest_days": before.rest_days} if before else None
        row = AuditRow(by, "sku.lots_kept", "sku", str(sku_id), old, {"rest_days": rest_days})
        await record_rows(tx, [row])
    if rest_days is not None:
        await align_lots(commerce, merchant_id, sku_id=sku_id)


async def align_lots(commerce: Commerce, merchant_id: MerchantId, *, sku_id: UUID) -> bool:
    """Let the lots of a SKU come to its stock at every place: what has no lot gets the one without a code.

    Returns whether anything was wrong. Alignments of a SKU take turns: one that was planned before another was done changes
    nothing and is planned anew, so a difference is never made up for twice.
    """
    for _attempt in range(ATTEMPTS):
        async with commerce.db.transaction(merchant_id, "snapshot") as tx:
            group = await plan_alignment(tx, sku_id)
        if group is None:
            return False
        outcome = await commerce.lane.submit(merchant_id, group)
        if outcome.passed and not outcome.replayed:
            return True
    return True


async def plan_alignment(tx: Transaction, sku_id: UUID) -> Group | None:
    """The group that makes up for what is missing or too much, None when nothing is."""
    stock = await ledger.list_subject_balances(tx, kind="stock", subject_ids=[sku_id])
    levels = await list_levels(tx, sku_ids=[sku_id])
    count = alignments(sku_id)
    turn = (await ledger.load_balances(tx, account_ids=[count.account_id]))[count.account_id].posted
    name = derive_id("aligned", sku_id, turn)
    transfers = [posted(derive_id(name, "turn"), count, alignment_control(sku_id), 1, "aligned")]
    writes: list[Write] = []
    control = lot_control(sku_id)
    for _sku_id, place_id, balance in stock:
        if place_id is None:
            continue
        here = [each for each in levels if each.place_id == place_id]
        missing = balance.posted - sum(each.on_hand for each in here)
        if missing > 0:
            lot = make_lot(sku_id, LotMark())
            writes.append(Write(insert_lots, lot))
            move = (lot_account(lot.lot_id, sku_id, place_id), control, missing)
            transfers.append(posted(derive_id(name, len(transfers)), *move, "aligned"))
        for level, steps in take_first(here, -missing)[0] if missing < 0 else ():
            out = (control, lot_account(level.lot_id, sku_id, place_id), steps)
            transfers.append(posted(derive_id(name, len(transfers)), *out, "aligned"))
    if len(transfers) == 1:
        return None
    return Group(name, tuple(transfers), tuple(writes))


async def load_lot(tx: Transaction, *, lot_id: UUID) -> Lot:
    """A lot. NotFound ``lot.unknown``."""
    row = await store.find_lot(tx, lot_id)
    if row is None:
        raise NotFound("lot.unknown", _("There is no such lot."))
    return Lot(*row.values())


async def list_expiring(tx: Transaction, *, until: date, place_id: UUID | None = None) -> list[ExpiringLot]:
    """What lies somewhere and expires until a day, or has; the earliest first, at most 1,000 lots of the last 400 days on."""
    today = clock.now().date()
    rows = await store.list_dated(tx, today - timedelta(days=LOOK_BACK_DAYS), until, MOST)
    of = {row["lot_id"]: row for row in rows}
    names = {place.place_id: place.name for place in await list_places(tx)}
    found = []
    for each in await list_levels(tx, sku_ids=list({row["sku_id"] for row in rows})):
        if each.lot_id not in of or place_id not in (None, each.place_id) or each.best_before is None:
            continue
        row = of[each.lot_id]
        days = (each.best_before - today).days
        name = names.get(each.place_id, "")
        found.append(
            ExpiringLot(each, row["title"], row["sku"], name, days, each.is_good(today, row["rest_days"]))
        )
    return found


async def list_lot_orders(tx: Transaction, *, lot_id: UUID) -> tuple[LotOrder, ...]:
    """The orders that got goods of a lot, the latest first, at most 1,000. NotFound ``lot.unknown``."""
    await load_lot(tx, lot_id=lot_id)
    return tuple(LotOrder(*row.values()) for row in await store.list_orders(tx, lot_id, MOST))
