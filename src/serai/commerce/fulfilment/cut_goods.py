"""Part of an order will not come: it is short, weighs less, or was called off. Its reservation ends and its share goes back.

All in one group under the order's turn: stock, the refund (tenders first), the signed cut, and, when nothing else is open,
the order's end. An order of which nothing has left and nothing would be left is cancelled as a whole instead.
"""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from serai.commerce.aftersale.api import ask_refunds, cancel_order, plan_part_refund
from serai.commerce.fulfilment.change_order import Change, Plan, change_order
from serai.commerce.fulfilment.pack_parcel import choose_goods, choose_place
from serai.commerce.fulfilment.types import Content
from serai.commerce.order.api import (
    Standing,
    check_move,
    deferred_of,
    load_order,
    make_stamp,
    resolve_hold,
    stamp_orders,
    value_steps,
)
from serai.commerce.order.events import CutLine, OrderCut, OrderFulfilled
from serai.commerce.order.types import Order
from serai.commerce.parcel.api import insert_cuts
from serai.commerce.parcel.types import Cut, CutKind, Goods
from serai.commerce.payment.types import deferred_sales, order_due, sales
from serai.commerce.types import Commerce
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, _
from serai.foundation.event import Fact
from serai.foundation.ids import MerchantId, derive_id
from serai.identity.audit.api import AuditRow, record_rows
from serai.ledger.types import Phase, Transfer, Write, posted, void


class WholeOrder(Exception):
    """Nothing of the order would be left, and nothing has left: it is to be cancelled instead."""


class Wish(msgspec.Struct, frozen=True):
    """Why something is cut, who says so, and what it is known by."""

    kind: CutKind
    reason: str
    by: str
    key: str


async def cut_goods(
    commerce: Commerce,
    merchant_id: MerchantId,
    *,
    order_id: UUID,
    contents: Sequence[Content],
    kind: CutKind,
    reason: str,
    by: str,
    key: str | UUID,
    place_id: UUID | None = None,
) -> Order:
    """Take open goods out of an order; what was paid for them goes back. The same key again changes nothing.

    Raises:
        NotFound: ``order.unknown``.
        Invalid: ``parcel.line_unknown``, ``parcel.place_missing``, ``parcel.empty``.
        Conflict: ``parcel.too_much`` for more than is open and not packed, ``order.cannot_fulfil``.
    """
    wish = Wish(kind, " ".join(reason.split())[:200], by, str(key))

    async def plan(tx: Transaction, standing: Standing) -> Change | None:
        if is_done(standing, wish):
            return None
        check_move(standing.order, "fulfil")
        here = choose_place(standing, place_id)
        return await plan_cut(tx, standing, choose_goods(standing, here, contents), wish)

    return await finish_cut(commerce, merchant_id, order_id, plan, wish)


async def cancel_rest(
    commerce: Commerce, merchant_id: MerchantId, *, order_id: UUID, by: str, reason: str = ""
) -> Order:
    """Call off what has not left of an order, in parcels or not; an order of which nothing has left, as a whole.

    Doing it again changes nothing.

    Raises:
        NotFound: ``order.unknown``.
        Conflict: ``order.cannot_cancel`` once all of it has left, or it has ended; ``parcel.unpack_first`` while goods lie
            in packed parcels.
    """
    wish = Wish("cancelled", " ".join(reason.split())[:200], by, "rest")

    async def plan(tx: Transaction, standing: Standing) -> Change | None:
        order = standing.order
        if is_done(standing, wish):
            return None
        if order.state != "paid" or not any(each.shipped for each in standing.goods):
            raise WholeOrder
        if any(parcel.is_here for parcel in order.parcels):
            raise Conflict("parcel.unpack_first", _("Please unpack the parcels that are still here first."))
        return await plan_cut(tx, standing, [(each, each.open) for each in standing.open_goods], wish)

    return await finish_cut(commerce, merchant_id, order_id, plan, wish)


async def finish_cut(
    commerce: Commerce, merchant_id: MerchantId, order_id: UUID, plan: Plan, wish: Wish
) -> Order:
    """Do a change that cuts, and ask providers for the refund; where it is the whole order, cancel that."""
    try:
        standing = await change_order(commerce, merchant_id, order_id=order_id, plan=plan)
    except WholeOrder:
        return await cancel_order(commerce, merchant_id, order_id=order_id, by=wish.by, reason=wish.reason)
    await ask_refunds(commerce, merchant_id, order=standing.order)
    async with commerce.db.transaction(merchant_id, "read") as tx:
        return await load_order(tx, order_id=order_id)


def is_done(standing: Standing, wish: Wish) -> bool:
    """Whether a cut of this name was made, or the whole order was cancelled for it."""
    names = {name_cut(standing.order.order_id, each, wish.key) for each in standing.goods}
    return standing.order.state == "cancelled" or any(cut.cut_id in names for cut in standing.order.cuts)


def name_cut(order_id: UUID, goods: Goods, key: str) -> UUID:
    return derive_id("cut", order_id, key, goods.place_id, goods.line_no, goods.sku_id)


async def plan_cut(
    tx: Transaction, standing: Standing, chosen: Sequence[tuple[Goods, int]], wish: Wish
) -> Change:
    """The change that cuts steps of goods; the goods of the standing may have been changed by what goes with it.

    Raises:
        WholeOrder: nothing of the order has left, and nothing would be left of it.
    """
    order = standing.order
    cut = {each.key: count for each, count in chosen}
    left = sum(each.open for each in standing.goods) - sum(cut.values())
    has_left = any(each.shipped for each in standing.goods)
    if not left and not has_left:
        raise WholeOrder
    transfers, after = release(chosen)
    amounts = _value_cuts(standing, chosen)
    refund = await give_back(tx, standing, sum(amounts), wish)
    transfers += refund.transfers
    now = clock.now()
    cuts = [
        Cut(
            name_cut(order.order_id, each, wish.key),
            order.order_id,
            each.place_id,
            each.line_no,
            each.sku_id,
            count,
            wish.kind,
            -amount,
            derive_id("refund", order.order_id, f"cut:{wish.key}") if refund.facts else None,
            wish.reason,
            wish.by,
            now,
        )
        for (each, count), amount in zip(chosen, amounts, strict=True)
    ]
    lines = tuple(CutLine(each.line_no, each.sku_id, each.quantity, each.amount_minor) for each in cuts)
    told = OrderCut(order.order_id, lines, sum(amounts), wish.kind, wish.reason, wish.by)
    facts = [Fact(order.order_id, told), *refund.facts]
    details = {"kind": wish.kind, "amount_minor": sum(amounts), "reason": wish.reason}
    writes = [
        Write(record_rows, AuditRow(wish.by, "order.cut", "order", str(order.order_id), None, details)),
        *(Write(insert_cuts, each) for each in cuts),
        *standing.write(after),
        *refund.writes,
    ]
    if not left:
        transfers += _earn_rest(standing, refund.transfers)
        stamp = make_stamp(order, now, is_first=False, is_last=True)
        writes.append(Write(stamp_orders, stamp))
        facts.append(Fact(order.order_id, OrderFulfilled(order.order_id, wish.by, order.tracking)))
    return Change(tuple(transfers), tuple(writes), tuple(facts))


def release(chosen: Sequence[tuple[Goods, int]]) -> tuple[list[Transfer], list[Goods]]:
    """The transfers by which steps of goods are free again, and the goods as they stand then."""
    transfers: list[Transfer] = []
    after: list[Goods] = []
    for each, count in chosen:
        assert each.hold_id is not None
        moves, hold_id = resolve_hold(each, count, void(each.hold_id, "cut"))
        transfers += moves
        rest = each.open - count
        after.append(
            msgspec.structs.replace(
                each, hold_id=hold_id, open=rest, picked=min(each.picked, rest), cut=each.cut + count
            )
        )
    return transfers, after


def _value_cuts(standing: Standing, chosen: Sequence[tuple[Goods, int]]) -> list[int]:
    """What each of the cuts is worth: of the same line the second takes the slice after the first."""
    amounts = []
    goods = {each.key: each for each in standing.goods}
    for each, count in chosen:
        value, _tax = value_steps(standing.order, tuple(goods.values()), {(each.line_no, each.sku_id): count})
        amounts.append(value)
        now = goods[each.key]
        goods[each.key] = msgspec.structs.replace(now, cut=now.cut + count)
    return amounts


async def give_back(tx: Transaction, standing: Standing, amount_minor: int, wish: Wish) -> Change:
    """What was paid goes back; what is still owed is owed no more."""
    order = standing.order
    refund_minor = min(amount_minor, order.refundable_minor)
    change = Change()
    if refund_minor > 0:
        group = await plan_part_refund(
            tx,
            order=order,
            moved=standing.moved,
            amount_minor=refund_minor,
            reason=wish.reason or wish.kind,
            by=wish.by,
            key=f"cut:{wish.key}",
        )
        # Its first transfer is the turn, which the whole change takes.
        change = Change(group.transfers[1:], group.writes, group.facts)
    owed = _count_due(standing)
    rest = min(amount_minor - refund_minor, owed, deferred_of(standing.moved))
    if rest > 0:
        due = order_due(order.order_id, order.currency)
        transfer_id = derive_id(standing.turn.group_id, "owed no more")
        owed_no_more = posted(transfer_id, deferred_sales(order.currency), due, rest, "cut")
        change = msgspec.structs.replace(change, transfers=(*change.transfers, owed_no_more))
    return change


def _count_due(standing: Standing) -> int:
    """What the order's buyer owes by the ledger, in minor units."""
    counted = [each for each in standing.moved if each.phase in (Phase.POSTED, Phase.POST)]
    owed = sum(each.amount for each in counted if each.debit_kind == "order_due")
    return max(0, owed - sum(each.amount for each in counted if each.credit_kind == "order_due"))


def _earn_rest(standing: Standing, refund: Sequence[Transfer]) -> list[Transfer]:
    """What is still deferred once nothing is open any more is a sale."""
    currency = standing.order.currency
    deferred = deferred_sales(currency)
    taken = sum(
        each.amount
        for each in refund
        if each.debit is not None and each.debit.account_id == deferred.account_id
    )
    rest = deferred_of(standing.moved) - taken
    if rest <= 0:
        return []
    return [posted(derive_id(standing.turn.group_id, "sales"), deferred, sales(currency), rest, "sales")]
