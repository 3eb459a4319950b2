"""Accounts at payment providers, what their fields are called, and ways to pay as shoppers see them."""

from datetime import datetime
from typing import Literal

import msgspec

from serai.foundation.errors import _

Provider = Literal["stripe", "wechat", "alipay"]
SANDBOX = "sandbox"
PROVIDERS: tuple[Provider, ...] = ("stripe", "wechat", "alipay")
# Who can hold money. At WeChat Pay and Alipay that is another product, under another contract.
HOLDERS: tuple[Provider, ...] = ("stripe",)


class StripeAccount(msgspec.Struct, frozen=True):
    """What Stripe's dashboard gives: the API key, and the signing secret of the webhook endpoint."""

    secret_key: str
    webhook_secret: str


class WechatAccount(msgspec.Struct, frozen=True):
    """An account at WeChat Pay, API v3. ``platform_key_id`` is the id of WeChat's public key, or its certificate's serial.

    ``private_key`` is PKCS #8 in PEM, ``platform_key`` a public key in PEM.
    """

    mchid: str
    appid: str
    serial_no: str
    private_key: str
    apiv3_key: str
    platform_key_id: str
    platform_key: str


class AlipayAccount(msgspec.Struct, frozen=True):
    """An application at Alipay's open platform. ``private_key`` is PKCS #1 in PEM, ``alipay_key`` a public key in PEM."""

    app_id: str
    private_key: str
    alipay_key: str


ProviderAccount = StripeAccount | WechatAccount | AlipayAccount
ACCOUNT_TYPES: dict[Provider, type[ProviderAccount]] = {
    "stripe": StripeAccount,
    "wechat": WechatAccount,
    "alipay": AlipayAccount,
}


class Field(msgspec.Struct, frozen=True):
    """One field of an account: how it is called, whether it is secret, and whether it is a key of several lines."""

    name: str
    label: str
    is_secret: bool = False
    is_key: bool = False
    hint: str = ""


FIELDS: dict[Provider, tuple[Field, ...]] = {
    "stripe": (
        Field("secret_key", _("Secret key"), is_secret=True, hint="sk_live_… / sk_test_…"),
        Field("webhook_secret", _("Signing secret of the webhook"), is_secret=True, hint="whsec_…"),
    ),
    "wechat": (
        Field("mchid", _("Merchant number (mchid)"), hint="1900000001"),
        Field("appid", _("App id (appid)"), hint="wx…"),
        Field("serial_no", _("Serial number of your API certificate")),
        Field("private_key", _("Private key of your API certificate"), is_secret=True, is_key=True),
        Field("apiv3_key", _("APIv3 key"), is_secret=True),
        Field("platform_key_id", _("Id of WeChat's public key, or serial number of its certificate")),
        Field("platform_key", _("WeChat's public key or certificate"), is_key=True),
    ),
    "alipay": (
        Field("app_id", _("App id"), hint="2021…"),
        Field("private_key", _("Private key of your application"), is_secret=True, is_key=True),
        Field("alipay_key", _("Alipay's public key"), is_key=True),
    ),
}


class PayAccount(msgspec.Struct, frozen=True):
    """Where a merchant stands with a provider. ``values`` are an account's fields, secrets reduced to their last letters.

    ``is_readable`` is False when the account was sealed with a key that this installation does not have.
    """

    provider: str
    is_enabled: bool
    revision: int
    changed_at: datetime | None
    changed_by: str
    values: dict[str, str] = {}
    is_readable: bool = True


class Offer(msgspec.Struct, frozen=True):
    """A way to pay that a shopper may choose."""

    provider: str
    label: str
    about: str


OFFERS: dict[str, Offer] = {
    "stripe": Offer("stripe", _("Card"), _("Visa, Mastercard and others, on Stripe's page")),
    "wechat": Offer("wechat", _("WeChat Pay"), _("Scan a code, or pay in the app on a phone")),
    "alipay": Offer("alipay", _("Alipay"), _("On Alipay's page, or in its app on a phone")),
    SANDBOX: Offer(SANDBOX, _("Test payment"), _("On the sandbox's page; no money moves")),
}
NAMES = {"stripe": "Stripe", "wechat": "WeChat Pay 微信支付", "alipay": "Alipay 支付宝", SANDBOX: "Sandbox"}
