"""What one quote carries along: the cart as it stands, and what was applied to it. Pure."""

import msgspec

from serai.commerce.promotion.apply_benefit import Gain, Group, Missing
from serai.commerce.promotion.compile_rules import Compiled, Program
from serai.commerce.promotion.types import HeldCoupon, Request


class Applied(msgspec.Struct, frozen=True, eq=False):
    """A rule that gave something: per group what it took off, or off the delivery, or pieces that it added."""

    each: Compiled
    amount: int
    members: tuple[int, ...] = ()
    shares: tuple[int, ...] = ()
    coupon: HeldCoupon | None = None
    gain: Gain | None = None
    pieces: int = 0


class State(msgspec.Struct, eq=False):
    """The cart along the way. Lists are replaced, never changed, so that branches share them.

    ``after`` holds what the groups cost after each layer that is over, ``blocked`` the rules that may not touch them.
    """

    running: list[int]
    blocked: list[int]
    after: tuple[list[int], ...]
    shipping: int
    applied: tuple[Applied, ...] = ()
    extras: int = 0

    @property
    def total(self) -> int:
        return sum(self.running) + self.shipping + self.extras

    def copy(self) -> "State":
        return State(self.running, self.blocked, self.after, self.shipping, self.applied, self.extras)


class Pricing(msgspec.Struct, eq=False):
    """One quote under way. ``explaining``: coupons that were not chosen are looked at too, for the reason."""

    program: Program
    request: Request
    groups: list[Group]
    members: list[list[int]]
    gates: list[Missing | None]
    coupons: dict[int, HeldCoupon]
    missed: dict[int, Missing]
    explaining: bool = False
