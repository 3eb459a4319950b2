"""How points work at a merchant: read, and saved by staff."""

import msgspec

from serai.commerce.tender import store
from serai.commerce.tender.types import TenderTerms
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Invalid, _
from serai.identity.audit import api as audit

# Nothing is earned, no points are taken, gift cards last without end.
NO_TERMS = TenderTerms()
LIMITS = {
    "points_block": (1, 1_000_000),
    "block_minor": (1, 1_000_000),
    "cap_percent": (0, 100),
    "earn_points": (0, 1_000_000),
    "points_days": (0, 36_500),
    "card_days": (0, 36_500),
}


async def load_terms(tx: Transaction) -> TenderTerms:
    """The merchant's terms, those of nobody when staff have not said any."""
    row = await store.find_terms(tx)
    return TenderTerms(**dict(row)) if row else NO_TERMS


async def save_terms(tx: Transaction, *, terms: TenderTerms, by: str) -> TenderTerms:
    """Say how points work. What was earned keeps its end. Invalid ``tender.terms_invalid`` with ``field``."""
    for name, (least, most) in LIMITS.items():
        value = getattr(terms, name)
        if isinstance(value, bool) or not least <= value <= most:
            raise Invalid(
                "tender.terms_invalid",
                _("Please give a whole number from %(least)s to %(most)s."),
                field=name,
                least=least,
                most=most,
            )
    before = await load_terms(tx)
    if terms != before:
        await store.save_terms(tx, terms, by, clock.now())
        await audit.record(
            tx,
            actor=by,
            action="tender.terms_saved",
            subject_kind="tender_terms",
            subject_id="points",
            before=msgspec.to_builtins(before),
            after=msgspec.to_builtins(terms),
        )
    return terms
