"""The adapters to payment providers, each loaded when a merchant's account is used for the first time: their libraries are
heavy (Stripe's alone takes 30 MB and a quarter of a second), and most processes need none of them."""

import importlib

from serai.commerce.payway.adapter import Adapter
from serai.commerce.payway.provider import AccountProvider
from serai.commerce.payway.seal import Vault
from serai.commerce.payway.types import PROVIDERS, Provider, ProviderAccount
from serai.commerce.settings import CommerceSettings
from serai.foundation.database import Database

ADAPTERS = {
    "stripe": ("serai.commerce.payway.adapt_stripe", "StripeAdapter"),
    "wechat": ("serai.commerce.payway.adapt_wechat", "WechatAdapter"),
    "alipay": ("serai.commerce.payway.adapt_alipay", "AlipayAdapter"),
}


def make_vault(settings: CommerceSettings, secret: str) -> Vault:
    """The vault of merchants' accounts: by the operator's key, or by the installation's own secret."""
    return Vault((settings.account_key or secret).encode())


def make_providers(db: Database, vault: Vault, settings: CommerceSettings) -> dict[str, AccountProvider]:
    """A provider by its name, for every one that merchants can have accounts at."""
    return {name: _make_provider(name, db, vault, settings) for name in PROVIDERS}


def _make_provider(name: Provider, db: Database, vault: Vault, settings: CommerceSettings) -> AccountProvider:
    module, adapter = ADAPTERS[name]
    address: str = getattr(settings, f"{name}_url")

    def build(account: ProviderAccount) -> Adapter:
        found: Adapter = getattr(importlib.import_module(module), adapter)(
            account, address, settings.provider_timeout_s
        )
        return found

    return AccountProvider(name, db, vault, build)
