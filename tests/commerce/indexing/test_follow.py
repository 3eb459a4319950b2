"""An entry of the search follows every change of its product: what happens, the worker, and then the entry."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from tests.commerce.indexing.work import find, load_entry, load_product, work
from tests.conftest import FakeProvider
from tests.journeys.steps import pay
from tests.shop import Shop

from serai.commerce.aftersale.api import cancel_order
from serai.commerce.catalogue import api as catalogue
from serai.commerce.catalogue.types import Attribute, NewVariant, VariantEdit
from serai.commerce.price.api import NewOffer, add_offer, end_offer
from serai.commerce.search import refresh_lists
from serai.commerce.search.rebuild_index import MAKE
from serai.commerce.stock.api import adjust_stock, receive_stock
from serai.foundation import clock
from serai.foundation.database import Database
from serai.foundation.ids import new_id


async def test_stock_that_runs_out_and_comes_back_moves_a_product_down_and_up(
    shop: Shop, owner: Database
) -> None:
    scarce = await shop.add_product("Fig jam", stock=2)
    await shop.add_product("Plum jam", stock=50)
    await work(shop, owner)
    assert (await find(shop, "jam"))[0] == "Fig jam"
    order = await shop.place((scarce, 2))
    await work(shop, owner)
    assert (await load_entry(owner, shop, scarce))["sold_out"]
    assert await find(shop, "jam") == ["Plum jam", "Fig jam"]
    await cancel_order(
        shop.commerce, shop.merchant_id, order_id=order.order_id, reason="changed my mind", by="test"
    )
    await work(shop, owner)
    assert not (await load_entry(owner, shop, scarce))["sold_out"]
    assert (await find(shop, "jam"))[0] == "Fig jam"


async def test_counting_and_receiving_stock_is_followed(shop: Shop, owner: Database) -> None:
    sku_id = await shop.add_product("Fig jam", stock=3)
    for delta, is_out in ((-3, True), (1, False)):
        await adjust_stock(
            shop.commerce,
            shop.merchant_id,
            sku_id=sku_id,
            place_id=shop.warehouse.place_id,
            delta=delta,
            reason="count",
            by="test",
            key=new_id(),
        )
        await work(shop, owner)
        assert (await load_entry(owner, shop, sku_id))["sold_out"] is is_out


async def test_goods_in_a_store_alone_are_not_sold_out(shop: Shop, owner: Database) -> None:
    sku_id = await shop.add_product("Fig jam", stock=0, store_stock=1)
    await work(shop, owner)
    assert not (await load_entry(owner, shop, sku_id))["sold_out"]


async def test_a_bundle_is_sold_out_with_its_part(shop: Shop, owner: Database) -> None:
    part = await shop.add_product("Cup", stock=2)
    bundle = await shop.add_product("Set of cups", stock=0)
    product = await load_product(shop, bundle)
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await catalogue.set_bundle(
            tx,
            sku_id=bundle,
            version=product.version,
            parts=[(part, 2)],
            pricing="own",
            discount_bp=0,
            by="test",
        )
    await work(shop, owner)
    assert not (await load_entry(owner, shop, bundle))["sold_out"]
    await shop.place((part, 1))
    await work(shop, owner)
    assert (await load_entry(owner, shop, bundle))["sold_out"]
    assert not (await load_entry(owner, shop, part))["sold_out"]


async def test_what_is_asked_for_by_its_name_or_code_comes_first_though_sold_out(
    shop: Shop, owner: Database
) -> None:
    gone = await shop.add_product("Fig jam", stock=0)
    await shop.add_product("Fig jam with almonds", stock=5)
    await work(shop, owner)
    assert await find(shop, "jam") == ["Fig jam with almonds", "Fig jam"]
    assert await find(shop, "fig") == ["Fig jam with almonds", "Fig jam"]
    assert await find(shop, "fig jam") == ["Fig jam", "Fig jam with almonds"]
    code = (await load_product(shop, gone)).variants[0].sku
    assert await find(shop, code) == ["Fig jam"]
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        page = await catalogue.list_products(tx, query="fig jam", limit=1)
        rest = await catalogue.list_products(tx, query="fig jam", limit=1, cursor=page.next_cursor)
    assert [card.title for card in (*page.items, *rest.items)] == ["Fig jam", "Fig jam with almonds"]
    assert rest.next_cursor is None


async def test_offers_count_while_they_hold_though_nobody_tells(shop: Shop, owner: Database) -> None:
    sku_id = await shop.add_product("Fig jam", price_minor=500)
    dear = await shop.add_product("Plum jam", price_minor=400)
    now = clock.now()
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await add_offer(
            tx,
            offer=NewOffer(
                sku_id=sku_id,
                amount_minor=300,
                valid_from=now + timedelta(hours=1),
                valid_to=now + timedelta(hours=2),
            ),
            by="test",
        )
    await work(shop, owner)
    assert (await load_entry(owner, shop, sku_id))["price_minor"] == 500
    assert await find(shop, "jam", sort="price") == ["Plum jam", "Fig jam"]
    with clock.clock_at(now + timedelta(hours=1, minutes=1)):
        await work(shop, owner)
        entry = await load_entry(owner, shop, sku_id)
        assert (entry["price_minor"], entry["discount_bp"]) == (300, 4_000)
        assert await find(shop, "jam", sort="price") == ["Fig jam", "Plum jam"]
        assert await find(shop, "jam", sort="discount") == ["Fig jam", "Plum jam"]
        assert await find(shop, "jam", max_minor=350) == ["Fig jam"]
    with clock.clock_at(now + timedelta(hours=2, minutes=1)):
        await work(shop, owner)
        entry = await load_entry(owner, shop, sku_id)
        assert (entry["price_minor"], entry["discount_bp"]) == (500, 0)
    assert (await load_entry(owner, shop, dear))["price_minor"] == 400


async def test_an_offer_that_somebody_ends_counts_no_more(shop: Shop, owner: Database) -> None:
    sku_id = await shop.add_product("Fig jam", price_minor=500)
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        offer = await add_offer(tx, offer=NewOffer(sku_id=sku_id, amount_minor=300), by="test")
    await work(shop, owner)
    assert (await load_entry(owner, shop, sku_id))["price_minor"] == 300
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await end_offer(tx, offer_id=offer.offer_id, by="test")
    await work(shop, owner)
    assert (await load_entry(owner, shop, sku_id))["price_minor"] == 500


async def test_prices_of_members_and_quantities_are_not_everybodys(shop: Shop, owner: Database) -> None:
    sku_id = await shop.add_product("Fig jam", price_minor=500)
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        for more in ({"kind": "member", "member_level": "gold"}, {"kind": "tier", "min_quantity": 3}):
            await add_offer(tx, offer=NewOffer(sku_id=sku_id, amount_minor=300, **more), by="test")
    await work(shop, owner)
    assert (await load_entry(owner, shop, sku_id))["price_minor"] == 500


async def test_another_list_price_is_followed(shop: Shop, owner: Database) -> None:
    sku_id = await shop.add_product("Fig jam", price_minor=500)
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await catalogue.set_price(tx, sku_id=sku_id, amount_minor=444, reason="cheaper", by="test")
    await work(shop, owner)
    assert (await load_entry(owner, shop, sku_id))["price_minor"] == 444


async def test_a_new_variant_and_a_new_barcode_are_found_by_their_codes(shop: Shop, owner: Database) -> None:
    sku_id = await shop.add_product("Fig jam")
    product = await load_product(shop, sku_id)
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        options = [catalogue.ProductOption("Size", ("S", "L"))]
        product = await catalogue.set_options(
            tx, product_id=product.product_id, version=product.version, options=options, by="test"
        )
        await catalogue.add_variants(
            tx,
            product_id=product.product_id,
            version=product.version,
            variants=[NewVariant(sku="FIG-LARGE-9", choices=("L",), price_minor=900)],
            by="test",
        )
        await catalogue.add_barcode(tx, sku_id=sku_id, gtin="4006381333931", by="test")
    assert await find(shop, "FIG-LARGE-9") == ["Fig jam"]
    for typed in ("4006381333931", "400 6381 333931", "04006381333931"):
        assert await find(shop, typed) == ["Fig jam"], typed
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await catalogue.remove_barcode(tx, sku_id=sku_id, gtin="4006381333931", by="test")
    assert await find(shop, "4006381333931") == []


async def test_the_first_active_variant_gives_the_price(shop: Shop, owner: Database) -> None:
    sku_id = await shop.add_product("Fig jam", price_minor=500)
    product = await load_product(shop, sku_id)
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        options = [catalogue.ProductOption("Size", ("S", "L"))]
        product = await catalogue.set_options(
            tx, product_id=product.product_id, version=product.version, options=options, by="test"
        )
        product = await catalogue.add_variants(
            tx,
            product_id=product.product_id,
            version=product.version,
            variants=[NewVariant(sku=f"L{new_id().hex[-8:]}", choices=("L",), price_minor=900)],
            by="test",
        )
        await catalogue.edit_variant(
            tx, sku_id=sku_id, version=product.version, edit=VariantEdit(active=False), by="test"
        )
    await work(shop, owner)
    assert (await load_entry(owner, shop, sku_id))["price_minor"] == 900


async def test_attributes_of_product_and_variants_narrow_lists(shop: Shop, owner: Database) -> None:
    sku_id = await shop.add_product("Fig jam")
    await shop.add_product("Plum jam")
    product = await load_product(shop, sku_id)
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        for attribute in (
            Attribute("sugar", "number", "Sugar", {}, "g"),
            Attribute("organic", "boolean", "Organic"),
            Attribute("glass", "choice", "Glass", {}, "", {"round": {}, "square": {}}),
        ):
            await catalogue.save_attribute(tx, attribute=attribute, by="test")
        product = await catalogue.set_facts(
            tx,
            product_id=product.product_id,
            version=product.version,
            attributes={"sugar": 4.5, "organic": True, "glass": "round"},
            tags=None,
            by="test",
        )
    await work(shop, owner)
    for chosen in (
        {"sugar": [4.5]},
        {"organic": [True]},
        {"glass": ["square", "round"]},
        {"sugar": [4.5], "glass": ["round"]},
    ):
        assert await find(shop, attributes=chosen) == ["Fig jam"], chosen
        assert await find(shop, "jam", attributes=chosen) == ["Fig jam"], chosen
    for chosen in ({"sugar": [4]}, {"organic": [False]}, {"sugar": [4.5], "glass": ["square"]}):
        assert await find(shop, "jam", attributes=chosen) == [], chosen
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        product = await catalogue.set_facts(
            tx,
            product_id=product.product_id,
            version=product.version,
            attributes={"glass": None},
            tags=None,
            by="test",
        )
        await catalogue.set_variant_facts(
            tx, sku_id=sku_id, version=product.version, attributes={"glass": "square"}, by="test"
        )
    await work(shop, owner)
    assert await find(shop, attributes={"glass": ["round"]}) == []
    assert await find(shop, attributes={"glass": ["square"]}) == ["Fig jam"]
    # Words and facts are kept apart: an edit of the title keeps what the worker wrote.
    product = await load_product(shop, sku_id)
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await catalogue.edit_product(
            tx, product_id=product.product_id, version=product.version, by="test", title="Fig spread"
        )
    assert await find(shop, "spread", attributes={"glass": ["square"]}) == ["Fig spread"]


async def test_sales_lift_a_product_gently(
    shop: Shop, owner: Database, provider: FakeProvider, assert_clean: Callable[[], Awaitable[None]]
) -> None:
    plum = await shop.add_product("Jam of plums", stock=50)
    fig = await shop.add_product("Jam of figs", stock=50)
    best = await shop.add_product("Figs with jam, best of all", stock=50)
    now = clock.now()
    for sku_id, quantity, days in ((fig, 4, 0), (best, 30, 0), (fig, 8, 30), (best, 2, 120)):
        with clock.clock_at(now - timedelta(days=days)):
            order = await shop.place((sku_id, quantity))
            await pay(shop, provider, order)
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await refresh_lists.refresh_lists(tx, make=MAKE)
    entries = [(await load_entry(owner, shop, each))["popularity"] for each in (plum, fig, best)]
    # A line counts for ten pieces at most, half after 30 days, nothing after 90.
    assert entries == [0, 8, 10]
    # The best seller stays behind those whose titles begin with the word.
    assert await find(shop, "jam") == ["Jam of figs", "Jam of plums", "Figs with jam, best of all"]
    await assert_clean()


async def test_receiving_the_first_goods_ends_being_sold_out(shop: Shop, owner: Database) -> None:
    sku_id = await shop.add_product("Fig jam", stock=0)
    await work(shop, owner)
    assert (await load_entry(owner, shop, sku_id))["sold_out"]
    await receive_stock(
        shop.commerce,
        shop.merchant_id,
        sku_id=sku_id,
        place_id=shop.warehouse.place_id,
        quantity=1,
        reason="delivery",
        by="test",
        key="first",
    )
    await work(shop, owner)
    assert not (await load_entry(owner, shop, sku_id))["sold_out"]
