"""A paid order and what is read of it, for tests of handing over."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from tests.journeys.steps import pay
from tests.shop import Shop

from serai.commerce.fulfilment import api
from serai.commerce.fulfilment.types import Content, Handling
from serai.commerce.order.api import deferred_of, ship_parcel
from serai.commerce.order.types import Order
from serai.commerce.parcel.types import Parcel
from serai.commerce.stock.api import list_levels
from serai.ledger import api as ledger
from serai.ledger.types import Phase


async def buy(shop: Shop, provider: Any, *lines: tuple[UUID, int], **more: Any) -> Order:
    """A paid order."""
    return await pay(shop, provider, await shop.place(*lines, **more))


async def pack(
    shop: Shop, order_id: UUID, contents: Sequence[tuple[int, int]] = (), key: str = "p1", **more: Any
) -> Parcel:
    """Pack (line, steps); nothing stands for all that is left."""
    return await api.pack_parcel(
        shop.commerce,
        shop.merchant_id,
        order_id=order_id,
        contents=[Content(line_no, count) for line_no, count in contents],
        by="clerk",
        key=key,
        **more,
    )


async def ship(shop: Shop, parcel: Parcel, **more: Any) -> Order:
    return await ship_parcel(
        shop.commerce,
        shop.merchant_id,
        order_id=parcel.order_id,
        parcel_id=parcel.parcel_id,
        by="clerk",
        **more,
    )


async def handling(shop: Shop, order_id: UUID) -> Handling:
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        return await api.load_handling(tx, order_id=order_id)


async def stand(shop: Shop, order_id: UUID) -> dict[int, tuple[int, int, int]]:
    """Per line (open, shipped, cut) over all places."""
    found: dict[int, tuple[int, int, int]] = {}
    for each in (await handling(shop, order_id)).goods:
        sums = found.get(each.line_no, (0, 0, 0))
        now = (each.open, each.shipped, each.cut)
        found[each.line_no] = (sums[0] + now[0], sums[1] + now[1], sums[2] + now[2])
    return found


async def on_hand(shop: Shop, sku_id: UUID, place: Any = None) -> tuple[int, int]:
    """(on hand, reserved) at a place."""
    wanted = (place or shop.warehouse).place_id
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        levels = {level.place_id: level for level in await list_levels(tx, sku_id=sku_id)}
    level = levels.get(wanted)
    return (level.on_hand, level.reserved) if level else (0, 0)


async def earned(shop: Shop, order_id: UUID) -> dict[str, int]:
    """What of an order is deferred, sold, earned for its delivery, owed as tax, and taken back."""
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        moved = await ledger.list_document_transfers(tx, document_id=order_id)
    counted = [each for each in moved if each.phase in (Phase.POSTED, Phase.POST)]
    sums = {
        kind: sum(t.amount for t in counted if t.credit_kind == kind)
        - sum(t.amount for t in counted if t.debit_kind == kind)
        for kind in ("sales", "shipping_income", "tax_payable")
    }
    returned = sum(t.amount for t in counted if t.debit_kind == "sales_returns")
    return {"deferred": deferred_of(moved), **sums, "returned": returned}
