"""What delivery costs at a merchant, and its words on returns; the installation's settings hold where it says nothing."""

import msgspec

from serai.commerce.settings import CommerceSettings
from serai.commerce.terms import store
from serai.commerce.terms.types import ShopTerms
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, Invalid, _
from serai.identity.audit import api as audit

__all__ = ["ShopTerms", "apply_terms", "load_terms", "save_terms", "use_terms"]

MAX_MINOR = 10**12
MAX_POLICY = 4_000


async def load_terms(tx: Transaction, *, settings: CommerceSettings) -> ShopTerms:
    """The merchant's terms, or those of the installation."""
    row = await store.find_terms(tx)
    if row is not None:
        return ShopTerms(*row.values())
    return ShopTerms(settings.shipping_minor, settings.free_shipping_from_minor or None)


async def apply_terms(tx: Transaction, *, settings: CommerceSettings) -> CommerceSettings:
    """The settings with what the merchant of the transaction asks for delivery."""
    row = await store.find_terms(tx)
    return settings if row is None else use_terms(ShopTerms(*row.values()), settings)


def use_terms(terms: ShopTerms, settings: CommerceSettings) -> CommerceSettings:
    """The settings with some terms in them; zero says there that delivery is never free."""
    return msgspec.structs.replace(
        settings,
        shipping_minor=terms.shipping_minor,
        free_shipping_from_minor=terms.free_shipping_from_minor or 0,
    )


async def save_terms(
    tx: Transaction,
    *,
    settings: CommerceSettings,
    version: int,
    shipping_minor: int,
    free_shipping_from_minor: int | None,
    returns_policy: str,
    by: str,
) -> ShopTerms:
    """Keep the merchant's own terms, if nobody did since ``version``. Orders and quotes made before keep theirs.

    Raises:
        Invalid: ``terms.amount_invalid``, ``terms.policy_invalid``. Conflict: ``terms.edited_meanwhile``.
    """
    for field, amount in (("shipping", shipping_minor), ("free_from", free_shipping_from_minor)):
        if amount is not None and not (0 if field == "shipping" else 1) <= amount <= MAX_MINOR:
            raise Invalid("terms.amount_invalid", _("That amount is not possible."), field=field)
    policy = returns_policy.replace("\r\n", "\n").strip()
    if len(policy) > MAX_POLICY or "\0" in policy:
        raise Invalid(
            "terms.policy_invalid",
            _("Please use at most %(most)s characters."),
            field="returns_policy",
            most=MAX_POLICY,
        )
    before = await load_terms(tx, settings=settings)
    after = ShopTerms(shipping_minor, free_shipping_from_minor, policy, before.version + 1)
    if before.version == version and before == msgspec.structs.replace(after, version=version):
        return before
    saved = await store.save_terms(tx, shipping_minor, free_shipping_from_minor, policy, version, by)
    if not saved:
        raise Conflict(
            "terms.edited_meanwhile",
            _("Somebody else has changed the settings meanwhile. Please look at them again."),
        )
    await audit.record(
        tx,
        actor=by,
        action="merchant.changed",
        subject_kind="merchant",
        subject_id=tx.merchant_id,
        before=msgspec.to_builtins(before),
        after=msgspec.to_builtins(after),
    )
    return after
