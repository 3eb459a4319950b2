"""A shop of its own for each test, and shoppers in it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import httpx
import pytest
from litestar import Litestar
from tests.console.desk_app import make_commerce
from tests.console.shop import Shop, furnish
from tests.storefront.cashier import Cashier
from tests.storefront.shop_app import make_app
from tests.storefront.shopper import Shopper

from serai.foundation.database import Database
from serai.foundation.ids import new_id
from serai.identity.merchant.api import MerchantRegistry, add_merchant
from serai.ledger.api import Lane

Enter = Callable[..., Awaitable[Shopper]]


@pytest.fixture
async def registry(db: Database) -> MerchantRegistry:
    return MerchantRegistry(db)


@pytest.fixture
def till() -> Cashier:
    return Cashier()


@pytest.fixture
def currency() -> str:
    """The currency of the shop; a test may ask for another one."""
    return "USD"


@pytest.fixture
async def shop(
    db: Database, owner: Database, lane: Lane, registry: MerchantRegistry, till: Cashier, currency: str
) -> Shop:
    """A shop that sells crushed ice at $4.99: 40 at the online warehouse, none at the Harbor store."""
    merchant_id = new_id()
    slug = f"t{merchant_id.hex[-12:]}"
    await add_merchant(
        owner,
        merchant_id=merchant_id,
        slug=slug,
        name=f"Shop {slug}",
        currency=currency,
        hostnames=(f"{slug}.test",),
        support_email="help@example.com",
    )
    await registry.refresh()
    return await furnish(registry.resolve(f"{slug}.test"), make_commerce(db, lane, {"sandbox": till}), till)


@pytest.fixture
def app(shop: Shop, registry: MerchantRegistry) -> Litestar:
    return make_app(shop.commerce, registry)


@pytest.fixture
async def enter(app: Litestar, shop: Shop) -> AsyncIterator[Enter]:
    """Lets another browser in."""
    async with AsyncExitStack() as stack:

        async def open_browser(language: str = "en") -> Shopper:
            client = httpx.AsyncClient(
                transport=httpx.ASGITransport(app=app),
                base_url=f"http://{shop.merchant.hostnames[0]}",
                headers={"accept-language": language},
            )
            return Shopper(await stack.enter_async_context(client), shop)

        yield open_browser


@pytest.fixture
async def shopper(enter: Enter) -> Shopper:
    return await enter()
