"""The market as a payment provider of its members: refunds of their orders go through the market's own account."""

from collections.abc import Mapping
from typing import Literal
from uuid import UUID

from serai.commerce.market import store
from serai.commerce.market.book_settlement import book_refund
from serai.commerce.market.plan_refund import plan_refund
from serai.commerce.market.types import MARKET
from serai.commerce.payment.api import find_refund
from serai.commerce.types import PaymentProvider, PaymentRequest, ProviderEvent, ProviderPayment
from serai.foundation import clock
from serai.foundation.database import Database
from serai.foundation.errors import NotFound, Outside, _
from serai.foundation.ids import MerchantId
from serai.ledger.api import Lane


def name_payment(market_id: UUID, provider: str, provider_payment_id: str) -> str:
    """What members keep as the provider's payment: whose account it is in, at which provider, and its id there."""
    return f"{market_id}/{provider}/{provider_payment_id}"


class MarketProvider:
    """Adapter that members' intents name. It opens nothing by itself: a checkout is paid at the market."""

    name = MARKET
    can_hold = False

    def __init__(self, db: Database, lane: Lane, providers: Mapping[str, PaymentProvider]) -> None:
        self._db = db
        self._lane = lane
        self._providers = providers

    async def create_payment(self, merchant_id: UUID, request: PaymentRequest) -> ProviderPayment:
        """Outside ``market``, always: the whole checkout is paid, not one of its orders."""
        raise Outside(MARKET, "orders of a market are paid with their checkout", retryable=False)

    async def load_payment(
        self, merchant_id: UUID, intent_id: UUID, provider_payment_id: str | None = None
    ) -> ProviderPayment | None:
        """None: an intent is only written once its money has come."""
        return None

    async def void_payment(self, merchant_id: UUID, provider_payment_id: str) -> None:
        """Nothing to stop: the payment is that of the whole checkout."""

    async def capture_payment(
        self, merchant_id: UUID, provider_payment_id: str, capture_id: UUID, amount_minor: int
    ) -> Literal["done", "pending", "failed"]:
        """Outside ``market``, always: a checkout's money is taken at once."""
        raise Outside(MARKET, "takes the money of a checkout at once", retryable=False)

    async def refund(
        self, merchant_id: UUID, provider_payment_id: str, refund_id: UUID, amount_minor: int
    ) -> Literal["done", "pending", "failed"]:
        """Give a member's buyer money back out of the market's account, and settle it with the market."""
        market, provider, inner_id = provider_payment_id.split("/", 2)
        market_id, member_id = MerchantId(UUID(market)), MerchantId(merchant_id)
        async with self._db.transaction(member_id, "read") as tx:
            refund = await find_refund(tx, refund_id=refund_id)
        assert refund is not None, "a provider is asked for refunds that are written down"
        planned = await plan_refund(
            self._db,
            market_id,
            member_id,
            order_id=refund.order_id,
            refund_id=refund_id,
            amount_minor=amount_minor,
        )
        answer: Literal["done", "pending", "failed"] = "done"
        if planned.paid_minor:
            inner = self._providers[provider]
            answer = await inner.refund(market_id, inner_id, refund_id, planned.paid_minor)
        if answer == "done":
            await book_refund(self._db, self._lane, market_id, member_id, provider=provider, refund=planned)
        elif answer == "failed":
            async with self._db.transaction(market_id) as market_tx:
                await store.fail_refund(market_tx, refund_id, clock.now())
        return answer

    async def read_webhook(self, merchant_id: UUID, headers: Mapping[str, str], body: bytes) -> ProviderEvent:
        """NotFound ``webhook.unknown``, always: providers write to the market."""
        raise NotFound("webhook.unknown", _("There is no such payment provider."))
