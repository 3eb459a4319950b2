"""Presales at the console: written with a preview, refused with every reason at its field, published, reported, stopped."""

from datetime import timedelta
from typing import Any

import httpx
from tests.console.conftest import MakeShop, Visit
from tests.console.shop import Shop, Visitor, read

from serai.commerce.presale import api
from serai.commerce.presale.types import Presale, PresaleTier
from serai.foundation import clock

PATH = "/console/presales"
NEW = f"{PATH}/new"


def text_of(answer: httpx.Response) -> str:
    return " ".join(read(answer).text.split())


def fields(**more: Any) -> dict[str, str]:
    """A presale of the shop's article: 4.00, a deposit of 0.50 that counts as 1.00, half price from two on."""
    now = clock.now()
    days = {"deposit_from": 1, "deposit_until": 3, "balance_from": 4, "balance_until": 6}
    moments = {name: (now + timedelta(days=n)).strftime("%Y-%m-%dT%H:%M") for name, n in days.items()}
    given = {
        "name": "Early bird",
        "name_zh": "早鸟预售",
        "skus": "ICE-1",
        "price": "4",
        "deposit": "0.50",
        "credit": "1.00",
        "quota": "5",
        "per_member": "",
        "missed": "keep",
        "tier_least_1": "2",
        "tier_percent_1": "50",
        "intent": "save",
    }
    return given | moments | more


async def write(visitor: Visitor, page: str = NEW, **more: Any) -> httpx.Response:
    return await visitor.submit(page, page, **fields(**more))


async def list_all(shop: Shop) -> list[Presale]:
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        return list((await api.list_presales(tx)).items)


async def test_a_presale_is_written_previewed_published_and_stopped(visit: Visit, shop: Shop) -> None:
    manager = await visit("manager")
    assert "No presales yet" in text_of(await manager.get(PATH))
    preview = await write(manager, intent="preview")
    assert preview.status_code == 200
    assert "From the first100 %$3.00$3.50" in text_of(preview)
    assert await list_all(shop) == []
    address = (await write(manager)).headers["location"]
    [presale] = await list_all(shop)
    assert (presale.state, presale.terms.tiers) == ("draft", (PresaleTier(2, 5000),))
    assert (presale.terms.price_minor, presale.terms.credit_minor) == (400, 100)
    assert presale.terms.label("zh_Hans") == "早鸟预售"
    assert "Draft" in text_of(await manager.get(address))
    changed = await write(manager, f"{address}/edit", quota="7")
    assert changed.status_code == 303, text_of(changed)
    published = await manager.submit(address, f"{address}/publish")
    assert published.status_code == 303
    page = text_of(await manager.get(address))
    assert "Scheduled" in page
    assert "7 left" in page
    assert "7" in text_of(await manager.get(PATH))
    fixed = await manager.get(f"{address}/edit")
    assert fixed.status_code == 303
    assert (await manager.submit(address, f"{address}/stop")).status_code == 303
    [presale] = await list_all(shop)
    assert presale.stopped_at is not None
    audit = text_of(await (await visit("owner")).get("/console/audit"))
    assert "presale" in audit.lower()


async def test_contradictions_are_shown_at_their_fields_and_nothing_is_kept(visit: Visit, shop: Shop) -> None:
    manager = await visit("manager")
    now = clock.now()
    answer = await write(
        manager,
        credit="0.20",
        tier_percent_1="2",
        balance_from=(now + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M"),
    )
    assert answer.status_code == 422
    page = text_of(answer)
    for words in (
        "The deposit must count for at least what is paid.",
        "At tier 1 the deposit counts for more than the price",
        "The balance can only be asked for when the time for deposits is over.",
    ):
        assert words in page
    for wrong in (
        {"skus": "NO-SUCH"},
        {"price": "4,999,999"},
        {"tier_percent_1": "100"},
        {"tier_least_1": "-1"},
        {"missed": "burn"},
        {"deposit_until": ""},
        {"deposit_until": "tomorrow"},
        {"quota": "0"},
        {"price": "9"},
    ):
        refused = await write(manager, **wrong)
        assert refused.status_code == 422, wrong
        assert "Early bird" in refused.text
    assert await list_all(shop) == []


async def test_who_may_not_write_promotions_may_only_look(visit: Visit, shop: Shop) -> None:
    manager, clerk = await visit("manager"), await visit("clerk")
    address = (await write(manager)).headers["location"]
    assert "Early bird" in text_of(await clerk.get(address))
    assert f"{address}/publish" not in (await clerk.get(address)).text
    assert (await clerk.get(NEW)).status_code == 403
    forged = await clerk.post_plain(f"{address}/publish", version="1")
    assert forged.status_code == 403
    [presale] = await list_all(shop)
    assert presale.state == "draft"


async def test_another_merchants_presale_is_not_there(visit: Visit, shop: Shop, make_shop: MakeShop) -> None:
    other = await make_shop()
    manager = await visit("manager")
    address = (await write(manager)).headers["location"]
    stranger = await visit("manager", other)
    assert (await stranger.get(address)).status_code == 404
    assert (await stranger.get(f"{PATH}/nonsense")).status_code == 404
