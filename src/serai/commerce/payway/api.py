"""Accounts at payment providers, and the ways to pay that follow from them."""

from collections.abc import Iterable

import msgspec

from serai.commerce.payway import store
from serai.commerce.payway.check_account import check_account
from serai.commerce.payway.logic import device_of, hide, takes
from serai.commerce.payway.seal import Vault
from serai.commerce.payway.types import (
    ACCOUNT_TYPES,
    FIELDS,
    OFFERS,
    PROVIDERS,
    SANDBOX,
    Offer,
    PayAccount,
    Provider,
    ProviderAccount,
)
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, NotFound, _
from serai.identity.audit.api import AuditRow, record_rows

__all__ = [
    "Vault",
    "check_account",
    "choose_offer",
    "device_of",
    "find_account",
    "find_provider",
    "list_offers",
    "list_pay_accounts",
    "save_pay_account",
    "switch_pay_account",
    "takes",
]


def find_provider(name: str) -> Provider | None:
    """The provider of a name that merchants have accounts at."""
    return next((each for each in PROVIDERS if each == name), None)


async def find_account(
    tx: Transaction, vault: Vault, provider: Provider
) -> tuple[int, ProviderAccount] | None:
    """A merchant's account with its revision; None without one, or when it cannot be opened.

    An account that was switched off still answers: payments from before are refunded, and told, through it.
    """
    row = await store.find_account(tx, provider)
    account = _open(tx, vault, provider, row["sealed"]) if row else None
    return (row["revision"], account) if account else None


def _open(tx: Transaction, vault: Vault, provider: Provider, sealed: bytes) -> ProviderAccount | None:
    content = vault.open(tx.merchant_id, provider, sealed)
    return msgspec.json.decode(content, type=ACCOUNT_TYPES[provider]) if content is not None else None


async def list_pay_accounts(tx: Transaction, vault: Vault) -> tuple[PayAccount, ...]:
    """Where the merchant stands with every provider, the sandbox at the end; secrets by their last letters."""
    rows = {row["provider"]: row for row in await store.list_accounts(tx)}
    return tuple(_describe(tx, vault, name, rows.get(name)) for name in (*PROVIDERS, SANDBOX))


def _describe(tx: Transaction, vault: Vault, name: str, row: object) -> PayAccount:
    if row is None:
        return PayAccount(name, name == SANDBOX, 0, None, "")
    facts = dict(row)  # type: ignore[call-overload]  # a row of the driver, which has no types
    provider = find_provider(name)
    account = _open(tx, vault, provider, facts["sealed"]) if provider else None
    values = msgspec.structs.asdict(account) if account else {}
    shown = {
        field.name: hide(values[field.name]) if field.is_secret else values[field.name]
        for field in (FIELDS[provider] if provider else ())
        if field.name in values
    }
    return PayAccount(
        name,
        facts["is_enabled"],
        facts["revision"],
        facts["changed_at"],
        facts["changed_by"],
        shown,
        provider is None or account is not None,
    )


async def save_pay_account(
    tx: Transaction, vault: Vault, *, provider: Provider, values: dict[str, str], by: str
) -> None:
    """Keep an account, sealed, and offer it. A secret left empty stays as it is; the audit log names no secret.

    Raises:
        Invalid: ``payway.field_invalid`` with ``field``.
    """
    row = await store.find_account(tx, provider)
    known = _open(tx, vault, provider, row["sealed"]) if row else None
    account = check_account(provider, values, known)
    changed = [
        field.name
        for field in FIELDS[provider]
        if known is None or getattr(known, field.name) != getattr(account, field.name)
    ]
    sealed = vault.seal(tx.merchant_id, provider, msgspec.json.encode(account))
    await store.upsert_account(tx, provider, sealed, True, clock.now(), by)
    await record_rows(tx, [AuditRow(by, "payway.saved", "payway", provider, None, {"fields": changed})])


async def switch_pay_account(tx: Transaction, *, provider: str, is_enabled: bool, by: str) -> None:
    """Offer a provider to shoppers, or no more.

    Raises:
        NotFound: ``payway.unknown``. Conflict: ``payway.no_account`` when there is nothing to offer.
    """
    if provider not in (*PROVIDERS, SANDBOX):
        raise NotFound("payway.unknown", _("There is no such payment provider."))
    row = await store.find_account(tx, provider)
    if row is None and provider != SANDBOX:
        raise Conflict("payway.no_account", _("Please save the account first."))
    before = row["is_enabled"] if row else True
    if before == is_enabled:
        return
    await store.upsert_account(tx, provider, row["sealed"] if row else b"", is_enabled, clock.now(), by)
    details = {"is_enabled": is_enabled}
    await record_rows(tx, [AuditRow(by, "payway.switched", "payway", provider, None, details)])


async def list_offers(
    tx: Transaction, *, known: Iterable[str], amount_minor: int, currency: str
) -> tuple[Offer, ...]:
    """The ways to pay an amount, in the order in which they are shown.

    Args:
        known: providers that this installation speaks to.
    """
    states = {row["provider"]: row["is_enabled"] for row in await store.list_accounts(tx)}
    speaks = set(known)
    return tuple(
        OFFERS[name]
        for name in (*PROVIDERS, SANDBOX)
        if states.get(name, name == SANDBOX) and name in speaks and takes(name, amount_minor, currency)
    )


def choose_offer(offers: tuple[Offer, ...], wanted: str | None, earlier: str | None) -> str:
    """The provider to pay with: the one asked for, else that of an earlier attempt, else the first.

    Raises:
        Conflict: ``payment.no_provider`` when nothing is offered, or not what was asked for.
    """
    names = [offer.provider for offer in offers]
    if wanted and wanted not in names:
        raise Conflict(
            "payment.no_provider", _("This way to pay is not offered for this order."), offered=names
        )
    if wanted:
        return wanted
    if earlier in names:
        return str(earlier)
    if not names:
        raise Conflict(
            "payment.no_provider", _("This way to pay is not offered for this order."), offered=names
        )
    return names[0]
