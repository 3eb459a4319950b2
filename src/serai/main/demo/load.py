"""Load the demo merchant: the columns of ``prepare`` through the doors that every merchant's data goes through.

Each step passes over what is there already, so a load that was interrupted is simply repeated. Ids follow from the
merchant and the source's numbers.
"""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec

from serai.commerce.catalogue.api import Category, Content, NewProduct, add_categories, add_products
from serai.commerce.place.api import add_places
from serai.commerce.place.types import Place
from serai.commerce.stock.types import customer_account, stock_account, supplier_account
from serai.data.basket.api import load_baskets
from serai.foundation import clock
from serai.foundation.database import Database
from serai.foundation.ids import MerchantId, derive_id
from serai.identity.member.api import add_card_members
from serai.ledger.api import BulkTransfer, load_bulk
from serai.ledger.types import Account
from serai.main.demo.prepare import DemoData, prepare_demo
from serai.main.demo.title import UNBRANDED_MANUFACTURER_ID
from serai.main.screen import Report

PRODUCT_BATCH = 2_000
REPORT_EVERY = 5_000
REPORT_EVERY = 5_000
BY = "demo"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class DemoReport(msgspec.Struct, frozen=True):
    """How much the demo merchant has, and how long loading took, in seconds."""

    products: int
    places: int
    members: int
    stock_accounts: int
    basket_lines: int
    seconds: float


class _Ids:
    """The ids of the demo's things by their position in the columns."""

    def __init__(self, merchant_id: MerchantId, data: DemoData) -> None:
        self.products = [derive_id("product", merchant_id, sku) for sku in data.products.sku]
        self.skus = [derive_id("sku", merchant_id, sku) for sku in data.products.sku]
        self.places = [derive_id("place", merchant_id, code) for code in data.places.code]
        self.members = [derive_id("member", merchant_id, code) for code in data.members.code]
        self.aisles = {aisle.code: derive_id("category", merchant_id, aisle.code) for aisle in data.aisles}
        self.categories = [derive_id("category", merchant_id, c.code) for c in data.categories]


async def load_demo(db: Database, merchant_id: MerchantId, *, full: bool, progress: Report) -> DemoReport:
    """Load everything, with a progress bar per step.

    Raises:
        DemoMissing: the extra ``demo`` is not installed.
    """
    began = asyncio.get_running_loop().time()
    progress("Reading a year of a grocery chain", 0, 1)
    data = await asyncio.to_thread(prepare_demo, full)
    progress("Reading a year of a grocery chain", 1, 1)
    accounts = await load_data(db, merchant_id, data, progress=progress)
    return DemoReport(
        products=len(data.products.sku),
        places=len(data.places.code),
        members=len(data.members.code),
        stock_accounts=accounts,
        basket_lines=len(data.baskets.basket_id),
        seconds=asyncio.get_running_loop().time() - began,
    )


async def load_data(db: Database, merchant_id: MerchantId, data: DemoData, *, progress: Report) -> int:
    """Load prepared columns. Returns the number of stock accounts."""
    ids = _Ids(merchant_id, data)
    await _load_places(db, merchant_id, data, ids)
    await _load_products(db, merchant_id, data, ids, progress)
    accounts = await _load_stock(db, merchant_id, data, ids, progress)
    async with db.transaction(merchant_id) as tx:
        await add_card_members(
            tx, member_ids=ids.members, numbers=data.members.code, names=data.members.name_en
        )
    await _load_baskets(db, merchant_id, data, ids, progress)
    return accounts


async def _load_places(db: Database, merchant_id: MerchantId, data: DemoData, ids: _Ids) -> None:
    places = [
        Place(place_id, code, name, "store" if kind == "store" else "warehouse", kind != "store", True)
        for place_id, code, name, kind in zip(
            ids.places, data.places.code, data.places.name_en, data.places.kind, strict=True
        )
    ]
    published = {aisle.code: aisle.published for aisle in data.aisles}
    departments = [
        Category(
            ids.aisles[aisle.code],
            None,
            aisle.code,
            aisle.name.en,
            {"zh_Hans": aisle.name.zh},
            aisle.motif,
            position,
            aisle.published,
        )
        for position, aisle in enumerate(data.aisles)
    ]
    categories = [
        Category(
            category_id,
            ids.aisles[c.aisle],
            c.code.replace("/", "-"),
            c.name.en,
            {"zh_Hans": c.name.zh},
            c.motif,
            position,
            published[c.aisle],
        )
        for position, (category_id, c) in enumerate(zip(ids.categories, data.categories, strict=True))
    ]
    async with db.transaction(merchant_id) as tx:
        await add_places(tx, places=places)
        await add_categories(tx, categories=departments)
        await add_categories(tx, categories=categories)


async def _load_products(
    db: Database, merchant_id: MerchantId, data: DemoData, ids: _Ids, progress: Report
) -> None:
    """Two batches at a time: while the database writes one, the index entries of the next are made."""
    count = len(ids.products)
    starts = iter(range(0, count, PRODUCT_BATCH))
    done = 0

    async def load_batches() -> None:
        nonlocal done
        for start in starts:
            rows = range(start, min(start + PRODUCT_BATCH, count))
            batch = [_product(data, ids, row) for row in rows]
            async with db.transaction(merchant_id) as tx:
                await add_products(tx, products=batch, by=BY, reason="regular price of the year")
            done += len(rows)
            progress("Putting products on the shelves", done, count)

    async with asyncio.TaskGroup() as tasks:
        for _worker in range(2):
            tasks.create_task(load_batches())


def _product(data: DemoData, ids: _Ids, row: int) -> NewProduct:
    products = data.products
    size, content = products.size[row], products.content[row]
    return NewProduct(
        product_id=ids.products[row],
        sku_id=ids.skus[row],
        title=products.title[row].en,
        translations={"zh_Hans": products.title[row].zh},
        sku=products.sku[row],
        category_id=ids.categories[int(products.category[row])],
        price_minor=int(products.price_minor[row]),
        currency=data.currency,
        brand="" if products.manufacturer_id[row] == UNBRANDED_MANUFACTURER_ID else products.brand[row].en,
        content=Content(
            size.text_en if size else "",
            content.amount if content else None,
            content.unit if content else None,
        ),
        published=bool(products.published[row]),
        rank=max(0, int(products.sold_pieces[row])),
    )


async def _load_stock(
    db: Database, merchant_id: MerchantId, data: DemoData, ids: _Ids, progress: Report
) -> int:
    """Opening stock through the ledger's bulk door, one group: received from the supplier."""
    stock = data.stock
    shelves = [
        stock_account(ids.skus[product], ids.places[place])
        for place, product in zip(stock.place.tolist(), stock.product.tolist(), strict=True)
    ]
    suppliers = [supplier_account(sku_id) for sku_id in ids.skus]
    customers = [customer_account(sku_id) for sku_id in ids.skus]
    group_id = derive_id("opening stock", merchant_id)

    def list_transfers() -> Iterator[BulkTransfer]:
        quantities, products = stock.quantity.tolist(), stock.product.tolist()
        for done, (shelf, product, quantity) in enumerate(zip(shelves, products, quantities, strict=True), 1):
            yield BulkTransfer(
                derive_id("opening", shelf.account_id),
                shelf.account_id,
                suppliers[product].account_id,
                shelf.unit_id,
                quantity,
                "opening stock",
                None,
            )
            if done % REPORT_EVERY == 0 or done == len(shelves):
                progress("Filling warehouse and stores", done, len(shelves))

    accounts: list[Account] = [*shelves, *suppliers, *customers]
    async with db.transaction(merchant_id) as tx:
        await load_bulk(tx, group_id=group_id, accounts=accounts, transfers=list_transfers(), at=clock.now())
    return len(accounts)


async def _load_baskets(
    db: Database, merchant_id: MerchantId, data: DemoData, ids: _Ids, progress: Report
) -> None:
    baskets = data.baskets
    total = len(baskets.basket_id)

    def pick(items: list[UUID], at: int) -> UUID | None:
        return items[at] if at >= 0 else None

    def list_rows() -> Iterator[tuple[object, ...]]:
        columns = (
            baskets.sold_at_us,
            baskets.basket_id,
            baskets.line,
            baskets.member,
            baskets.place,
            baskets.product,
            baskets.quantity,
            baskets.sales_minor,
            baskets.retail_discount_minor,
            baskets.coupon_discount_minor,
            baskets.coupon_match_discount_minor,
        )
        rows = zip(*(column.tolist() for column in columns), strict=True)
        for done, (at_us, basket, line, member, place, product, *rest) in enumerate(rows, 1):
            yield (
                EPOCH + timedelta(microseconds=at_us),
                basket,
                line,
                pick(ids.members, member),
                pick(ids.places, place),
                pick(ids.skus, product),
                *rest,
            )
            if done % REPORT_EVERY == 0 or done == total:
                progress("Keeping the year's baskets", done, total)

    async with db.transaction(merchant_id) as tx:
        await load_baskets(tx, rows=list_rows())
