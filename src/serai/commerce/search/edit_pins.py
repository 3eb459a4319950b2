"""Products that a merchant puts first for what people look for, in an order of the merchant's own."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from serai.commerce.search import word_store
from serai.commerce.search.compile_query import read_terms
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, Invalid, Limited, _
from serai.foundation.ids import derive_id
from serai.identity.audit import api as audit

PINS_LIMIT = 1_000
PRODUCTS_LIMIT = 20
QUERY_LIMIT = 100


class Pin(msgspec.Struct, frozen=True):
    """What comes first for a query: ``term`` is the query folded, ``typed`` as it was written."""

    term: str
    typed: str
    product_ids: tuple[UUID, ...]
    created_by: str
    created_at: datetime


def fold_pin(text: str) -> str:
    """The words of a query in their order, so that it is recognised however it is written; empty without any."""
    return " ".join(term.text for term in read_terms(f"{text[:QUERY_LIMIT]} "))


async def find_pin(tx: Transaction, *, query: str) -> Pin | None:
    """What comes first for a query; None where nothing was pinned."""
    term = fold_pin(query)
    row = await word_store.find_pin(tx, term) if term else None
    return Pin(*(*row.values(),)) if row else None


async def list_pins(tx: Transaction) -> list[Pin]:
    """All pinned results, by query."""
    return [Pin(*row.values()) for row in await word_store.list_pins(tx, PINS_LIMIT)]


async def set_pins(
    tx: Transaction, *, query: str, product_ids: Sequence[UUID], by: str, seen: Sequence[UUID] | None = None
) -> None:
    """From now on these products come first for a query, in this order; none lets it be sorted by itself again.

    ``seen`` are the products that stood there when somebody looked.

    Raises:
        Invalid: ``search.pin_invalid``. Limited: ``search.pins_full``. Conflict: ``search.edited_meanwhile``.
    """
    term, typed = fold_pin(query), " ".join(query.split())[:QUERY_LIMIT]
    wanted = list(dict.fromkeys(product_ids))
    if not term or len(wanted) > PRODUCTS_LIMIT:
        raise Invalid(
            "search.pin_invalid",
            _("Please give what people look for, and at most %(most)s products."),
            field="query",
            most=PRODUCTS_LIMIT,
        )
    row = await word_store.find_pin(tx, term, lock=True)
    before = list(row["product_ids"]) if row else []
    if seen is not None and list(seen) != before:
        raise edited_meanwhile()
    if wanted == before:
        return
    if wanted:
        if row is None and await word_store.count_pins(tx) >= PINS_LIMIT:
            raise Limited(
                "search.pins_full", _("There are as many pinned searches as there may be. Remove some first.")
            )
        await word_store.upsert_pin(tx, term, typed, wanted, by)
    else:
        await word_store.delete_pin(tx, term)
    await audit.record(
        tx,
        actor=by,
        action="search.pinned",
        subject_kind="search",
        subject_id=derive_id("search pin", tx.merchant_id, term),
        before={"query": typed, "product_ids": [str(each) for each in before]},
        after={"query": typed, "product_ids": [str(each) for each in wanted]},
    )


def edited_meanwhile() -> Conflict:
    """The refusal of words that somebody else has changed since they were looked at."""
    return Conflict(
        "search.edited_meanwhile", _("Somebody else has changed this meanwhile. Please look at it again.")
    )
