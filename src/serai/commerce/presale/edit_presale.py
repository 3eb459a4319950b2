"""Write, publish, stop and close presales. Drafts may change; what was published never does, for buyers agree to it.

PUBLISH  one group in the lane funds the quota and, beside it, marks the presale live and binds its SKUs
CLOSE    under the row's lock the pieces with a paid deposit are counted in the ledger and frozen with their tier
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from serai.commerce.catalogue.api import list_sale_items, load_parts
from serai.commerce.presale import store
from serai.commerce.presale.check_terms import check_moment, check_terms, refuse_faults
from serai.commerce.presale.events import PresaleClosed, PresalePublished, PresaleStopped
from serai.commerce.presale.types import Presale, PresaleCount, PresaleFault, PresaleTerms
from serai.commerce.promotion.api import quota_fund, quota_left, quota_sold
from serai.commerce.types import Commerce
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, NotFound, _
from serai.foundation.event import Fact, append_facts
from serai.foundation.ids import MerchantId, derive_id, new_id
from serai.identity.audit.api import AuditRow, record, record_rows
from serai.ledger.api import load_balances
from serai.ledger.types import Group, Write, posted


def read_presale(row: Any) -> Presale:
    """A database row as a presale."""
    values = dict(row)
    return Presale(**{**values, "terms": msgspec.convert(values["terms"], PresaleTerms)})


async def load_presale(tx: Transaction, *, presale_id: UUID, lock: bool = False) -> Presale:
    """A presale. NotFound ``presale.unknown``."""
    row = await store.find_presale(tx, presale_id, lock=lock)
    if row is None:
        raise NotFound("presale.unknown", _("There is no such presale."))
    return read_presale(row)


async def check_goods(tx: Transaction, terms: PresaleTerms) -> tuple[PresaleFault, ...]:
    """What is wrong with the goods: unknown, weighed, a bundle, or cheaper without the presale."""
    items = await list_sale_items(tx, sku_ids=list(terms.sku_ids))
    parts = await load_parts(tx, sku_ids=list(terms.sku_ids))
    faults = []
    for sku_id in terms.sku_ids:
        item = items.get(sku_id)
        title = item.title if item else ""
        if item is None or not item.sellable or item.price_minor is None:
            faults.append(PresaleFault("sku_unknown", "skus", _("One of the articles is not for sale.")))
        elif item.scale or item.increment > 1:
            message = _("“%(title)s” is not sold by the piece.")
            faults.append(PresaleFault("sku_weighed", "skus", message, {"title": title}))
        elif parts.get(sku_id):
            message = _("“%(title)s” is a bundle; only single goods can be on presale.")
            faults.append(PresaleFault("sku_bundle", "skus", message, {"title": title}))
        elif terms.price_minor > item.price_minor:
            message = _("“%(title)s” costs less without the presale.")
            faults.append(PresaleFault("price_above_list", "price", message, {"title": title}))
    return tuple(faults)


async def create_presale(tx: Transaction, *, terms: PresaleTerms, by: str) -> Presale:
    """Write a presale as a draft. Invalid ``presale.invalid`` with every ``reasons``."""
    refuse_faults(check_terms(terms) + await check_goods(tx, terms))
    presale_id = new_id()
    until = (terms.deposit_until, terms.balance_until)
    await store.insert_presale(tx, presale_id, terms, until, by, clock.now())
    await record(
        tx,
        actor=by,
        action="presale.created",
        subject_kind="presale",
        subject_id=presale_id,
        after=msgspec.to_builtins(terms),
    )
    return await load_presale(tx, presale_id=presale_id)


async def edit_presale(
    tx: Transaction, *, presale_id: UUID, version: int, terms: PresaleTerms, by: str
) -> Presale:
    """Give a draft other terms.

    Raises:
        NotFound: ``presale.unknown``. Invalid: ``presale.invalid`` with ``reasons``.
        Conflict: ``presale.changed`` when ``version`` is not the newest; ``presale.published`` once it was published.
    """
    refuse_faults(check_terms(terms) + await check_goods(tx, terms))
    before = await load_presale(tx, presale_id=presale_id, lock=True)
    _check_draft(before, version)
    until = (terms.deposit_until, terms.balance_until)
    await store.update_presale(tx, presale_id, terms, until, by, clock.now())
    await record(
        tx,
        actor=by,
        action="presale.edited",
        subject_kind="presale",
        subject_id=presale_id,
        before=msgspec.to_builtins(before.terms),
        after=msgspec.to_builtins(terms),
    )
    return await load_presale(tx, presale_id=presale_id)


def _check_draft(presale: Presale, version: int) -> None:
    if presale.state != "draft":
        raise Conflict(
            "presale.published", _("A presale that was published stays as it is: its buyers agreed to it.")
        )
    if presale.version != version:
        raise Conflict(
            "presale.changed",
            _("Somebody else has changed this presale. Please look at it again."),
            version=presale.version,
        )


class Publication(msgspec.Struct, frozen=True):
    """A presale that goes live, as a row beside the group that funds it."""

    presale_id: UUID
    sku_ids: tuple[UUID, ...]
    by: str
    at: datetime


async def publish_rows(tx: Transaction, rows: Sequence[Publication]) -> None:
    """Mark presales live and bind their SKUs; a writer for the lane's batches. Conflict ``presale.sku_taken``."""
    for row in rows:
        if await store.take_skus(tx, row.presale_id, row.sku_ids):
            raise _taken()
    await store.set_live(tx, [row.presale_id for row in rows], [row.by for row in rows], rows[0].at)


def _taken() -> Conflict:
    return Conflict("presale.sku_taken", _("One of the articles is in another presale that is not over yet."))


async def publish_presale(
    commerce: Commerce, merchant_id: MerchantId, *, presale_id: UUID, version: int, by: str
) -> Presale:
    """Take deposits from the window's begin on. Doing it again changes nothing.

    Raises:
        NotFound: ``presale.unknown``. Invalid: ``presale.invalid`` with ``reasons``.
        Conflict: ``presale.changed``; ``presale.sku_taken`` when a SKU is in another presale.
    """
    now = clock.now()
    async with commerce.db.transaction(merchant_id, "read") as tx:
        presale = await load_presale(tx, presale_id=presale_id)
        if presale.state != "draft":
            return presale
        _check_draft(presale, version)
        terms = presale.terms
        refuse_faults(check_terms(terms) + check_moment(terms, now) + await check_goods(tx, terms))
        taken = await store.list_taken(tx, list(terms.sku_ids))
        if any(row["presale_id"] != presale_id for row in taken):
            raise _taken()
    audit = AuditRow(by, "presale.published", "presale", str(presale_id), None, {"version": version})
    await commerce.lane.submit(
        merchant_id,
        Group(
            derive_id("publish presale", presale_id),
            (
                posted(
                    derive_id(presale_id, "presale quota"),
                    quota_left(presale_id),
                    quota_fund(presale_id),
                    terms.quota,
                    "presale published",
                ),
            ),
            (
                Write(publish_rows, Publication(presale_id, terms.sku_ids, by, now)),
                Write(record_rows, audit),
            ),
            (Fact(presale_id, PresalePublished(presale_id, terms.quota, by)),),
            document_id=presale_id,
        ),
    )
    async with commerce.db.transaction(merchant_id, "read") as tx:
        return await load_presale(tx, presale_id=presale_id)


async def stop_presale(tx: Transaction, *, presale_id: UUID, by: str) -> Presale:
    """Take no more deposits; those that were paid count, and the balances come as agreed. NotFound ``presale.unknown``."""
    presale = await load_presale(tx, presale_id=presale_id, lock=True)
    if presale.state == "live" and presale.stopped_at is None:
        await store.set_stopped(tx, presale_id, by, clock.now())
        await record(tx, actor=by, action="presale.stopped", subject_kind="presale", subject_id=presale_id)
        await append_facts(tx, [Fact(presale_id, PresaleStopped(presale_id, by))])
    return await load_presale(tx, presale_id=presale_id)


async def close_presale(tx: Transaction, *, presale_id: UUID) -> Presale:
    """Count the pieces with a paid deposit and freeze the price that follows. Doing it again changes nothing."""
    presale = await load_presale(tx, presale_id=presale_id, lock=True)
    if presale.state != "live":
        return presale
    sold = (await count_pieces(tx, presale_ids=[presale_id]))[presale_id].sold
    percent = presale.terms.percent_at(sold)
    await store.set_closed(tx, presale_id, sold, percent, clock.now())
    await store.free_skus(tx, presale_id)
    await append_facts(tx, [Fact(presale_id, PresaleClosed(presale_id, sold, percent))])
    return await load_presale(tx, presale_id=presale_id)


async def count_pieces(tx: Transaction, *, presale_ids: Sequence[UUID]) -> dict[UUID, PresaleCount]:
    """How many pieces of presales are sold, held and left, as the ledger has it."""
    left = {each: quota_left(each).account_id for each in presale_ids}
    sold = {each: quota_sold(each).account_id for each in presale_ids}
    balances = await load_balances(tx, account_ids=[*left.values(), *sold.values()]) if presale_ids else {}
    return {
        each: PresaleCount(
            balances[sold[each]].posted, balances[left[each]].reserved, balances[left[each]].available
        )
        for each in presale_ids
    }
