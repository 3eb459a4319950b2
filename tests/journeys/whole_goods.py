"""What staff, carrier and worker do with an order's goods and parcels."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import (
    rule,
)
from tests.journeys.whole_base import WholeBase, numbers

from serai.commerce.carrier.api import buy_label, list_labels
from serai.commerce.carrier.follow_parcel import take_event
from serai.commerce.carrier.jobs import settle_labels
from serai.commerce.fulfilment.api import (
    Content,
    Pick,
    Size,
    cancel_rest,
    cut_goods,
    pack_parcel,
    pick_goods,
    unpack_parcel,
)
from serai.commerce.order.api import fulfil_order, ship_parcel
from serai.commerce.types import Commerce
from serai.foundation import clock


class GoodsRules(WholeBase):
    """Picking, packing, cutting, leaving."""

    def choose_loose(self, number: int) -> int | None:
        found = [no for no in sorted(self.model.lines) if self.model.loose(no)]
        return found[number % len(found)] if found and self.model.state == "paid" else None

    @rule(which=numbers, count=st.integers(1, 4))
    def staff_pick(self, which: int, count: int) -> None:
        no = self.choose_loose(which)
        if no is None:
            return
        line, key = self.model.lines[no], self.new_key()
        picked = line.packed + count
        code = self.attempt(
            lambda commerce: pick_goods(commerce, **self.tools, picks=[Pick(no, picked)], by="clerk", key=key)
        )
        if self.check(code, picked <= line.open):
            line.picked = picked

    @rule(which=numbers, count=st.integers(1, 4))
    def staff_pack(self, which: int, count: int) -> None:
        no = self.choose_loose(which)
        if no is None:
            return
        key, made = self.new_key(), []

        async def pack(commerce: Commerce) -> None:
            made.append(
                await pack_parcel(
                    commerce,
                    **self.tools,
                    contents=[Content(no, count)],
                    by="clerk",
                    key=key,
                    size=Size(1500),
                )
            )

        if self.check(self.attempt(pack), count <= self.model.loose(no)):
            self.model.pack(made[-1].parcel_id, no, count)

    def choose_box(self, number: int) -> UUID | None:
        found = sorted(self.model.boxes, key=str)
        return found[number % len(found)] if found else None

    @rule(which=numbers)
    def staff_unpack(self, which: int) -> None:
        parcel_id = self.choose_box(which)
        if parcel_id is None:
            return
        model = self.model
        state = model.boxes[parcel_id].state
        code = self.attempt(
            lambda commerce: unpack_parcel(commerce, **self.tools, parcel_id=parcel_id, by="clerk")
        )
        may = state == "unpacked" or (state == "packed" and model.state == "paid")
        if self.check(code, may) and state == "packed":
            model.unpack(parcel_id)

    @rule(which=numbers)
    def parcel_leaves(self, which: int) -> None:
        parcel_id = self.choose_box(which)
        if parcel_id is None:
            return
        state = self.model.boxes[parcel_id].state
        code = self.attempt(
            lambda commerce: ship_parcel(commerce, **self.tools, parcel_id=parcel_id, by="clerk")
        )
        if self.check(code, state == "shipped" or (state == "packed" and self.model.state == "paid")):
            self.model.leave(parcel_id)

    @rule()
    def all_goods_leave(self) -> None:
        code = self.attempt(lambda commerce: fulfil_order(commerce, **self.tools, by="clerk"))
        if self.check(code, self.model.state in ("paid", "fulfilled")) and self.model.state == "paid":
            self.model.leave_whole()

    @rule(which=numbers, count=st.integers(1, 3))
    def staff_cut(self, which: int, count: int) -> None:
        no = self.choose_loose(which)
        if no is None:
            return
        model, key = self.model, self.new_key()
        may = count <= model.loose(no)
        is_whole = may and sum(line.open for line in model.lines.values()) == count and not model.has_left
        if is_whole:
            model.ask_capture()
            may = not model.taking
        code = self.attempt(
            lambda commerce: cut_goods(
                commerce,
                **self.tools,
                contents=[Content(no, count)],
                kind="short",
                reason="",
                by="clerk",
                key=key,
            )
        )
        if self.check(code, may):
            model.cancel() if is_whole else model.cut({no: count})

    @rule()
    def buyer_calls_off_the_rest(self) -> None:
        model = self.model
        is_whole = model.state != "paid" or not model.has_left
        if is_whole and not model.is_rest_cut and model.state != "cancelled":
            model.ask_capture()
        waits = any(box.state == "packed" for box in model.boxes.values())
        if model.is_rest_cut or model.state == "cancelled":
            may = True
        elif is_whole:
            may = model.state in ("awaiting_payment", "paid") and not model.taking
        else:
            may = not waits
        code = self.attempt(lambda commerce: cancel_rest(commerce, **self.tools, by="shopper"))
        if not self.check(code, may):
            return
        if model.is_rest_cut or model.state == "cancelled":
            model.ask_again()
        elif is_whole:
            model.cancel()
        else:
            model.is_rest_cut = True
            model.cut({no: line.open for no, line in model.lines.items() if line.open})

    @rule(which=numbers)
    def staff_buy_a_label(self, which: int) -> None:
        parcel_id = self.choose_box(which)
        if parcel_id is None:
            return
        may = self.model.boxes[parcel_id].state == "packed"
        code = self.attempt(
            lambda commerce: buy_label(
                commerce,
                self.shop.merchant_id,
                parcel_id=parcel_id,
                carrier="caravan",
                service="standard",
                by="clerk",
            )
        )
        assert (code == "") is may or (may and code == "carrier.refused"), code
        if may:
            self.hear_of_parcels(parcel_id)

    def hear_of_parcels(self, *parcel_ids: UUID) -> None:
        """The carrier was asked about labels: what it has in its hands has left."""
        if self.world.carrier == "down":
            return
        for each in self.run(self.labels()):
            label = self.carrier.sold.get(each.label_id)
            is_living = each.state in ("asked", "bought")
            if each.parcel_id in parcel_ids and label is not None and label.events and is_living:
                self.model.leave(each.parcel_id)

    @rule(
        which=numbers, kind=st.sampled_from(["picked_up", "in_transit", "delivered"]), times=st.integers(0, 2)
    )
    def carrier_moves_a_parcel(self, which: int, kind: Any, times: int) -> None:
        """The carrier has it, and tells so never, once, or twice: what it keeps silent about the worker asks for."""
        labels = self.run(self.labels())
        found = [each for each in labels if each.state == "bought"]
        if not found:
            return
        label = found[which % len(found)]
        event = self.carrier.move(label.label_id, kind)
        for _time in range(times):
            self.run(take_event(self.commerce, self.shop.merchant_id, carrier="caravan", event=event))
        if times:
            self.model.leave(label.parcel_id)

    async def labels(self) -> list[Any]:
        async with self.commerce.db.transaction(self.shop.merchant_id, "read") as tx:
            return await list_labels(tx, parcel_ids=list(self.model.boxes))

    @rule()
    def worker_settles_labels(self) -> None:
        async def work() -> None:
            with clock.clock_shifted(timedelta(hours=2)):
                await settle_labels(self.commerce, self.owner)

        self.run(work())
        self.hear_of_parcels(*self.model.boxes)
        if self.world.carrier == "":
            asked = [each for each in self.run(self.labels()) if each.state == "asked"]
            assert not asked, "an answer that was lost is found"
