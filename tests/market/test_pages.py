"""The market's front as browsers without scripts use it: browse over all shops, one cart, one payment, orders by shop."""

import asyncio
import html
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from uuid import UUID

import httpx
import msgspec
import pytest
from tests.console.shop import HtmlForm, read
from tests.market.conftest import Market
from tests.market.test_cross_shop import desk_of
from tests.market.test_price_basket import cross
from tests.promotion.conftest import Desk
from tests.storefront.cashier import Cashier
from tests.storefront.shop_app import make_app
from tests.storefront.shopper import ADDRESS, CONTACT, forms_of, text_of

from serai.commerce.market import api as market_api
from serai.commerce.privacy.api import erase_member, export_member
from serai.commerce.promotion.types import AmountOff, PercentOff, Tier
from serai.commerce.terms.api import load_terms, save_terms
from serai.foundation.database import Database
from serai.identity.merchant.api import MerchantRegistry

Clean = Callable[[], Awaitable[None]]


def links_of(page: httpx.Response) -> list[str]:
    """Where a page's links lead."""
    return [html.unescape(link) for link in re.findall(r'href="([^"]+)"', page.text)]


class Browser:
    """One browser at a market's front."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def get(self, path: str) -> httpx.Response:
        return await self.client.get(path)

    async def send(self, form: HtmlForm, **fields: str) -> httpx.Response:
        return await self.client.post(form.action, data={**form.values, **fields})

    async def follow(self, answer: httpx.Response) -> httpx.Response:
        assert answer.status_code == 303, text_of(answer)
        return await self.get(answer.headers["location"])

    async def add(self, path: str, quantity: int = 1) -> httpx.Response:
        """Put a product into the cart from its page."""
        page = await self.get(path)
        assert page.status_code == 200, text_of(page)
        form = forms_of(page, "/cart/lines")[0]
        return await self.send(form, quantity=str(quantity))

    async def open_checkout(self) -> HtmlForm:
        [form] = forms_of(await self.get("/checkout"), "/checkout")
        form.values |= CONTACT | ADDRESS
        return form


class Mall(msgspec.Struct, frozen=True):
    """A market that answers, with a tea at one shop and a cup at the other."""

    market: Market
    cashier: Cashier
    enter: Callable[..., Awaitable[Browser]]
    tea: UUID
    cup: UUID
    paths: tuple[str, str]

    async def fill(self, browser: Browser) -> None:
        for path in self.paths:
            assert (await browser.add(path)).status_code == 303


@pytest.fixture
async def mall(market: Market, db: Database) -> AsyncIterator[Mall]:
    cashier = Cashier()
    through = market_api.MarketProvider(db, market.commerce.lane, {"sandbox": cashier})
    commerce = msgspec.structs.replace(market.commerce, providers={"sandbox": cashier, "market": through})
    market = msgspec.structs.replace(market, commerce=commerce)
    one, two = market.shops
    tea = await one.add_product("Jasmine tea", price_minor=20_000)
    cup = await two.add_product("Porcelain cup", price_minor=10_000)
    registry = MerchantRegistry(db)
    await registry.refresh()
    found = registry.find(market.market_id)
    assert found is not None
    host = found.hostnames[0]
    app = make_app(commerce, registry)
    async with AsyncExitStack() as stack:

        async def enter(language: str = "en") -> Browser:
            client = httpx.AsyncClient(
                transport=httpx.ASGITransport(app=app),
                base_url=f"http://{host}",
                headers={"accept-language": language},
            )
            return Browser(await stack.enter_async_context(client))

        paths = []
        for shop, sku_id in ((one, tea), (two, cup)):
            async with db.transaction(shop.merchant_id, "read") as tx:
                slug = await tx.fetchval(
                    "SELECT p.slug FROM commerce.product p JOIN commerce.variant v USING (merchant_id, product_id)"
                    " WHERE v.sku_id = $1",
                    sku_id,
                )
            paths.append(f"/p/{slug}@{shop.host.removesuffix('.localhost')}")
        yield Mall(market, cashier, enter, tea, cup, (paths[0], paths[1]))


async def test_the_front_shows_the_goods_of_all_shops_and_who_sells_them(mall: Mall) -> None:
    browser = await mall.enter()
    await desk_of(mall.market).go_live(cross(30_000, 3_000, name="Three hundred"))
    home = text_of(await browser.get("/"))
    assert all(title in home for title in ("Jasmine tea", "Porcelain cup"))
    assert "Three hundred" in home
    assert all(f"Shop {shop.host.removesuffix('.localhost')}" in home for shop in mall.market.shops)
    department = text_of(await browser.get("/c/pantry"))
    assert all(title in department for title in ("Jasmine tea", "Porcelain cup"))
    for path, seller in zip(mall.paths, mall.market.shops, strict=True):
        page = await browser.get(path)
        assert f"Sold and sent by Shop {seller.host.removesuffix('.localhost')}" in text_of(page)
    assert (await browser.get("/p/jasmine-tea@nobody")).status_code == 404
    assert (await browser.get(mall.paths[0].partition("@")[0])).status_code == 404


async def test_a_search_finds_in_every_shop_and_adds_up_what_it_found(mall: Mall) -> None:
    one, two = mall.market.shops
    for shop in (one, one, two):
        await shop.add_product("Green oolong", price_minor=500)
    browser = await mall.enter()
    page = text_of(await browser.get("/search?q=oolong"))
    assert page.count("Green oolong") >= 3
    assert "3 products" in page
    assert "Jasmine" not in text_of(await browser.get("/search?q=oolong&sort=price"))
    assert "Green oolong" in text_of(await browser.get("/suggest?q=oolo"))


async def test_a_list_by_price_goes_on_over_the_shops_without_gaps(mall: Mall) -> None:
    one, two = mall.market.shops
    prices = [100, 900, 300, 700, 500, 1100, 200, 1000, 400]
    for number, price in enumerate(prices):
        await (one, two)[number % 2 if number < 7 else 0].add_product(f"Bowl {price}", price_minor=price)
    browser = await mall.enter()
    seen: list[str] = []
    url = "/search?sort=price"
    for _page in range(10):
        page = await browser.get(url)
        seen += text_of(page).split("Bowl ")[1:]
        more = [link for link in links_of(page) if "cursor=" in link]
        if not more:
            break
        url = more[0]
    found = [int(text.split()[0]) for text in seen if text.split()[0].isdigit()]
    assert list(dict.fromkeys(found)) == sorted(prices)
    assert (await browser.get("/search?cursor=nonsense")).status_code == 422


async def test_one_cart_one_checkout_one_payment_and_an_order_per_shop(
    mall: Mall, assert_clean: Clean
) -> None:
    await desk_of(mall.market).go_live(cross(30_000, 3_000, name="Three hundred"))
    browser = await mall.enter()
    await mall.fill(browser)
    cart = text_of(await browser.get("/cart"))
    assert cart.count("From this shop") == 2
    assert all(words in cart for words in ("Three hundred", "−$30.00", "$270.00"))
    form = await browser.open_checkout()
    answer = await browser.send(form, intent="pay")
    assert (answer.status_code, answer.headers["location"]) == (303, "http://127.0.0.1/pay")
    [asked] = mall.cashier.opened
    assert asked.amount_minor == 27_000
    mall.cashier.outcome = "paid"
    path = asked.return_url.partition("localhost")[2]
    page = await browser.follow(await browser.get(path))
    text = text_of(page)
    assert "Thank you. Your order is placed." in text
    assert text.count("Being prepared") == 2
    assert all(words in text for words in ("$180.00", "$90.00", "$270.00"))
    assert "Your cart is empty" in text_of(await browser.get("/cart"))
    # The form once more, and the way back once more: the same checkout.
    again = await browser.send(form, intent="pay")
    assert again.status_code == 303
    assert len(mall.cashier.opened) == 1
    await assert_clean()


async def pay(mall: Mall, browser: Browser) -> str:
    """Order and pay what is in the cart; the address of the checkout."""
    answer = await browser.send(await browser.open_checkout(), intent="pay")
    assert answer.status_code == 303, text_of(answer)
    mall.cashier.outcome = "paid"
    path = mall.cashier.opened[-1].return_url.partition("localhost")[2]
    return str((await browser.get(path)).headers["location"])


async def test_one_order_is_cancelled_and_what_is_held_back_is_told(mall: Mall, assert_clean: Clean) -> None:
    await desk_of(mall.market).go_live(cross(30_000, 3_000))
    browser = await mall.enter()
    await mall.fill(browser)
    checkout = await pay(mall, browser)
    page = await browser.get(checkout)
    links = [link for link in links_of(page) if link.startswith("/orders/")]
    assert len(links) == 2
    for number, link in enumerate(links):
        order = await browser.get(link)
        [cancel] = [form for form in read(order).forms if "/cancel" in form.action]
        after = text_of(await browser.follow(await browser.send(cancel)))
        assert "This order is cancelled" in after
        assert ("is held back" in after, "you also get back" in after) == (number == 0, number == 1)
    assert sum(minor for _id, minor in mall.cashier.asked) == 27_000
    assert "Nothing of this order is left" in text_of(await browser.get(checkout))
    await assert_clean()


async def test_an_unpaid_checkout_is_called_off_whole(mall: Mall, assert_clean: Clean) -> None:
    promotion = await desk_of(mall.market).go_live(cross(30_000, 3_000, budget_minor=3_000, cap_minor=3_000))
    browser = await mall.enter()
    await mall.fill(browser)
    await browser.send(await browser.open_checkout(), intent="pay")
    path = mall.cashier.opened[-1].return_url.partition("localhost")[2].replace("/return", "")
    page = await browser.get(path)
    assert "One step left: the payment" in text_of(page)
    [cancel] = [form for form in read(page).forms if "/cancel" in form.action]
    after = text_of(await browser.follow(await browser.send(cancel)))
    assert "Nothing of this order is left" in after
    assert (await desk_of(mall.market).report(promotion)).budget == (3_000, 0, 0, 3_000)
    await assert_clean()


async def test_links_of_others_and_forged_ones_lead_nowhere(mall: Mall) -> None:
    browser = await mall.enter()
    await mall.fill(browser)
    checkout = await pay(mall, browser)
    assert (await browser.get(checkout)).status_code == 200
    path = checkout.partition("?")[0]
    for forged in (path, f"{path}?key=", f"{path}?key=wrong"):
        assert (await browser.get(forged)).status_code == 404
    order = next(link for link in links_of(await browser.get(checkout)) if link.startswith("/orders/"))
    assert (await browser.get(order.partition("?")[0] + "?key=wrong")).status_code == 404


async def test_a_changed_price_and_a_promotion_that_ended_refuse_the_form(
    mall: Mall, assert_clean: Clean
) -> None:
    desk = desk_of(mall.market)
    browser = await mall.enter()
    await mall.fill(browser)
    form = await browser.open_checkout()
    await desk.go_live(cross(30_000, 3_000))
    answer = await browser.send(form, intent="pay")
    assert answer.status_code == 409
    assert "The total has changed since you saw it" in text_of(answer)
    [fresh] = forms_of(answer, "/checkout")
    assert (await browser.send(fresh, intent="pay")).status_code == 303
    await assert_clean()


async def test_coupons_of_the_market_and_of_a_shop_are_entered_in_one_field(
    mall: Mall, assert_clean: Clean
) -> None:
    desk, own = desk_of(mall.market), Desk(mall.market.shops[0])
    over_all = await desk.go_live(
        cross(0, 0, name="Market coupon", benefit=AmountOff((Tier(0, 700),)), coupon=True)
    )
    of_shop = await own.go_live(
        cross(
            0,
            0,
            name="Shop coupon",
            layer=4,
            coupon=True,
            benefit=PercentOff((Tier(0, 1_000),)),
            funded_by="seller",
        )
    )
    codes = [(await desk.issue(over_all))[0].code, (await own.issue(of_shop))[0].code]
    browser = await mall.enter()
    await mall.fill(browser)
    for code in codes:
        [form] = forms_of(await browser.get("/cart"), "/cart/coupons")
        page = await browser.follow(await browser.send(form, code=code))
    text = text_of(page)
    assert all(words in text for words in ("Market coupon", "Shop coupon"))
    # 10 % of the tea, then 7.00 over both.
    assert "$273.00" in text
    [form] = forms_of(page, "/cart/coupons")
    wrong = await browser.send(form, code="NOBODY-KNOWS")
    assert wrong.status_code == 404
    await pay(mall, browser)
    assert (await desk.report(over_all)).coupons[3] == 1
    assert (await own.report(of_shop)).coupons[3] == 1
    await assert_clean()


async def test_two_tabs_place_one_checkout_and_a_failure_does_not_spoil_the_basket(
    mall: Mall, assert_clean: Clean
) -> None:
    one, _two = mall.market.shops
    browser, rival = await mall.enter(), await mall.enter()
    await one.add_product("Rare pot", price_minor=5_000, stock=1)
    paths = [link for link in links_of(await browser.get("/search?q=rare+pot")) if "@" in link]
    for who in (browser, rival):
        await mall.fill(who)
        await who.add(paths[0])
    forms = [await browser.open_checkout(), await browser.open_checkout(), await rival.open_checkout()]
    answers = [await browser.send(form, intent="pay") for form in forms[:2]]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert len(mall.cashier.opened) == 1
    refused = await rival.send(forms[2], intent="pay")
    assert refused.status_code == 409
    cart = await rival.get("/cart")
    [accept] = forms_of(cart, "/cart/accept")
    await rival.send(accept)
    again = await rival.send(await rival.open_checkout(), intent="pay")
    assert again.status_code == 303
    await assert_clean()


async def test_one_basket_sent_ten_times_at_once_is_one_checkout(mall: Mall, assert_clean: Clean) -> None:
    browser = await mall.enter()
    await mall.fill(browser)
    form = await browser.open_checkout()
    answers = await asyncio.gather(*(browser.send(form, intent="pay") for _ in range(10)))
    assert [answer.status_code for answer in answers] == [303] * 10
    assert len(mall.cashier.opened) == 1
    async with mall.market.commerce.db.transaction(mall.market.market_id, "read") as tx:
        assert await tx.fetchval("SELECT count(*) FROM commerce.market_checkout") == 1
    await assert_clean()


async def test_a_member_of_the_market_finds_every_shops_order_in_the_account(mall: Mall) -> None:
    browser = await mall.enter()
    [form] = forms_of(await browser.get("/account/register"), "/account/register")
    await browser.send(form, name="Ada Li", email="ada@example.org", password="a long enough password")
    await mall.fill(browser)
    await pay(mall, browser)
    account = await browser.get("/account")
    text = text_of(account)
    assert "Hello, Ada Li" in text
    for shop in mall.market.shops:
        assert f"Shop {shop.host.removesuffix('.localhost')}" in text
    stranger = await mall.enter()
    assert (await stranger.get("/account")).status_code == 303
    async with mall.market.commerce.db.transaction(mall.market.market_id) as tx:
        member_id = await tx.fetchval("SELECT member_id FROM commerce.market_checkout")
        held = await export_member(tx, member_id=member_id)
        assert [each["name"] for each in held["market_checkouts"]] == ["Ada Li"]
        await erase_member(tx, member_id=member_id)
        left = await tx.fetchrow("SELECT email, name FROM commerce.market_checkout")
    assert tuple(left) == ("", "")


@pytest.mark.parametrize("language", ["zh-CN", "zh-TW"])
async def test_the_pages_speak_chinese(mall: Mall, language: str) -> None:
    await desk_of(mall.market).go_live(cross(30_000, 3_000))
    browser = await mall.enter(language)
    await mall.fill(browser)
    home, cart = text_of(await browser.get("/")), text_of(await browser.get("/cart"))
    for word in ("Many shops", "Who sells here", "Over all shops"):
        assert word not in home
    for word in ("From this shop", "Share of offers"):
        assert word not in cart
    checkout = text_of(await browser.get(await pay(mall, browser)))
    assert "Total, in one payment" not in checkout


async def test_a_shop_that_is_no_market_has_no_checkouts_over_shops(mall: Mall) -> None:
    browser = await mall.enter()
    await mall.fill(browser)
    checkout = await pay(mall, browser)
    one = mall.market.shops[0]
    answer = await browser.client.get(checkout, headers={"host": one.host})
    assert answer.status_code == 404


async def test_a_product_tells_the_delivery_terms_of_its_shop(mall: Mall) -> None:
    one, _two = mall.market.shops
    async with one.commerce.db.transaction(one.merchant_id) as tx:
        known = await load_terms(tx, settings=one.commerce.settings)
        await save_terms(
            tx,
            settings=one.commerce.settings,
            version=known.version,
            shipping_minor=777,
            free_shipping_from_minor=None,
            returns_policy="",
            by="t",
        )
    browser = await mall.enter()
    first, second = [text_of(await browser.get(path)) for path in mall.paths]
    assert "$7.77" in first
    assert "$7.77" not in second
