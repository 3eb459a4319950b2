"""Members at the console: found, given a level by who may set prices, nobody else's shown."""

from tests.console.conftest import MakeShop, Visit
from tests.console.shop import Shop

from serai.identity.member import api as member_api


async def join(shop: Shop, email: str, name: str):
    db, merchant_id = shop.commerce.db, shop.merchant.merchant_id
    token = await member_api.register_member(
        db, merchant_id, email=email, password="a calm sentence", name=name
    )  # type: ignore[arg-type]
    async with db.transaction(merchant_id, "read") as tx:  # type: ignore[arg-type]
        return await member_api.find_member(tx, token=token)


async def test_a_member_is_found_and_given_a_level(visit: Visit, shop: Shop) -> None:
    ada = await join(shop, "ada@example.org", "Ada Li")
    await join(shop, "bo@example.org", "Bo 100%")
    manager = await visit("manager")
    page = await manager.client.get("/console/members?q=ADA")
    assert "ada@example.org" in page.text
    assert "bo@example.org" not in page.text
    assert "bo@example.org" in (await manager.client.get("/console/members?q=0%25")).text
    assert "ada@example.org" not in (await manager.client.get("/console/members?q=%25")).text
    token = manager.client.cookies["csrftoken"]
    action = f"/console/members/{ada.member_id}/level"
    for level, status in (("gold!", 422), ("Gold", 303)):
        assert (
            await manager.client.post(action, data={"_csrf_token": token, "level": level})
        ).status_code == status
    async with shop.commerce.db.transaction(shop.merchant.merchant_id, "read") as tx:  # type: ignore[arg-type]
        assert (await member_api.find_member(tx, member_id=ada.member_id)).level == "gold"


async def test_a_clerk_sets_no_level_and_nobody_sees_another_shop(
    visit: Visit, shop: Shop, make_shop: MakeShop
) -> None:
    ada = await join(shop, "ada@example.org", "Ada Li")
    other = await make_shop()
    eve = await join(other, "eve@example.org", "Eve")
    clerk, manager = await visit("clerk"), await visit("manager")
    page = await clerk.client.get("/console/members")
    assert "ada@example.org" in page.text
    assert "eve@example.org" not in page.text
    for who, member, status in ((clerk, ada, 403), (manager, eve, 404)):
        await who.client.get("/console/members")
        token = who.client.cookies["csrftoken"]
        sent = await who.client.post(
            f"/console/members/{member.member_id}/level", data={"_csrf_token": token, "level": "gold"}
        )
        assert sent.status_code == status
