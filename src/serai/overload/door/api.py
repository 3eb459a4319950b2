"""The door that every request of a web worker passes: limits per key, then a place under way, a wait, or a reply.

keys' buckets ── empty ─► 429
   └ room ─► begin · work · finish
   └ none ─► wait ── late, outranked, full ─► 503
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from math import inf
from typing import Any

from serai.foundation.database import SHARE
from serai.overload.door.count_tokens import Buckets
from serai.overload.door.limit_work import Limiter
from serai.overload.door.logic import classify
from serai.overload.door.queue_work import Gate, Step, Waiting
from serai.overload.door.share_connections import Bulkheads
from serai.overload.door.types import KINDS, DoorCounts, Kind, LimitPlan, QueuePlan, Turned
from serai.overload.settings import OverloadSettings

TOO_MANY = "overload.too_many"
LOOPBACK = frozenset({"127.0.0.1", "::1", "testclient", ""})
LONGEST_KEY = 96
# Seconds after which a refused request may come again: at least, and how far that is spread.
AGAIN_S = ((1, 2), (1, 4), (3, 8), (20, 60), (5, 10), (5, 10), (10, 20), (30, 60))

__all__ = ["Door", "DoorCounts", "Kind", "Turned", "classify"]


class Door:
    """The door of one worker. ``pool_size``: the connections that its classes share."""

    def __init__(self, settings: OverloadSettings, pool_size: int) -> None:
        plan = LimitPlan(
            initial=settings.initial, floor=settings.floor, most=settings.most, probe=settings.probe
        )
        self.limiter = Limiter(plan)
        self.gate = Gate(self.limiter, QueuePlan(most=settings.queue))
        self.counts = DoorCounts([0] * len(KINDS), [0] * len(KINDS), {})
        self._bulkheads = Bulkheads(pool_size)
        self._is_open = not settings.limiter
        self._addresses = Buckets(settings.address_per_s, settings.address_burst)
        self._keys = Buckets(settings.key_per_s, settings.key_burst)
        self._robots = Buckets(settings.robot_per_s, settings.robot_per_s * 3)
        self._proxies = frozenset(settings.list_proxies())
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due = inf
        self._random = random.Random()

    def check_rate(self, kind: Kind, peer: str, headers: dict[bytes, bytes]) -> Turned | None:
        """Take a token from every bucket that a request draws on; what to reply when one is empty.

        The machine itself has no limit of its own, unless it is named as a proxy: then whoever it speaks for has.
        """
        now = time.monotonic()
        address = self._find_client(peer, headers)
        wait_s = self._addresses.take(address.encode(), now) if address not in LOOPBACK else 0.0
        key = headers.get(b"authorization")
        if key and not wait_s:
            wait_s = self._keys.take(key[:LONGEST_KEY], now)
        if not wait_s and kind in (Kind.BOT, Kind.SHADOW_BOT):
            wait_s = self._robots.take(headers.get(b"user-agent", b"")[:LONGEST_KEY], now)
        if not wait_s:
            return None
        self.counts.limited += 1
        return Turned(429, TOO_MANY, int(wait_s) + 1 + int(self._random.random() * 3))

    def _find_client(self, peer: str, headers: dict[bytes, bytes]) -> str:
        """Who asks. Of what proxies forward only the part counts that they have added themselves."""
        if peer not in self._proxies:
            return peer
        for each in reversed(headers.get(b"x-forwarded-for", b"").decode("latin-1").split(",")):
            seen = each.strip()
            if seen and seen not in self._proxies:
                # Cut to what identifies a household: of IPv6 that is a /64.
                return ":".join(seen.split(":")[:4]) if seen.count(":") > 1 else seen
        return peer

    async def serve(self, kind: Kind, work: Callable[[], Awaitable[int]]) -> Turned | None:
        """Do the work, which gives its HTTP status, as soon as there is room for it. None when it was done; otherwise it
        never began."""
        if self._is_open:
            await work()
            return None
        if not self.gate.try_begin(kind):
            turned = await self._wait(kind)
            if turned:
                return turned
        self.counts.admitted[kind] += 1
        began_s = time.monotonic()
        share = SHARE.set(self._bulkheads.open(kind))
        status = 500
        try:
            status = await work()
        finally:
            SHARE.reset(share)
            # What failed or was refused took a short cut: it tells nothing of how long work takes.
            self._take(self.gate.finish(kind, began_s, time.monotonic(), counts=status < 400))
        return None

    async def _wait(self, kind: Kind) -> Turned | None:
        now = time.monotonic()
        owner: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        waiting = Waiting(kind, now, now + self.gate.plan.wait_s[kind], owner)
        self.counts.waited[kind] += 1
        self._take(self.gate.arrive(waiting))
        self._set_timer()
        try:
            reason = await owner
        except asyncio.CancelledError:
            if owner.done() and not owner.cancelled() and not owner.result():
                # It had been let in at the same moment: the place goes on to the next one.
                self._take(self.gate.finish(kind, now, now, counts=False))
            else:
                self.gate.give_up(waiting)
            raise
        return self._turn_away(kind, reason) if reason else None

    def _turn_away(self, kind: Kind, reason: str) -> Turned:
        self.counts.turned[reason] = self.counts.turned.get(reason, 0) + 1
        least, spread = AGAIN_S[kind]
        return Turned(503, reason, least + int(self._random.random() * (spread + 1)))

    def _take(self, step: Step) -> None:
        for waiting in step.begin:
            if waiting.owner.done():
                # Its client has gone meanwhile; the place goes on to the next one.
                now = time.monotonic()
                self._take(self.gate.finish(waiting.kind, now, now, counts=False))
            else:
                waiting.owner.set_result("")
        for waiting, reason in step.leave:
            if not waiting.owner.done():
                waiting.owner.set_result(reason)

    def _set_timer(self) -> None:
        due = self.gate.next_deadline()
        if due is None or due >= self._timer_due:
            return
        if self._timer:
            self._timer.cancel()
        self._timer_due = due
        delay = max(0.001, due - time.monotonic())
        self._timer = asyncio.get_running_loop().call_later(delay, self._sweep)

    def _sweep(self) -> None:
        self._timer, self._timer_due = None, inf
        self._take(self.gate.advance(time.monotonic()))
        self._set_timer()

    def count(self) -> tuple[int, int, int]:
        """Requests that were let in or turned away so far, those of them that found no room, and how many wait now."""
        asked = sum(self.counts.admitted) + sum(self.counts.turned.values())
        return asked, sum(self.counts.waited), self.gate.waiting

    def describe(self) -> dict[str, Any]:
        """What stands at the door now, for metrics and pages."""
        return {
            "limit": self.limiter.limit,
            "under_way": self.gate.under_way,
            "waiting": self.gate.waiting,
            "baseline_ms": round(self.limiter.baseline_s * 1000, 2),
            "short_ms": round(self.limiter.short_s * 1000, 2),
            "admitted": {kind.code: self.counts.admitted[kind] for kind in KINDS},
            "waited": {kind.code: self.counts.waited[kind] for kind in KINDS},
            "turned": dict(self.counts.turned),
            "limited": self.counts.limited,
        }
