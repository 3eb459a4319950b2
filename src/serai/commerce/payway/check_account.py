"""An account's fields as they were typed, judged and brought into form. Pure."""

import re
from collections.abc import Callable

import msgspec

from serai.commerce.payway.read_key import (
    read_private_key,
    read_public_key,
    write_pkcs1,
    write_pkcs8,
    write_public,
)
from serai.commerce.payway.types import ACCOUNT_TYPES, FIELDS, Provider, ProviderAccount
from serai.foundation.errors import Invalid, _

PATTERNS = {
    "secret_key": re.compile(r"(sk|rk)_(test|live)_[A-Za-z0-9_]{8,240}"),
    "webhook_secret": re.compile(r"whsec_[A-Za-z0-9+/=_-]{8,240}"),
    "mchid": re.compile(r"[0-9]{8,16}"),
    "appid": re.compile(r"wx[A-Za-z0-9]{8,30}"),
    "serial_no": re.compile(r"[0-9A-F]{16,64}"),
    "apiv3_key": re.compile(r"[0-9A-Za-z]{32}"),
    "platform_key_id": re.compile(r"PUB_KEY_ID_[0-9A-Za-z]{8,60}|[0-9A-F]{16,64}"),
    "app_id": re.compile(r"[0-9]{8,32}"),
}
KEYS: dict[tuple[str, str], Callable[[str], str]] = {
    ("wechat", "private_key"): lambda text: write_pkcs8(read_private_key(text)),
    ("wechat", "platform_key"): lambda text: write_public(read_public_key(text)),
    ("alipay", "private_key"): lambda text: write_pkcs1(read_private_key(text)),
    ("alipay", "alipay_key"): lambda text: write_public(read_public_key(text)),
}
UPPER = ("serial_no",)


def check_account(
    provider: Provider, values: dict[str, str], known: ProviderAccount | None
) -> ProviderAccount:
    """The account that was typed; a secret that was left empty is the one known.

    Raises:
        Invalid: ``payway.field_invalid`` with ``field``.
    """
    before = msgspec.structs.asdict(known) if known else {}
    checked: dict[str, str] = {}
    for field in FIELDS[provider]:
        text = values.get(field.name, "").strip()
        if not text and field.is_secret:
            text = before.get(field.name, "")
        if field.name in UPPER:
            text = text.upper()
        checked[field.name] = _check(provider, field.name, text)
    return msgspec.convert(checked, ACCOUNT_TYPES[provider])


def _check(provider: Provider, name: str, text: str) -> str:
    if not text:
        raise Invalid("payway.field_invalid", _("Please fill this in."), field=name, reason="missing")
    write = KEYS.get((provider, name))
    if write is None:
        if not PATTERNS[name].fullmatch(text):
            raise Invalid(
                "payway.field_invalid",
                _("That does not look like what the provider hands out for this field."),
                field=name,
                reason="form",
            )
        return text
    try:
        return write(text)
    except ValueError as error:
        raise Invalid(
            "payway.field_invalid",
            _("That is not an RSA key of at least 2048 bits, in PEM and without a password."),
            field=name,
            reason="key",
        ) from error
