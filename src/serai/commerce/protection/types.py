"""Price protection as other modules see it. Amounts are minor units of the order's currency, moments UTC."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec


class Claimable(msgspec.Struct, frozen=True):
    """What can be claimed of an order's line now: it cost ``paid_minor`` and would cost ``now_minor``.

    Both are for the whole quantity. It can be claimed before ``until``.
    """

    line_no: int
    sku_id: UUID
    title: str
    quantity: int
    paid_minor: int
    now_minor: int
    amount_minor: int
    until: datetime


class PriceClaim(msgspec.Struct, frozen=True):
    """A claim that was granted: the difference went back by a refund that carries the claim's id.

    ``state`` is that of the refund.
    """

    claim_id: UUID
    order_id: UUID
    number: str
    line_no: int
    window_no: int
    sku_id: UUID
    title: str
    quantity: int
    paid_minor: int
    now_minor: int
    amount_minor: int
    currency: str
    claimed_by: str
    claimed_at: datetime
    state: Literal["pending", "done", "failed"]
