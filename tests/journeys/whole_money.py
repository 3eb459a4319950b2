"""What buyers, staff, provider and worker do with an order's money."""

import asyncio
from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import (
    rule,
)
from tests.journeys.whole_base import WholeBase
from tests.journeys.whole_model import Answer

from serai.commerce.aftersale.api import cancel_order, refund_order, settle_refund
from serai.commerce.aftersale.jobs import ask_refunds, expire_orders
from serai.commerce.capture.api import capture_payment
from serai.commerce.checkout.api import accept_promise, settle_payment, start_payment
from serai.commerce.checkout.jobs import check_payments, tend_pledges
from serai.commerce.fulfilment.jobs import route_orders
from serai.commerce.pledge.api import want_orders
from serai.foundation import clock
from serai.foundation.errors import Outside as Unanswered


class MoneyRules(WholeBase):
    """Paying, taking, giving back, calling off."""

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
