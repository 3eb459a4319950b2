"""A payment provider over the accounts that merchants have there: each call finds the merchant's account and its adapter."""

from collections.abc import Callable, Mapping
from datetime import date
from uuid import UUID

from serai.commerce.payway.adapter import Adapter, RefundAnswer
from serai.commerce.payway.api import find_account
from serai.commerce.payway.seal import Vault
from serai.commerce.payway.types import HOLDERS, Provider, ProviderAccount
from serai.commerce.types import PaymentRequest, ProviderEvent, ProviderPayment, StatementRow
from serai.foundation.database import Database
from serai.foundation.errors import NotFound, Outside, _
from serai.foundation.ids import MerchantId

ADAPTER_LIMIT = 500
CHINA_H = 8


class AccountProvider:
    """A :class:`~serai.commerce.types.PaymentProvider`.

    Args:
        build: makes the adapter to an account; called when an account is used for the first time or has changed.
    """

    def __init__(
        self, name: Provider, db: Database, vault: Vault, build: Callable[[ProviderAccount], Adapter]
    ) -> None:
        self.name: str = name
        self.can_hold = name in HOLDERS
        self.day_offset_h = 0 if name == "stripe" else CHINA_H
        self._provider: Provider = name
        self._db = db
        self._vault = vault
        self._build = build
        self._adapters: dict[UUID, tuple[int, Adapter]] = {}

    async def close(self) -> None:
        """Let go of every account's connections."""
        for _revision, adapter in self._adapters.values():
            await adapter.close()
        self._adapters.clear()

    async def _find(self, merchant_id: UUID) -> Adapter | None:
        async with self._db.transaction(MerchantId(merchant_id), "read") as tx:
            found = await find_account(tx, self._vault, self._provider)
        if found is None:
            return None
        revision, account = found
        known = self._adapters.get(merchant_id)
        if known and known[0] == revision:
            return known[1]
        if len(self._adapters) >= ADAPTER_LIMIT:
            self._adapters.pop(next(iter(self._adapters)))
        # The one before may still be in use; it ends with its last call.
        adapter = self._build(account)
        self._adapters[merchant_id] = (revision, adapter)
        return adapter

    async def _adapter(self, merchant_id: UUID) -> Adapter:
        adapter = await self._find(merchant_id)
        if adapter is None:
            raise Outside(self.name, "this merchant has no account there", retryable=False)
        return adapter

    async def create_payment(self, merchant_id: UUID, request: PaymentRequest) -> ProviderPayment:
        return await (await self._adapter(merchant_id)).create(request)

    async def load_payment(
        self, merchant_id: UUID, intent_id: UUID, provider_payment_id: str | None = None
    ) -> ProviderPayment | None:
        return await (await self._adapter(merchant_id)).load(intent_id, provider_payment_id)

    async def void_payment(self, merchant_id: UUID, provider_payment_id: str) -> None:
        await (await self._adapter(merchant_id)).void(provider_payment_id)

    async def capture_payment(
        self, merchant_id: UUID, provider_payment_id: str, capture_id: UUID, amount_minor: int
    ) -> RefundAnswer:
        return await (await self._adapter(merchant_id)).capture(provider_payment_id, capture_id, amount_minor)

    async def refund(
        self, merchant_id: UUID, provider_payment_id: str, refund_id: UUID, amount_minor: int
    ) -> RefundAnswer:
        return await (await self._adapter(merchant_id)).refund(provider_payment_id, refund_id, amount_minor)

    async def load_statement(self, merchant_id: UUID, day: date) -> tuple[StatementRow, ...] | bytes:
        return await (await self._adapter(merchant_id)).statement(day)

    async def read_webhook(
        self, merchant_id: UUID, headers: Mapping[str, str], body: bytes
    ) -> ProviderEvent | None:
        adapter = await self._find(merchant_id)
        if adapter is None:
            raise NotFound("webhook.unknown", _("There is no such payment provider."))
        return await adapter.read(headers, body)
