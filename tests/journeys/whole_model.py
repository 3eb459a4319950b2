"""One order as somebody keeps it on paper: money, goods, parcels and what comes back. It knows no ledger, no turn, no job.

Amounts are minor units, counts pieces. Every method says what must be true after something was done; whether it may be done at
all is what the ``may_`` methods say.
"""

from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

Answer = Literal["done", "pending", "failed"]
Kind = Literal["charged", "held", "cash"]
# From which states a return may be moved so, and where that leads.
RETURN_MOVES: dict[str, tuple[frozenset[str], str]] = {
    "approve": (frozenset({"requested"}), "approved"),
    "decline": (frozenset({"requested"}), "declined"),
    "reopen": (frozenset({"declined"}), "requested"),
    "withdraw": (frozenset({"requested", "approved"}), "withdrawn"),
    "send": (frozenset({"approved", "sent"}), "sent"),
    "receive": (frozenset({"approved", "sent"}), "received"),
    "expire": (frozenset({"approved", "sent"}), "expired"),
    "refund": (frozenset({"received"}), "refunded"),
    "exchange": (frozenset({"received"}), "exchanged"),
}
AWAITED = frozenset({"requested", "approved", "sent"})


@dataclass
class Outside:
    """What the world outside does at the moment: a fault, and what it answers where it does answer.

    ``down``: nothing reaches it. ``silent``: it does what it is asked for, and its answer is lost.
    """

    fault: Literal["", "down", "silent"] = ""
    refund: Answer = "done"
    capture: Answer = "done"
    carrier: Literal["", "down", "silent", "refuses"] = ""


@dataclass
class Back:
    """Money on its way back. ``truth``: how the provider has ended it, whether or not we have heard of it."""

    minor: int
    state: Answer
    truth: Answer = "pending"


@dataclass
class Line:
    """A line of the order. ``left``: what of its worth was neither cut nor given back with pieces of it; ``owed``: what of
    that belongs to pieces that are back already, since there was no money left for them."""

    price: int
    ordered: int
    left: int
    open: int
    picked: int = 0
    packed: int = 0
    shipped: int = 0
    cut: int = 0
    announced: int = 0
    came: int = 0
    settled: int = 0
    owed: int = 0

    @property
    def gone(self) -> int:
        return self.shipped + self.cut


@dataclass
class Box:
    """A parcel: what is in it, and where it is."""

    contents: dict[int, int]
    state: str = "packed"


@dataclass
class Return:
    """Pieces that come back, per line; ``credit``: what became other goods, ``rest``: what did not."""

    counts: dict[int, int]
    wish: Literal["refund", "exchange"]
    state: str = "requested"
    accepted: dict[int, int] = field(default_factory=dict)
    credit: int = 0
    rest: int = 0
    is_undone: bool = False


@dataclass
class Model:
    """The order. ``taken``: money that came; ``open``: money that is held or promised; ``taking``: of that, what the provider
    was asked for and has not answered; ``let_go``: held money that nobody wants any more."""

    total: int
    delivery: int
    kind: Kind
    world: Outside
    lines: dict[int, Line]
    state: str = "awaiting_payment"
    is_started: bool = False
    taken: int = 0
    open: int = 0
    taking: int = 0
    taking_truth: Answer = "pending"
    let_go: int = 0
    credit: int = 0
    is_rest_cut: bool = False
    delivery_left: int = 0
    backs: list[Back] = field(default_factory=list)
    boxes: dict[UUID, Box] = field(default_factory=dict)
    returns: dict[UUID, Return] = field(default_factory=dict)
    quarantined: int = 0
    lost: int = 0

    # Money

    @property
    def returned(self) -> int:
        return sum(each.minor for each in self.backs if each.state != "failed") + self.let_go

    @property
    def left(self) -> int:
        """What may still go back."""
        return self.taken + self.open + self.let_go - self.returned

    @property
    def free(self) -> int:
        """What may go back now: credit for other goods stays, and so does what the provider is being asked for."""
        return self.left - self.credit - self.taking

    @property
    def cash_left(self) -> int:
        """What came and has not gone back."""
        return self.taken - sum(each.minor for each in self.backs if each.state != "failed")

    def say(self, word: Answer) -> tuple[Answer, Answer]:
        """(what we hear, what is true) when the provider says something now."""
        if self.world.fault == "down" or self.kind == "cash":
            # Nobody but staff pays cash back, and says so.
            return "pending", "pending"
        return ("pending" if self.world.fault == "silent" else word), word

    def secure(self) -> None:
        """The shopper has paid, or promised to."""
        self.state = "paid"
        if self.kind == "charged":
            self.taken = self.total
        else:
            self.open = self.total

    def give_back(self, minor: int, *, is_asked: bool = True) -> None:
        """Money goes back: what has not come is let go, the rest is asked of the provider."""
        let_go = min(minor, self.open - self.taking)
        self.open -= let_go
        self.let_go += let_go
        if minor > let_go:
            state, truth = self.say(self.world.refund) if is_asked else ("pending", "pending")
            self.backs.append(Back(minor - let_go, state, truth))

    def ask_again(self) -> None:
        """The provider is asked again for whatever it has not answered."""
        for each in self.backs:
            if each.state == "pending" and self.world.fault != "down":
                word = self.world.refund if each.truth == "pending" else each.truth
                each.state, each.truth = self.say(word)

    def tell_refunds(self, word: Answer) -> None:
        """The provider says by itself how its refunds ended: those it has ended already as they did."""
        for each in self.backs:
            if each.state == "pending":
                each.truth = word if each.truth == "pending" else each.truth
                each.state = each.truth

    def capture(self, minor: int) -> None:
        """Somebody asks for held money."""
        if self.kind == "cash":
            self.taken, self.open = self.taken + minor, self.open - minor
            return
        self.taking, self.taking_truth = minor, "pending"
        self.ask_capture()

    def ask_capture(self) -> None:
        """The provider is asked (again) for the money that was wanted last."""
        if not self.taking or self.world.fault == "down":
            return
        word = self.world.capture if self.taking_truth == "pending" else self.taking_truth
        heard, self.taking_truth = self.say(word)
        if heard == "done":
            self.taken, self.open = self.taken + self.taking, self.open - self.taking
        if heard != "pending":
            self.taking = 0

    # Goods

    @property
    def has_left(self) -> bool:
        return any(line.shipped for line in self.lines.values())

    @property
    def is_over(self) -> bool:
        return not any(line.open for line in self.lines.values())

    def loose(self, no: int) -> int:
        """Pieces that are open and in no parcel."""
        return self.lines[no].open - self.lines[no].packed

    def pack(self, parcel_id: UUID, no: int, count: int) -> None:
        line = self.lines[no]
        line.packed += count
        line.picked = max(line.picked, line.packed)
        self.boxes[parcel_id] = Box({no: count})

    def unpack(self, parcel_id: UUID) -> None:
        box = self.boxes[parcel_id]
        box.state = "unpacked"
        for no, count in box.contents.items():
            self.lines[no].packed -= count

    def leave(self, parcel_id: UUID) -> None:
        """A parcel leaves; with the last piece the order is done."""
        box = self.boxes[parcel_id]
        if box.state != "packed" or self.state != "paid":
            return
        box.state = "shipped"
        for no, count in box.contents.items():
            line = self.lines[no]
            line.open, line.picked, line.packed = line.open - count, line.picked - count, line.packed - count
            line.shipped += count
        if self.is_over:
            self.state = "fulfilled"

    def leave_whole(self) -> None:
        """All that is open leaves at once."""
        for box in self.boxes.values():
            box.state = "shipped" if box.state == "packed" else box.state
        for line in self.lines.values():
            line.shipped += line.open
            line.open = line.picked = line.packed = 0
        self.state = "fulfilled"

    def cut(self, counts: dict[int, int]) -> None:
        """Pieces will not come; their slices of what their lines cost go back, as far as there is money left."""
        value = 0
        for no, count in counts.items():
            line = self.lines[no]
            worth = line.price * line.ordered
            part = worth * (line.gone + count) // line.ordered - worth * line.gone // line.ordered
            line.cut, line.open = line.cut + count, line.open - count
            line.picked = min(line.picked, line.open)
            line.left -= part
            value += part
        value = min(value, self.free)
        if value:
            self.give_back(value)
        # Whoever cuts also asks for what was not answered before.
        self.ask_again()
        if self.is_over:
            self.state = "fulfilled"

    def cancel(self) -> None:
        """The whole order is called off: everything goes back that is there."""
        if self.state == "paid" and self.left:
            self.give_back(self.left, is_asked=False)
        for line in self.lines.values():
            line.open = line.picked = line.packed = 0
        self.state = "cancelled"
        self.ask_again()

    # Returns

    def announceable(self, no: int) -> int:
        line = self.lines[no]
        return line.shipped - line.came - line.announced

    def announce(self, each: Return, sign: int) -> None:
        for no, count in each.counts.items():
            self.lines[no].announced += sign * count

    def receive(self, each: Return, accepted: dict[int, int]) -> None:
        self.announce(each, -1)
        each.accepted = {no: count for no, count in accepted.items() if count}
        for no, count in each.accepted.items():
            self.lines[no].came += count
        each.state = "received" if each.accepted else "rejected"

    def count_worth(self, each: Return, *, as_money: bool) -> tuple[dict[int, int], int]:
        """(share of each line, what comes back of the order): each  piece that came back has its part of what is left of its
        line; with the last piece of the order all that is left comes back, its delivery too."""
        shares = {}
        for no, count in each.accepted.items():
            line = self.lines[no]
            kept = line.ordered - line.cut - line.settled
            free = max(0, line.left - line.owed)
            shares[no] = free if count == kept else free * count // kept
        wanted = sum(shares.values())
        if self.is_last(each):
            wanted = sum(line.left for line in self.lines.values()) + (self.delivery_left if as_money else 0)
        return shares, min(wanted, self.free)

    def is_last(self, each: Return) -> bool:
        """Whether all pieces of the order that were not cut are back with this return."""
        return all(
            line.ordered - line.cut == line.settled + each.accepted.get(no, 0)
            for no, line in self.lines.items()
        )

    def settle(self, each: Return, *, as_money: bool) -> int:
        """The lines give up what their pieces are worth; how much that is."""
        shares, given = self.count_worth(each, as_money=as_money)
        is_all = self.is_last(each)
        for no, count in each.accepted.items():
            self.lines[no].settled += count
        rest = given
        charged = dict.fromkeys(shares, 0)
        for no, share in shares.items():
            charged[no] = min(rest, share)
            rest -= charged[no]
        for no, line in self.lines.items():
            if is_all or no in shares or line.owed:
                more = min(rest, line.left - charged.get(no, 0))
                charged[no] = charged.get(no, 0) + more
                rest -= more
        for no, minor in charged.items():
            self.lines[no].left -= minor
            self.lines[no].owed = max(0, self.lines[no].owed + shares.get(no, 0) - minor)
        self.delivery_left -= rest
        return given
