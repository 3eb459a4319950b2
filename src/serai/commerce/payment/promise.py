"""Ways to pay that no provider is asked for: cash on delivery, and invoices. Staff say what has come and what was paid
back, so nothing is sent anywhere."""

from collections.abc import Mapping
from typing import Literal
from uuid import UUID

from serai.commerce.pledge.types import PROMISES
from serai.commerce.types import Commerce, PaymentProvider, PaymentRequest, ProviderEvent, ProviderPayment
from serai.foundation.errors import NotFound, Outside, _


class Promise:
    """A :class:`~serai.commerce.types.PaymentProvider` of which nobody outside knows."""

    can_hold = True

    def __init__(self, name: str) -> None:
        self.name = name

    async def create_payment(self, merchant_id: UUID, request: PaymentRequest) -> ProviderPayment:
        """There is no page to pay at: a promise is accepted, see ``checkout.accept_promise``."""
        raise Outside(self.name, "has no page to pay at", retryable=False)

    async def load_payment(
        self, merchant_id: UUID, intent_id: UUID, provider_payment_id: str | None = None
    ) -> ProviderPayment | None:
        """None: all that is known of it is in our own books."""
        return None

    async def void_payment(self, merchant_id: UUID, provider_payment_id: str) -> None:
        """Nobody holds anything."""

    async def capture_payment(
        self, merchant_id: UUID, provider_payment_id: str, capture_id: UUID, amount_minor: int
    ) -> Literal["done", "pending", "failed"]:
        """Done: it is asked only when somebody says that the money is there."""
        return "done"

    async def refund(
        self, merchant_id: UUID, provider_payment_id: str, refund_id: UUID, amount_minor: int
    ) -> Literal["done", "pending", "failed"]:
        """Pending until staff say that they have paid it back."""
        return "pending"

    async def read_webhook(self, merchant_id: UUID, headers: Mapping[str, str], body: bytes) -> ProviderEvent:
        """Nobody sends any."""
        raise NotFound("webhook.unknown", _("There is no such payment provider."))


PROMISED: Mapping[str, PaymentProvider] = {name: Promise(name) for name in PROMISES}


def provider_of(commerce: Commerce, name: str) -> PaymentProvider:
    """Who is asked about a payment. Outside (not worth a retry) for one that this installation does not know any more."""
    provider = PROMISED.get(name) or commerce.providers.get(name)
    if provider is None:
        raise Outside(name, "this payment provider is not set up", retryable=False)
    return provider
