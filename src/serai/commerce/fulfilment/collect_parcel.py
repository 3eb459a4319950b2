"""Pick-ups: a parcel is ready, its buyer shows a code, it is handed over once; nobody comes, and it goes back on the shelf.

The code follows from the installation's secret and the parcel, so no row holds it; it is worth nothing once the parcel has
been handed over or unpacked.
"""

import hashlib
import hmac
from datetime import timedelta
from uuid import UUID

import msgspec

from serai.commerce.aftersale.api import ask_refunds, cancel_order
from serai.commerce.fulfilment import store
from serai.commerce.fulfilment.change_order import Change, change_order
from serai.commerce.fulfilment.cut_goods import WholeOrder, Wish, plan_cut
from serai.commerce.fulfilment.pack_parcel import check_here, take_out
from serai.commerce.order.api import Order, Standing, find_parcel, load_order, ship_parcel
from serai.commerce.order.events import PickupReady
from serai.commerce.parcel.api import stamp_parcels
from serai.commerce.parcel.types import Parcel, ParcelStamp
from serai.commerce.types import Commerce
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, Invalid, _
from serai.foundation.event import Fact
from serai.foundation.ids import MerchantId
from serai.identity.audit.api import AuditRow, record_rows
from serai.ledger.types import Write

DIGITS = 6
MOST_TRIES = 5


def pickup_code(secret: bytes, parcel_id: UUID) -> str:
    """The digits that a buyer shows to get a parcel."""
    digest = hmac.new(secret, b"pick-up" + parcel_id.bytes, hashlib.sha256).digest()
    return f"{int.from_bytes(digest[:8], 'big') % 10**DIGITS:0{DIGITS}}"


async def make_ready(
    commerce: Commerce, merchant_id: MerchantId, *, order_id: UUID, parcel_id: UUID, by: str
) -> Parcel:
    """A packed parcel waits for its buyer, who is told. Doing it again changes nothing.

    Raises:
        NotFound: ``order.unknown``, ``parcel.unknown``.
        Conflict: ``pickup.not_collected`` for an order that is sent; ``parcel.has_left``, ``parcel.unpacked``.
    """
    days = commerce.settings.collect_within_days

    async def plan(_tx: Transaction, standing: Standing) -> Change | None:
        parcel = find_parcel(standing.order, parcel_id)
        if parcel.ready_at is not None:
            return None
        if standing.order.delivery != "pickup":
            raise Conflict("pickup.not_collected", _("This order is sent, not collected."))
        check_here(parcel)
        now = clock.now()
        until = now + timedelta(days=days)
        audit = AuditRow(by, "parcel.ready", "order", str(order_id), None, {"parcel_no": parcel.parcel_no})
        fact = PickupReady(order_id, parcel_id, parcel.parcel_no, parcel.place_id, until, by)
        writes = [
            Write(stamp_parcels, ParcelStamp(parcel_id, ready_at=now, collect_by=until)),
            Write(record_rows, audit),
            *standing.write(()),
        ]
        return Change(writes=tuple(writes), facts=(Fact(order_id, fact),))

    standing = await change_order(commerce, merchant_id, order_id=order_id, plan=plan)
    return find_parcel(standing.order, parcel_id)


async def hand_over(
    commerce: Commerce, merchant_id: MerchantId, *, order_id: UUID, parcel_id: UUID, code: str, by: str
) -> Order:
    """Give a parcel to whoever shows its code. Handed over once: a second time changes nothing.

    Five wrong codes lock a parcel, the right one included, until staff unlock it. What is no code at all does not count.

    Raises:
        NotFound: ``order.unknown``, ``parcel.unknown``. Invalid: ``pickup.code_wrong``.
        Conflict: ``pickup.locked``, ``order.cannot_fulfil``, ``parcel.unpacked``.
    """
    shown = "".join(code.split())
    wrong = Invalid("pickup.code_wrong", _("This is not the code of this parcel."), field="code")
    if len(shown) != DIGITS or not (shown.isascii() and shown.isdigit()):
        raise wrong
    # A try is taken before it is judged, so that many at once are no more tries than one after the other.
    async with commerce.db.transaction(merchant_id) as tx:
        find_parcel(await load_order(tx, order_id=order_id), parcel_id)
        if await store.take_try(tx, parcel_id, MOST_TRIES) is None:
            raise Conflict("pickup.locked", _("Too many wrong codes: a manager has to unlock this parcel."))
    if not hmac.compare_digest(pickup_code(commerce.secret, parcel_id), shown):
        raise wrong
    order = await ship_parcel(commerce, merchant_id, order_id=order_id, parcel_id=parcel_id, by=by)
    async with commerce.db.transaction(merchant_id) as tx:
        await store.clear_tries(tx, parcel_id)
    return order


async def unlock_pickup(
    commerce: Commerce, merchant_id: MerchantId, *, order_id: UUID, parcel_id: UUID, by: str
) -> None:
    """Let codes be shown again for a parcel. Doing it again changes nothing.

    Raises:
        NotFound: ``order.unknown``, ``parcel.unknown``.
    """
    async with commerce.db.transaction(merchant_id) as tx:
        find_parcel(await load_order(tx, order_id=order_id), parcel_id)
        if tries := await store.clear_tries(tx, parcel_id):
            details = {"parcel_id": str(parcel_id), "tries": tries}
            await record_rows(tx, [AuditRow(by, "parcel.unlocked", "order", str(order_id), details, None)])


async def restock_uncollected(
    commerce: Commerce, merchant_id: MerchantId, *, order_id: UUID, parcel_id: UUID
) -> Order:
    """Nobody came for a parcel in time: its goods go back on the shelf and the buyer gets the money back.

    Doing it again changes nothing.
    """
    wish = Wish("no_show", "not collected in time", "system", f"no show {parcel_id}")

    async def plan(tx: Transaction, standing: Standing) -> Change | None:
        parcel = find_parcel(standing.order, parcel_id)
        is_late = parcel.collect_by is not None and parcel.collect_by <= clock.now()
        if not parcel.is_here or not is_late:
            return None
        if standing.order.state != "paid":
            raise WholeOrder
        out = {each.key: each for each in take_out(standing, parcel)}
        now = msgspec.structs.replace(
            standing, goods=tuple(out.get(each.key, each) for each in standing.goods)
        )
        inside = {(line.line_no, line.sku_id): line.quantity for line in parcel.lines}
        chosen = [(each, inside[each.line_no, each.sku_id]) for each in out.values()]
        change = await plan_cut(tx, now, chosen, wish)
        stamp = Write(stamp_parcels, ParcelStamp(parcel_id, unpacked_at=clock.now()))
        return msgspec.structs.replace(change, writes=(*change.writes, stamp))

    try:
        standing = await change_order(commerce, merchant_id, order_id=order_id, plan=plan)
    except WholeOrder:
        await cancel_order(commerce, merchant_id, order_id=order_id, by=wish.by, reason=wish.reason)
        async with commerce.db.transaction(merchant_id) as tx:
            await stamp_parcels(tx, [ParcelStamp(parcel_id, unpacked_at=clock.now())])
            return await load_order(tx, order_id=order_id)
    await ask_refunds(commerce, merchant_id, order=standing.order)
    return standing.order
