"""A payment provider in memory that pays at once, for orders that the console's tests need to be paid."""

from collections.abc import Mapping
from typing import Literal
from uuid import UUID

from serai.commerce.types import PaymentRequest, ProviderEvent, ProviderPayment
from serai.foundation.errors import Outside


class Till:
    """Captures every payment in full and answers refunds as ``refunds`` says. ``asked`` holds the refunds asked for."""

    name = "sandbox"
    can_hold = True

    def __init__(self) -> None:
        self.refunds: Literal["done", "pending", "failed"] = "done"
        self.is_down = False
        self.asked: list[tuple[UUID, int]] = []
        self._payments: dict[UUID, PaymentRequest] = {}

    async def create_payment(self, merchant_id: UUID, request: PaymentRequest) -> ProviderPayment:
        self._payments[request.intent_id] = request
        return ProviderPayment(f"pay_{request.intent_id}", "http://127.0.0.1/pay")

    async def load_payment(
        self, merchant_id: UUID, intent_id: UUID, provider_payment_id: str | None = None
    ) -> ProviderPayment | None:
        return None

    async def void_payment(self, merchant_id: UUID, provider_payment_id: str) -> None:
        return None

    async def capture_payment(
        self, merchant_id: UUID, provider_payment_id: str, capture_id: UUID, amount_minor: int
    ) -> Literal["done", "pending", "failed"]:
        return "done"

    async def refund(
        self, merchant_id: UUID, provider_payment_id: str, refund_id: UUID, amount_minor: int
    ) -> Literal["done", "pending", "failed"]:
        if self.is_down:
            raise Outside("sandbox", "down for this test")
        self.asked.append((refund_id, amount_minor))
        return self.refunds

    async def read_webhook(self, merchant_id: UUID, headers: Mapping[str, str], body: bytes) -> ProviderEvent:
        raise NotImplementedError("no webhook reaches the console")

    def capture(self, intent_id: UUID) -> ProviderEvent:
        """What the provider says once the shopper has paid."""
        request = self._payments[intent_id]
        return ProviderEvent(
            self.name,
            f"evt_{intent_id}",
            "captured",
            intent_id,
            f"pay_{intent_id}",
            request.amount_minor,
            request.amount_minor,
            request.currency,
            {},
        )
