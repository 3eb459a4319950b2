"""What every adapter to one account has in common: its shape, words for what went wrong, and events in our words."""

from collections.abc import Mapping
from datetime import date, timedelta, timezone
from typing import Any, Literal, Protocol
from uuid import UUID

import httpx

from serai.commerce.payway.unpack_bill import MAX_BYTES
from serai.commerce.types import EventKind, PaymentRequest, ProviderEvent, ProviderPayment, StatementRow
from serai.foundation import clock
from serai.foundation.errors import Invalid, Outside, Unauthorised, _

CHINA = timezone(timedelta(hours=8))
RefundAnswer = Literal["done", "pending", "failed"]


class Adapter(Protocol):
    """One merchant's account at one provider. Calls raise ``Outside`` when the provider does not answer well."""

    async def create(self, request: PaymentRequest) -> ProviderPayment:
        """Open a payment, or find the one that the intent has opened already."""
        ...

    async def load(self, intent_id: UUID, provider_payment_id: str | None) -> ProviderPayment | None:
        """What the provider knows of an intent, None when it never heard of it."""
        ...

    async def void(self, provider_payment_id: str) -> None:
        """Stop a payment that was not captured."""
        ...

    async def capture(self, provider_payment_id: str, capture_id: UUID, amount_minor: int) -> RefundAnswer:
        """Take part of what is held, once per capture id."""
        ...

    async def refund(self, provider_payment_id: str, refund_id: UUID, amount_minor: int) -> RefundAnswer:
        """Give money back, once per refund id."""
        ...

    async def statement(self, day: date) -> tuple[StatementRow, ...] | bytes:
        """All movements of a day as the provider counts days: rows, or its own file."""
        ...

    async def read(self, headers: Mapping[str, str], body: bytes) -> ProviderEvent | None:
        """A message's event; None for one that is genuine and about nothing of ours."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


def refuse_hold(provider: str) -> Outside:
    """For those that take money at once: holding it is another product of theirs, under another contract."""
    return Outside(
        provider, "takes money at once; holding it is another product, which is not spoken", retryable=False
    )


def is_over(day: date) -> bool:
    """Whether a day of China is over for so long that a bill which is not there will not come: nothing has moved."""
    return clock.now().astimezone(CHINA).date() - day >= timedelta(days=2)


async def download(
    provider: str, client: httpx.AsyncClient, address: str, headers: Mapping[str, str] | None = None
) -> bytes:
    """A file of limited size. Outside when it does not come whole."""
    content = bytearray()
    try:
        async with client.stream("GET", address, headers=headers) as answer:
            if answer.status_code != 200:
                raise Outside(provider, f"answered {answer.status_code} instead of a file")
            async for part in answer.aiter_raw():
                content += part
                if len(content) > MAX_BYTES:
                    raise Outside(provider, "gave a file that is too large", retryable=False)
    except httpx.HTTPError as error:
        raise Outside(provider, type(error).__name__) from error
    return bytes(content)


def forged() -> Unauthorised:
    return Unauthorised("webhook.forged", _("The signature of this message is not right."))


def malformed() -> Invalid:
    return Invalid("webhook.malformed", _("This message cannot be read."))


def tell(
    provider: str,
    kind: EventKind,
    reference: UUID,
    provider_payment_id: str,
    amount_minor: int,
    currency: str,
    *,
    event_id: str = "",
    payment_minor: int | None = None,
    refund_reference: UUID | None = None,
    **data: Any,
) -> ProviderEvent:
    """An event. Without an id of the provider's it gets one that is the same for the same state, so it is kept once."""
    return ProviderEvent(
        provider,
        event_id or f"state:{provider_payment_id}:{kind}:{amount_minor}",
        kind,
        reference,
        provider_payment_id,
        amount_minor,
        amount_minor if payment_minor is None else payment_minor,
        currency,
        data,
        refund_reference,
    )


def find_uuid(text: object) -> UUID | None:
    """An id of ours that a provider tells back; None when it is something else."""
    try:
        return UUID(text) if isinstance(text, str) else None
    except ValueError:
        return None
