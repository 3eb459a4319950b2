"""A real browser in a real shop: served by the web worker, paid at the sandbox's own page."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, async_playwright, expect
from tests.browser.visitor import CHROMIUM, FLAGS, Visitor
from tests.durability.running import RunningShop, open_running_shop

from serai.identity.staff.api import invite_staff

Enter = Callable[..., Awaitable[Visitor]]
OWNER_EMAIL = "owner@corner.example"

# A machine busy with other tests may need longer than the default five seconds.
expect.set_options(timeout=15_000)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Let the fixtures know how the test went, for the screenshots of a failed one."""
    report = yield
    if report.when == "call":
        item.stash[FAILED] = report.failed
    return report


FAILED = pytest.StashKey[bool]()


@pytest.fixture(scope="session")
async def running(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningShop]:
    """A small shop with its staff's owner and one order's worth of goods on each shelf."""
    folder: Path = tmp_path_factory.mktemp("browser")
    shop = await open_running_shop(server_url, folder, workers=1)
    for title, price_minor in (("Ice, crushed, 22 lb", 349), ("Milk, whole, 1 gal", 299), ("Oats", 1999)):
        await shop.shop.add_product(title, price_minor=price_minor, stock=50, store_stock=5)
    yield shop
    await shop.close()


@pytest.fixture(scope="session")
async def owner_password(running: RunningShop) -> str:
    async with running.platform.db.transaction(running.shop.merchant_id) as tx:
        _staff, password = await invite_staff(
            tx, email=OWNER_EMAIL, name="Olive Owner", role="owner", by="test", must_change=False
        )
    return password


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield launched
        await launched.close()


@pytest.fixture
async def enter(
    browser: Browser,
    running: RunningShop,
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Enter]:
    """Lets a visitor in, with a browser window of their own; a failed test leaves pictures of every window."""
    visitors: list[Visitor] = []
    async with AsyncExitStack() as stack:

        async def open_window(*, width: int = 1280, locale: str = "en-US", **options: Any) -> Visitor:
            context = await browser.new_context(
                base_url=running.web.url,
                viewport={"width": width, "height": 900},
                locale=locale,
                **options,
            )
            stack.push_async_callback(context.close)
            visitor = Visitor(await context.new_page(), running)
            visitors.append(visitor)
            return visitor

        yield open_window
        if request.node.stash.get(FAILED, False):
            folder = tmp_path_factory.mktemp("failed", numbered=True)
            for number, visitor in enumerate(visitors):
                path = folder / f"{request.node.name.partition('[')[0]}-{number}.png"
                await visitor.page.screenshot(path=path, full_page=True)
                print(f"window {number} as it was left: {path}")
