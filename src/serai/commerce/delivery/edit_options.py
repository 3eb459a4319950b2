"""Staff and programs write delivery options, their order, the calendar, and what goods weigh.

Every change turns a page of the merchant's book: all of them take its row first, so two that come together are written
one after the other, and each process reads the newer edition with its next quote.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from serai.commerce.delivery import store
from serai.commerce.delivery.check_terms import check_calendar, check_code, check_option
from serai.commerce.delivery.events import DeliveryChanged
from serai.commerce.delivery.types import MAX_GRAMS, Calendar, DeliveryOptionRow, OptionTerms
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, Invalid, NotFound, _
from serai.foundation.event import Fact, append_facts
from serai.foundation.ids import new_id
from serai.identity.audit import api as audit
from serai.identity.merchant.api import load_merchant

MAX_OPTIONS = 50


async def load_calendar(tx: Transaction) -> Calendar:
    """When the merchant sends parcels; until staff say so, on weekdays of the merchant's own time zone."""
    row = await store.find_book(tx)
    if row is not None:
        return msgspec.convert(row["calendar"], Calendar)
    return Calendar(time_zone=(await load_merchant(tx)).time_zone)


async def _open(tx: Transaction, by: str) -> Calendar:
    """The book's calendar, its row taken until the transaction ends."""
    if await store.find_book(tx) is None:
        await store.open_book(tx, msgspec.to_builtins(await load_calendar(tx)), by, clock.now())
    row = await store.find_book(tx, lock=True)
    return msgspec.convert(row["calendar"], Calendar)


async def _turn_page(
    tx: Transaction, by: str, action: str, subject: object, before: Any, after: Any, calendar: Any = None
) -> None:
    edition = await store.turn_page(tx, calendar, by, clock.now())
    await append_facts(tx, [Fact(tx.merchant_id, DeliveryChanged(edition, by))])
    await audit.record(
        tx,
        actor=by,
        action=action,
        subject_kind="delivery",
        subject_id=subject,
        before=msgspec.to_builtins(before) if before is not None else None,
        after=msgspec.to_builtins(after) if after is not None else None,
    )


async def save_calendar(tx: Transaction, *, calendar: Calendar, by: str) -> Calendar:
    """Say when parcels leave. Orders keep what they were promised. Invalid ``delivery.terms_invalid`` with ``field``."""
    calendar = check_calendar(calendar)
    before = await _open(tx, by)
    if before != calendar:
        await _turn_page(
            tx, by, "delivery.calendar_changed", "calendar", before, calendar, msgspec.to_builtins(calendar)
        )
    return calendar


async def list_rows(tx: Transaction) -> list[DeliveryOptionRow]:
    """All options, those that are offered first, in the merchant's order."""
    return [read_row(row) for row in await store.list_options(tx, active_only=False)]


def read_row(row: Any) -> DeliveryOptionRow:
    """An option as it is stored."""
    values = dict(row)
    return DeliveryOptionRow(**(values | {"terms": msgspec.convert(values["terms"], OptionTerms)}))


async def load_row(tx: Transaction, *, option_id: UUID) -> DeliveryOptionRow:
    """An option. NotFound ``delivery.option_unknown``."""
    row = await store.find_option(tx, option_id)
    if row is None:
        raise NotFound("delivery.option_unknown", _("There is no such delivery option."))
    return read_row(row)


async def add_option(tx: Transaction, *, code: str, terms: OptionTerms, by: str) -> DeliveryOptionRow:
    """A new option behind the others, offered at once.

    Raises:
        Invalid: ``delivery.code_invalid``, ``delivery.terms_invalid`` with ``field``.
        Conflict: ``delivery.code_taken``, ``delivery.too_many``.
    """
    code, terms = check_code(code), check_option(terms)
    await _open(tx, by)
    if await store.has_code(tx, code):
        raise Conflict("delivery.code_taken", _("Another option has this code already."), field="code")
    if len(await store.list_options(tx, active_only=False)) >= MAX_OPTIONS:
        raise Conflict(
            "delivery.too_many", _("A shop has at most %(most)s delivery options."), most=MAX_OPTIONS
        )
    option_id = new_id()
    await store.insert_option(tx, option_id, code, msgspec.to_builtins(terms), by, clock.now())
    added = await load_row(tx, option_id=option_id)
    await _turn_page(tx, by, "delivery.option_added", code, None, terms)
    return added


async def edit_option(
    tx: Transaction,
    *,
    option_id: UUID,
    version: int,
    by: str,
    terms: OptionTerms | None = None,
    active: bool | None = None,
) -> DeliveryOptionRow:
    """Change an option, or offer it no more (or again). Orders keep what they chose.

    Raises:
        NotFound: ``delivery.option_unknown``. Invalid: ``delivery.terms_invalid`` with ``field``.
        Conflict: ``delivery.edited_meanwhile`` when somebody else changed it after ``version``.
    """
    checked = check_option(terms) if terms is not None else None
    await _open(tx, by)
    before = await load_row(tx, option_id=option_id)
    if before.version != version:
        raise Conflict(
            "delivery.edited_meanwhile",
            _("Somebody else has changed this option meanwhile. Please look at it again."),
        )
    after = msgspec.structs.replace(
        before,
        terms=before.terms if checked is None else checked,
        active=before.active if active is None else active,
    )
    if after == before:
        return before
    await store.update_option(
        tx, option_id, version, after.active, msgspec.to_builtins(after.terms), by, clock.now()
    )
    await _turn_page(tx, by, "delivery.option_changed", before.code, _facts(before), _facts(after))
    return await load_row(tx, option_id=option_id)


def _facts(row: DeliveryOptionRow) -> dict[str, Any]:
    return {"active": row.active, "terms": msgspec.to_builtins(row.terms)}


async def place_options(tx: Transaction, *, option_ids: Sequence[UUID], by: str) -> None:
    """The order in which options are shown. Invalid ``delivery.order_invalid`` unless all that are offered are named once."""
    await _open(tx, by)
    rows = [row for row in await list_rows(tx) if row.active]
    if len(option_ids) != len(set(option_ids)) or set(option_ids) != {row.option_id for row in rows}:
        raise Invalid("delivery.order_invalid", _("The options have changed meanwhile. Please look again."))
    before = [row.code for row in rows]
    codes = {row.option_id: row.code for row in rows}
    after = [codes[option_id] for option_id in option_ids]
    if before != after:
        await store.place_options(tx, option_ids)
        await _turn_page(tx, by, "delivery.options_placed", "order", {"codes": before}, {"codes": after})


async def set_weights(tx: Transaction, *, grams: Mapping[UUID, int | None], by: str) -> None:
    """What one unit of goods weighs, in grams; None forgets it.

    Raises:
        Invalid: ``delivery.weight_invalid``. NotFound: ``delivery.goods_unknown``.
    """
    for weight in grams.values():
        if weight is not None and (isinstance(weight, bool) or not 1 <= weight <= MAX_GRAMS):
            raise Invalid(
                "delivery.weight_invalid",
                _("A weight is a whole number of grams from 1 to %(most)s."),
                field="weight",
                most=MAX_GRAMS,
            )
    known = {row["sku_id"]: row["weight_g"] for row in await store.list_weights(tx, list(grams))}
    if set(grams) - set(known):
        raise NotFound("delivery.goods_unknown", _("There are no such goods."))
    changed = {sku_id: weight for sku_id, weight in grams.items() if known[sku_id] != weight}
    if not changed:
        return
    kept = {sku_id: weight for sku_id, weight in changed.items() if weight is not None}
    await store.save_weights(tx, list(kept), list(kept.values()))
    await store.delete_weights(tx, [sku_id for sku_id in changed if sku_id not in kept])
    for sku_id, weight in changed.items():
        await audit.record(
            tx,
            actor=by,
            action="delivery.weight_changed",
            subject_kind="variant",
            subject_id=sku_id,
            before={"weight_g": known[sku_id]},
            after={"weight_g": weight},
        )
