"""One change to many products at once: first shown, then done for those that nobody edited in between, with one audit
entry for all of them."""

from collections.abc import Mapping, Sequence
from typing import Literal
from uuid import UUID

import msgspec

from serai.commerce.catalogue import store, write_variants
from serai.commerce.catalogue.edit_facts import Channel
from serai.commerce.catalogue.edit_product import MAX_PRICE_MINOR
from serai.commerce.catalogue.edit_products import edit_products, list_flat_products
from serai.commerce.catalogue.events import PriceChanged, ProductChanged
from serai.commerce.catalogue.load_product import find_category, list_categories
from serai.commerce.catalogue.price_bundles import reprice_bundles
from serai.commerce.catalogue.types import Category, FlatProduct
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Invalid, NotFound, _
from serai.foundation.event import Fact, append_facts
from serai.foundation.ids import new_id
from serai.identity.audit import api as audit

MAX_PRODUCTS = 500
LOW_BP, HIGH_BP = -9_900, 100_000


class BulkChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to do to all of them. ``price_bp`` changes prices by hundredths of a percent (-500 is 5 % less). ``stand`` is
    what becomes of them on ``channel``: shown, hidden, or as the web shop has them."""

    published: bool | None = None
    category_id: UUID | None = None
    brand: str | None = None
    price_bp: int | None = None
    channel: Channel | None = None
    stand: Literal["show", "hide", "follow"] | None = None

    @property
    def shown(self) -> bool | None:
        """What products say for themselves of the channel then; None lets them follow the web."""
        return {"show": True, "hide": False}.get(self.stand or "")


class BulkRow(msgspec.Struct, frozen=True):
    """A product before and after. ``prices``: (SKU, before, after) in minor units, of every variant that has a price.
    ``channel``: what it says for itself of the channel, before and after; None follows the web."""

    product_id: UUID
    version: int
    title: str
    before: FlatProduct
    after: FlatProduct
    prices: tuple[tuple[str, int, int], ...]
    channel: tuple[bool | None, bool | None] = (None, None)

    @property
    def is_same(self) -> bool:
        """Whether the change changes nothing here."""
        return (
            self.before == self.after
            and all(old == new for _sku, old, new in self.prices)
            and self.channel[0] == self.channel[1]
        )


class BulkOutcome(msgspec.Struct, frozen=True):
    """How many were changed, how many were so already, and the titles of those that somebody edited in between."""

    changed: int
    unchanged: int
    edited_meanwhile: tuple[str, ...]


async def plan_bulk(
    tx: Transaction, *, product_ids: Sequence[UUID], change: BulkChange, lock: bool = False
) -> list[BulkRow]:
    """What a change would do to each product; nothing is written.

    Raises:
        Invalid: ``bulk.nothing``, ``bulk.too_many``, ``bulk.price_invalid``. NotFound: ``category.unknown``.
    """
    await _check(tx, product_ids, change)
    variants: dict[UUID, list[tuple[str, UUID, int | None]]] = {}
    for row in await store.list_variants(tx, product_ids):
        variants.setdefault(row["product_id"], []).append((row["sku"], row["sku_id"], row["price_minor"]))
    first = [each[0][0] for each in variants.values()]
    flat = await list_flat_products(tx, skus=first, lock=lock)
    versions = {row["product_id"]: row["version"] for row in await store.list_versions(tx, product_ids)}
    states = await write_variants.list_channel_states(tx, product_ids) if change.channel else {}
    rows = []
    for product_id in product_ids:
        own = variants.get(product_id)
        before = flat.get(own[0][0]) if own else None
        if own is None or before is None:
            continue
        prices = [(sku, old, change_price(old, change.price_bp)) for sku, _id, old in own if old is not None]
        rows.append(
            BulkRow(
                product_id,
                versions[product_id],
                before.title,
                before,
                _apply(before, change),
                tuple(prices) if change.price_bp is not None else (),
                (states.get((product_id, change.channel)), change.shown) if change.channel else (None, None),
            )
        )
    return rows


async def _check(tx: Transaction, product_ids: Sequence[UUID], change: BulkChange) -> None:
    if not product_ids or change == BulkChange() or (change.channel is None) != (change.stand is None):
        raise Invalid("bulk.nothing", _("Please choose products and what to change about them."))
    if len(product_ids) > MAX_PRODUCTS:
        raise Invalid("bulk.too_many", _("At most %(most)s products at once."), most=MAX_PRODUCTS)
    if change.price_bp is not None and not LOW_BP <= change.price_bp <= HIGH_BP:
        raise Invalid(
            "bulk.price_invalid", _("A price can fall by 99 % or rise tenfold at most."), field="percent"
        )
    if change.category_id and await find_category(tx, category_id=change.category_id) is None:
        raise NotFound("category.unknown", _("There is no such category."), field="category_id")


def _apply(before: FlatProduct, change: BulkChange) -> FlatProduct:
    given = {
        name: value
        for name in ("published", "category_id", "brand")
        if (value := getattr(change, name)) is not None
    }
    if isinstance(given.get("brand"), str):
        given["brand"] = " ".join(given["brand"].split())[:100]
    return msgspec.structs.replace(before, **given)


def change_price(amount_minor: int, price_bp: int | None) -> int:
    """A price changed by hundredths of a percent, rounded half up, within what a price can be."""
    if price_bp is None:
        return amount_minor
    return min(MAX_PRICE_MINOR, (2 * amount_minor * (10_000 + price_bp) + 10_000) // 20_000)


async def apply_bulk(
    tx: Transaction, *, versions: Mapping[UUID, int], change: BulkChange, by: str, reason: str
) -> BulkOutcome:
    """Do a change to the products whose version is still the given one; the others are left and named.

    Products are locked in the order of their ids. Raises what :func:`plan_bulk` raises.
    """
    ids = sorted(versions)
    rows = await plan_bulk(tx, product_ids=ids, change=change, lock=True)
    # The versions are read behind the locks, so none can change any more.
    fresh = {row["product_id"]: row["version"] for row in await store.list_versions(tx, ids)}
    stale = [row for row in rows if fresh[row.product_id] != versions[row.product_id]]
    due = [row for row in rows if row not in stale and not row.is_same]
    categories: list[Category] = await list_categories(tx, is_counted=False)
    await edit_products(
        tx,
        edits=[(row.before, row.after) for row in due if row.before != row.after],
        categories=categories,
        by=by,
        reason=reason,
    )
    await _set_prices(tx, due, by, reason)
    if change.channel and (moved := [row.product_id for row in due if row.channel[0] != row.channel[1]]):
        await write_variants.set_listings(tx, change.channel, moved, change.shown)
        await append_facts(
            tx, [Fact(product_id, ProductChanged(product_id, "edited")) for product_id in moved]
        )
    if due:
        await audit.record(
            tx,
            actor=by,
            action="products.edited_together",
            subject_kind="products",
            subject_id=new_id(),
            before={"skus": [row.before.sku for row in due]},
            after={**msgspec.to_builtins(change), "products": len(due), "reason": reason},
        )
    unchanged = len(rows) - len(due) - len(stale)
    return BulkOutcome(len(due), unchanged, tuple(row.title for row in stale))


async def _set_prices(tx: Transaction, rows: Sequence[BulkRow], by: str, reason: str) -> None:
    changed = {sku: (row, old, new) for row in rows for sku, old, new in row.prices if old != new}
    if not changed:
        return
    found = {row["sku"]: row["sku_id"] for row in await store.list_skus(tx, sorted(changed))}
    currency = rows[0].before.currency
    now = clock.now()
    skus = sorted(found)
    await store.insert_prices(
        tx,
        (
            [new_id() for _sku in skus],
            [found[sku] for sku in skus],
            [currency] * len(skus),
            [changed[sku][2] for sku in skus],
            [now] * len(skus),
            [" ".join(reason.split())[:200] or "-"] * len(skus),
            [by] * len(skus),
        ),
    )
    facts = []
    for sku in skus:
        row, old, new = changed[sku]
        await store.update_price(tx, found[sku], new)
        facts.append(Fact(row.product_id, PriceChanged(found[sku], row.product_id, old, new, currency)))
    await append_facts(tx, facts)
    await reprice_bundles(tx, part_sku_ids=[found[sku] for sku in skus], by=by)
