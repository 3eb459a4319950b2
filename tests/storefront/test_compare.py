"""Versions, facts and photographs on the product page, what it tells search engines, and comparing side by side."""

import json
import re
from typing import Any

from tests.commerce.picture import make_picture
from tests.console.shop import Shop
from tests.storefront.shopper import Shopper, text_of

from serai.commerce.catalogue.api import (
    Attribute,
    NewProduct,
    ProductOption,
    VariantEdit,
    create_product,
    edit_variant,
    fill_matrix,
    load_product,
    parse_content,
    publish_product,
    save_attribute,
    set_facts,
    set_options,
    set_variant_facts,
)
from serai.commerce.catalogue.types import Product
from serai.commerce.media.api import add_photo, check_upload
from serai.commerce.stock.api import receive_stock


async def add(shop: Shop, title: str, sku: str, price_minor: int, content: str = "") -> Product:
    """A published product with stock."""
    new = NewProduct(
        title=title,
        sku=sku,
        category_id=shop.category.category_id,
        price_minor=price_minor,
        currency="USD",
        content=parse_content(content),
        published=True,
    )
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        product = await create_product(tx, product=new, by="test")
    await receive_stock(
        shop.commerce,
        shop.merchant_id,
        sku_id=product.variants[0].sku_id,
        place_id=shop.online.place_id,
        quantity=5,
        reason="opening",
        by="test",
        key="1",
    )
    return product


async def make_versions(shop: Shop) -> Product:
    """A shirt in two sizes and two colours; large and blue is not sold."""
    product = await add(shop, "Shirt", "TEE", 1500)
    options = [
        ProductOption("Size", ("S", "L"), {"zh_Hans": "尺码"}),
        ProductOption("Colour", ("Red", "Blue")),
    ]
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        product = await set_options(
            tx, product_id=product.product_id, version=product.version, options=options, by="test"
        )
        product = await fill_matrix(
            tx, product_id=product.product_id, version=product.version, by="test", price_minor=None
        )
        last = next(v for v in product.variants if v.choices == ("L", "Blue"))
        edit = VariantEdit(active=False)
        return await edit_variant(tx, sku_id=last.sku_id, version=product.version, edit=edit, by="test")


def read_json_ld(text: str) -> list[Any]:
    found = re.search(r'<script type="application/ld\+json">(.*?)</script>', text, re.DOTALL)
    assert found
    described: list[Any] = json.loads(found[1])
    return described


async def test_the_page_leads_from_each_version_to_those_that_are_sold(shopper: Shopper, shop: Shop) -> None:
    product = await make_versions(shop)
    page = await shopper.get(f"/p/{product.slug}?sku=TEE-L-RED")
    assert 'aria-label="Size"' in page.text
    assert f'href="/p/{product.slug}?sku=TEE"' in page.text
    assert f'chip chip-far" href="/p/{product.slug}?sku=TEE-S-BLUE"' in page.text, "blue leads to small"
    assert "尺码" in (await shopper.get(f"/p/{product.slug}", accept_language="zh-CN")).text


async def test_versions_are_told_to_search_engines_as_a_group(shopper: Shopper, shop: Shop) -> None:
    product = await make_versions(shop)
    group, trail = read_json_ld((await shopper.get(f"/p/{product.slug}")).text)
    assert group["@type"] == "ProductGroup"
    assert group["variesBy"] == ["https://schema.org/size", "https://schema.org/color"]
    offers = {v["sku"]: v["offers"] for v in group["hasVariant"]}
    assert set(offers) == {"TEE", "TEE-S-BLUE", "TEE-L-RED"}
    assert offers["TEE"]["availability"].endswith("/InStock")
    assert offers["TEE-L-RED"]["availability"].endswith("/OutOfStock")
    assert (offers["TEE"]["price"], offers["TEE"]["priceCurrency"]) == ("15.00", "USD")
    steps = trail["itemListElement"]
    assert [s["position"] for s in steps] == [1, 2, 3]
    assert steps[1]["item"].endswith("/c/grocery")
    assert "item" not in steps[2]


async def test_a_title_cannot_break_out_of_what_is_told_to_search_engines(
    shopper: Shopper, shop: Shop
) -> None:
    product = await add(shop, "</script><script>alert(1)</script>", "X-1", 100)
    text = (await shopper.get(f"/p/{product.slug}")).text
    assert "<script>alert(1)" not in text
    assert read_json_ld(text)[0]["name"] == "</script><script>alert(1)</script>"


async def test_facts_and_photographs_stand_on_page_and_card(shopper: Shopper, shop: Shop) -> None:
    product = await add(shop, "Coffee", "COF", 800, "500 g")
    picture = await check_upload(
        make_picture(), said_type="image/jpeg", file_name="a.jpg", settings=shop.commerce.settings
    )
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        fat = Attribute(
            "roast", "choice", "Roast", {"zh_Hans": "烘焙"}, choices={"dark": {"zh_Hans": "深烘"}}
        )
        await save_attribute(tx, attribute=fat, by="test")
        await save_attribute(tx, attribute=Attribute("vegan", "boolean", "Vegan"), by="test")
        facts = {"roast": "dark", "vegan": True}
        await set_facts(tx, product_id=product.product_id, version=1, attributes=facts, tags=None, by="test")
        photo = await add_photo(tx, product_id=product.product_id, picture=picture, alt="A bag", by="test")
    page = await shopper.get(f"/p/{product.slug}")
    assert "<dt>Roast</dt><dd>dark</dd>" in page.text
    assert "<dt>Vegan</dt><dd>Yes</dd>" in page.text
    assert f'src="/media/{photo.digest}-card.webp"' in page.text
    assert 'alt="A bag" width="1280" height="960"' in page.text
    described = read_json_ld(page.text)[0]
    assert described["image"][0].endswith(f"/media/{photo.digest}-large.webp")
    assert described["offers"]["priceSpecification"]["price"] == "1.60"
    assert described["offers"]["priceSpecification"]["referenceQuantity"]["unitCode"] == "GRM"
    assert f"/media/{photo.digest}-thumb.webp" in (await shopper.get("/c/grocery")).text
    chinese = await shopper.get(f"/p/{product.slug}", accept_language="zh-CN")
    assert "<dt>烘焙</dt><dd>深烘</dd>" in chinese.text


async def test_a_version_that_differs_says_so_on_its_page_and_beside_others(
    shopper: Shopper, shop: Shop
) -> None:
    product = await make_versions(shop)
    large = next(v for v in product.variants if v.choices == ("L", "Red"))
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await save_attribute(tx, attribute=Attribute("mass", "number", "Mass", unit="g"), by="test")
        await save_attribute(tx, attribute=Attribute("made", "text", "Made in"), by="test")
        facts = {"mass": 150, "made": "Porto"}
        product = await set_facts(
            tx, product_id=product.product_id, version=product.version, attributes=facts, tags=None, by="test"
        )
        more = {"mass": 190}
        await set_variant_facts(tx, sku_id=large.sku_id, version=product.version, attributes=more, by="test")
    first, own = [(await shopper.get(f"/p/{product.slug}?sku={sku}")).text for sku in ("TEE", "TEE-L-RED")]
    assert "<dt>Mass</dt><dd>150 g</dd>" in first
    assert "<dt>Mass</dt><dd>190 g</dd>" in own
    assert "<dt>Made in</dt><dd>Porto</dd>" in own
    beside = text_of(await shopper.get("/compare?sku=TEE&sku=TEE-L-RED"))
    assert "Mass150 g190 g" in beside.replace("> ", ">").replace(" 190", "190"), beside


async def test_like_products_stand_side_by_side_by_unit_price(shopper: Shopper, shop: Shop) -> None:
    await add(shop, "Rice, small", "R1", 300, "500 g")
    await add(shop, "Rice, large", "R2", 900, "2 kg")
    page = await shopper.get("/compare?sku=R1&sku=R2&sku=R1&sku=nothing")
    said = text_of(page)
    assert "$0.60 / 100 g" in said
    assert "$0.45 / 100 g Cheapest per unit" in said
    assert said.count("Cheapest per unit") == 1
    assert 'href="/compare?sku=R2"' in page.text, "taking the first out leaves the second"
    assert 'href="/compare?sku=R1&amp;sku=R2&amp;sku=ICE-1"' in page.text, "another of the shelf is offered"


async def test_no_more_than_four_are_compared_and_none_is_fine(shopper: Shopper, shop: Shop) -> None:
    for n in range(6):
        await add(shop, f"Rice {n}", f"R{n}", 100)
    page = await shopper.get("/compare?" + "&".join(f"sku=R{n}" for n in range(6)))
    assert page.text.count('class="compare-good"') == 4
    assert "Only the first 4 are shown" in text_of(page)
    for odd in ("", "?sku=", "?sku=%00", "?sku=" + "x" * 500):
        answer = await shopper.get(f"/compare{odd}")
        assert answer.status_code == 200
        assert "Nothing to compare yet" in text_of(answer)


async def test_a_product_taken_out_of_the_shop_is_not_compared(shopper: Shopper, shop: Shop) -> None:
    product = await add(shop, "Rice", "R1", 100)
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await publish_product(tx, product_id=product.product_id, by="test", published=False)
        assert (await load_product(tx, product_id=product.product_id)).version == 2
    assert "Nothing to compare yet" in text_of(await shopper.get("/compare?sku=R1"))
