"""What buyers, staff and worker do with goods that come back."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import (
    rule,
)
from tests.journeys.whole_base import SPARE_MINOR, WholeBase, numbers
from tests.journeys.whole_model import RETURN_MOVES, Return

from serai.commerce.aftersale.api import cancel_order
from serai.commerce.returns import api as returning
from serai.commerce.returns.jobs import expire_returns, pay_returns
from serai.commerce.returns.types import ReceivedLine, WantedLine
from serai.commerce.types import Commerce
from serai.foundation import clock


class ReturnRules(WholeBase):
    """Returns and exchanges."""

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
