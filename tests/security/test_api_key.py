"""API keys: nothing without one, nothing past its scopes, nothing at another merchant's shop."""

import asyncio
import inspect
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
from tests.security.endpoint import ENDPOINTS, NAMES, NO_ID, Upload
from tests.shop import Shop, api_client, open_shop

from serai.foundation.errors import Unauthorised
from serai.foundation.ids import MerchantId, new_id
from serai.identity.apikey.api import SCOPES, KeyRing, list_keys, revoke_key

GOOD_ENOUGH = {"idempotency-key": "k"}


@pytest.fixture
async def bare(transport: httpx.ASGITransport, shop: Shop) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the shop without a key."""
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{shop.host}") as client:
        yield client


@pytest.fixture
def ask(bare: httpx.AsyncClient) -> Callable[..., Awaitable[httpx.Response]]:
    async def call(method: str, path: str, body: Any, authorization: str | None) -> httpx.Response:
        headers = GOOD_ENOUGH | ({"authorization": authorization} if authorization is not None else {})
        if isinstance(body, Upload):
            return await bare.request(
                method, path, files={"file": ("x.png", bytes(body), "image/png")}, headers=headers
            )
        return await bare.request(method, path, json=body, headers=headers)

    return call


def code_of(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"].startswith("application/problem+json"), answer.text
    return answer.status_code, answer.json()["code"]


def reaches(function: Any, name: str, seen: set[Any]) -> bool:
    """Whether a function calls another of that name, itself or through functions of its module."""
    if function in seen:
        return False
    seen.add(function)
    called = function.__code__.co_names
    near = (function.__globals__.get(each) for each in called)
    return name in called or any(inspect.isfunction(each) and reaches(each, name, seen) for each in near)


def test_every_endpoint_of_the_api_recognises_its_caller(application: Any):
    handlers = {
        (method, re.sub(r"{[^}]*}", "-", route.path)): handler.fn
        for route in application.app.routes
        # What describes the API is for everybody.
        if route.path.startswith("/api/v1/") and not route.path.startswith(("/api/v1/schema", "/api/v1/docs"))
        for handler in route.route_handlers
        for method in handler.http_methods - {"OPTIONS"}
    }
    assert {(method, path.split("?")[0].replace(NO_ID, "-")) for method, path, _s, _b in ENDPOINTS} <= set(
        handlers
    )
    assert not [name for name, fn in handlers.items() if not reaches(fn, "recognise_caller", set())]


@pytest.mark.parametrize(("method", "path", "scope", "body"), ENDPOINTS, ids=NAMES)
async def test_every_endpoint_wants_a_key_that_has_its_scope(
    ask: Any, shop: Shop, method: str, path: str, scope: str, body: Any
):
    assert code_of(await ask(method, path, body, None)) == (401, "apikey.missing")
    assert code_of(await ask(method, path, body, "Bearer sk_" + "x" * 43)) == (401, "apikey.wrong")
    others = [each for each in SCOPES if each != scope]
    secret = await shop.make_key(*others)
    answer = await ask(method, path, body, f"Bearer {secret}")
    assert code_of(answer) == (403, "apikey.scope")
    assert answer.json()["data"] == {"needed": scope}
    allowed = await ask(method, path, body, f"Bearer {await shop.make_key(scope)}")
    assert allowed.status_code not in (401, 403), allowed.text
    assert allowed.status_code < 500, allowed.text


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer ",
        "Basic c2s6eA==",
        "sk_abc",
        "Bearer  sk_",
        "Bearer " + "sk_" + "x" * 9000,
    ],
)
async def test_what_is_no_key_opens_nothing(ask: Any, authorization: str):
    status, code = code_of(await ask("GET", "/api/v1/orders", None, authorization))
    assert (status, code) in ((401, "apikey.missing"), (401, "apikey.wrong"))


async def test_a_signed_in_browser_is_no_key(bare: httpx.AsyncClient):
    bare.cookies.set("staff", "sk_anything")
    assert code_of(await bare.get("/api/v1/orders")) == (401, "apikey.missing")


async def test_a_key_of_one_merchant_is_unknown_at_the_shop_of_another(
    ask: Any, owner: Any, shop: Shop, transport: httpx.ASGITransport, application: Any
):
    other = await open_shop(owner, shop.commerce, MerchantId(new_id()), f"other-{new_id().hex[-12:]}")
    await application.app.state.platform.merchants.refresh()
    secret = await other.make_key()
    for method, path, _scope, body in ENDPOINTS:
        assert code_of(await ask(method, path, body, f"Bearer {secret}")) == (401, "apikey.wrong")
    async with api_client(transport, other, secret) as client:
        assert (await client.get("/api/v1/orders")).status_code == 200


async def test_a_revoked_key_ends_at_once_here_and_within_seconds_at_workers_that_knew_it(
    db: Any, shop: Shop, application: Any, ask: Any
):
    secret = await shop.make_key("order:read")
    assert (await ask("GET", "/api/v1/orders", None, f"Bearer {secret}")).status_code == 200
    ring = KeyRing(db, remember_s=0.3)
    key = await ring.recognise(shop.merchant_id, f"Bearer {secret}")
    async with db.transaction(shop.merchant_id) as tx:
        await revoke_key(tx, key_id=key.key_id, by="test")
    await asyncio.sleep(0.35)
    with pytest.raises(Unauthorised, match=r"apikey\.wrong"):
        await ring.recognise(shop.merchant_id, f"Bearer {secret}")
    for _ in range(60):
        answer = await ask("GET", "/api/v1/orders", None, f"Bearer {secret}")
        if answer.status_code == 401:
            break
        await asyncio.sleep(0.1)
    assert code_of(answer) == (401, "apikey.wrong")
    async with db.transaction(shop.merchant_id, "read") as tx:
        assert [(each.key_id, each.revoked_at is None) for each in await list_keys(tx)] == [
            (key.key_id, False)
        ]


async def test_a_key_notes_when_it_was_used(db: Any, shop: Shop, ask: Any):
    secret = await shop.make_key("order:read")
    async with db.transaction(shop.merchant_id, "read") as tx:
        assert (await list_keys(tx))[0].last_used_at is None
    await ask("GET", "/api/v1/orders", None, f"Bearer {secret}")
    async with db.transaction(shop.merchant_id, "read") as tx:
        assert (await list_keys(tx))[0].last_used_at is not None
