"""Many products changed at once: shown first, done once, edits of others kept; and the list as a file that comes back."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from tests.console.conftest import Visit
from tests.console.shop import Shop, find_form

from serai.commerce.catalogue.api import (
    NewProduct,
    ProductOption,
    create_product,
    edit_product,
    fill_matrix,
    parse_content,
    set_options,
)
from serai.commerce.catalogue.types import Product
from serai.commerce.importing.api import ImportLimits, ImportReport, RejectFile, import_products, open_table

LIST = "/console/products"
TITLE = '=HYPERLINK("http://evil.test","Tea")'


async def add(shop: Shop, title: str, sku: str, price_minor: int, **more: Any) -> Product:
    new = NewProduct(
        title=title,
        sku=sku,
        category_id=shop.category.category_id,
        price_minor=price_minor,
        currency="USD",
        **more,
    )
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        return await create_product(tx, product=new, by="test")


async def prices(shop: Shop) -> dict[str, int]:
    return {
        r["sku"]: r["price_minor"] for r in await shop.fetch("SELECT sku, price_minor FROM commerce.variant")
    }


async def test_a_change_is_shown_then_done_with_one_trace_and_history(visit: Visit, shop: Shop) -> None:
    visitor = await visit("manager")
    tea = await add(shop, "Tea", "TEA", 333)
    ids = [str(shop.product.product_id), str(tea.product_id)]
    shown = await visitor.post_plain(f"{LIST}/bulk", product=ids, action="price", percent="+10 %")
    assert shown.status_code == 200
    assert "2 products would change." in shown.text
    assert "$3.66" in shown.text
    assert await prices(shop) == {"ICE-1": 499, "TEA": 333}, "nothing is changed by looking"
    form = find_form(shown, f"{LIST}/bulk/apply")
    fields = form.values | {"product": ids, "reason": "dearer freight"}
    for _twice in range(2):
        assert (await visitor.post_plain(form.action, **fields)).status_code == 303
    assert await prices(shop) == {"ICE-1": 549, "TEA": 366}, "half up, and once for a form sent twice"
    (entry,) = await shop.list_audit("products.edited_together")
    assert (entry["after"]["products"], entry["after"]["price_bp"]) == (2, 1000)
    assert len(await shop.fetch("SELECT 1 FROM commerce.price_entry WHERE reason = 'dearer freight'")) == 2


async def test_what_somebody_edited_after_the_preview_is_left_and_named(visit: Visit, shop: Shop) -> None:
    visitor = await visit("manager")
    tea = await add(shop, "Tea", "TEA", 333)
    ids = [str(shop.product.product_id), str(tea.product_id)]
    shown = await visitor.post_plain(f"{LIST}/bulk", product=ids, action="brand", brand="House")
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await edit_product(tx, product_id=tea.product_id, version=1, by="other", brand="Theirs")
    form = find_form(shown, f"{LIST}/bulk/apply")
    answer = await visitor.post_plain(form.action, **(form.values | {"product": ids}))
    assert "Tea" in (await visitor.get(answer.headers["location"])).text
    rows = await shop.fetch("SELECT title, brand FROM commerce.product ORDER BY title")
    assert [(r["title"], r["brand"]) for r in rows] == [("Ice, crushed", "House"), ("Tea", "Theirs")]


@pytest.mark.parametrize(
    "fields",
    [
        {"action": "price", "percent": "-100"},
        {"action": "price", "percent": "NaN"},
        {"action": "price", "percent": "1e9"},
        {"action": "category", "category_id": "nowhere"},
        {"action": "explode"},
        {},
    ],
)
async def test_a_change_that_makes_no_sense_is_refused(
    visit: Visit, shop: Shop, fields: dict[str, str]
) -> None:
    visitor = await visit("manager")
    answer = await visitor.post_plain(f"{LIST}/bulk", product=str(shop.product.product_id), **fields)
    assert answer.status_code == 303
    assert await prices(shop) == {"ICE-1": 499}
    assert (await (await visit("clerk")).post_plain(f"{LIST}/bulk", action="publish")).status_code == 403


async def import_file(shop: Shop, path: Path, tmp_path: Path) -> ImportReport:
    limits = ImportLimits(10_000, 10**8, 10**8, 10_000)
    with open_table(path, limits) as table:
        rejects = RejectFile(tmp_path / "rejects.csv", table.header)
        try:
            return await import_products(
                shop.commerce.db,
                shop.merchant,
                table,
                rejects=rejects,
                locale="en",
                by="test",
                cell_characters=10_000,
                dry_run=False,
                progress=lambda _done, _total: None,
            )
        finally:
            rejects.discard()


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
async def test_an_exported_file_computes_nothing_and_comes_back_unchanged(
    visit: Visit, shop: Shop, tmp_path: Path, kind: str
) -> None:
    tea = await add(
        shop,
        TITLE,
        "+TEA",
        333,
        brand="-Brand",
        description="First line\nsecond, “quoted” line",
        gtin="96385074",
        content=parse_content("500 g"),
    )
    await add(shop, "茶", "00123", 100_000, published=False)
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        options = [ProductOption("Size", ("S", "L"))]
        made = await set_options(tx, product_id=tea.product_id, version=1, options=options, by="test")
        await fill_matrix(tx, product_id=tea.product_id, version=made.version, by="test", price_minor=None)
    answer = await (await visit("clerk")).get(f"{LIST}/export?format={kind}")
    assert answer.status_code == 200
    assert f'filename="products.{kind}"' in answer.headers["content-disposition"]
    path = tmp_path / f"products.{kind}"
    path.write_bytes(answer.content)
    if kind == "csv":
        rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    else:
        sheet = load_workbook(io.BytesIO(answer.content)).active
        assert sheet is not None
        assert all(cell.data_type != "f" for row in sheet for cell in row)
        header, *lines = [[cell.value for cell in row] for row in sheet]
        rows = [dict(zip(header, line, strict=True)) for line in lines]
    assert {row["sku"] for row in rows} == {"ICE-1", "'+TEA", "'+TEA-L", "00123"}
    assert {row["title"] for row in rows} == {"Ice, crushed", f"'{TITLE}", "茶"}
    report = await import_file(shop, path, tmp_path)
    assert (report.unchanged, report.added, report.changed, report.rejected) == (4, 0, 0, 0)


async def test_an_exported_file_is_filtered_like_the_list(visit: Visit, shop: Shop) -> None:
    await add(shop, "Tea", "TEA", 333, published=False)
    visitor = await visit("clerk")
    for query, skus in (
        ("shown=no", ["TEA"]),
        ("shown=yes", ["ICE-1"]),
        ("q=tea", ["TEA"]),
        ("", ["ICE-1", "TEA"]),
    ):
        text = (await visitor.get(f"{LIST}/export?format=csv&{query}")).content.decode("utf-8-sig")
        assert sorted(row["sku"] for row in csv.DictReader(io.StringIO(text))) == skus, query


async def test_many_products_are_hidden_on_a_channel_at_once_and_the_list_tells(
    visit: Visit, shop: Shop
) -> None:
    visitor = await visit("manager")
    tea = await add(shop, "Tea", "TEA", 333, published=False)
    ids = [str(shop.product.product_id), str(tea.product_id)]
    nothing = await visitor.post_plain(
        f"{LIST}/bulk", product=ids, action="channel", channel="moon", stand="hide"
    )
    assert nothing.status_code == 303
    shown = await visitor.post_plain(
        f"{LIST}/bulk", product=ids, action="channel", channel="pos", stand="show"
    )
    assert "2 products would change." in shown.text
    assert not await shop.fetch("SELECT 1 FROM commerce.listing")
    fields = find_form(shown, f"{LIST}/bulk/apply").values | {"product": ids}
    for _twice in range(2):
        assert (await visitor.post_plain(f"{LIST}/bulk/apply", **fields)).status_code == 303
    rows = await shop.fetch("SELECT channel, published FROM commerce.listing")
    assert [tuple(row.values()) for row in rows] == [("pos", True)] * 2
    listed = (await visitor.get(f"{LIST}?channel=pos")).text
    assert "2 products on this page" in listed
    assert "Tills: shown" in listed
    assert "Tea" not in (await visitor.get(f"{LIST}?channel=market")).text, "not published, so not on markets"
    same = await visitor.post_plain(
        f"{LIST}/bulk", product=ids, action="channel", channel="pos", stand="show"
    )
    assert "0 products would change." in same.text
    entry = (await shop.list_audit("products.edited_together"))[-1]
    assert (entry["after"]["channel"], entry["after"]["stand"]) == ("pos", "show")


async def test_a_bulk_change_of_a_channel_leaves_what_somebody_edited_meanwhile(
    visit: Visit, shop: Shop
) -> None:
    visitor = await visit("manager")
    product_id = str(shop.product.product_id)
    shown = await visitor.post_plain(
        f"{LIST}/bulk", product=[product_id], action="channel", channel="app", stand="hide"
    )
    fields = find_form(shown, f"{LIST}/bulk/apply").values | {"product": [product_id]}
    page = f"{LIST}/{product_id}"
    assert (await visitor.submit(page, page, title="Edited")).status_code == 303
    answer = await visitor.post_plain(f"{LIST}/bulk/apply", **fields)
    assert "Edited" in (await visitor.get(answer.headers["location"])).text
    assert not await shop.fetch("SELECT 1 FROM commerce.listing")
