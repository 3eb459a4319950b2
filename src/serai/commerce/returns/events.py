"""What happens to returns. Their subject is the order, so its history tells them too."""

from uuid import UUID

import msgspec


class ReturnRequested(msgspec.Struct, frozen=True):
    """Somebody wants to send goods back."""

    return_id: UUID
    order_id: UUID
    number: str
    wish: str
    pieces: int
    by: str


class ReturnApproved(msgspec.Struct, frozen=True):
    """The goods may be sent back."""

    return_id: UUID
    order_id: UUID
    number: str
    by: str


class ReturnDeclined(msgspec.Struct, frozen=True):
    """The goods stay with the buyer; ``answer`` is what the buyer is told."""

    return_id: UUID
    order_id: UUID
    number: str
    answer: str
    by: str


class ReturnReopened(msgspec.Struct, frozen=True):
    """A return that was declined is looked at again."""

    return_id: UUID
    order_id: UUID
    number: str
    by: str


class ReturnWithdrawn(msgspec.Struct, frozen=True):
    """The buyer keeps the goods after all."""

    return_id: UUID
    order_id: UUID
    number: str
    by: str


class ReturnSent(msgspec.Struct, frozen=True):
    """The goods are on their way back."""

    return_id: UUID
    order_id: UUID
    number: str
    carrier: str
    tracking: str
    by: str


class ReturnReceived(msgspec.Struct, frozen=True):
    """The goods have come back: so many pieces were accepted, so many were not."""

    return_id: UUID
    order_id: UUID
    number: str
    accepted: int
    refused: int
    by: str


class ReturnRefunded(msgspec.Struct, frozen=True):
    """What the returned goods were paid with goes back."""

    return_id: UUID
    order_id: UUID
    number: str
    amount_minor: int
    fee_minor: int
    currency: str
    by: str


class ReturnExchanged(msgspec.Struct, frozen=True):
    """The returned goods became other goods, in an order of their own; the rest goes back as money."""

    return_id: UUID
    order_id: UUID
    number: str
    exchange_order_id: UUID
    credit_minor: int
    amount_minor: int
    currency: str
    by: str


class ExchangeUndone(msgspec.Struct, frozen=True):
    """The order of an exchange ended before it left, so its credit goes back as money."""

    return_id: UUID
    order_id: UUID
    number: str
    exchange_order_id: UUID
    amount_minor: int
    currency: str


class ReturnRejected(msgspec.Struct, frozen=True):
    """Nothing of what came back was accepted."""

    return_id: UUID
    order_id: UUID
    number: str
    answer: str
    by: str


class ReturnExpired(msgspec.Struct, frozen=True):
    """An approved return was not sent in time."""

    return_id: UUID
    order_id: UUID
    number: str
    by: str
