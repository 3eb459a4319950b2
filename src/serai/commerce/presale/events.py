"""What happens to presales and to the orders in them."""

from datetime import datetime
from uuid import UUID

import msgspec


class PresalePublished(msgspec.Struct, frozen=True):
    """A presale takes deposits from its window's begin on."""

    presale_id: UUID
    quota: int
    by: str


class PresaleStopped(msgspec.Struct, frozen=True):
    """A presale takes no deposits any more; those that were paid count."""

    presale_id: UUID
    by: str


class PresaleClosed(msgspec.Struct, frozen=True):
    """The deposit window is over: so many pieces were sold, so the price is this part (basis points) for everybody."""

    presale_id: UUID
    pieces: int
    percent: int


class DepositPaid(msgspec.Struct, frozen=True):
    """The deposit of an order has come; its goods are kept until the balance window ends."""

    order_id: UUID
    intent_id: UUID
    amount_minor: int
    currency: str


class BalanceFixed(msgspec.Struct, frozen=True):
    """The presale has closed, so what an order has still to pay is known."""

    order_id: UUID
    amount_minor: int
    percent: int


class BalanceLowered(msgspec.Struct, frozen=True):
    """A coupon was used on the balance."""

    order_id: UUID
    coupon_id: UUID
    amount_minor: int
    discount_minor: int


class BalanceOpened(msgspec.Struct, frozen=True):
    """The balance of an order can be paid from now on."""

    order_id: UUID
    amount_minor: int
    until: datetime


class BalanceReminded(msgspec.Struct, frozen=True):
    """The balance of an order has not come, and its window ends soon."""

    order_id: UUID
    amount_minor: int
    until: datetime


class OrderLapsed(msgspec.Struct, frozen=True):
    """The balance did not come in its window. ``kept``: the deposit stays with the merchant, else it goes back."""

    order_id: UUID
    deposit_minor: int
    kept: bool
