"""A market in a real browser: a basket over two shops, one payment at the provider's page, and an order of each shop."""

import os
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest
from playwright.async_api import Browser, Page, expect
from tests.browser.visitor import ADDRESSES
from tests.conftest import make_database
from tests.durability.running import WebWorkers, find_breaches, find_free_port
from tests.sandbox.provider import Provider
from tests.shop import Shop, open_shop

from serai.commerce.market.api import add_member
from serai.commerce.payment.sandbox import SandboxAccount
from serai.commerce.promotion import api as promotion_api
from serai.commerce.promotion.types import AmountOff, Terms, Tier
from serai.foundation.database import Database, open_database
from serai.foundation.i18n import translate
from serai.foundation.ids import MerchantId, new_id
from serai.foundation.migration import apply_migrations
from serai.identity.merchant.api import add_merchant
from serai.main.platform import Platform, open_configured_platform, save_pay_accounts
from serai.main.settings import load_settings
from serai.main.systems import SYSTEMS

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

HOST = "mall.localhost"
TEA, CUP = "Jasmine tea, 250 g", "Porcelain cup, white"


class RunningMall(msgspec.Struct, frozen=True):
    """A market that is served: its web process, its payment provider, and the tools beside them."""

    web: WebWorkers
    sandbox: Provider
    platform: Platform
    market_id: MerchantId
    shops: tuple[Shop, ...]

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.web.url.rsplit(':', 1)[1]}"


async def open_mall(server_url: str, folder: Path) -> RunningMall:
    """A market with two shops, 30.00 off per 300.00 over both, and an account at the provider."""
    url = await make_database(server_url, f"serai_mall_{uuid4().hex[:12]}")
    await apply_migrations(url, SYSTEMS)
    sandbox = Provider(folder, "--webhook-backoff-ms", "100")
    account = sandbox.add_account("mall")
    owner = await open_database(url, role=None, size=2)
    market_id = MerchantId(new_id())
    try:
        await add_merchant(
            owner,
            merchant_id=market_id,
            slug="mall",
            name="Riverside Market",
            currency="USD",
            hostnames=(HOST,),
            support_email="help@mall.example",
            kind="market",
        )
        known = SandboxAccount("mall", account["secret"], account["webhook_secret"], account["name"])
        await save_pay_accounts(owner, (known,))
    finally:
        await owner.close()
    environ = {name: value for name, value in os.environ.items() if not name.startswith("SERAI_")} | {
        "SERAI_DATA_DIR": str(folder),
        "SERAI_DATABASE_URL": url,
        "SERAI_COMMERCE_SANDBOX_URL": sandbox.url,
        "COLUMNS": "160",
    }
    sandbox.start()
    platform = await open_configured_platform(url, load_settings(environ))
    shops = await fill_mall(platform, market_id, platform.owner)
    web = WebWorkers(find_free_port(), 1, environ, folder / "web.log")
    await web.wait_ready()
    return RunningMall(web, sandbox, platform, market_id, shops)


async def fill_mall(platform: Platform, market_id: MerchantId, owner: Database) -> tuple[Shop, ...]:
    """Two shops with goods, members of the market, and the market's promotion."""
    commerce = platform.commerce
    shops = []
    for slug in ("leafhouse", "claykiln"):
        shop = await open_shop(owner, commerce, MerchantId(new_id()), slug)
        async with commerce.db.transaction(market_id) as tx:
            await add_member(tx, member_id=shop.merchant_id, commission_ppm=50_000, by="test")
        shops.append(shop)
    leaf, clay = shops
    for title, price_minor in (
        (TEA, 20_000),
        ("Green oolong, 100 g", 3_900),
        ("Rooibos, loose, 250 g", 1_250),
    ):
        await leaf.add_product(title, price_minor=price_minor, stock=40)
    for title, price_minor in ((CUP, 10_000), ("Teapot, brown clay", 6_400), ("Bowl, celadon", 2_800)):
        await clay.add_product(title, price_minor=price_minor, stock=40)
    terms = Terms(
        name="$30 off per $300",
        translations={"zh_Hans": "每满300减30"},
        layer=5,
        benefit=AmountOff((Tier(30_000, 3_000),), every=True),
        funded_by="platform",
        seller_percent=2_000,
    )
    async with commerce.db.transaction(market_id) as tx:
        promotion = await promotion_api.create_promotion(tx, terms=terms, by="test")
    await promotion_api.publish_promotion(
        commerce, market_id, promotion_id=promotion.promotion_id, version=1, currency="USD", by="test"
    )
    return tuple(shops)


async def close_mall(mall: RunningMall) -> None:
    mall.web.stop()
    await mall.platform.close()
    mall.sandbox.stop()
    assert "Traceback" not in mall.web.log, mall.web.log


@pytest.fixture(scope="session")
async def mall(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningMall]:
    running = await open_mall(server_url, tmp_path_factory.mktemp("mall"))
    yield running
    await close_mall(running)


async def put_in_cart(page: Page, language: str, title: str) -> None:
    """From the home page to a product by search, and into the cart."""
    await page.goto("/")
    search = page.get_by_role("searchbox")
    await search.fill(title.partition(",")[0])
    await search.press("Enter")
    await page.get_by_role("main").get_by_role("link", name=title, exact=True).click()
    await expect(page.get_by_role("heading", name=title, level=1)).to_be_visible()
    await page.get_by_role("button", name=translate("Add to cart", language), exact=True).click()
    await expect(page.get_by_role("link", name=translate("View cart", language), exact=True)).to_be_visible()


async def fill_address(page: Page, language: str) -> None:
    await page.get_by_label(translate("E-mail", language)).fill("ada@example.org")
    await page.get_by_label(translate("Full name", language)).fill("Ada Lovelace")
    await page.get_by_label(translate("Phone", language)).fill("+86 138 0013 8000")
    for label, value in ADDRESSES[language].items():
        field = page.get_by_label(translate(label, language))
        if await field.evaluate("element => element.tagName") == "SELECT":
            await field.select_option(label=value)
        else:
            await field.fill(value)


async def assert_fits(page: Page) -> None:
    width = await page.evaluate("document.documentElement.scrollWidth")
    assert width <= await page.evaluate("window.innerWidth"), page.url


@pytest.mark.parametrize(
    ("width", "height", "locale", "scripts"),
    [(1440, 900, "en-US", True), (390, 844, "zh-CN", False)],
    ids=["desk", "phone in Chinese without scripts"],
)
async def test_a_basket_over_two_shops_is_bought_at_once(
    browser: Browser, mall: RunningMall, width: int, height: int, locale: str, scripts: bool
) -> None:
    language = "zh_Hans" if locale == "zh-CN" else "en"
    async with AsyncExitStack() as stack:
        context = await browser.new_context(
            base_url=mall.url,
            viewport={"width": width, "height": height},
            locale=locale,
            java_script_enabled=scripts,
        )
        stack.push_async_callback(context.close)
        page = await context.new_page()
        for title in (TEA, CUP):
            await put_in_cart(page, language, title)
        await page.goto("/cart")
        await expect(
            page.get_by_role("heading", name=re.compile("^Shop (leafhouse|claykiln)$"))
        ).to_have_count(2)
        await expect(page.get_by_text(translate("From this shop", language), exact=True)).to_have_count(2)
        if scripts:
            await assert_fits(page)
        await page.get_by_role("link", name=translate("Go to checkout", language)).click()
        await fill_address(page, language)
        start = translate("Order and pay %(total)s", language, {"total": ""}).strip()
        await page.get_by_role("button", name=start).click()
        await expect(page).to_have_url(re.compile(re.escape(mall.sandbox.url) + "/pay/"))
        await page.get_by_role("button", name=re.compile(r"^(Pay \$|支付)")).click()
        await expect(
            page.get_by_role("heading", name=translate("Thank you. Your order is placed.", language))
        ).to_be_visible()
        await expect(page.get_by_text("270.00").first).to_be_visible()
        links = page.get_by_role("link", name=translate("See this order", language))
        await expect(links).to_have_count(2)
        await links.first.click()
        await expect(page.get_by_text(re.compile("Shop (leafhouse|claykiln)")).first).to_be_visible()
        if scripts:
            await assert_fits(page)
    assert not await find_breaches(mall.platform.owner)
