"""A paid order's goods are given to the places that send them, and moved on when a place does not accept or cannot.

Where goods move to another place, their reservation there and the end of the one here are one group, so they are never free
in between. A place that turns out to be sold out in that moment leaves them where they are.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from serai.commerce.fulfilment import store
from serai.commerce.fulfilment.change_order import Change, GoodsShortError, change_order
from serai.commerce.fulfilment.logic import Candidate, Route, choose_route, measure_nearness
from serai.commerce.lot.api import count_stale
from serai.commerce.order.api import Standing
from serai.commerce.order.types import Order
from serai.commerce.parcel.api import insert_fulfilments
from serai.commerce.parcel.types import Goods, NewFulfilment
from serai.commerce.place.api import list_places, load_place
from serai.commerce.stock.api import customer_account, load_available, stock_account
from serai.commerce.types import Commerce
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, _
from serai.foundation.ids import MerchantId, derive_id
from serai.identity.audit.api import AuditRow, record_rows
from serai.ledger.types import Transfer, Write, pending, void


async def route_order(
    commerce: Commerce,
    merchant_id: MerchantId,
    *,
    order_id: UUID,
    exclude: Sequence[UUID] = (),
    by: str = "system",
) -> Standing:
    """Give a paid order's open goods to places. Doing it again changes nothing, unless places are to be excluded.

    Raises:
        NotFound: ``order.unknown``. Conflict: ``order.cannot_fulfil``, ``order.awaiting_group``.
    """
    minutes = commerce.settings.accept_within_minutes
    stays = False

    async def plan(tx: Transaction, standing: Standing) -> Change | None:
        if not standing.is_new and not exclude:
            return None
        return await _plan_route(tx, standing, exclude, minutes, by, stays=stays)

    try:
        return await change_order(commerce, merchant_id, order_id=order_id, plan=plan)
    except GoodsShortError:
        stays = True
        return await change_order(commerce, merchant_id, order_id=order_id, plan=plan)


async def _plan_route(
    tx: Transaction, standing: Standing, exclude: Sequence[UUID], minutes: int, by: str, *, stays: bool
) -> Change | None:
    """The change that gives open goods to places; ``stays``: to those where they lie."""
    movable = [each for each in standing.open_goods if each.open > each.picked]
    if not movable:
        return None
    needed: dict[UUID, int] = {}
    for each in movable:
        needed[each.sku_id] = needed.get(each.sku_id, 0) + each.open - each.picked
    route: Route | None = None
    if not stays and standing.order.delivery == "ship":
        candidates = await list_candidates(tx, standing, movable, needed)
        outside = [each for each in candidates if each.place_id in exclude]
        route = choose_route(needed, [each for each in candidates if each not in outside], outside)
    if route is None and exclude and not stays:
        # Nobody else has it: who was asked is asked again.
        route = Route({}, {"parcels": 0, "chosen": [], "losers": [], "stays": True})
    moves, changed = move_goods(standing, movable, route.shares if route else {})
    now = clock.now()
    choice = route.choice if route else {"parcels": 1, "chosen": [], "losers": [], "only": True}
    rows = {each.key: each for each in standing.goods} | {each.key: each for each in changed}
    places = dict.fromkeys(each.place_id for each in rows.values() if each.open > each.picked)
    work = [await give_work(tx, standing.order, place_id, choice, minutes, now) for place_id in places]
    audit = AuditRow(by, "order.routed", "order", str(standing.order.order_id), None, {"choice": choice})
    writes = (
        *standing.write(changed),
        *(Write(insert_fulfilments, each) for each in work),
        Write(record_rows, audit),
    )
    return Change(tuple(moves), writes)


async def give_work(
    tx: Transaction, order: Order, place_id: UUID, choice: dict[str, object], minutes: int, now: datetime
) -> NewFulfilment:
    """What a place is asked to do. A warehouse is there for that; a store has to accept first."""
    place = await load_place(tx, place_id=place_id)
    profile = await store.find_profile(tx, place_id)
    limit = (profile["accept_minutes"] if profile else None) or minutes
    accepts_itself = place.kind == "warehouse"
    return NewFulfilment(
        order.order_id,
        place_id,
        derive_id("fulfilment", order.order_id, place_id),
        now,
        accept_by=None if accepts_itself else now + timedelta(minutes=limit),
        accepted_at=now if accepts_itself else None,
        accepted_by="system" if accepts_itself else "",
        choice=choice,
    )


async def list_candidates(
    tx: Transaction, standing: Standing, movable: Sequence[Goods], needed: dict[UUID, int]
) -> list[Candidate]:
    """The places that parcels leave from, in the merchant's order, with what each could give this order."""
    order = standing.order
    address = order.address
    goal = (address.country, address.region, address.city, address.postcode) if address else ("", "", "", "")
    profiles = {row["place_id"]: row for row in await store.list_profiles(tx)}
    loads = {row["place_id"]: row["orders"] for row in await store.count_loads(tx, order.order_id)}
    here = {each.place_id for each in movable}
    found = []
    places = await list_places(tx)
    stale = await count_stale(tx, sku_ids=list(needed), place_ids=[place.place_id for place in places])
    for place in places:
        profile = profiles.get(place.place_id)
        ships = profile["ships"] if profile else place.sells_online
        if not ships and place.place_id not in here:
            continue
        available = dict(await load_available(tx, sku_ids=list(needed), place_id=place.place_id))
        for each in movable:
            if each.place_id == place.place_id:
                available[each.sku_id] = available.get(each.sku_id, 0) + each.open - each.picked
        old = stale[place.place_id]
        available = {sku_id: max(0, count - old.get(sku_id, 0)) for sku_id, count in available.items()}
        where = (
            (profile["country"], profile["region"], profile["city"], profile["postcode"])
            if profile
            else ("", "", "", "")
        )
        found.append(
            Candidate(
                place.place_id,
                place.name,
                measure_nearness(where, goal),
                loads.get(place.place_id, 0),
                available,
                place.place_id in here,
                old,
            )
        )
    return found


def move_goods(
    standing: Standing, movable: Sequence[Goods], shares: dict[UUID, dict[UUID, int]]
) -> tuple[list[Transfer], list[Goods]]:
    """The transfers by which open goods end up where a route has them, and the goods as they stand afterwards.

    What the route does not name stays where it is; so does what is picked.
    """
    left = {place_id: dict(share) for place_id, share in shares.items()}
    moves: list[tuple[Goods, UUID, int]] = []
    for each in movable:
        free = each.open - each.picked
        own = left.get(each.place_id, {})
        kept = min(free, own.get(each.sku_id, 0))
        if kept:
            own[each.sku_id] -= kept
        for place_id, share in left.items():
            count = min(free - kept, share.get(each.sku_id, 0)) if place_id != each.place_id else 0
            if count > 0:
                share[each.sku_id] -= count
                kept += count
                moves.append((each, place_id, count))
    return rehold(standing, moves)


def rehold(
    standing: Standing, moves: Sequence[tuple[Goods, UUID, int]]
) -> tuple[list[Transfer], list[Goods]]:
    """Open steps of goods go to other places: every reservation concerned ends, and new ones stand for what is open then."""
    rows = {each.key: each for each in standing.goods}
    before = dict(rows)
    for goods, place_id, count in moves:
        now = rows[goods.key]
        rows[goods.key] = msgspec.structs.replace(now, open=now.open - count)
        there = (place_id, goods.line_no, goods.sku_id)
        other = rows.get(there, Goods(place_id, goods.line_no, goods.sku_id, None, open=0))
        rows[there] = msgspec.structs.replace(other, open=other.open + count)
    transfers: list[Transfer] = []
    changed = []
    for key, each in rows.items():
        old = before.get(key)
        if old is not None and old.open == each.open:
            continue
        if old is not None and old.hold_id is not None:
            transfers.append(void(old.hold_id, "moved"))
        hold_id = derive_id("hold", standing.turn.group_id, *key) if each.open else None
        if hold_id is not None:
            accounts = customer_account(each.sku_id), stock_account(each.sku_id, each.place_id)
            transfers.append(pending(hold_id, *accounts, each.open, "order"))
        changed.append(msgspec.structs.replace(each, hold_id=hold_id))
    return transfers, changed


async def move_order(
    commerce: Commerce,
    merchant_id: MerchantId,
    *,
    order_id: UUID,
    from_place_id: UUID,
    to_place_id: UUID,
    by: str,
) -> Standing:
    """Staff give what one place has not picked yet to another. Doing it again changes nothing.

    Raises:
        NotFound: ``order.unknown``, ``place.unknown``.
        Conflict: ``stock.short_there`` when that place does not have all of it; ``order.cannot_fulfil``.
    """
    minutes = commerce.settings.accept_within_minutes

    async def plan(tx: Transaction, standing: Standing) -> Change | None:
        place = await load_place(tx, place_id=to_place_id)
        if from_place_id == to_place_id:
            return None
        moving = [
            (each, to_place_id, each.open - each.picked)
            for each in standing.open_goods
            if each.place_id == from_place_id and each.open > each.picked
        ]
        if not moving:
            return None
        moves, changed = rehold(standing, moving)
        choice: dict[str, object] = {
            "parcels": 1,
            "chosen": [{"place_id": str(to_place_id), "name": place.name}],
            "losers": [],
            "by": by,
        }
        work = await give_work(tx, standing.order, to_place_id, choice, minutes, clock.now())
        details = {"from": str(from_place_id), "to": str(to_place_id)}
        audit = AuditRow(by, "order.rerouted", "order", str(order_id), None, details)
        writes = (*standing.write(changed), Write(insert_fulfilments, work), Write(record_rows, audit))
        return Change(tuple(moves), writes)

    try:
        return await change_order(commerce, merchant_id, order_id=order_id, plan=plan)
    except GoodsShortError as error:
        raise Conflict(
            "stock.short_there",
            _("That place does not have all of it: only %(available)s are available there."),
            available=error.shortages[0].available,
        ) from error
