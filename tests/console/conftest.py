"""A shop of its own for each test, and visitors at its console."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import httpx
import pytest
from litestar import Litestar
from tests.console.desk_app import make_app, make_commerce
from tests.console.shop import Shop, Visitor, furnish
from tests.console.till import Till

from serai.foundation.database import Database
from serai.foundation.ids import new_id
from serai.identity.merchant.api import MerchantRegistry, add_merchant
from serai.ledger.api import Lane

MakeShop = Callable[[], Awaitable[Shop]]
Visit = Callable[..., Awaitable[Visitor]]


@pytest.fixture
async def registry(db: Database) -> MerchantRegistry:
    return MerchantRegistry(db)


@pytest.fixture
def till() -> Till:
    return Till()


@pytest.fixture
async def make_shop(
    db: Database, owner: Database, lane: Lane, registry: MerchantRegistry, till: Till
) -> MakeShop:
    """Opens shops, each with a host name of its own."""
    commerce = make_commerce(db, lane, {"sandbox": till})

    async def make() -> Shop:
        merchant_id = new_id()
        slug = f"t{merchant_id.hex[-12:]}"
        await add_merchant(
            owner,
            merchant_id=merchant_id,
            slug=slug,
            name=f"Shop {slug}",
            currency="USD",
            hostnames=(f"{slug}.test",),
            support_email="help@example.com",
        )
        await registry.refresh()
        return await furnish(registry.resolve(f"{slug}.test"), commerce, till)

    return make


@pytest.fixture
async def shop(make_shop: MakeShop) -> Shop:
    return await make_shop()


@pytest.fixture
def app(shop: Shop, registry: MerchantRegistry) -> Litestar:
    return make_app(shop.commerce, registry)


@pytest.fixture
async def visit(app: Litestar, shop: Shop) -> AsyncIterator[Visit]:
    """Opens a browser at the console, signed in with a role where one is given."""
    async with AsyncExitStack() as stack:

        async def open_visitor(role: str | None = None, at: Shop = shop) -> Visitor:
            client = await stack.enter_async_context(
                httpx.AsyncClient(
                    transport=httpx.ASGITransport(app=app), base_url=f"http://{at.merchant.hostnames[0]}"
                )
            )
            visitor = Visitor(client, at)
            if role is not None:
                answer = await visitor.sign_in(at.email(role))
                assert answer.status_code == 303, answer.text
            return visitor

        yield open_visitor
