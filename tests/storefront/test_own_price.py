"""Everywhere a product stands, it costs what whoever looks would pay: flash, member and offer prices, one batch per page."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.console.shop import Shop
from tests.storefront.conftest import Enter
from tests.storefront.shopper import Shopper, text_of
from tests.storefront.test_account import register
from tests.storefront.test_promotion import go_live

from serai.commerce.catalogue.api import NewProduct, add_products
from serai.commerce.price.api import NewOffer, add_offer
from serai.commerce.promotion.types import SkuPrice, UnitPrice
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.ids import new_id
from serai.identity.member.api import list_members, set_member_level


async def add(shop: Shop, amount_minor: int, **more: Any) -> None:
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await add_offer(tx, offer=NewOffer(sku_id=shop.sku_id, amount_minor=amount_minor, **more), by="t")


async def flash(shop: Shop, price_minor: int = 299, **more: Any) -> None:
    terms = {"name": "Noon flash", "layer": 1, "quota": 7, "ends_at": clock.now() + timedelta(hours=2)}
    benefit = UnitPrice("flash", (SkuPrice(shop.sku_id, price_minor),))
    await go_live(shop, **{**terms, "benefit": benefit, **more})


async def make_gold(shopper: Shopper, shop: Shop) -> None:
    """Register, and be given a level."""
    await register(shopper)
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        [member] = await list_members(tx)
        await set_member_level(tx, member_id=member.member_id, level="gold", by="t")


PAGES = ("/", "/c/grocery", "/search?q=ice", "/search")


@pytest.mark.parametrize("path", PAGES)
async def test_cards_tell_a_flash_price_with_its_end_and_what_is_left(
    shopper: Shopper, shop: Shop, path: str
) -> None:
    await flash(shop)
    page = await shopper.get(path)
    said = text_of(page)
    assert "$2.99" in said
    assert "Flash otherwise $4.99" in said
    assert "7 left" in said
    [seconds] = re.findall(r'data-countdown="(\d+)"', page.text)
    assert 7100 < int(seconds) <= 7200


async def test_no_page_tells_a_flash_price_before_or_after_its_time(shopper: Shopper, shop: Shop) -> None:
    start = clock.now() + timedelta(hours=1)
    await flash(shop, starts_at=start, ends_at=start + timedelta(hours=1))
    for moment, is_told in (
        (start - timedelta(seconds=1), False),
        (start, True),
        (start + timedelta(hours=1), False),
    ):
        with clock.clock_at(moment):
            for path in (*PAGES, f"/p/{shop.product.slug}"):
                assert ("$2.99" in text_of(await shopper.get(path))) is is_told, (moment, path)


async def test_a_member_sees_the_price_of_the_level_and_a_guest_does_not(
    shopper: Shopper, enter: Enter, shop: Shop
) -> None:
    await add(shop, 399, kind="member", member_level="gold")
    await make_gold(shopper, shop)
    guest = await enter()
    for path in (*PAGES, f"/p/{shop.product.slug}"):
        mine, theirs = text_of(await shopper.get(path)), text_of(await guest.get(path))
        assert "$3.99" in mine, path
        assert "Member price" in mine, path
        assert "$3.99" not in theirs, path
    page = await shopper.get(f"/p/{shop.product.slug}")
    # What is told to search engines is what everybody pays.
    assert '"price": "4.99"' in page.text or '"price":"4.99"' in page.text
    assert "3.99" not in re.findall(r"ld\+json\">(.*?)</script>", page.text, re.S)[0]


async def test_the_cart_and_the_wish_list_count_with_the_level_too(shopper: Shopper, shop: Shop) -> None:
    await add(shop, 399, kind="member", member_level="gold")
    await make_gold(shopper, shop)
    await shopper.add(quantity=2)
    said = text_of(await shopper.get("/cart"))
    assert "$3.99 each" in said
    assert "Member price" in said
    assert "$7.98" in said
    assert "$9.98" not in said
    await shopper.post("/wish", sku_id=str(shop.sku_id), next="/")
    assert "$3.99" in text_of(await shopper.get("/account/lists"))
    form = await shopper.open_checkout()
    assert "$7.98" in text_of(await shopper.get("/checkout"))
    await shopper.send_checkout(form)
    [order] = await shopper.list_orders()
    assert order.items_minor == 798


async def test_a_comparison_has_the_price_of_whoever_compares(shopper: Shopper, shop: Shop) -> None:
    await flash(shop)
    await _add_many(shop, 1)
    said = text_of(await shopper.get("/compare?sku=ICE-1&sku=OATS-0"))
    assert "$2.99" in said
    assert "$4.99" not in said


async def test_the_lowest_of_all_prices_is_told_once_and_is_what_is_paid(
    shopper: Shopper, shop: Shop
) -> None:
    await add(shop, 400)
    # A tenth off the list price is dearer than the offer, a quarter is cheaper; neither comes on top of it.
    await go_live(shop, name="Tenth", layer=1, benefit=UnitPrice(percent_off=1000))
    assert "$4.00" in text_of(await shopper.get("/"))
    await go_live(shop, name="Quarter", layer=1, benefit=UnitPrice(percent_off=2500))
    said = text_of(await shopper.get("/"))
    assert "$3.74 Quarter otherwise $4.00" in said
    await shopper.add()
    assert "$3.74" in text_of(await shopper.get("/cart"))


async def test_a_flash_price_that_is_sold_out_is_told_nowhere(shopper: Shopper, shop: Shop) -> None:
    await flash(shop, quota=2)
    await shopper.add(quantity=2)
    await shopper.send_checkout(await shopper.open_checkout())
    for path in (*PAGES, f"/p/{shop.product.slug}"):
        assert "$2.99" not in text_of(await shopper.get(path)), path


async def test_a_page_asks_no_more_for_many_products_than_for_one(
    shopper: Shopper, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await flash(shop)
    await add(shop, 450)
    await go_live(shop, name="All", layer=1, benefit=UnitPrice(percent_off=500))
    asked: list[str] = []
    begin = Transaction.__init__

    def note(self: Transaction, connection: Any, merchant_id: Any) -> None:
        begin(self, connection, merchant_id)
        for name in ("fetch", "fetchrow", "fetchval"):
            setattr(self, name, _noting(getattr(connection, name), asked))

    monkeypatch.setattr(Transaction, "__init__", note)

    async def count() -> int:
        # The second time, so that what a process keeps in mind is there already.
        await shopper.get("/")
        asked.clear()
        assert (await shopper.get("/")).status_code == 200
        return len(asked)

    first = await count()
    await _add_many(shop, 9)
    second = await count()
    assert text_of(await shopper.get("/")).count("otherwise") >= 10
    assert second == first


def _noting(ask: Callable[..., Any], asked: list[str]) -> Callable[..., Any]:
    async def call(sql: str, *args: Any, **more: Any) -> Any:
        asked.append(sql)
        return await ask(sql, *args, **more)

    return call


async def _add_many(shop: Shop, number: int) -> list[UUID]:
    ids = [new_id() for _ in range(number)]
    products = [
        NewProduct(
            title=f"Oats {n}",
            sku=f"OATS-{n}",
            sku_id=sku_id,
            category_id=shop.category.category_id,
            price_minor=1000 + n,
            currency="USD",
        )
        for n, sku_id in enumerate(ids)
    ]
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await add_products(tx, products=products, by="t", reason="t")
    return ids
