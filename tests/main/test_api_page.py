"""The API's reference page: every described call stands on it, and nothing is loaded from elsewhere."""

import re

import httpx
from tests.shop import Shop


async def test_every_call_stands_on_the_page_and_nothing_comes_from_elsewhere(
    transport: httpx.ASGITransport, shop: Shop
):
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{shop.host}") as client:
        page = await client.get("/api/v1/docs")
        document = (await client.get("/api/v1/schema/openapi.json")).json()
    assert page.status_code == 200
    for path in document["paths"]:
        assert f"<code>{path}</code>" in page.text
    assert not re.findall(r"""(?:src|href)=["'](?:https?:)?//""", page.text)


async def test_changes_are_shown_with_their_idempotency_key(transport: httpx.ASGITransport, shop: Shop):
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{shop.host}") as client:
        page = await client.get("/api/v1/docs", headers={"accept-language": "zh-CN"})
    order = page.text.split("<code>/api/v1/orders</code>")[1].split("</details>")[0]
    assert "Idempotency-Key" in page.text
    assert "contact" in order or "query" in order
