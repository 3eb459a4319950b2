"""One order, its payment, parcels and returns together, under any sequence of what buyers, staff, provider, carrier, worker
and power cuts do to it: after every step the shop says what a plain model says (``whole_model``), and every walk ends with
all invariants of the house.

``SERAI_WALKS`` is the number of walks (a long one: 3000), ``SERAI_WALK_SEED`` repeats one run.
"""

import asyncio
import os
import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any, ClassVar, Literal
from uuid import UUID

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from tests.fulfilment.desk import handling, on_hand
from tests.journeys.whole_model import RETURN_MOVES, Answer, Kind, Line, Model, Outside, Return
from tests.journeys.whole_world import Died, DyingLane, RoughCarrier, RoughProvider
from tests.shop import Shop, open_shop

from serai.commerce.aftersale.api import cancel_order, refund_order, settle_refund
from serai.commerce.aftersale.jobs import ask_refunds, expire_orders
from serai.commerce.capture.api import capture_payment
from serai.commerce.carrier.api import buy_label, list_labels
from serai.commerce.carrier.follow_parcel import take_event
from serai.commerce.carrier.jobs import settle_labels
from serai.commerce.checkout.api import accept_promise, settle_payment, start_payment
from serai.commerce.checkout.jobs import check_payments, tend_pledges
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
from serai.commerce.fulfilment.jobs import route_orders
from serai.commerce.method.api import save_method
from serai.commerce.method.types import MethodTerms
from serai.commerce.order.api import fulfil_order, load_order, ship_parcel
from serai.commerce.order.types import Order
from serai.commerce.pledge.api import want_orders
from serai.commerce.returns import api as returning
from serai.commerce.returns.jobs import expire_returns, pay_returns
from serai.commerce.returns.types import ReceivedLine, WantedLine
from serai.commerce.settings import CommerceSettings
from serai.commerce.types import Commerce
from serai.foundation import clock
from serai.foundation.database import Database, open_database
from serai.foundation.errors import Outside as Unanswered
from serai.foundation.errors import Refused
from serai.foundation.ids import MerchantId, new_id
from serai.foundation.invariant import check_invariants
from serai.ledger.api import Lane
from serai.main.check import list_invariants

STOCK = 40
SPARE_MINOR = 1000
WALKS = int(os.environ.get("SERAI_WALKS") or 60)
STEPS = 25
EXAMPLES = 20
SIMPLE_MOVES = ("approve", "decline", "reopen", "withdraw", "send", "expire")
Do = Callable[[Commerce], Awaitable[Any]]
numbers = st.integers(0, 5)
answers = st.sampled_from(["done", "done", "pending", "failed"])


class WholeMachine(RuleBasedStateMachine):
    """Rules named after who does something. Numbers choose among what there is, counted round."""

    loop: ClassVar[asyncio.AbstractEventLoop]
    owner: ClassVar[Database]
    shop: ClassVar[Shop]
    provider: ClassVar[RoughProvider]
    carrier: ClassVar[RoughCarrier]
    world: ClassVar[Outside]

    def __init__(self) -> None:
        super().__init__()
        self.dies: Literal["", "before", "after"] = ""
        self.told: list[str] = []
        self.keys = 0
        for name, value in vars(Outside()).items():
            setattr(self.world, name, value)

    # The order of this walk

    def run(self, doing: Awaitable[Any]) -> Any:
        return self.loop.run_until_complete(doing)  # type: ignore[arg-type]  # coroutines, as all of these are

    def attempt(self, do: Do) -> str:
        """Do something; the code of its refusal, empty when it passed. If the process is to die, it dies in the middle of it
        and another one does it again."""
        if self.dies:
            lane = DyingLane(self.commerce.lane, self.dies)
            self.dies = ""
            with suppress(Died, Refused):
                self.run(do(msgspec.structs.replace(self.commerce, lane=lane)))
        try:
            self.run(do(self.commerce))
        except Refused as refusal:
            return refusal.code
        return ""

    def check(self, code: str, may: bool) -> bool:
        assert (code == "") is may, code or "it should have been refused"
        return may

    @property
    def commerce(self) -> Commerce:
        return self.shop.commerce

    @property
    def tools(self) -> dict[str, Any]:
        return {"merchant_id": self.shop.merchant_id, "order_id": self.order_id}

    def new_key(self) -> str:
        self.keys += 1
        return f"k{self.keys}"

    async def load(self, order_id: UUID | None = None) -> Order:
        async with self.commerce.db.transaction(self.shop.merchant_id, "read") as tx:
            return await load_order(tx, order_id=order_id or self.order_id)

    async def read_return(self, return_id: UUID) -> Any:
        async with self.commerce.db.transaction(self.shop.merchant_id, "read") as tx:
            return await returning.load_return(tx, return_id=return_id)

    @initialize(
        pieces=st.lists(st.integers(1, 3), min_size=1, max_size=2),
        kind=st.sampled_from(["charged", "charged", "held", "cash"]),
        stage=st.sampled_from(["placed", "paid", "paid", "gone", "back"]),
    )
    def place(self, pieces: list[int], kind: Kind, stage: str) -> None:
        manual = "manual" if kind == "held" else "automatic"

        async def offer() -> None:
            async with self.commerce.db.transaction(self.shop.merchant_id) as tx:
                await save_method(tx, terms=MethodTerms("online", active=True, capture=manual), by="test")
                await save_method(tx, terms=MethodTerms("cash_on_delivery", active=True), by="test")

        self.run(offer())
        prices = (333, 1000)[: len(pieces)]
        skus = [
            self.run(self.shop.add_product(f"P{price}", price_minor=price, stock=STOCK)) for price in prices
        ]
        self.spare = self.run(self.shop.add_product("Spare", price_minor=SPARE_MINOR, stock=STOCK))
        self.order_id: UUID = self.run(self.shop.place(*zip(skus, pieces, strict=True))).order_id
        order = self.run(self.load())
        self.skus = {line.line_no: line.sku_id for line in order.lines}
        lines = {
            line.line_no: Line(
                line.price_minor, line.quantity, line.price_minor * line.quantity, line.quantity
            )
            for line in order.lines
        }
        delivery = order.total_minor - sum(line.left for line in lines.values())
        self.model = Model(order.total_minor, delivery, kind, self.world, lines, delivery_left=delivery)
        if stage != "placed":
            self.buyer_pays(1)
        if stage in ("gone", "back"):
            self.all_goods_leave()
        if stage == "back":
            self.worker_takes_held_money()
            self.buyer_asks_for_a_return({0: 1, 1: 1}, exchange=False)
            self.returns_move("approve", 0)
            self.goods_come_back(0, [0, 0])

    @rule(fault=st.sampled_from(["", "", "down", "silent"]), refund=answers, capture=answers)
    def provider_changes(self, fault: Literal["", "down", "silent"], refund: Answer, capture: Answer) -> None:
        self.world.fault, self.world.refund, self.world.capture = fault, refund, capture

    @rule(fault=st.sampled_from(["", "", "down", "silent", "refuses"]))
    def carrier_changes(self, fault: Literal["", "down", "silent", "refuses"]) -> None:
        self.world.carrier = fault

    @rule(when=st.sampled_from(["before", "after"]))
    def process_will_die(self, when: Literal["before", "after"]) -> None:
        self.dies = when

    # Money

    @rule(times=st.integers(1, 3))
    def buyer_pays(self, times: int) -> None:
        """The buyer pays, or promises to; the provider tells it so many times, at once."""
        model = self.model
        if model.kind == "cash":
            code = self.attempt(
                lambda commerce: accept_promise(
                    commerce, **self.tools, method="cash_on_delivery", by="shopper"
                )
            )
            may = model.is_started or model.state == "awaiting_payment"
            if self.check(code, may) and model.state == "awaiting_payment":
                model.is_started = True
                model.secure()
            return
        if model.state == "awaiting_payment":
            try:
                self.run(start_payment(self.commerce, **self.tools, base_url="http://shop.localhost"))
            except Unanswered:
                assert self.world.fault
                return
            model.is_started = True
        if not model.is_started:
            return
        intent_id = self.run(self.load()).payments[-1].intent_id
        event = (
            self.provider.capture(intent_id)
            if model.kind == "charged"
            else self.provider.tell(intent_id, "authorised", event_id="held")
        )

        async def told() -> None:
            tell = [
                settle_payment(self.commerce, self.shop.merchant_id, event=event, source="webhook")
                for _time in range(times)
            ]
            await asyncio.gather(*tell)

        self.run(told())
        self.hear_of_money(has_come=model.kind == "charged")

    def hear_of_money(self, *, has_come: bool) -> None:
        """The shop learns that the buyer has paid."""
        model = self.model
        if model.state == "awaiting_payment" or (has_come and model.state == "expired" and not model.taken):
            if model.state == "expired":
                for line in model.lines.values():
                    line.open = line.ordered
            model.secure()
        elif has_come and not model.taken:
            model.taken = model.total
            model.give_back(model.total)

    @rule(more=st.sampled_from([1, 100]))
    def provider_tells_nonsense(self, more: int) -> None:
        """Another amount than was asked for: nothing comes of it."""
        if not self.model.is_started or self.model.kind == "cash":
            return
        intent = self.run(self.load()).payments[-1]
        told = self.provider.tell(intent.intent_id, "captured", intent.amount_minor + more)
        self.run(settle_payment(self.commerce, self.shop.merchant_id, event=told, source="webhook"))

    @rule(parts=st.integers(0, 5))
    def staff_take_held_money(self, parts: int) -> None:
        """A quarter of all the money for each of the parts."""
        model, minor, key = self.model, self.model.total * parts // 4, self.new_key()
        model.ask_capture()
        may = model.taking == 0 and 0 < minor <= model.open
        code = self.attempt(
            lambda commerce: capture_payment(commerce, **self.tools, amount_minor=minor, by="staff", key=key)
        )
        if self.check(code, may):
            model.capture(minor)

    @rule()
    def worker_takes_held_money(self) -> None:
        """What the provider has not answered is asked again, and what has left is taken: how much, the goods say."""
        model, before = self.model, self.model.taken

        async def work() -> None:
            async with self.commerce.db.transaction(self.shop.merchant_id) as tx:
                await want_orders(tx, order_ids=[self.order_id] if model.has_left else [])
            with clock.clock_shifted(timedelta(hours=2)):
                await tend_pledges(self.commerce, self.owner)

        if model.kind != "held":
            return
        self.run(work())
        model.ask_capture()
        order = self.run(self.load())
        pledge = order.payments[-1].pledge if order.payments else None
        if pledge is None:
            return
        model.open -= order.paid_minor - model.taken
        model.taken = order.paid_minor
        waiting = pledge.pending.amount_minor if pledge.pending else 0
        if waiting != model.taking:
            name = pledge.pending.step_id if pledge.pending else self.order_id
            model.taking, model.taking_truth = waiting, self.provider.answers.get(name, "pending")
        assert before <= model.taken <= model.total
        if (
            model.state == "fulfilled"
            and not self.world.fault
            and self.world.capture == "done"
            and not model.taking
        ):
            assert model.open == 0, "all goods have left, so all money is taken"

    @rule(parts=st.sampled_from([-1, 0, 1, 1, 2, 3, 4]))
    def staff_refund(self, parts: int) -> None:
        """A quarter of all the money for each of the parts, asked for twice."""
        model, minor, key, dies = self.model, self.model.total * parts // 4, self.new_key(), self.dies
        may = model.state != "awaiting_payment" and 0 < minor <= model.free
        for _twice in range(2):
            code = self.attempt(
                lambda commerce: refund_order(
                    commerce, **self.tools, amount_minor=minor, reason="broken", by="staff", key=key
                )
            )
            self.check(code, may)
        if may:
            model.give_back(minor, is_asked=dies != "after")

    @rule()
    def worker_asks_for_refunds(self) -> None:
        async def work() -> None:
            with clock.clock_shifted(timedelta(hours=2)):
                await ask_refunds(self.commerce, self.owner)

        self.run(work())
        self.model.ask_again()

    @rule(word=st.sampled_from(["done", "failed"]))
    def provider_tells_of_refunds(self, word: Answer) -> None:
        for each in self.run(self.load()).refunds:
            if each.state == "pending":
                if self.provider.answers.get(each.refund_id, "pending") == "pending":
                    self.provider.answers[each.refund_id] = word
                    self.provider.refunds[each.refund_id] = each.amount_minor
                failure = "refused" if self.provider.answers[each.refund_id] == "failed" else None
                self.run(
                    settle_refund(
                        self.commerce, self.shop.merchant_id, refund_id=each.refund_id, failure=failure
                    )
                )
        self.model.tell_refunds(word)

    @rule()
    def worker_looks_after_payments(self) -> None:
        async def work() -> None:
            with clock.clock_shifted(timedelta(minutes=1)):
                await check_payments(self.commerce, self.owner)
                await route_orders(self.commerce, self.owner)

        self.run(work())

    @rule()
    def time_to_pay_is_over(self) -> None:
        async def work() -> None:
            with clock.clock_shifted(timedelta(hours=1)):
                await expire_orders(self.commerce, self.owner)

        self.run(work())
        if self.model.state == "awaiting_payment":
            self.model.state = "expired"
            for line in self.model.lines.values():
                line.open = 0

    @rule()
    def somebody_cancels(self) -> None:
        model = self.model
        if model.state != "cancelled":
            model.ask_capture()
        may = model.state in ("awaiting_payment", "cancelled") or (
            model.state == "paid" and not model.has_left and not model.taking
        )
        code = self.attempt(lambda commerce: cancel_order(commerce, **self.tools, by="somebody"))
        if self.check(code, may):
            model.cancel() if model.state != "cancelled" else model.ask_again()

    # Goods

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

    # What comes back

    @rule(counts=st.dictionaries(st.integers(0, 1), st.integers(1, 3), min_size=1), exchange=st.booleans())
    def buyer_asks_for_a_return(self, counts: dict[int, int], exchange: bool) -> None:
        model, key = self.model, self.new_key()
        known = sorted(model.lines)
        wanted = {known[which % len(known)]: count for which, count in counts.items()}
        lines = [
            WantedLine(no, count, "fit", self.spare if exchange else None)
            for no, count in sorted(wanted.items())
        ]
        made: list[Any] = []

        async def ask(commerce: Commerce) -> None:
            made.append(
                await returning.request_return(
                    commerce, **self.tools, lines=lines, wish="exchange" if exchange else "refund",
                    by="shopper", key=key,
                )
            )  # fmt: skip

        may = model.has_left and all(count <= model.announceable(no) for no, count in wanted.items())
        if self.check(self.attempt(ask), may):
            each = Return(wanted, "exchange" if exchange else "refund")
            model.returns[made[-1].return_id] = each
            model.announce(each, 1)

    def choose_return(self, number: int) -> UUID | None:
        found = sorted(self.model.returns, key=str)
        return found[number % len(found)] if found else None

    @rule(
        move=st.sampled_from(["approve", "approve", "decline", "reopen", "withdraw", "send", "expire"]),
        which=numbers,
    )
    def returns_move(self, move: str, which: int) -> None:
        return_id = self.choose_return(which)
        if return_id is None:
            return
        model, each = self.model, self.model.returns[return_id]
        sources, goal = RETURN_MOVES[move]
        call = getattr(returning, f"{move}_return")
        more = {"decline": {"answer": "Worn."}, "send": {"carrier": "Post", "tracking": "R1"}}.get(move, {})
        code = self.attempt(
            lambda commerce: call(commerce, self.shop.merchant_id, return_id=return_id, by="clerk", **more)
        )
        fits = all(count <= model.announceable(no) for no, count in each.counts.items())
        may = each.state == goal or (each.state in sources and (move != "reopen" or fits))
        if not self.check(code, may) or each.state == goal:
            return
        each.state = goal
        if goal in ("declined", "withdrawn", "expired"):
            model.announce(each, -1)
        elif move == "reopen":
            model.announce(each, 1)

    @rule()
    def worker_ends_returns(self) -> None:
        async def work() -> None:
            with clock.clock_shifted(timedelta(days=20)):
                await expire_returns(self.commerce, self.owner)

        self.run(work())
        for each in self.model.returns.values():
            if each.state == "approved":
                each.state = "expired"
                self.model.announce(each, -1)

    @rule(which=numbers, refused=st.lists(st.integers(0, 3), min_size=1, max_size=2))
    def goods_come_back(self, which: int, refused: list[int]) -> None:
        """Staff book in what came; of each line so many pieces are not accepted, and the last one is damaged."""
        return_id = self.choose_return(which)
        if return_id is None:
            return
        model, each = self.model, self.model.returns[return_id]
        counts = dict(sorted(each.counts.items()))
        accepted = {
            no: max(0, count - less) for (no, count), less in zip(counts.items(), [*refused, 0], strict=False)
        }
        lines = [
            ReceivedLine(no, count - 1 if no == 1 else count, 1 if no == 1 else 0)
            for no, count in accepted.items()
            if count
        ]
        code = self.attempt(
            lambda commerce: returning.receive_return(
                commerce,
                self.shop.merchant_id,
                return_id=return_id,
                lines=lines,
                by="clerk",
                answer="As it is.",
            )
        )
        if each.state in ("received", "rejected") and code == "":
            return
        if self.check(code, each.state in ("approved", "sent")):
            model.receive(each, accepted)

    @rule(which=numbers)
    def staff_refund_a_return(self, which: int) -> None:
        return_id = self.choose_return(which)
        if return_id is None:
            return
        model, each, dies = self.model, self.model.returns[return_id], self.dies
        code = self.attempt(
            lambda commerce: returning.refund_return(
                commerce, self.shop.merchant_id, return_id=return_id, by="clerk"
            )
        )
        if self.check(code, each.state in ("received", "refunded")) and each.state == "received":
            each.state = "refunded"
            given = model.settle(each, as_money=True)
            if given:
                model.give_back(given, is_asked=dies != "after")

    @rule(which=numbers)
    def staff_exchange_a_return(self, which: int) -> None:
        return_id = self.choose_return(which)
        if return_id is None:
            return
        model, each, dies = self.model, self.model.returns[return_id], self.dies
        code = self.attempt(
            lambda commerce: returning.exchange_return(
                commerce, self.shop.merchant_id, return_id=return_id, by="clerk"
            )
        )
        may = each.state == "received" and each.wish == "exchange"
        may = may and model.count_worth(each, as_money=False)[1] <= model.cash_left
        may = may or each.state == "exchanged"
        if self.check(code, may) and each.state == "received":
            each.state = "exchanged"
            given = model.settle(each, as_money=False)
            each.credit = min(given, SPARE_MINOR * sum(each.accepted.values()))
            model.credit += each.credit
            each.rest = given - each.credit
            if each.rest:
                model.give_back(each.rest, is_asked=dies != "after")

    @rule(which=numbers)
    def buyer_calls_an_exchange_off(self, which: int) -> None:
        """The exchange's order is cancelled, and the worker gives its credit back as money."""
        return_id = self.choose_return(which)
        each = self.model.returns[return_id] if return_id else None
        if return_id is None or each is None or each.state != "exchanged" or each.is_undone:
            return
        found = self.run(self.read_return(return_id))
        self.run(
            cancel_order(self.commerce, self.shop.merchant_id, order_id=found.exchange_order_id, by="shopper")
        )
        self.run(pay_returns(self.commerce, self.owner))
        each.is_undone = True
        self.model.credit -= each.credit
        if each.credit:
            self.model.give_back(each.credit)

    # What must be true after every step

    @invariant()
    def shop_says_what_the_model_says(self) -> None:
        if not hasattr(self, "model"):
            return
        model, order = self.model, self.run(self.load())
        assert (order.state, order.paid_minor, order.pledged_minor, order.released_minor) == (
            model.state, model.taken, model.open, model.let_go,
        )  # fmt: skip
        assert sorted((each.amount_minor, each.state) for each in order.refunds) == sorted(
            (each.minor, each.state) for each in model.backs
        )
        gone = self.provider.sum_refunds({each.refund_id: each for each in order.refunds})
        assert gone == sum(each.minor for each in model.backs if each.truth == "done") <= model.taken
        self.compare_goods(order)
        for return_id, each in model.returns.items():
            found = self.run(self.read_return(return_id))
            assert (found.state, {line.line_no: line.accepted for line in found.lines if line.accepted}) == (
                each.state, each.accepted,
            )  # fmt: skip

    def compare_goods(self, order: Order) -> None:
        model = self.model
        for no, line in model.lines.items():
            damaged = sum(1 for each in model.returns.values() if no == 1 and each.accepted.get(no))
            expected = (STOCK - line.shipped + line.came - damaged, line.open)
            assert self.run(on_hand(self.shop, self.skus[no])) == expected
        if model.state in ("paid", "fulfilled"):
            for each in self.run(handling(self.shop, self.order_id)).goods:
                line = model.lines[each.line_no]
                told = (each.open, each.picked, each.packed, each.shipped, each.cut)
                assert told == (line.open, line.picked, line.packed, line.shipped, line.cut)
            boxes = {each.parcel_id: each.state for each in order.parcels}
            for parcel_id, box in model.boxes.items():
                state = boxes[parcel_id]
                assert ("shipped" if state == "delivered" else state) == box.state
        living: dict[UUID, int] = {}
        for label in self.run(self.labels()):
            if (sold := self.carrier.sold.get(label.label_id)) and not sold.is_void:
                living[label.parcel_id] = living.get(label.parcel_id, 0) + 1
        assert all(count == 1 for count in living.values()), "a label was bought twice"

    def teardown(self) -> None:
        if hasattr(self, "model"):
            self.assert_whole()

    def assert_whole(self) -> None:
        """All invariants of the house hold: for the last walks as for this one."""
        verdicts = self.run(check_invariants(self.owner, list_invariants()))
        assert not [(v.invariant.name, v.offending[:2]) for v in verdicts if not v.holds]


@pytest.fixture
def machine(database_url: str) -> Iterator[type[WholeMachine]]:
    """The machine in a shop, on pools and an event loop of its own, since hypothesis is not asynchronous."""
    loop = asyncio.new_event_loop()
    db = loop.run_until_complete(open_database(database_url, size=6))
    owner = loop.run_until_complete(open_database(database_url, role=None, size=2))
    world = Outside()
    provider, carrier, lane = RoughProvider(world), RoughCarrier(world), Lane(db)

    async def start() -> None:
        lane.start()

    loop.run_until_complete(start())
    commerce = Commerce(
        db, lane, {"sandbox": provider}, CommerceSettings(), b"test secret of guests' links",
        carriers={"caravan": carrier},
    )  # fmt: skip
    merchant_id = MerchantId(new_id())
    shop = loop.run_until_complete(open_shop(owner, commerce, merchant_id, f"whole-{merchant_id.hex[-12:]}"))

    class Machine(WholeMachine):
        pass

    Machine.loop, Machine.owner, Machine.shop, Machine.world = loop, owner, shop, world
    Machine.provider, Machine.carrier = provider, carrier
    yield Machine
    loop.run_until_complete(lane.stop())
    loop.run_until_complete(db.close())
    loop.run_until_complete(owner.close())
    loop.close()


def choose(order: WholeMachine, dice: random.Random) -> tuple[Callable[..., None], tuple[Any, ...]]:
    """What happens next, at random: more often what makes an order go on than what ends it."""
    some = dice.randrange(6)
    word = dice.choice(("done", "done", "pending", "failed"))
    fault: Any = dice.choice(("", "", "down", "silent"))
    carrier: Any = dice.choice(("", "", "down", "silent", "refuses"))
    counts = {dice.randrange(2): dice.randint(1, 2), dice.randrange(2): dice.randint(1, 2)}
    deeds: list[tuple[int, Callable[..., None], tuple[Any, ...]]] = [
        (4, order.provider_changes, (fault, word, dice.choice(("done", "done", "pending", "failed")))),
        (2, order.carrier_changes, (carrier,)),
        (4, order.process_will_die, (dice.choice(("before", "after")),)),
        (3, order.buyer_pays, (dice.randint(1, 3),)),
        (1, order.provider_tells_nonsense, (dice.choice((1, 100)),)),
        (2, order.staff_take_held_money, (dice.randint(0, 4),)),
        (3, order.worker_takes_held_money, ()),
        (3, order.staff_refund, (dice.choice((-1, 0, 1, 1, 1, 2, 4)),)),
        (3, order.worker_asks_for_refunds, ()),
        (2, order.provider_tells_of_refunds, (dice.choice(("done", "failed")),)),
        (2, order.worker_looks_after_payments, ()),
        (1, order.time_to_pay_is_over, ()),
        (1, order.somebody_cancels, ()),
        (3, order.staff_pick, (some, dice.randint(1, 3))),
        (5, order.staff_pack, (some, dice.randint(1, 2))),
        (1, order.staff_unpack, (some,)),
        (4, order.parcel_leaves, (some,)),
        (1, order.all_goods_leave, ()),
        (3, order.staff_cut, (some, dice.randint(1, 2))),
        (1, order.buyer_calls_off_the_rest, ()),
        (3, order.staff_buy_a_label, (some,)),
        (3, order.carrier_moves_a_parcel, (some, dice.choice(("picked_up", "delivered")), dice.randrange(3))),
        (3, order.worker_settles_labels, ()),
        (6, order.buyer_asks_for_a_return, (counts, dice.random() < 0.4)),
        (7, order.returns_move, (dice.choice(("approve", "approve", "approve", *SIMPLE_MOVES)), some)),
        (1, order.worker_ends_returns, ()),
        (5, order.goods_come_back, (some, [dice.choice((0, 0, 1, 3)), dice.choice((0, 0, 1))])),
        (5, order.staff_refund_a_return, (some,)),
        (4, order.staff_exchange_a_return, (some,)),
        (2, order.buyer_calls_an_exchange_off, (some,)),
    ]
    _weight, act, how = dice.choices(deeds, [weight for weight, _act, _how in deeds])[0]
    return act, how


def walk(machine: type[WholeMachine], dice: random.Random) -> None:
    """Many steps at random; whatever was done is told when something breaks."""
    order = machine()
    begun: tuple[Any, ...] = (
        [dice.randint(1, 3) for _line in range(dice.randint(1, 2))],
        dice.choice(("charged", "charged", "held", "cash")),
        dice.choice(("placed", "paid", "paid", "gone", "gone", "back", "back")),
    )
    told = [f"place{begun}"]
    try:
        order.place(*begun)
        order.shop_says_what_the_model_says()
        for _step in range(STEPS):
            act, how = choose(order, dice)
            told.append(f"{act.__name__}{how}")
            act(*how)
            order.shop_says_what_the_model_says()
    except BaseException:
        print(*told, sep="\n")
        raise


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_an_order_with_parcels_and_returns_does_what_the_model_does_on_any_walk(
    machine: type[WholeMachine],
) -> None:
    number = int(os.environ.get("SERAI_WALK_SEED") or random.SystemRandom().randrange(1_000_000))
    for turn in range(WALKS):
        print(f"SERAI_WALK_SEED={number + turn} SERAI_WALKS=1")
        walk(machine, random.Random(number + turn))
        if turn % 10 == 9 or turn == WALKS - 1:
            machine().assert_whole()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_an_order_with_parcels_and_returns_does_what_the_plain_model_does(
    machine: type[WholeMachine],
) -> None:
    number = int(os.environ.get("SERAI_WALK_SEED") or random.SystemRandom().randrange(1_000_000))
    print(f"SERAI_WALK_SEED={number}")
    run_state_machine_as_test(
        seed(number)(machine),
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=12,
            deadline=None,
            phases=[Phase.generate, Phase.shrink],
            report_multiple_bugs=False,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
