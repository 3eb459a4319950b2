"""A payment provider in memory whose shopper decides: pay, be declined, or walk away."""

from typing import Literal
from uuid import UUID

import msgspec
from tests.console.till import Till

from serai.commerce.types import PaymentRequest, ProviderPayment
from serai.foundation.errors import Outside

PAY_URL = "http://127.0.0.1/pay"


class Cashier(Till):
    """Tells of each payment what ``outcome`` says when it is asked. ``opened`` holds the payments asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.outcome: Literal["open", "paid", "declined"] = "open"
        self.opened: list[PaymentRequest] = []

    async def create_payment(self, merchant_id: UUID, request: PaymentRequest) -> ProviderPayment:
        if self.is_down:
            raise Outside("sandbox", "down for this test")
        if request.intent_id not in {known.intent_id for known in self.opened}:
            self.opened.append(request)
        return await super().create_payment(merchant_id, request)

    async def load_payment(
        self, merchant_id: UUID, intent_id: UUID, provider_payment_id: str | None = None
    ) -> ProviderPayment | None:
        if self.is_down:
            raise Outside("sandbox", "down for this test")
        event = self.capture(intent_id)
        match self.outcome:
            case "paid":
                return ProviderPayment(event.provider_payment_id, None, (event,))
            case "declined":
                failed = msgspec.structs.replace(event, event_id=f"no_{intent_id}", kind="failed")
                return ProviderPayment(event.provider_payment_id, None, (failed,))
        return ProviderPayment(event.provider_payment_id, PAY_URL)
