"""Whatever is picked, packed, moved, cut, refunded and shipped in whatever order: goods and money stay as a plain model has
them, and in the end everything is earned or given back."""

import random
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest
from tests.fulfilment.desk import buy, earned, handling, on_hand, pack, ship
from tests.journeys.steps import order_of
from tests.shop import Shop

from serai.commerce.aftersale.api import refund_order
from serai.commerce.fulfilment.api import (
    Content,
    Pick,
    cancel_rest,
    cut_goods,
    move_order,
    pick_goods,
    unpack_parcel,
)
from serai.commerce.order.api import fulfil_order
from serai.commerce.order.types import Order
from serai.commerce.place.types import Place
from serai.foundation.errors import Refused

Check = Callable[[], Awaitable[None]]
STOCK = 9


class Model:
    """An order as one would keep it on paper: per place and line what is open, picked, packed; parcels; money back."""

    def __init__(self, order: Order, here: UUID, there: UUID) -> None:
        self.places = (here, there)
        self.worth = {line.line_no: line.net_minor for line in order.lines}
        self.ordered = {line.line_no: line.quantity for line in order.lines}
        self.open = {(here, no): count for no, count in self.ordered.items()}
        self.picked: dict[tuple[UUID, int], int] = {}
        self.packed: dict[tuple[UUID, int], int] = {}
        self.shipped: dict[tuple[UUID, int], int] = {}
        self.cut: dict[tuple[UUID, int], int] = {}
        self.parcels: dict[UUID, tuple[UUID, dict[int, int]]] = {}
        self.total = order.total_minor
        self.back = 0
        self.is_cancelled = False

    @property
    def is_over(self) -> bool:
        return self.is_cancelled or not any(self.open.values())

    def done(self, no: int) -> int:
        return sum(n for each in (self.shipped, self.cut) for (_place, line), n in each.items() if line == no)

    def drop(self, place: UUID, no: int, count: int) -> None:
        """Steps are cut; their slice of the line's worth goes back, as far as there is money left."""
        before, whole = self.done(no), self.ordered[no]
        value = self.worth[no] * (before + count) // whole - self.worth[no] * before // whole
        self.cut[place, no] = self.cut.get((place, no), 0) + count
        self.open[place, no] -= count
        self.picked[place, no] = min(self.picked.get((place, no), 0), self.open[place, no])
        self.back += min(value, self.total - self.back)

    def leave(self, parcel_id: UUID) -> None:
        place, lines = self.parcels.pop(parcel_id)
        for no, count in lines.items():
            for each in (self.open, self.picked, self.packed):
                each[place, no] -= count
            self.shipped[place, no] = self.shipped.get((place, no), 0) + count


class Trial:
    """One order, its model, and everything that may be done to it at random."""

    def __init__(self, shop: Shop, order: Order, store: Place, chance: random.Random) -> None:
        self.shop, self.order_id, self.chance = shop, order.order_id, chance
        self.model = Model(order, shop.warehouse.place_id, store.place_id)
        self.step = 0

    @property
    def tools(self) -> tuple[Any, Any]:
        return self.shop.commerce, self.shop.merchant_id

    def choose(self) -> tuple[UUID, int, int] | None:
        """(place, line, steps) of something that is open and in no parcel."""
        model = self.model
        found = [key for key, count in model.open.items() if count > model.packed.get(key, 0)]
        if not found:
            return None
        place, no = self.chance.choice(sorted(found, key=str))
        return place, no, self.chance.randint(1, model.open[place, no] - model.packed.get((place, no), 0))

    async def pick(self) -> None:
        found = self.choose()
        if found is None:
            return
        place, no, count = found
        picked = self.model.packed.get((place, no), 0) + count
        await pick_goods(
            *self.tools,
            order_id=self.order_id,
            place_id=place,
            picks=[Pick(no, picked)],
            by="t",
            key=f"pick{self.step}",
        )
        self.model.picked[place, no] = picked

    async def pack(self) -> None:
        found = self.choose()
        if found is None:
            return
        place, no, count = found
        parcel = await pack(self.shop, self.order_id, [(no, count)], key=f"p{self.step}", place_id=place)
        model = self.model
        model.packed[place, no] = model.packed.get((place, no), 0) + count
        model.picked[place, no] = max(model.picked.get((place, no), 0), model.packed[place, no])
        model.parcels[parcel.parcel_id] = (place, {no: count})

    async def parcel(self) -> Any:
        if not self.model.parcels:
            return None
        wanted = self.chance.choice(sorted(self.model.parcels, key=str))
        order = await order_of(self.shop, self.order_id)
        return next(each for each in order.parcels if each.parcel_id == wanted)

    async def ship(self) -> None:
        parcel = await self.parcel()
        if parcel is not None:
            await ship(self.shop, parcel)
            self.model.leave(parcel.parcel_id)

    async def unpack(self) -> None:
        parcel = await self.parcel()
        if parcel is not None:
            await unpack_parcel(*self.tools, order_id=self.order_id, parcel_id=parcel.parcel_id, by="t")
            place, lines = self.model.parcels.pop(parcel.parcel_id)
            for no, count in lines.items():
                self.model.packed[place, no] -= count

    async def cut(self) -> None:
        found = self.choose()
        if found is None:
            return
        place, no, count = found
        model = self.model
        is_whole = sum(model.open.values()) == count and not any(model.shipped.values())
        await cut_goods(
            *self.tools,
            order_id=self.order_id,
            place_id=place,
            contents=[Content(no, count)],
            kind="short",
            reason="",
            by="t",
            key=f"cut{self.step}",
        )
        if is_whole:
            model.is_cancelled, model.back = True, model.total
        else:
            model.drop(place, no, count)

    async def refund(self) -> None:
        amount = self.chance.randint(1, 400)
        if amount <= self.model.total - self.model.back:
            await refund_order(
                *self.tools,
                order_id=self.order_id,
                amount_minor=amount,
                reason="r",
                by="t",
                key=f"r{self.step}",
            )
            self.model.back += amount

    async def move(self) -> None:
        model = self.model
        source, goal = self.chance.sample(model.places, 2)
        await move_order(*self.tools, order_id=self.order_id, from_place_id=source, to_place_id=goal, by="t")
        for no in model.ordered:
            free = model.open.get((source, no), 0) - model.picked.get((source, no), 0)
            if free:
                model.open[source, no] -= free
                model.open[goal, no] = model.open.get((goal, no), 0) + free

    async def rest(self) -> None:
        model = self.model
        if model.parcels and any(model.shipped.values()):
            return
        await cancel_rest(*self.tools, order_id=self.order_id, by="t")
        if not any(model.shipped.values()):
            model.is_cancelled, model.back = True, model.total
            return
        for (place, no), count in sorted(model.open.items(), key=lambda each: (each[0][1], str(each[0][0]))):
            if count:
                model.drop(place, no, count)

    async def fulfil(self) -> None:
        await fulfil_order(*self.tools, order_id=self.order_id, by="t")
        model = self.model
        for (place, no), count in model.open.items():
            model.shipped[place, no] = model.shipped.get((place, no), 0) + count
            model.open[place, no] = 0
        model.picked.clear()
        model.packed.clear()
        model.parcels.clear()

    async def compare(self, skus: dict[int, UUID]) -> None:
        """The shop's order against the model."""
        model = self.model
        order = await order_of(self.shop, self.order_id)
        money = await earned(self.shop, self.order_id)
        if model.is_cancelled:
            assert (order.state, order.refunded_minor) == ("cancelled", model.total)
            return
        assert order.refunded_minor == model.back
        assert order.state == ("fulfilled" if model.is_over else "paid")
        for each in (await handling(self.shop, self.order_id)).goods:
            key = each.place_id, each.line_no
            told = (each.open, each.picked, each.packed, each.shipped, each.cut)
            held = (model.open, model.picked, model.packed, model.shipped, model.cut)
            assert told == tuple(book.get(key, 0) for book in held), key
        for no, sku_id in skus.items():
            for place in (self.shop.warehouse, self.shop.store):
                key = place.place_id, no
                assert await on_hand(self.shop, sku_id, place) == (
                    STOCK - model.shipped.get(key, 0),
                    model.open.get(key, 0),
                )
        sold = money["sales"] + money["shipping_income"] - money["returned"]
        assert money["deferred"] + sold == model.total - model.back
        assert money["deferred"] >= 0


@pytest.mark.parametrize("seed", range(12))
async def test_goods_and_money_are_as_a_plain_model_has_them(
    shop: Shop, provider: Any, assert_clean: Check, seed: int
) -> None:
    chance = random.Random(seed)
    quantities = [chance.randint(1, 4) for _line in range(chance.randint(1, 3))]
    skus = {
        no: await shop.add_product(
            f"Thing {no}", price_minor=chance.randint(0, 999), stock=STOCK, store_stock=STOCK
        )
        for no in range(1, len(quantities) + 1)
    }
    order = await buy(shop, provider, *((skus[no], count) for no, count in enumerate(quantities, 1)))
    skus = {line.line_no: line.sku_id for line in order.lines}
    trial = Trial(shop, order, shop.store, chance)
    moves = [trial.pick, trial.pack, trial.pack, trial.ship, trial.ship, trial.unpack, trial.cut, trial.move]
    for trial.step in range(24):
        if trial.model.is_over:
            break
        # Rarely, since they end an order or leave little money to speak of.
        rare = [trial.rest, trial.fulfil] if trial.step > 12 else [trial.refund]
        await chance.choice(moves * 2 + rare)()
        await trial.compare(skus)
    if not trial.model.is_over:
        await trial.fulfil()
        await trial.compare(skus)
    with pytest.raises(Refused):
        await pack(shop, order.order_id, key="after the end")
    await assert_clean()
