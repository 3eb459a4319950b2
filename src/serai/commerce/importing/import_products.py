"""Bring the products of a file into the shop, in one transaction.

    READ      a batch of rows, each checked cell by cell (logic.py)
    COMPARE   with what is in the shop under the same SKU, locked: new, changed, unchanged
    WRITE     new categories, new products, opening stock through the ledger's bulk door, edits
    ... until the file ends, then one audit entry and the commit

Whatever ends it before the commit leaves nothing behind, and running it again is safe: the SKU is the key, so what is
in the shop already is unchanged, and opening stock is counted for products that are new in this very transaction.
Locks: one import per merchant; products and variants in the order of their ids within a batch.
"""

from collections.abc import Callable, Iterator
from itertools import islice
from uuid import UUID

import msgspec

from serai.commerce.catalogue.api import (
    add_categories,
    add_products,
    edit_products,
    list_categories,
    list_flat_products,
    make_slug,
)
from serai.commerce.catalogue.events import ProductChanged
from serai.commerce.catalogue.types import FlatProduct, NewProduct
from serai.commerce.importing import store
from serai.commerce.importing.logic import check_row, match_columns, merge_product
from serai.commerce.importing.plan_categories import CategoryPlan
from serai.commerce.importing.types import (
    Columns,
    ImportReport,
    ProductRow,
    RawRow,
    Reason,
    RejectWriter,
    Table,
)
from serai.commerce.place.api import default_place
from serai.commerce.stock.events import StockMoved
from serai.commerce.stock.types import stock_account, supplier_account
from serai.foundation import clock
from serai.foundation.database import Database, Transaction
from serai.foundation.errors import Conflict, _
from serai.foundation.event import Fact, append_facts
from serai.foundation.i18n import translate
from serai.foundation.ids import MerchantId, derive_id, new_id
from serai.identity.audit import api as audit
from serai.identity.merchant.api import Merchant
from serai.ledger.api import BulkTransfer, load_bulk

BATCH = 1_000
Progress = Callable[[int, int], None]
Known = dict[str, FlatProduct]


async def import_products(
    db: Database,
    merchant: Merchant,
    table: Table,
    *,
    rejects: RejectWriter,
    locale: str,
    by: str,
    cell_characters: int,
    dry_run: bool,
    progress: Progress,
) -> ImportReport:
    """Import a table wholly or not at all; rejected rows go to ``rejects`` with their reasons in ``locale``.

    ``progress(done, total)`` is called after each batch. With ``dry_run`` everything is checked and nothing written.

    Raises:
        Invalid: the file cannot be imported: a column is missing, or what ``open_table`` raises while it is read.
        Conflict: ``import.running``, ``import.sku_taken``.
        NotFound: ``place.none``: there is opening stock but no warehouse.
    """
    columns = match_columns(table.header)
    merchant_id = MerchantId(merchant.merchant_id)
    async with db.transaction(merchant_id, "read" if dry_run else "write") as tx:
        if not dry_run and not await store.try_lock(tx):
            raise Conflict("import.running", _("Another import is under way. Please try again after it."))
        plan = CategoryPlan(await list_categories(tx, is_counted=False), merchant)
        run = _Run(tx, merchant, columns, plan, rejects, locale, by, cell_characters, dry_run)
        while batch := list(islice(table.rows, BATCH)):
            await run.take_batch(batch)
            progress(min(table.position(), table.total), table.total)
        if run.added or run.changed:
            await _record_import(tx, run, table, by, dry_run)
    return msgspec.structs.replace(run.report(), has_valueless=table.has_valueless)


def _is_changed(before: FlatProduct, row: ProductRow, plan: CategoryPlan) -> bool:
    """Whether a row says something else than what is there; our own export of it does not."""
    category = plan.find(row.category) if row.category else before.category_id
    return category is None or merge_product(before, row, category) != before


async def _record_import(tx: Transaction, run: "_Run", table: Table, by: str, dry_run: bool) -> None:
    if dry_run:
        return
    report = run.report()
    counts = {
        name: getattr(report, name)
        for name in ("added", "changed", "unchanged", "rejected", "prices", "stocked")
    }
    await audit.record(
        tx,
        actor=by,
        action="products.imported",
        subject_kind="import",
        subject_id=run.import_id,
        after={"file": table.name, **counts, "categories": report.categories},
    )


class _Run:
    """One import under way: its transaction, what it has seen, and its counts."""

    def __init__(
        self,
        tx: Transaction,
        merchant: Merchant,
        columns: Columns,
        plan: CategoryPlan,
        rejects: RejectWriter,
        locale: str,
        by: str,
        cell_characters: int,
        dry_run: bool,
    ) -> None:
        self.import_id = new_id()
        self.added = self.changed = self.unchanged = self.rejected = 0
        self.prices = self.stocked = self.stock_ignored = 0
        self._tx, self._merchant, self._columns, self._plan = tx, merchant, columns, plan
        self._rejects, self._locale, self._by = rejects, locale, by
        self._cell_characters, self._dry_run = cell_characters, dry_run
        self._lines: dict[str, int] = {}
        self._place_id: UUID | None = None

    def report(self) -> ImportReport:
        return ImportReport(
            added=self.added,
            changed=self.changed,
            unchanged=self.unchanged,
            rejected=self.rejected,
            prices=self.prices,
            stocked=self.stocked,
            stock_ignored=self.stock_ignored,
            categories=tuple(self._plan.made),
            unknown_columns=self._columns.unknown,
            has_valueless=False,
        )

    async def take_batch(self, batch: list[RawRow]) -> None:
        """Check, compare and write some rows."""
        checked = list(self._check(batch))
        skus = [row.sku for _raw, row in checked]
        known = await list_flat_products(self._tx, skus=skus, lock=not self._dry_run)
        new: list[tuple[ProductRow, UUID]] = []
        edits: list[tuple[FlatProduct, FlatProduct]] = []
        for raw, row in checked:
            before = known.get(row.sku)
            if before is not None and before.variant_count > 1 and _is_changed(before, row, self._plan):
                message = _("The product has several variants. Please edit it in the console.")
                self._reject(raw, [Reason(message)])
                continue
            category = self._plan.place(row.category) if row.category or before is None else None
            if isinstance(category, Reason):
                self._reject(raw, [category])
            elif before is None:
                assert category is not None
                new.append((row, category))
            else:
                self.stock_ignored += row.stock is not None
                after = merge_product(before, row, category)
                if after == before:
                    self.unchanged += 1
                else:
                    edits.append((before, after))
        self.added += len(new)
        self.changed += len(edits)
        self.prices += sum(before.price_minor != after.price_minor for before, after in edits)
        self.stocked += sum(bool(row.stock) for row, _category_id in new)
        if not self._dry_run:
            await self._write(new, edits)

    def _check(self, batch: list[RawRow]) -> Iterator[tuple[RawRow, ProductRow]]:
        for raw in batch:
            row, reasons = check_row(
                raw,
                self._columns,
                currency=self._merchant.currency,
                cell_characters=self._cell_characters,
            )
            if row is None:
                self._reject(raw, reasons)
            elif row.sku in self._lines:
                message = _("Line %(line)s has the same SKU; the first one counts.")
                self._reject(raw, [Reason(message, {"line": self._lines[row.sku]})])
            else:
                self._lines[row.sku] = row.line
                yield raw, row

    def _reject(self, raw: RawRow, reasons: list[Reason]) -> None:
        self.rejected += 1
        self._rejects.write(raw, [translate(r.message, self._locale, r.data) for r in reasons])

    async def _write(
        self, new: list[tuple[ProductRow, UUID]], edits: list[tuple[FlatProduct, FlatProduct]]
    ) -> None:
        pending = self._plan.take_pending()
        if pending:
            await add_categories(self._tx, categories=pending)
        if new:
            await self._add(new)
        if edits:
            await edit_products(
                self._tx, edits=edits, categories=self._plan.categories, by=self._by, reason="import"
            )

    async def _add(self, new: list[tuple[ProductRow, UUID]]) -> None:
        products = [self._make_product(row, category_id) for row, category_id in new]
        made = set(await add_products(self._tx, products=products, by=self._by, reason="import"))
        # Passed over: mostly two SKUs that differ in case only under one title, so one address. Make it unlike.
        rest = [
            msgspec.structs.replace(p, slug=make_slug(p.title, str(p.sku_id)[-12:]))
            for p in products
            if p.product_id not in made
        ]
        if rest:
            await add_products(self._tx, products=rest, by=self._by, reason="import")
        found = await list_flat_products(self._tx, skus=[p.sku for p in products])
        taken = [p.sku for p in products if p.sku not in found or found[p.sku].sku_id != p.sku_id]
        if taken:
            raise Conflict(
                "import.sku_taken",
                _("Somebody else has just added %(skus)s. Nothing was imported; please run it again."),
                skus=", ".join(taken[:5]),
            )
        ids = [p.product_id for p in products if p.product_id is not None]
        await append_facts(self._tx, [Fact(i, ProductChanged(i, "created")) for i in ids])
        await self._stock([(p, row.stock) for p, (row, _c) in zip(products, new, strict=True)])

    def _make_product(self, row: ProductRow, category_id: UUID) -> NewProduct:
        merchant_id = self._merchant.merchant_id
        return NewProduct(
            product_id=derive_id("product", merchant_id, row.sku),
            sku_id=derive_id("sku", merchant_id, row.sku),
            title=row.title,
            sku=row.sku,
            category_id=category_id,
            price_minor=row.price_minor,
            currency=self._merchant.currency,
            brand=row.brand or "",
            description=row.description or "",
            gtin=row.gtin,
            content=row.content,
            published=True if row.published is None else row.published,
        )

    async def _stock(self, counts: list[tuple[NewProduct, int | None]]) -> None:
        """Opening stock from the supplier; a count of 0 opens the shelf, so that it is listed as sold out."""
        given = [(p.sku_id, count) for p, count in counts if count is not None and p.sku_id is not None]
        if not given:
            return
        if self._place_id is None:
            self._place_id = (await default_place(self._tx)).place_id
        place_id = self._place_id
        shelves = [stock_account(sku_id, place_id) for sku_id, _count in given]
        suppliers = [supplier_account(sku_id) for sku_id, _count in given]
        transfers = [
            BulkTransfer(
                derive_id("opening", self._tx.merchant_id, shelf.account_id),
                shelf.account_id,
                supplier.account_id,
                shelf.unit_id,
                count,
                "opening stock",
                None,
            )
            for shelf, supplier, (_sku_id, count) in zip(shelves, suppliers, given, strict=True)
            if count
        ]
        await load_bulk(
            self._tx,
            group_id=derive_id("import", self.import_id, given[0][0]),
            accounts=[*shelves, *suppliers],
            transfers=transfers,
            at=clock.now(),
        )
        moved = [
            Fact(sku_id, StockMoved(sku_id, place_id, count, "received", "opening stock", self._by))
            for sku_id, count in given
            if count
        ]
        await append_facts(self._tx, moved)
