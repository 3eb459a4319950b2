"""An import brings products in wholly or not at all, and as often as one likes."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.commerce.conftest import Snapshot
from tests.commerce.spreadsheet import LIMITS, Desk, write_csv, write_excel
from tests.shop import Shop

from serai.commerce.catalogue import api as catalogue
from serai.commerce.catalogue.types import Product
from serai.commerce.importing import import_products as flow
from serai.commerce.stock.api import adjust_stock, list_levels
from serai.foundation.database import Database
from serai.foundation.errors import Conflict, Invalid
from serai.foundation.event import list_subject_events
from serai.identity.audit.api import list_entries

HEADER = [
    "sku",
    "title",
    "price",
    "category",
    "brand",
    "barcode",
    "content",
    "description",
    "published",
    "stock",
]
TEA = ["T-1", "Green tea", "12.50", "Drinks > Tea", "Hill", "4006381333931", "500 g", "Fresh.", "yes", "7"]
OIL = ["O-1", "Olive oil", "8", "Pantry", "", "", "1 l", "", "no", ""]


@pytest.fixture
def desk(shop: Shop, tmp_path: Path) -> Desk:
    return Desk(shop, tmp_path)


async def load(shop: Shop, sku: str) -> Product:
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        variant = await catalogue.find_variant(tx, sku=sku)
        assert variant is not None
        return await catalogue.load_product(tx, product_id=variant.product_id)


async def count_stock(shop: Shop, sku: str) -> list[tuple[str, int]]:
    sku_id = (await load(shop, sku)).variants[0].sku_id
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        return [(level.place_code, level.on_hand) for level in await list_levels(tx, sku_id=sku_id)]


async def test_every_column_arrives(
    desk: Desk, shop: Shop, assert_clean: Callable[[], Awaitable[None]]
) -> None:
    done = await desk.take([HEADER, TEA, OIL])
    assert done.counts == (2, 0, 0, 0)
    tea, oil = await load(shop, "T-1"), await load(shop, "O-1")
    variant = tea.variants[0]
    assert (tea.title, tea.brand, tea.description, tea.published) == ("Green tea", "Hill", "Fresh.", True)
    assert (variant.price_minor, variant.currency, variant.gtin) == (1250, "USD", "4006381333931")
    assert (variant.content_text, variant.content_amount, variant.content_unit) == ("500 g", 500, "g")
    assert (oil.published, oil.category_id) == (False, shop.category.category_id)
    assert await count_stock(shop, "T-1") == [("online", 7)]
    assert await count_stock(shop, "O-1") == []
    await assert_clean()


async def test_what_was_imported_is_found_and_told(desk: Desk, shop: Shop) -> None:
    await desk.take([HEADER, TEA])
    tea = await load(shop, "T-1")
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        found = await catalogue.list_products(tx, query="green tea")
        assert [card.product_id for card in found.items] == [tea.product_id]
        events = await list_subject_events(tx, subject_id=tea.product_id)
        assert [(e.name, e.data["change"]) for e in events] == [("ProductChanged", "created")]
        entries = await list_entries(tx)
        assert [entry.action for entry in entries] == ["products.imported"]
        assert entries[0].after is not None
        assert (entries[0].after["added"], entries[0].after["file"]) == (1, "goods.csv")


async def test_missing_categories_are_made_once_below_their_department(desk: Desk, shop: Shop) -> None:
    rows = [
        ["sku", "title", "category"],
        ["A", "A", "Drinks > Tea"],
        ["B", "B", " drinks ＞ TEA "],
        ["C", "C", ""],
    ]
    done = await desk.take(rows)
    assert done.report.categories == ("Drinks", "Drinks > Tea", "Other goods")
    again = await desk.take(
        [["sku", "title", "category"], ["D", "D", "Tea"], ["E", "E", ""], ["F", "F", "食品柜"]]
    )
    assert again.report.categories == ()
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        by_id = {c.category_id: c for c in await catalogue.list_categories(tx)}
    places = {sku: by_id[(await load(shop, sku)).category_id] for sku in "ABCDEF"}
    tea = places["A"]
    assert tea.parent_id is not None
    assert by_id[tea.parent_id].name == "Drinks"
    assert places["B"] == places["D"] == tea
    assert places["C"] == places["E"]
    assert places["C"].label("zh_Hans") == "其他商品"
    assert places["F"] == by_id[shop.category.category_id]


async def test_the_second_run_changes_nothing(desk: Desk, take_snapshot: Snapshot) -> None:
    await desk.take([HEADER, TEA, OIL])
    before = await take_snapshot()
    again = await desk.take([HEADER, TEA, OIL])
    assert again.counts == (0, 0, 2, 0)
    assert await take_snapshot() == before


async def test_only_what_changed_is_edited(desk: Desk, shop: Shop) -> None:
    await desk.take([HEADER, TEA, OIL])
    done = await desk.take([HEADER, [*TEA[:4], "Valley", *TEA[5:]], [*OIL[:2], "9.10", *OIL[3:]]])
    assert (done.counts, done.report.prices) == ((0, 2, 0, 0), 1)
    tea, oil = await load(shop, "T-1"), await load(shop, "O-1")
    assert (tea.brand, tea.version, tea.variants[0].price_minor) == ("Valley", 2, 1250)
    # A price has a history of its own, as in the console; the product's version stays.
    assert (oil.version, oil.variants[0].price_minor) == (1, 910)
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        tea_prices = await catalogue.list_prices(tx, sku_id=tea.variants[0].sku_id)
        oil_prices = await catalogue.list_prices(tx, sku_id=oil.variants[0].sku_id)
        assert [p.amount_minor for p in tea_prices] == [1250]
        assert [p.amount_minor for p in oil_prices] == [910, 800]
        events = await list_subject_events(tx, subject_id=oil.product_id)
        assert [e.name for e in events] == ["ProductChanged", "PriceChanged"]
        assert (events[1].data["old_minor"], events[1].data["new_minor"]) == (800, 910)
        found = await catalogue.list_products(tx, query="valley")
        assert [card.product_id for card in found.items] == [tea.product_id]


async def test_empty_cells_and_missing_columns_leave_what_is_there(desk: Desk, shop: Shop) -> None:
    await desk.take([HEADER, TEA])
    before = await load(shop, "T-1")
    empty = ["T-1", "Green tea"] + [""] * (len(HEADER) - 2)
    assert (await desk.take([HEADER, empty])).counts == (0, 0, 1, 0)
    assert (await desk.take([["sku", "title"], ["T-1", "Green tea"]])).counts == (0, 0, 1, 0)
    assert await load(shop, "T-1") == before


async def test_opening_stock_counts_once_and_never_over_a_later_count(desk: Desk, shop: Shop) -> None:
    await desk.take([HEADER, TEA])
    await adjust_stock(
        shop.commerce,
        shop.merchant_id,
        sku_id=(await load(shop, "T-1")).variants[0].sku_id,
        place_id=shop.warehouse.place_id,
        delta=-3,
        reason="counted",
        by="test",
        key="count",
    )
    again = await desk.take([HEADER, [*TEA[:-1], "100"]])
    assert again.report.stock_ignored == 1
    assert await count_stock(shop, "T-1") == [("online", 4)]


async def test_a_stock_of_none_is_listed_as_sold_out(desk: Desk, shop: Shop) -> None:
    done = await desk.take([["sku", "title", "stock"], ["A", "Tea", "0"], ["B", "Oil", "2"]])
    assert done.report.stocked == 1
    assert (await count_stock(shop, "A"), await count_stock(shop, "B")) == ([("online", 0)], [("online", 2)])


async def test_a_name_that_several_categories_have_is_not_guessed(desk: Desk) -> None:
    await desk.take([["sku", "title", "category"], ["A", "A", "Food > Other"], ["B", "B", "Toys > Other"]])
    done = await desk.take([["sku", "title", "category"], ["C", "C", "Other"], ["D", "D", "Toys > Other"]])
    assert done.counts == (1, 0, 0, 1)
    assert done.reasons == ["There are several categories Other. Please write the department too: A > Other."]


async def test_a_product_of_several_variants_is_left_to_the_console(
    desk: Desk, shop: Shop, owner: Database
) -> None:
    await desk.take([["sku", "title"], ["A", "Tea"]])
    await owner.execute(
        "INSERT INTO commerce.variant (merchant_id, sku_id, product_id, sku, option, currency)"
        " SELECT merchant_id, gen_random_uuid(), product_id, 'A-2', 'large', currency FROM commerce.variant"
        " WHERE merchant_id = $1",
        shop.merchant_id,
    )
    done = await desk.take([["sku", "title"], ["A-2", "Large tea"]])
    assert done.reasons == ["The product has several variants. Please edit it in the console."]
    assert (await load(shop, "A")).title == "Tea"


async def test_a_stop_before_the_end_leaves_nothing_and_the_next_run_does_it_all(
    desk: Desk, shop: Shop, take_snapshot: Snapshot
) -> None:
    rows = [["sku", "title", "price", "category", "stock"]]
    rows += [[f"S{n}", f"Thing {n}", "1.00", f"Shelf {n % 7}", "5"] for n in range(2 * flow.BATCH + 5)]
    rows.insert(3, ["", "no sku", "", "", ""])
    before = await take_snapshot()
    with pytest.raises(KeyboardInterrupt):
        await desk.take(rows, stop_after=2)
    assert await take_snapshot() == before
    assert list(desk.folder.iterdir()) == [desk.folder / "goods.csv"]
    done = await desk.take(rows)
    assert done.counts == (2 * flow.BATCH + 5, 0, 0, 1)
    assert desk.progress[-1][0] == desk.progress[-1][1]


async def test_a_dry_run_tells_the_same_and_writes_nothing(desk: Desk, take_snapshot: Snapshot) -> None:
    await desk.take([HEADER, TEA])
    before = await take_snapshot()
    rows = [HEADER, [*TEA[:2], "13", *TEA[3:]], OIL, ["", *OIL[1:]]]
    trial = await desk.take(rows, dry_run=True)
    assert await take_snapshot() == before
    real = await desk.take(rows)
    assert trial == real
    assert real.counts == (1, 1, 0, 1)


async def test_two_imports_at_once_do_not_mix(
    desk: Desk, shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside, go_on = asyncio.Event(), asyncio.Event()
    find_categories = flow.list_categories

    async def wait_inside(tx: Any, **wish: Any) -> Any:
        inside.set()
        await go_on.wait()
        return await find_categories(tx, **wish)

    monkeypatch.setattr(flow, "list_categories", wait_inside)
    first = asyncio.create_task(desk.take([HEADER, TEA]))
    await asyncio.wait_for(inside.wait(), 30)
    (tmp_path / "other").mkdir()
    with pytest.raises(Conflict) as refused:
        await Desk(shop, tmp_path / "other").take([HEADER, OIL])
    assert refused.value.code == "import.running"
    go_on.set()
    assert (await first).counts == (1, 0, 0, 0)


async def test_codes_that_differ_in_case_only_are_two_products(desk: Desk, shop: Shop) -> None:
    done = await desk.take([["sku", "title"], ["A1", "Tea"], ["a1", "Tea"]])
    assert done.counts == (2, 0, 0, 0)
    assert (await load(shop, "A1")).slug != (await load(shop, "a1")).slug


async def test_of_two_rows_with_one_sku_the_first_counts(desk: Desk, shop: Shop) -> None:
    done = await desk.take(
        [["sku", "title", "price"], ["A", "One", "1"], ["B", "Two", "2"], ["A", "Three", "3"]]
    )
    assert done.counts == (2, 0, 0, 1)
    assert done.rejected == [
        ["sku", "title", "price", "reason", "line"],
        ["A", "Three", "3", "Line 2 has the same SKU; the first one counts.", "4"],
    ]
    assert (await load(shop, "A")).title == "One"


async def test_a_row_is_told_everything_that_is_wrong_in_the_reader_s_language(desk: Desk) -> None:
    rows = [["货号", "品名", "价格", "条码"], ["", "茶", "十二", "6901234567890"]]
    chinese = await desk.take(rows, locale="zh_Hans")
    assert chinese.counts == (0, 0, 0, 1)
    assert chinese.reasons == [
        "“货号”为空。; “价格”：十二 不是价格，正确写法如 12.50。; “条码”：6901234567890 的最后一位应为 2，是否有数字输错？"
    ]
    english = await desk.take(rows)
    assert english.reasons[0].count("; ") == 2
    assert english.reasons[0].startswith("货号 is empty.; 价格: 十二 is not a price such as 12.50.")


async def test_rejected_rows_come_back_mended(desk: Desk, tmp_path: Path) -> None:
    first = await desk.take([["sku", "title", "price", "note"], ["A", "=cmd|' /C calc'!A0", "x", "+1"]])
    header, row = first.rejected
    assert header == ["sku", "title", "price", "note", "reason", "line"]
    assert row[1] == "'=cmd|' /C calc'!A0"
    assert row[3] == "'+1"
    mended = [header, [row[0], "'@home", "5", *row[3:]]]
    second = await desk.take_file(write_csv(tmp_path / "mended.csv", mended, encoding="utf-8-sig"))
    assert second.counts == (1, 0, 0, 0)
    assert second.report.unknown_columns == ("note",)
    assert (await load(desk.shop, "A")).title == "@home"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t"])
async def test_no_cell_of_the_rejected_file_is_a_formula(desk: Desk, start: str) -> None:
    done = await desk.take([["sku", "title"], [f"{start}1+1", ""]])
    assert done.rejected[1][0] == f"'{start}1+1"


async def test_columns_that_mean_nothing_are_told(desk: Desk) -> None:
    done = await desk.take(
        [["SKU *", "Product Name", "Price (USD)", "供应商", ""], ["A", "Tea", "1", "x", ""]]
    )
    assert done.counts == (1, 0, 0, 0)
    assert done.report.unknown_columns == ("供应商",)


@pytest.mark.parametrize(
    ("header", "code", "told"),
    [
        (["sku", "price"], "import.column_missing", "sku, price"),
        (["a", "b"], "import.column_missing", "a, b"),
        (["sku", "title", "price", "价格"], "import.column_twice", "价格"),
    ],
)
async def test_a_header_that_cannot_be_used_refuses_the_file(
    desk: Desk, take_snapshot: Snapshot, header: list[str], code: str, told: str
) -> None:
    before = await take_snapshot()
    with pytest.raises(Invalid) as refused:
        await desk.take([header, ["1"] * len(header)])
    assert refused.value.code == code
    assert told in refused.value.data.values()
    assert await take_snapshot() == before


async def test_excel_and_csv_mean_the_same(desk: Desk, tmp_path: Path, take_snapshot: Snapshot) -> None:
    await desk.take([HEADER, ["007", *TEA[1:]], OIL])
    before = await take_snapshot()
    numbers = ["007", *TEA[1:2], 12.5, *TEA[3:5], 4006381333931, *TEA[6:8], True, 7]
    excel = write_excel(tmp_path / "goods.xlsx", [[], HEADER, numbers, [], OIL])
    done = await desk.take_file(excel)
    assert done.counts == (0, 0, 2, 0)
    assert await take_snapshot() == before


async def test_the_rows_of_a_file_are_limited(desk: Desk, take_snapshot: Snapshot) -> None:
    before = await take_snapshot()
    limits = type(LIMITS)(rows=2, file_bytes=10_000, unpacked_bytes=100_000, cell_characters=300)
    with pytest.raises(Invalid) as refused:
        await desk.take([["sku", "title"], ["A", "A"], ["B", "B"], ["C", "C"]], limits=limits)
    assert refused.value.code == "import.rows_many"
    assert await take_snapshot() == before
