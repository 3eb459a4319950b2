"""Looking around over HTTP: home, departments, search, products, stores, languages, errors."""

import json
import re

import pytest
from tests.console.shop import Shop
from tests.storefront.conftest import Enter
from tests.storefront.shop_app import PAGE_SIZE
from tests.storefront.shopper import Shopper, text_of

from serai.commerce.catalogue.api import NewProduct, add_products, publish_product
from serai.foundation.ids import new_id


async def add_more(shop: Shop, count: int) -> None:
    """More products: Jam 1 at $1.01, Jam 2 at $1.02 and so on, selling the better the later."""
    products = [
        NewProduct(
            title=f"Jam {n}",
            sku=f"JAM-{n}",
            category_id=shop.category.category_id,
            price_minor=100 + n,
            currency="USD",
            translations={"zh_Hans": f"果酱 {n}"},
            brand="Orchard" if n % 2 else "Meadow",
            rank=n,
        )
        for n in range(1, count + 1)
    ]
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await add_products(tx, products=products, by="test", reason="test")


def titles_of(page: object) -> list[str]:
    """The titles of the product cards, in order."""
    return re.findall(r'class="good-title"><a href="[^"]*">([^<]*)</a>', page.text)  # type: ignore[attr-defined]


async def test_the_home_page_leads_to_departments_and_products(shopper: Shopper, shop: Shop) -> None:
    page = await shopper.get("/")
    assert page.status_code == 200
    assert 'href="/c/grocery"' in page.text
    assert titles_of(page) == ["Ice, crushed"]
    assert shop.merchant.name in text_of(page)


async def test_pages_follow_each_other_without_gap_or_repeat(shopper: Shopper, shop: Shop) -> None:
    await add_more(shop, 2 * PAGE_SIZE + 1)
    address, seen = "/c/grocery?sort=price", []
    for _ in range(4):
        page = await shopper.get(address)
        seen += titles_of(page)
        following = re.search(r'href="([^"]*)" rel="next"', page.text)
        if not following:
            break
        address = following[1].replace("&amp;", "&")
    assert seen == [f"Jam {n}" for n in range(1, 2 * PAGE_SIZE + 2)] + ["Ice, crushed"]


async def test_htmx_gets_only_the_next_cards(shopper: Shopper, shop: Shop) -> None:
    await add_more(shop, PAGE_SIZE + 1)
    first = await shopper.get("/search?q=jam")
    following = re.search(r'href="([^"]*)" rel="next"', first.text)
    assert following
    more = await shopper.get(following[1].replace("&amp;", "&") + "&more=1", hx_request="true")
    assert "<html" not in more.text
    assert len(titles_of(more)) == 1
    whole = await shopper.get(
        following[1].replace("&amp;", "&"), hx_request="true", hx_history_restore_request="true"
    )
    assert "<html" in whole.text


async def test_a_price_range_and_a_brand_narrow_the_list(shopper: Shopper, shop: Shop) -> None:
    await add_more(shop, 6)
    page = await shopper.get("/c/grocery?min=1.02&max=1.05&brand=Orchard&sort=price")
    assert titles_of(page) == ["Jam 3", "Jam 5"]
    assert "2 products" in text_of(page)
    swapped = await shopper.get("/c/grocery?min=1.05&max=1.02&brand=Orchard&sort=price")
    assert titles_of(swapped) == ["Jam 3", "Jam 5"]


@pytest.mark.parametrize("text", ["abc", "1e9", "-5", "NaN", "٣", "1" * 40])
async def test_a_price_that_is_none_is_told_and_left_out(shopper: Shopper, text: str) -> None:
    page = await shopper.client.get("/c/grocery", params={"min": text})
    assert page.status_code == 200
    assert titles_of(page) == ["Ice, crushed"]
    assert "is not an amount" in text_of(page)


async def test_a_list_cannot_be_continued_from_a_forged_place(shopper: Shopper) -> None:
    page = await shopper.get("/search?q=ice&cursor=forged")
    assert page.status_code == 422
    assert "To the shop" in text_of(page)


async def test_search_finds_in_both_languages(shopper: Shopper, enter: Enter, shop: Shop) -> None:
    await add_more(shop, 2)
    assert sorted(titles_of(await shopper.get("/search?q=jam"))) == ["Jam 1", "Jam 2"]
    reader = await enter("zh-CN,zh;q=0.9")
    page = await reader.client.get("/search", params={"q": "果酱"})
    assert sorted(titles_of(page)) == ["果酱 1", "果酱 2"]
    assert 'lang="zh-Hans"' in page.text


async def test_a_search_in_vain_says_what_was_searched_and_offers_a_way_on(shopper: Shopper) -> None:
    page = await shopper.get("/search?q=ice+unobtainium")
    said = text_of(page)
    assert "We found nothing for “ice unobtainium”" in said
    assert 'href="/search?q=ice"' in page.text
    assert "Grocery" in said


async def test_what_was_searched_cannot_become_markup(shopper: Shopper) -> None:
    page = await shopper.client.get("/search", params={"q": '"><script>alert(1)</script>'})
    assert "<script>alert" not in page.text


async def test_suggestions_need_two_characters(shopper: Shopper) -> None:
    assert "Ice, crushed" in (await shopper.get("/suggest?q=ic")).text
    assert "Ice, crushed" not in (await shopper.get("/suggest?q=i")).text


async def test_a_product_tells_price_stock_and_facts(shopper: Shopper, shop: Shop) -> None:
    page = await shopper.get(f"/p/{shop.product.slug}")
    said = text_of(page)
    assert "$4.99" in said
    assert "Delivery In stock" in said
    assert "ICE-1" in said
    found = re.search(r'<script type="application/ld\+json">(.*?)</script>', page.text, re.DOTALL)
    assert found
    described, trail = json.loads(found[1])
    assert trail["@type"] == "BreadcrumbList"
    assert described["offers"]["price"] == "4.99"
    assert described["offers"]["availability"].endswith("/InStock")


async def test_the_chosen_store_is_remembered_and_its_stock_told(shopper: Shopper, shop: Shop) -> None:
    page = await shopper.follow(
        await shopper.post("/stores", place=shop.store.code, next=f"/p/{shop.product.slug}")
    )
    said = text_of(page)
    assert "You are now shopping at Harbor store." in said
    assert "Harbor store sold out" in said


async def test_a_store_that_is_none_is_refused(shopper: Shopper) -> None:
    assert (await shopper.post("/stores", place="nowhere", next="/")).status_code == 404


async def test_stores_are_found_by_a_part_of_their_name(shopper: Shopper) -> None:
    assert "Harbor store" in text_of(await shopper.get("/stores?find=harb"))
    assert "No store is called that" in text_of(await shopper.get("/stores?find=xyz"))


@pytest.mark.parametrize("path", ["/p/nothing", "/c/nothing", "/nothing", "/label/x/y.png"])
async def test_what_is_not_there_is_told_with_a_way_on(shopper: Shopper, path: str) -> None:
    page = await shopper.get(path)
    assert page.status_code == 404
    assert "There is nothing here" in text_of(page)
    assert 'href="/search"' in page.text


async def test_an_unpublished_product_is_not_there(shopper: Shopper, shop: Shop) -> None:
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await publish_product(tx, product_id=shop.product.product_id, by="test", published=False)
    assert (await shopper.get(f"/p/{shop.product.slug}")).status_code == 404
    assert titles_of(await shopper.get("/search?q=ice")) == []


async def test_the_language_is_switched_on_the_same_page(shopper: Shopper) -> None:
    page = await shopper.follow(await shopper.post("/locale", locale="zh_Hans", next="/search?q=ice"))
    assert page.url.path == "/search"
    assert 'lang="zh-Hans"' in page.text
    assert "“ice”的搜索结果" in text_of(page)


@pytest.mark.parametrize(
    "address", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", ""]
)
async def test_a_form_never_leads_to_another_site(shopper: Shopper, address: str) -> None:
    answer = await shopper.post("/locale", locale="en", next=address)
    assert answer.headers["location"] == "/"


async def test_a_label_may_be_kept_for_ever(shopper: Shopper) -> None:
    answer = await shopper.get(f"/label/apple/{new_id()}.svg")
    assert answer.headers["content-type"].startswith("image/svg+xml")
    assert "immutable" in answer.headers["cache-control"]
    assert answer.text.startswith("<svg")


async def test_the_help_page_tells_the_terms_in_force(shopper: Shopper) -> None:
    said = text_of(await shopper.get("/help"))
    assert "Delivery costs $5.99 per order. From $35.00 it is free." in said
    assert "kept for you for 30 minutes" in said
    assert "You have 30 days to return" in said
