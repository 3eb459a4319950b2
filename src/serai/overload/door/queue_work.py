"""Who is next: requests under way counted by class, and a bounded queue with deadlines, young ones first under pressure.

arrive ── room for its class? ── yes ─► begin
            └ no ── queue full? ── no ─► wait ── begin when another ends, or leave at the deadline
                       └ yes ── somebody less important waits? ── yes ─► that one leaves
                                     └ no ─► leave at once

Work that is past its deadline never begins: nobody waits for its answer any more.
"""

from collections import deque
from typing import Any

import msgspec

from serai.overload.door.limit_work import Limiter
from serai.overload.door.types import KINDS, Kind, QueuePlan

FULL, LATE, OUTRANKED = "overload.queue_full", "overload.waited_too_long", "overload.outranked"


class Waiting(msgspec.Struct, eq=False):
    """A request in the queue; ``owner`` is whatever its caller wants back."""

    kind: Kind
    arrived_s: float
    deadline_s: float
    owner: Any = None
    is_gone: bool = False


class Step(msgspec.Struct):
    """What an event at the gate leads to: who begins now, and who leaves, with the reason."""

    begin: list[Waiting]
    leave: list[tuple[Waiting, str]]


class Gate:
    """Admission to one worker. Pure: it is told the time (seconds, monotonic), so a test may make it up."""

    def __init__(self, limiter: Limiter, plan: QueuePlan) -> None:
        self.limiter = limiter
        self.plan = plan
        self.under_way = 0
        self._by_kind = [0] * len(KINDS)
        self._queues: list[deque[Waiting]] = [deque() for _kind in KINDS]
        self._waiting_since: list[float] = [0.0] * len(KINDS)
        self.waiting = 0

    def try_begin(self, kind: Kind) -> bool:
        """Begin at once where the class has room and nobody as important waits. The quick way of a quiet worker."""
        if self.waiting and any(self._queues[other] for other in KINDS[: kind + 1]):
            return False
        if not self._has_room(kind):
            return False
        self.under_way += 1
        self._by_kind[kind] += 1
        return True

    def arrive(self, waiting: Waiting) -> Step:
        """Queue a request that could not begin at once. It may be among those that leave."""
        step = Step([], [])
        self.limiter.note_pressure()
        kind = waiting.kind
        if self.waiting >= self.plan.most:
            self._drop_late(waiting.arrived_s, step)
        if self.waiting >= self.plan.most:
            outranked = self._find_outranked(kind)
            if outranked is None:
                step.leave.append((waiting, FULL))
                return step
            step.leave.append((outranked, OUTRANKED))
        queue = self._queues[kind]
        if not queue:
            self._waiting_since[kind] = waiting.arrived_s
        queue.append(waiting)
        self.waiting += 1
        return step

    def finish(self, kind: Kind, began_s: float, now: float, *, counts: bool = True) -> Step:
        """A request has ended. ``counts``: its latency tells of the load (a failure or a long download does not)."""
        if counts:
            self.limiter.record(now - began_s, self.under_way, now)
        self.under_way -= 1
        self._by_kind[kind] -= 1
        return self.advance(now)

    def advance(self, now: float) -> Step:
        """Drop what is late, and let begin whom there is room for, the most important class first."""
        step = Step([], [])
        if self.waiting:
            self._drop_late(now, step)
            for kind in KINDS:
                while self._queues[kind] and self._has_room(kind):
                    step.begin.append(self._pop(kind, now))
                    self.under_way += 1
                    self._by_kind[kind] += 1
        return step

    def give_up(self, waiting: Waiting) -> None:
        """Somebody left the queue by themselves."""
        if not waiting.is_gone:
            waiting.is_gone = True
            self._queues[waiting.kind].remove(waiting)
            self.waiting -= 1

    def next_deadline(self) -> float | None:
        """When somebody's time will be up, if anybody waits."""
        return min((queue[0].deadline_s for queue in self._queues if queue), default=None)

    def _has_room(self, kind: Kind) -> bool:
        limit = self.limiter.limit
        if self.under_way >= limit:
            return False
        if kind is Kind.CRITICAL:
            return True
        return sum(self._by_kind[kind:]) < max(1, int(limit * self.plan.shares[kind]))

    def _pop(self, kind: Kind, now: float) -> Waiting:
        queue = self._queues[kind]
        is_pressed = now - self._waiting_since[kind] > self.plan.lifo_after_s
        waiting = queue.pop() if is_pressed else queue.popleft()
        waiting.is_gone = True
        self.waiting -= 1
        return waiting

    def _drop_late(self, now: float, step: Step) -> None:
        for queue in self._queues:
            while queue and queue[0].deadline_s <= now:
                waiting = queue.popleft()
                waiting.is_gone = True
                self.waiting -= 1
                step.leave.append((waiting, LATE))

    def _find_outranked(self, kind: Kind) -> Waiting | None:
        for other in reversed(KINDS[kind + 1 :]):
            if self._queues[other]:
                waiting = self._queues[other].popleft()
                waiting.is_gone = True
                self.waiting -= 1
                return waiting
        return None
