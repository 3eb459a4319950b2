"""Kept pages through the whole application: fast for everybody, exact for each."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from tests.shop import Shop

from serai.commerce.aftersale.api import cancel_order
from serai.commerce.catalogue.api import edit_product, find_product, set_price
from serai.main.kept_pages import LOOK_EVERY_S, KeptPages

TOKEN = re.compile(r'name="_csrf_token" value="([0-9a-f]{128})"')


class Browser:
    """A visitor who keeps cookies."""

    def __init__(self, client: httpx.AsyncClient, pages: KeptPages) -> None:
        self.client = client
        self._pages = pages

    async def look(self, path: str, **headers: str) -> tuple[httpx.Response, bool]:
        """(answer, whether it was a kept page)."""
        before = self._pages.sent
        answer = await self.client.get(path, headers=headers)
        return answer, self._pages.sent > before


@pytest.fixture
async def enter(
    application: Any, transport: httpx.ASGITransport, shop: Shop
) -> AsyncIterator[Callable[[], Browser]]:
    opened: list[httpx.AsyncClient] = []

    def make() -> Browser:
        client = httpx.AsyncClient(
            transport=transport,
            base_url=f"http://{shop.host}",
            headers={"accept-language": "en"},
            trust_env=False,
        )
        opened.append(client)
        return Browser(client, application.pages)

    yield make
    for client in opened:
        await client.aclose()


async def settle() -> None:
    """Let the web worker hear of what has happened so far."""
    await asyncio.sleep(5 * LOOK_EVERY_S)


async def slug_of(shop: Shop, sku_id: Any) -> str:
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        return str(
            await tx.fetchval(
                "SELECT p.slug FROM commerce.product p JOIN commerce.variant v"
                " USING (merchant_id, product_id) WHERE v.sku_id = $1",
                sku_id,
            )
        )


async def wait_for(browser: Browser, path: str, text: str) -> None:
    for _ in range(50):
        answer, _kept = await browser.look(path)
        if text in answer.text:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"{path} never said {text!r}")


async def test_the_second_visitor_gets_the_kept_page_with_a_token_of_their_own(
    shop: Shop, enter: Any
) -> None:
    path = f"/p/{await slug_of(shop, await shop.add_product(stock=7))}"
    ann, bob = enter(), enter()
    await settle()
    first, kept = await ann.look(path)
    assert (first.status_code, kept) == (200, False)
    second, kept = await bob.look(path)
    assert (second.status_code, kept) == (200, True)
    tokens = [set(TOKEN.findall(answer.text)) for answer in (first, second)]
    assert [len(each) for each in tokens] == [1, 1]
    assert tokens[0] != tokens[1]
    assert TOKEN.sub("", first.text) == TOKEN.sub("", second.text)
    assert bob.client.cookies["csrftoken"] in tokens[1]
    for name in ("content-type", "cache-control", "content-security-policy", "x-content-type-options"):
        assert first.headers[name] == second.headers[name], name
    varies = [{part.strip() for part in each.headers["vary"].split(",")} for each in (first, second)]
    assert varies[0] == varies[1] >= {"Cookie", "Accept-Language", "Accept-Encoding", "HX-Request"}
    # The token of a kept page opens the form on it, and without one nothing happens.
    sku = await sku_of(shop, path)
    refused = await enter().client.post("/cart/lines", data={"sku": sku, "quantity": "1"})
    assert refused.status_code == 403
    again, kept = await bob.look(path)
    assert kept
    assert set(TOKEN.findall(again.text)) == tokens[1]
    assert "set-cookie" not in again.headers


async def sku_of(shop: Shop, path: str) -> str:
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        product = await find_product(tx, slug=path.removeprefix("/p/"))
    assert product is not None
    return product.variants[0].sku


async def test_price_title_and_stock_are_told_as_soon_as_they_change(shop: Shop, enter: Any) -> None:
    sku_id = await shop.add_product(stock=9, price_minor=1000)
    path, visitor = f"/p/{await slug_of(shop, sku_id)}", enter()
    await visitor.look(path)
    assert "$10.00" in (await visitor.look(path))[0].text
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await set_price(tx, sku_id=sku_id, amount_minor=1234, by="test", reason="test")
    await wait_for(visitor, path, "$12.34")
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        product = await find_product(tx, slug=path.removeprefix("/p/"))
        assert product is not None
        await edit_product(
            tx,
            product_id=product.product_id,
            version=product.version,
            title="Ice of another name",
            by="test",
        )
    await wait_for(visitor, path, "Ice of another name")
    placed = await shop.place((sku_id, 6))
    await wait_for(visitor, path, "only 3 left")
    await cancel_order(shop.commerce, shop.merchant_id, order_id=placed.order_id, by="test")
    await wait_for(visitor, path, "In stock")


async def test_an_order_takes_the_pages_of_its_goods_alone(application: Any, shop: Shop, enter: Any) -> None:
    bought, other = await shop.add_product(stock=5), await shop.add_product("Tea", stock=5)
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await tx.execute("SELECT 1")
    paths = [f"/p/{await slug_of(shop, sku_id)}" for sku_id in (bought, other)]
    visitor = enter()
    await settle()
    for path in (*paths, *paths):
        await visitor.look(path)
    mark = application.pages.store.mark()
    await shop.place((bought, 1))
    for _ in range(60):
        if application.pages.store.mark() > mark:
            break
        await asyncio.sleep(0.05)
    assert (await visitor.look(paths[0]))[1] is False


@pytest.mark.parametrize(
    ("headers", "kept"),
    [
        ({}, True),
        ({"accept-language": "zh-CN"}, False),
        ({"cookie": "place=harbor"}, False),
        ({"cookie": "cart=abc"}, False),
        ({"cookie": "member=abc"}, False),
        ({"cookie": "notice=abc"}, False),
        ({"cookie": "csrftoken=<script>"}, False),
        ({"hx-request": "true"}, False),
    ],
)
async def test_only_what_everybody_sees_alike_is_kept(
    shop: Shop, enter: Any, headers: dict[str, str], kept: bool
) -> None:
    visitor = enter()
    await shop.add_product()
    await settle()
    await visitor.client.get("/")
    visitor.client.cookies.clear()
    answer, was_kept = await visitor.look("/", **headers)
    assert answer.status_code == 200
    assert was_kept is kept
    assert "<script>" not in answer.text.split('name="_csrf_token" value="')[1][:200]


async def test_a_page_that_has_not_changed_is_not_sent_again(shop: Shop, enter: Any) -> None:
    visitor = enter()
    await settle()
    await visitor.client.get("/")
    first, kept = await visitor.look("/")
    assert kept
    same, kept = await visitor.look("/", **{"if-none-match": first.headers["etag"]})
    assert (same.status_code, kept, same.content) == (304, True, b"")
    stranger = enter()
    other, kept = await stranger.look("/", **{"if-none-match": first.headers["etag"]})
    assert (other.status_code, kept) == (200, True)


async def test_what_is_not_there_is_not_kept(shop: Shop, enter: Any) -> None:
    visitor = enter()
    for _ in range(2):
        answer, kept = await visitor.look("/p/no-such-thing")
        assert (answer.status_code, kept) == (404, False)
