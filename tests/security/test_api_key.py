"""API keys: nothing without one, nothing past its scopes, nothing at another merchant's shop."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
from tests.shop import Shop, api_client, open_shop

from serai.foundation.errors import Unauthorised
from serai.foundation.ids import MerchantId, new_id
from serai.identity.apikey.api import SCOPES, KeyRing, list_keys, revoke_key

GOOD_ENOUGH = {"idempotency-key": "k"}
NO_ID = str(new_id())
TERMS = {"name": "x", "layer": 3, "benefit": {"type": "amount_off", "tiers": [[2, 1]]}}
PROMOTION = f"/api/v1/promotions/{NO_ID}"
PROMOTION_ENDPOINTS: list[tuple[str, str, str, Any]] = [
    ("GET", "/api/v1/promotions", "promotion:write", None),
    ("POST", "/api/v1/promotions", "promotion:write", {"terms": TERMS}),
    ("GET", PROMOTION, "promotion:write", None),
    ("PATCH", PROMOTION, "promotion:write", {"version": 1, "terms": TERMS}),
    ("POST", f"{PROMOTION}/publish", "promotion:write", {"version": 1}),
    ("POST", f"{PROMOTION}/stop", "promotion:write", None),
    ("GET", f"{PROMOTION}/report", "promotion:write", None),
    ("POST", f"{PROMOTION}/coupons", "promotion:write", {}),
    ("GET", f"{PROMOTION}/coupons", "promotion:write", None),
    ("POST", f"/api/v1/coupons/{NO_ID}/revoke", "promotion:write", None),
    (
        "POST",
        "/api/v1/promotions/preview",
        "promotion:write",
        {"terms": TERMS, "lines": [{"sku_id": NO_ID, "quantity": 1}]},
    ),
    ("POST", f"/api/v1/carts/{NO_ID}/coupons", "checkout:write", {"code": "ABCD"}),
    ("GET", f"/api/v1/carts/{NO_ID}/coupons", "checkout:write", None),
    ("DELETE", f"/api/v1/carts/{NO_ID}/coupons/{NO_ID}", "checkout:write", None),
    ("PUT", f"/api/v1/carts/{NO_ID}/add-ons/{NO_ID}", "checkout:write", {"quantity": 1}),
]
# Every endpoint with the scope that it needs and a body that is well-formed.
ENDPOINTS: list[tuple[str, str, str, Any]] = [
    ("GET", "/api/v1/categories", "catalogue:read", None),
    ("GET", "/api/v1/products", "catalogue:read", None),
    ("GET", f"/api/v1/products/{NO_ID}", "catalogue:read", None),
    ("GET", f"/api/v1/variants/{NO_ID}/prices", "catalogue:read", None),
    ("GET", "/api/v1/places", "catalogue:read", None),
    ("POST", "/api/v1/products", "product:write", {"title": "x", "sku": "x", "category_id": NO_ID}),
    ("PATCH", f"/api/v1/products/{NO_ID}", "product:write", {"version": 1}),
    ("POST", f"/api/v1/variants/{NO_ID}/prices", "product:write", {"amount_minor": 1}),
    ("GET", f"/api/v1/stock/{NO_ID}", "stock:read", None),
    ("GET", f"/api/v1/stock/{NO_ID}/movements?place_id={NO_ID}", "stock:read", None),
    ("POST", "/api/v1/stock/receipts", "stock:write", {"sku_id": NO_ID, "place_id": NO_ID, "quantity": 1}),
    (
        "POST",
        "/api/v1/stock/adjustments",
        "stock:write",
        {"sku_id": NO_ID, "place_id": NO_ID, "delta": 1, "reason": "x"},
    ),
    (
        "POST",
        "/api/v1/stock/transfers",
        "stock:write",
        {"sku_id": NO_ID, "from_place_id": NO_ID, "to_place_id": str(new_id()), "quantity": 1},
    ),
    *PROMOTION_ENDPOINTS,
    ("POST", "/api/v1/carts", "checkout:write", {}),
    ("GET", f"/api/v1/carts/{NO_ID}", "checkout:write", None),
    ("POST", f"/api/v1/carts/{NO_ID}/lines", "checkout:write", {"sku_id": NO_ID}),
    ("PATCH", f"/api/v1/carts/{NO_ID}/lines/{NO_ID}", "checkout:write", {"quantity": 1}),
    ("DELETE", f"/api/v1/carts/{NO_ID}/lines/{NO_ID}", "checkout:write", None),
    ("PUT", f"/api/v1/carts/{NO_ID}/contact", "checkout:write", {"email": "a@example.com", "name": "A"}),
    (
        "PUT",
        f"/api/v1/carts/{NO_ID}/address",
        "checkout:write",
        {"country": "DE", "city": "Bonn", "line1": "Markt 1", "postcode": "53111"},
    ),
    ("PUT", f"/api/v1/carts/{NO_ID}/delivery", "checkout:write", {"delivery": "ship"}),
    ("GET", f"/api/v1/carts/{NO_ID}/quote", "checkout:write", None),
    ("POST", f"/api/v1/carts/{NO_ID}/complete", "checkout:write", {"digest": "x"}),
    (
        "POST",
        "/api/v1/orders",
        "checkout:write",
        {
            "lines": [{"sku_id": NO_ID, "quantity": 1}],
            "contact": {"email": "a@example.com", "name": "A"},
            "address": {"country": "DE", "city": "Bonn", "line1": "Markt 1", "postcode": "53111"},
        },
    ),
    ("POST", f"/api/v1/orders/{NO_ID}/payment", "checkout:write", None),
    ("GET", "/api/v1/orders", "order:read", None),
    ("GET", f"/api/v1/orders/{NO_ID}", "order:read", None),
    ("POST", f"/api/v1/orders/{NO_ID}/fulfilment", "order:write", {}),
    ("POST", f"/api/v1/orders/{NO_ID}/cancellation", "order:write", {}),
    ("POST", f"/api/v1/orders/{NO_ID}/refunds", "order:write", {"amount_minor": 1}),
]
NAMES = [f"{method} {path.split('?')[0].replace(NO_ID, '-')}" for method, path, _scope, _body in ENDPOINTS]


@pytest.fixture
async def bare(transport: httpx.ASGITransport, shop: Shop) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the shop without a key."""
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{shop.host}") as client:
        yield client


@pytest.fixture
def ask(bare: httpx.AsyncClient) -> Callable[..., Awaitable[httpx.Response]]:
    async def call(method: str, path: str, body: Any, authorization: str | None) -> httpx.Response:
        headers = GOOD_ENOUGH | ({"authorization": authorization} if authorization is not None else {})
        return await bare.request(method, path, json=body, headers=headers)

    return call


def code_of(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"].startswith("application/problem+json"), answer.text
    return answer.status_code, answer.json()["code"]


async def test_the_list_of_endpoints_in_these_tests_is_complete(bare: httpx.AsyncClient):
    document = (await bare.get("/api/v1/schema/openapi.json")).json()
    described = {
        (method.upper(), re.sub(r"{[^}]*}", "-", path))
        for path, item in document["paths"].items()
        for method in item
    }
    listed = {(method, path.split("?")[0].replace(NO_ID, "-")) for method, path, _scope, _body in ENDPOINTS}
    assert {each for each in described if each[1].startswith("/api/")} == listed


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
