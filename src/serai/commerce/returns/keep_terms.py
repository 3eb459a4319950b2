"""What may come back at a merchant: read, and saved by staff."""

import re
from collections.abc import Sequence

import msgspec

from serai.commerce.returns import store
from serai.commerce.returns.types import ReturnReason, ReturnTerms
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, Invalid, _
from serai.identity.audit import api as audit

# Nobody has said anything: the defaults hold.
NO_TERMS = ReturnTerms()
LIMITS = {
    "window_days": (0, 3650),
    "send_days": (1, 365),
    "approve_days": (0, 3650),
    "restocking_bp": (0, 10_000),
    "postage_minor": (0, 10**9),
}
MAX_REASONS = 30
MAX_REASON_CHARACTERS = 120
MAX_CATEGORIES = 500
CODE = re.compile(r"[a-z0-9_-]{1,40}")


async def load_terms(tx: Transaction) -> ReturnTerms:
    """The merchant's terms of returns."""
    row = await store.find_terms(tx)
    if row is None:
        return NO_TERMS
    values = dict(row)
    return ReturnTerms(
        **values
        | {
            "reasons": msgspec.convert(values["reasons"].get("items", ()), tuple[ReturnReason, ...]),
            "excluded_category_ids": tuple(values["excluded_category_ids"]),
        }
    )


async def save_terms(tx: Transaction, *, terms: ReturnTerms, by: str) -> ReturnTerms:
    """Say what may come back, if nobody did since ``terms.version``. Returns that were asked for stay as they are.

    Raises:
        Invalid: ``return.terms_invalid`` with ``field``. Conflict: ``return.terms_edited``.
    """
    for name, (least, most) in LIMITS.items():
        _check_number(name, getattr(terms, name), least, most)
    if terms.approve_minor is not None:
        _check_number("approve_minor", terms.approve_minor, 0, 10**12)
    _check_reasons(terms.reasons)
    if len(terms.excluded_category_ids) > MAX_CATEGORIES:
        raise Invalid(
            "return.terms_invalid", _("That are too many categories."), field="excluded_category_ids"
        )
    before = await load_terms(tx)
    if before == terms:
        return before
    values = (
        terms.window_days, terms.send_days, {"items": msgspec.to_builtins(terms.reasons)},
        list(terms.excluded_category_ids), terms.approve_minor, terms.approve_days, terms.approve_members_only,
        terms.restocking_bp, terms.postage_minor, terms.exchanges,
    )  # fmt: skip
    if not await store.save_terms(tx, values, terms.version, by, clock.now()):
        raise Conflict(
            "return.terms_edited",
            _("Somebody else has changed the settings meanwhile. Please look at them again."),
        )
    after = msgspec.structs.replace(terms, version=terms.version + 1)
    await audit.record(
        tx,
        actor=by,
        action="return.terms_saved",
        subject_kind="return_terms",
        subject_id="returns",
        before=msgspec.to_builtins(before),
        after=msgspec.to_builtins(after),
    )
    return after


def _check_number(name: str, value: object, least: int, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise Invalid(
            "return.terms_invalid",
            _("Please give a whole number from %(least)s to %(most)s."),
            field=name,
            least=least,
            most=most,
        )


def _check_reasons(reasons: Sequence[ReturnReason]) -> None:
    codes = [reason.code for reason in reasons]
    texts = [text for reason in reasons for text in (reason.name, *reason.translations.values())]
    if (
        not 1 <= len(reasons) <= MAX_REASONS
        or len(set(codes)) < len(codes)
        or not all(CODE.fullmatch(code) for code in codes)
        or not all(0 < len(text.strip()) <= MAX_REASON_CHARACTERS and text.isprintable() for text in texts)
    ):
        raise Invalid(
            "return.terms_invalid",
            _("Please give 1 to %(most)s reasons, each with its own short name."),
            field="reasons",
            most=MAX_REASONS,
        )
