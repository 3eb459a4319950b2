"""Goods are taken from the shelf: how much of each line lies apart. What is not there, or weighs less, is cut with it."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from serai.commerce.fulfilment.change_order import Change
from serai.commerce.fulfilment.cut_goods import Wish, finish_cut, is_done, plan_cut
from serai.commerce.fulfilment.pack_parcel import choose_place, find_goods
from serai.commerce.fulfilment.types import Pick
from serai.commerce.order.api import Standing, check_move
from serai.commerce.order.types import Order
from serai.commerce.parcel.types import Goods
from serai.commerce.types import Commerce
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, _
from serai.foundation.ids import MerchantId


async def pick_goods(
    commerce: Commerce,
    merchant_id: MerchantId,
    *,
    order_id: UUID,
    picks: Sequence[Pick],
    by: str,
    key: str | UUID,
    place_id: UUID | None = None,
    reason: str = "",
) -> Order:
    """Say how much of each line lies apart at a place, in all. Saying it again changes nothing.

    A pick that is final gives up what is missing: of goods by weight the line is settled to what was weighed, of others it
    is short; both give the buyer the difference back.

    Raises:
        NotFound: ``order.unknown``.
        Invalid: ``parcel.line_unknown``, ``parcel.place_missing``.
        Conflict: ``pick.too_much`` with ``ordered`` for more than was ordered, ``pick.packed`` for less than lies in
            parcels; ``order.cannot_fulfil``.
    """
    reason = " ".join(reason.split())[:200]

    async def plan(tx: Transaction, standing: Standing) -> Change | None:
        wish = Wish("short", reason, by, str(key))
        if is_done(standing, wish):
            return None
        check_move(standing.order, "fulfil")
        here = choose_place(standing, place_id)
        at_place = [each for each in standing.goods if each.place_id == here]
        changed, missing = _read_picks(at_place, picks)
        rows = {each.key: each for each in changed}
        now = msgspec.structs.replace(
            standing, goods=tuple(rows.get(each.key, each) for each in standing.goods)
        )
        if missing:
            if _all_by_weight(standing.order, missing):
                wish = msgspec.structs.replace(wish, kind="weighed")
            change = await plan_cut(tx, now, missing, wish)
            if standing.is_new:
                # Written for the first time, all goods are written, picked as they are by now.
                return change
            cut = {each.key for each, _count in missing}
            more = standing.write([each for each in changed if each.key not in cut])
            return msgspec.structs.replace(change, writes=(*change.writes, *more))
        if all(each in standing.goods for each in changed):
            return None
        return Change(writes=standing.write(changed))

    return await finish_cut(commerce, merchant_id, order_id, plan, Wish("short", reason, by, str(key)))


def _read_picks(here: Sequence[Goods], picks: Sequence[Pick]) -> tuple[list[Goods], list[tuple[Goods, int]]]:
    """Goods as they stand after picks, and what of them is missing for good."""
    changed: dict[tuple[UUID, int, UUID], Goods] = {}
    missing: dict[tuple[UUID, int, UUID], int] = {}
    for pick in picks:
        goods = find_goods(here, pick.line_no, pick.sku_id)
        if pick.picked > goods.open:
            raise Conflict(
                "pick.too_much",
                _("Only %(ordered)s of that were ordered and are still open."),
                ordered=goods.open,
                line_no=pick.line_no,
            )
        if pick.picked < goods.packed:
            raise Conflict(
                "pick.packed",
                _("%(packed)s of that lie in parcels; please unpack them first."),
                packed=goods.packed,
                line_no=pick.line_no,
            )
        changed[goods.key] = msgspec.structs.replace(goods, picked=pick.picked)
        missing.pop(goods.key, None)
        if pick.is_final and pick.picked < goods.open:
            missing[goods.key] = goods.open - pick.picked
    return list(changed.values()), [(changed[key], count) for key, count in missing.items()]


def _all_by_weight(order: Order, missing: Sequence[tuple[Goods, int]]) -> bool:
    """Whether what is missing is all of goods by weight of which some was picked."""
    by_weight = {line.line_no for line in order.lines if line.scale}
    return all(each.line_no in by_weight and each.picked for each, _count in missing)
