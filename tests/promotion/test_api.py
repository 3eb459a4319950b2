"""Promotions and coupons over the JSON API: from draft to discount, and what hostile callers get."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import msgspec
import pytest
from tests.promotion.conftest import Desk
from tests.shop import ADDRESS, Shop, api_client

from serai.commerce.promotion import api as promotion_api
from serai.commerce.promotion.logic import end_of_code
from serai.commerce.promotion.types import AmountOff, Terms, Tier
from serai.foundation import clock
from serai.foundation.database import Database
from serai.foundation.errors import Conflict, NotFound
from serai.foundation.ids import new_id

Check = Callable[[], Awaitable[None]]

TERMS = {
    "name": "Ten off",
    "layer": 4,
    "benefit": {"type": "amount_off", "tiers": [[3000, 1000]]},
    "coupon": True,
}


@pytest.fixture
async def client(transport: httpx.ASGITransport, shop: Shop) -> AsyncIterator[httpx.AsyncClient]:
    async with api_client(transport, shop, await shop.make_key()) as opened:
        yield opened


async def publish(client: httpx.AsyncClient, terms: dict[str, Any]) -> str:
    made = await client.post("/api/v1/promotions", json={"terms": terms})
    assert made.status_code == 201, made.text
    path = f"/api/v1/promotions/{made.json()['promotion_id']}"
    live = await client.post(f"{path}/publish", json={"version": 1})
    assert (live.status_code, live.json()["state"]) == (200, "live")
    return path


def order(sku_id: object, **more: Any) -> dict[str, Any]:
    return {
        "lines": [{"sku_id": str(sku_id), "quantity": 1}],
        "contact": {"email": "a@example.com", "name": "A"},
        "address": {"country": "DE", "city": "Bonn", "line1": "Markt 1", "postcode": "53111"},
        **more,
    }


async def test_from_draft_to_discount(client: httpx.AsyncClient, shop: Shop, assert_clean: Any) -> None:
    sku_id = await shop.add_product(price_minor=4000)
    path = await publish(client, TERMS)
    key = {"idempotency-key": "issue-1"}
    issued = await client.post(f"{path}/coupons", json={"count": 2}, headers=key)
    again = await client.post(f"{path}/coupons", json={"count": 2}, headers=key)
    assert (issued.status_code, issued.json()) == (201, again.json())
    codes = [each["code"] for each in issued.json()]
    assert {len(code.replace("-", "")) for code in codes} == {26}

    cart = (await client.post("/api/v1/carts", json={})).json()["cart_id"]
    await client.post(f"/api/v1/carts/{cart}/lines", json={"sku_id": str(sku_id)})
    entered = await client.post(f"/api/v1/carts/{cart}/coupons", json={"code": codes[0]})
    assert entered.status_code == 201, entered.text
    quote = (await client.get(f"/api/v1/carts/{cart}/quote")).json()
    assert (quote["discount_minor"], quote["total_minor"]) == (1000, 3000)
    assert quote["pricing"]["reasons"][0]["code"] == "applied"
    shown = (await client.get(f"/api/v1/carts/{cart}/coupons")).json()
    assert [(each["amount_minor"], each["code"]) for each in shown] == [(1000, "applied")]
    await client.delete(f"/api/v1/carts/{cart}/coupons/{shown[0]['coupon_id']}")
    assert (await client.get(f"/api/v1/carts/{cart}/quote")).json()["discount_minor"] == 0

    placed = await client.post("/api/v1/orders", json=order(sku_id, coupon_codes=[codes[1]]))
    assert (placed.status_code, placed.json()["total_minor"]) == (201, 3000)
    found = (await client.get(f"/api/v1/orders/{placed.json()['order_id']}")).json()
    assert (found["discount_minor"], found["lines"][0]["discount_minor"]) == (1000, 1000)
    report = (await client.get(f"{path}/report")).json()
    assert (report["orders"], report["discount_minor"], report["coupons"]) == (1, 1000, [2, 1, 1, 0, 0, 0])
    await assert_clean()


async def test_a_code_is_kept_as_a_digest_only(desk: Desk, owner: Database) -> None:
    promotion = await desk.go_live(Terms(name="x", layer=4, benefit=AmountOff((Tier(0, 100),)), coupon=True))
    (coupon,) = await desk.issue(promotion)
    row = await owner.fetchval("SELECT c::text FROM commerce.coupon c WHERE coupon_id = $1", coupon.coupon_id)
    plain = coupon.code.replace("-", "")
    assert plain[:-4] not in row
    assert plain[-4:] in row


async def test_a_repeat_whose_answer_was_lost_makes_no_further_coupons(desk: Desk) -> None:
    promotion = await desk.go_live(Terms(name="x", layer=4, benefit=AmountOff((Tier(0, 100),)), coupon=True))
    key = new_id()
    first, second = (
        await desk.issue(promotion, count=3, key=key),
        await desk.issue(promotion, count=3, key=key),
    )
    assert first == second
    assert (await desk.report(promotion)).coupons[0] == 3
    assert await desk.issue(promotion, count=3, key=new_id()) != first


async def test_a_code_of_ones_own_sent_again_is_answered_as_before(desk: Desk, assert_clean: Check) -> None:
    promotion = await desk.go_live(msgspec.convert(TERMS, Terms))
    other = await desk.go_live(msgspec.convert({**TERMS, "name": "Another"}, Terms))
    key = new_id()
    first = await desk.issue(promotion, code="Hello-World", uses=3, key=key)
    assert await desk.issue(promotion, code="Hello-World", uses=3, key=key) == first
    for wanted, how in ((promotion, {"key": new_id()}), (other, {"key": new_id(), "uses": 9}), (other, {})):
        with pytest.raises(Conflict) as refused:
            await desk.issue(wanted, code="hello world", **how)
        assert refused.value.code == "coupon.code_taken"
    assert (await desk.report(promotion)).coupons[0] == 3
    assert (await desk.report(other)).coupons[0] == 0
    await assert_clean()


async def test_of_many_who_issue_one_code_at_once_one_does(desk: Desk, assert_clean: Check) -> None:
    promotion = await desk.go_live(msgspec.convert(TERMS, Terms))
    keys = [new_id() if n % 2 else None for n in range(8)]
    answers = await asyncio.gather(
        *(desk.issue(promotion, code="ONCE-ONLY", key=key) for key in keys), return_exceptions=True
    )
    assert sum(isinstance(each, tuple) for each in answers) == 1
    assert [each.code for each in answers if isinstance(each, Conflict)] == ["coupon.code_taken"] * 7
    assert (await desk.report(promotion)).coupons[0] == 1
    await assert_clean()


@pytest.mark.parametrize(
    ("code", "end"),
    [
        ("HELLO-WORLD", "ORLD"),
        ("olio", "IO"),
        ("7K3F9-2QDXM-OI", "XMOI"),
        ("abcde", "DE"),
        ("春天满减", "满减"),
    ],
)
def test_the_end_of_a_code_is_spelt_as_given_out_and_gives_no_code_away(code: str, end: str) -> None:
    assert end_of_code(code) == end


async def test_an_order_that_counts_on_a_coupon_is_refused_without_it(
    client: httpx.AsyncClient, shop: Shop
) -> None:
    sku_id = await shop.add_product(price_minor=2999)
    path = await publish(client, TERMS)
    code = (await client.post(f"{path}/coupons", json={"code": "SPRING-26"})).json()[0]["code"]
    answer = await client.post("/api/v1/orders", json=order(sku_id, coupon_codes=[code]))
    assert (answer.status_code, answer.json()["code"]) == (409, "coupon.not_applied")
    assert answer.json()["data"]["why"] == ["threshold"]
    unknown = await client.post("/api/v1/orders", json=order(sku_id, coupon_codes=["NO-SUCH"]))
    assert (unknown.status_code, unknown.json()["code"]) == (404, "coupon.unknown")
    taken = await client.post(f"{path}/coupons", json={"code": "spring 26"})
    assert (taken.status_code, taken.json()["code"]) == (409, "coupon.code_taken")


async def test_groups_are_opened_joined_and_left_by_cart(client: httpx.AsyncClient, shop: Shop) -> None:
    sku_id = await shop.add_product(price_minor=4000)
    benefit = {"type": "unit_price", "source": "group", "prices": [[str(sku_id), 1500]], "people": 2}
    path = await publish(client, {"name": "Together", "layer": 1, "benefit": benefit})
    promotion_id = path.rsplit("/", 1)[1]

    async def fill() -> str:
        cart = (await client.post("/api/v1/carts", json={})).json()["cart_id"]
        await client.post(f"/api/v1/carts/{cart}/lines", json={"sku_id": str(sku_id)})
        return f"/api/v1/carts/{cart}"

    async def order_cart(cart: str) -> Any:
        await client.put(f"{cart}/contact", json={"email": "a@example.com", "name": "Ann Lee"})
        await client.put(f"{cart}/address", json=msgspec.to_builtins(ADDRESS))
        digest = (await client.get(f"{cart}/quote")).json()["digest"]
        placed = await client.post(f"{cart}/complete", json={"digest": digest})
        assert placed.status_code == 201, placed.text
        return (await client.get(f"/api/v1/orders/{placed.json()['order_id']}")).json()

    async def choose(cart: str, **choice: str) -> httpx.Response:
        return await client.put(f"{cart}/group", json=choice)

    async def items(cart: str) -> int:
        seen = (await client.get(f"{cart}/quote")).json()
        return int(seen["items_minor"] - seen["discount_minor"])

    first = await fill()
    assert (await choose(first, promotion_id=promotion_id)).status_code == 200
    assert await items(first) == 1500
    assert (await choose(first)).status_code == 200
    assert await items(first) == 4000
    both = await choose(first, promotion_id=promotion_id, group_id=str(new_id()))
    assert (both.status_code, both.json()["code"]) == (422, "group.choice_invalid")
    assert (await choose(first, group_id=str(new_id()))).json()["code"] == "group.unknown"
    assert (await choose(first, promotion_id=str(new_id()))).json()["code"] == "group.not_offered"
    await choose(first, promotion_id=promotion_id)
    group = (await order_cart(first))["group"]
    assert (group["sku_id"], group["free"], group["held"]) == (str(sku_id), 1, 1)

    second = await fill()
    await choose(second, group_id=group["group_id"])
    await order_cart(second)
    third = await fill()
    assert (await choose(third, group_id=group["group_id"])).json()["code"] == "group.over"
    shown = await client.get(f"/api/v1/groups/{group['group_id']}")
    assert (shown.json()["free"], shown.json()["held"], shown.json()["outcome"]) == (0, 2, None)
    assert (await client.get(f"/api/v1/groups/{new_id()}")).status_code == 404


async def test_a_preview_stores_nothing(client: httpx.AsyncClient, shop: Shop) -> None:
    sku_id = await shop.add_product(price_minor=4000)
    body = {"terms": TERMS, "lines": [{"sku_id": str(sku_id), "quantity": 1}]}
    seen = (await client.post("/api/v1/promotions/preview", json=body)).json()
    assert (seen["before"]["total_minor"], seen["after"]["total_minor"]) == (4000, 3000)
    assert (seen["reason"]["code"], seen["faults"]) == ("applied", [])
    body["terms"] = {**TERMS, "benefit": {"type": "amount_off", "tiers": []}}
    bad = (await client.post("/api/v1/promotions/preview", json=body)).json()
    assert {fault["code"] for fault in bad["faults"]} == {"tiers_empty"}
    assert (await client.get("/api/v1/promotions")).json()["items"] == []


@pytest.mark.parametrize(
    "change",
    [
        {"layer": 9},
        {"benefit": {"type": "everything_free"}},
        {"benefit": {"type": "amount_off", "tiers": [[-1, 10]]}},
        {"benefit": {"type": "amount_off", "tiers": [[1, 10**18]]}},
        {"benefit": {"type": "amount_off", "tiers": [[n, n] for n in range(1, 100)]}},
        {"cap_minor": 1.5},
        {"name": "x" * 121},
        {"surprise": 1},
        {"name": "a\0b"},
    ],
)
async def test_nonsense_is_refused_and_nothing_stored(
    client: httpx.AsyncClient, change: dict[str, Any]
) -> None:
    answer = await client.post("/api/v1/promotions", json={"terms": TERMS | change})
    assert 400 <= answer.status_code < 500, answer.text
    assert (await client.get("/api/v1/promotions")).json()["items"] == []


async def test_a_promotion_stops_at_once(client: httpx.AsyncClient, shop: Shop) -> None:
    sku_id = await shop.add_product(price_minor=4000)
    automatic = {"name": "Ten off", "layer": 3, "benefit": TERMS["benefit"]}
    path = await publish(client, automatic)
    assert (await client.post("/api/v1/orders", json=order(sku_id))).json()["total_minor"] == 3000
    assert (await client.post(f"{path}/stop")).json()["state"] == "stopped"
    assert (await client.post("/api/v1/orders", json=order(sku_id))).json()["total_minor"] == 4000


async def test_coupons_expire_and_are_revoked_in_the_ledger(
    desk: Desk, owner: Database, assert_clean: Any
) -> None:
    promotion = await desk.go_live(Terms(name="x", layer=4, benefit=AmountOff((Tier(0, 100),)), coupon=True))
    soon = clock.now() + timedelta(days=1)
    await desk.issue(promotion, count=2, expires_at=soon)
    (kept,) = await desk.issue(promotion)
    with clock.clock_at(soon):
        assert await promotion_api.expire_coupons(desk.commerce, owner) >= 2
        assert await promotion_api.expire_coupons(desk.commerce, owner) == 0
    revoked = await promotion_api.revoke_coupon(
        desk.commerce, desk.merchant_id, coupon_id=kept.coupon_id, by="test"
    )
    assert (revoked.ended, revoked.free) == ("revoked", 0)
    assert (await desk.report(promotion)).coupons == (3, 0, 0, 0, 2, 1)
    async with desk.commerce.db.transaction(desk.merchant_id, "read") as tx:
        with pytest.raises(Conflict):
            await promotion_api.find_coupon_by_code(tx, code=kept.code)
    await assert_clean()


async def test_a_coupon_of_another_member_is_as_good_as_unknown(desk: Desk) -> None:
    promotion = await desk.go_live(Terms(name="x", layer=4, benefit=AmountOff((Tier(0, 100),)), coupon=True))
    holder = new_id()
    (coupon,) = await desk.issue(promotion, holder_id=holder)
    async with desk.commerce.db.transaction(desk.merchant_id, "read") as tx:
        with pytest.raises(NotFound):
            await promotion_api.find_coupon_by_code(tx, code=coupon.code)
        assert (await promotion_api.find_coupon_by_code(tx, code=coupon.code, member_id=holder)).free == 1
