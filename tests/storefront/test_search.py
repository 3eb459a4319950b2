"""Searching over HTTP as a shopper does: in Chinese to the cart, with a typo, narrowed, while typing."""

import re

import pytest
from tests.console.shop import Shop
from tests.storefront.conftest import Enter
from tests.storefront.shopper import Shopper, text_of

from serai.commerce.catalogue.api import NewProduct, add_products
from serai.commerce.search.rebuild_index import MAKE
from serai.commerce.search.refresh_lists import refresh_lists
from serai.commerce.search.refresh_words import refresh_words
from serai.foundation.ids import new_id

GOODS = (
    ("Celery with roots", "带根毛芹", 399),
    ("Makeup bag, small", "小化妆包", 1250),
    ("Makeup bag, large", "大化妆包", 2990),
    ("Dark chocolate", "黑巧克力", 250),
)


def titles_of(page: object) -> list[str]:
    """The titles of the product cards, in order."""
    return re.findall(r'class="good-title"><a href="[^"]*">([^<]*)</a>', page.text)  # type: ignore[attr-defined]


@pytest.fixture
async def filled(shop: Shop) -> Shop:
    products = [
        NewProduct(
            title=title,
            sku=f"SEARCH-{n}",
            sku_id=new_id(),
            category_id=shop.category.category_id,
            price_minor=price,
            currency="USD",
            translations={"zh_Hans": chinese},
            brand="Meadow" if n else "Orchard",
        )
        for n, (title, chinese, price) in enumerate(GOODS)
    ]
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await add_products(tx, products=products, by="test", reason="test")
        await refresh_words(tx)
        await refresh_lists(tx, make=MAKE)
    return shop


@pytest.mark.parametrize("words", ["毛芹", "帶根毛芹", "maoqin"])
async def test_a_chinese_search_leads_to_the_product(enter: Enter, filled: Shop, words: str) -> None:
    reader = await enter("zh-CN,zh;q=0.9")
    page = await reader.client.get("/search", params={"q": words})
    assert titles_of(page) == ["带根毛芹"]
    assert "1 件商品" in text_of(page)
    product = await reader.get(re.search(r'class="good-title"><a href="([^"]*)"', page.text)[1])  # type: ignore[index]
    assert product.status_code == 200
    assert "带根毛芹" in text_of(product)


async def test_a_typo_is_mended_and_the_page_says_so(shopper: Shopper, filled: Shop) -> None:
    page = await shopper.get("/search?q=choclate")
    assert titles_of(page) == ["Dark chocolate"]
    assert "Nothing is called “choclate”" in text_of(page)
    assert 'value="chocolate"' in page.text


async def test_a_search_is_narrowed_by_its_own_numbers(shopper: Shopper, filled: Shop) -> None:
    page = await shopper.get("/search?q=makeup+bag")
    assert len(titles_of(page)) == 2
    bands = re.findall(r'class="filter-band figure" href="([^"]*)"', page.text)
    assert len(bands) == 2
    found = [titles_of(await shopper.get(band.replace("&amp;", "&"))) for band in bands]
    assert found == [["Makeup bag, small"], ["Makeup bag, large"]]
    nothing = await shopper.get("/search?q=makeup+bag&brand=Orchard")
    assert titles_of(nothing) == []
    assert "Clear the filters" in text_of(nothing)
    assert (await shopper.get("/search?q=makeup&in=no-such-shelf")).status_code == 200


async def test_suggestions_show_brands_and_categories_beside_products(shopper: Shopper, filled: Shop) -> None:
    said = (await shopper.get("/suggest?q=mea")).text
    assert 'href="/search?q=Meadow&amp;brand=Meadow"' in said
    said = (await shopper.get("/suggest?q=groc")).text
    assert 'href="/c/grocery"' in said
    assert "Makeup bag, small" in (await shopper.client.get("/suggest", params={"q": "包"})).text


@pytest.mark.parametrize("words", ["\0", "a & b | !c", "'" * 50, "😀", "包" * 5000, "%E4%B8"])
async def test_hostile_words_get_a_page(shopper: Shopper, filled: Shop, words: str) -> None:
    for path in ("/search", "/suggest"):
        assert (await shopper.client.get(path, params={"q": words})).status_code == 200


async def test_a_narrowed_search_tells_its_new_number_to_htmx(shopper: Shopper, filled: Shop) -> None:
    part = await shopper.get("/search?q=makeup+bag&max=15", hx_request="true")
    assert "<html" not in part.text
    assert titles_of(part) == ["Makeup bag, small"]
    assert re.search(r'id="total" hx-swap-oob="true">1 product<', part.text)
    assert "Best match" in part.text
