"""Error pages when things go wrong on our side: they need no database, tell no internals, and lead on."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import httpx
import msgspec
import pytest
from tests.console.shop import Shop
from tests.storefront.shop_app import make_app
from tests.storefront.shopper import Shopper, text_of

from serai.foundation.database import Database, DatabaseUnreachable
from serai.foundation.errors import Limited
from serai.identity.merchant.api import MerchantRegistry

SECRET_WORDS = "a detail that only the log may hold"


class FailingDatabase:
    """A database in which every transaction ends with the given error."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    @asynccontextmanager
    async def transaction(self, *args: Any) -> AsyncIterator[None]:
        raise self._error
        yield


@pytest.fixture
def failure() -> Exception:
    return RuntimeError(SECRET_WORDS)


@pytest.fixture
async def visitor(shop: Shop, registry: MerchantRegistry, failure: Exception) -> AsyncIterator[Shopper]:
    """A browser in a shop whose database fails."""
    db = cast(Database, FailingDatabase(failure))
    app = make_app(msgspec.structs.replace(shop.commerce, db=db), registry)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(
        transport=transport,
        base_url=f"http://{shop.merchant.hostnames[0]}",
        headers={"accept-language": "en"},
    ) as client:
        yield Shopper(client, shop)


async def test_a_bug_is_told_by_a_reference_and_nothing_else(visitor: Shopper) -> None:
    page = await visitor.get("/")
    said = text_of(page)
    assert page.status_code == 500
    assert "That went wrong on our side" in said
    assert "If you write to us, mention" in said
    assert SECRET_WORDS not in page.text
    assert "Traceback" not in page.text


@pytest.mark.parametrize("failure", [DatabaseUnreachable(SECRET_WORDS)])
async def test_a_database_that_is_down_is_a_pause(visitor: Shopper) -> None:
    page = await visitor.get("/c/grocery")
    assert page.status_code == 503
    assert int(page.headers["retry-after"]) > 0
    assert "Your cart is safe" in text_of(page)
    assert 'href="/c/grocery"' in page.text
    assert SECRET_WORDS not in page.text


@pytest.mark.parametrize("failure", [Limited("busy", "The shop is very busy.", retry_after_s=7)])
async def test_too_many_requests_are_asked_to_wait(visitor: Shopper) -> None:
    page = await visitor.get("/search?q=ice")
    assert (page.status_code, page.headers["retry-after"]) == (429, "7")
    assert "your cart is safe" in text_of(page)


async def test_htmx_gets_a_fault_as_a_notice(visitor: Shopper) -> None:
    answer = await visitor.get("/suggest?q=ice", hx_request="true")
    assert answer.status_code == 500
    assert answer.headers["hx-retarget"] == "#notice"
    assert "<html" not in answer.text
    assert SECRET_WORDS not in answer.text
