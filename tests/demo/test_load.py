"""The demo merchant goes in through the doors that every merchant's data goes through."""

from tests.demo.lines import make_lines, make_products

from serai.commerce.catalogue import api as catalogue
from serai.commerce.place import api as place
from serai.commerce.stock import api as stock
from serai.data.basket.api import count_lines
from serai.foundation.database import Database, Transaction
from serai.foundation.ids import MerchantId
from serai.main.demo.load import load_data
from serai.main.demo.prepare import DemoData, derive_demo

Steps = list[tuple[str, int, int]]


def make_demo() -> DemoData:
    products = make_products(
        [
            (11, "GROCERY", "FRZN ICE", "ICE - CRUSHED/CUBED", "22 LB"),
            (12, "PRODUCE", "TROPICAL FRUIT", "BANANAS", "40 LB"),
            (13, "COUPON", "COUPONS/STORE & MFG", "COUPONS/STORE & MFG", ""),
        ]
    )
    lines = make_lines(
        product=[0, 1, 0, -1],
        product_id=[11, 12, 11, 99],
        store_id=[7, 7, 8, 8],
        basket_id=[1, 1, 2, 2],
        household_id=[5, 5, 6, 6],
        quantity=[1, 3, 2, 1],
        sales_minor=[359, 303, 718, 50],
        sold_at_us=[1_483_300_000_000_000] * 4,
    )
    return derive_demo(products, lines, demographics={}, full=True)


async def load(db: Database, merchant_id: MerchantId) -> Steps:
    steps: Steps = []
    await load_data(
        db, merchant_id, make_demo(), progress=lambda what, done, total: steps.append((what, done, total))
    )
    return steps


async def test_goods_prices_places_and_stock_are_in_the_shop(db: Database, merchant_id: MerchantId) -> None:
    await load(db, merchant_id)
    async with db.transaction(merchant_id, "read") as tx:
        ice = await catalogue.find_variant(tx, sku="11")
        assert ice is not None
        assert (ice.price_minor, ice.content_text, ice.content_unit) == (359, "22 lb", "g")
        product = await catalogue.load_product(tx, product_id=ice.product_id)
        assert product.title == "Ice, crushed or cubed, 22 lb"
        assert product.label("zh_Hans") == "冰块与碎冰 22 磅"
        assert [p.code for p in await place.list_places(tx)] == ["online", "store-8", "store-7"]
        levels = await stock.list_levels(tx, sku_id=ice.sku_id)
        assert {level.place_code: level.on_hand for level in levels} == {
            "online": 24,
            "store-8": 6,
            "store-7": 6,
        }
        assert await count_lines(tx) == 4


async def test_what_no_shopper_can_buy_stays_out_of_the_shop(db: Database, merchant_id: MerchantId) -> None:
    await load(db, merchant_id)
    async with db.transaction(merchant_id, "read") as tx:
        shown = await catalogue.list_products(tx)
        assert {card.title for card in shown.items} == {"Ice, crushed or cubed, 22 lb", "Bananas"}
        coupon = await catalogue.find_variant(tx, sku="13")
        assert coupon is not None
        assert await catalogue.find_product(tx, product_id=coupon.product_id) is None


async def test_loading_again_changes_nothing(db: Database, merchant_id: MerchantId) -> None:
    await load(db, merchant_id)
    async with db.transaction(merchant_id, "read") as tx:
        before = await describe(tx)
    await load(db, merchant_id)
    async with db.transaction(merchant_id, "read") as tx:
        assert await describe(tx) == before


async def describe(tx: Transaction) -> list[object]:
    """Everything that a second load could double."""
    facts: list[object] = [await count_lines(tx), len(await catalogue.list_categories(tx))]
    for sku in ("11", "12", "13"):
        variant = await catalogue.find_variant(tx, sku=sku)
        assert variant is not None
        facts += [await stock.list_levels(tx, sku_id=variant.sku_id)]
        facts += [await catalogue.list_prices(tx, sku_id=variant.sku_id)]
    return facts


async def test_every_step_reports_to_its_end(db: Database, merchant_id: MerchantId) -> None:
    steps = await load(db, merchant_id)
    last = {what: (done, total) for what, done, total in steps}
    assert len(last) == 3
    assert all(done == total > 0 for done, total in last.values())
