"""Promotions at the console: written, refused in words, tried, published, stopped, copied; coupons issued and revoked."""

import csv
import html
import io
import re
from typing import Any

import httpx
import pytest
from tests.console.conftest import MakeShop, Visit
from tests.console.shop import Shop, Visitor, read

from serai.commerce.promotion import api
from serai.commerce.promotion.types import AmountOff, Promotion, Tier, UnitPrice
from serai.console import promotion as promotion_page
from serai.console.promotion_kind import KINDS

PATH = "/console/promotions"
SPEND = f"{PATH}/new/amount_off"
COUPON = f"{PATH}/new/coupon_amount"
TIER = {"tier_least_1": "10", "tier_benefit_1": "2.50"}


async def list_all(shop: Shop) -> list[Promotion]:
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        return list((await api.list_promotions(tx)).items)


async def write(visitor: Visitor, page: str = SPEND, **fields: Any) -> httpx.Response:
    """Fill the form of a kind and save it."""
    what = {"name": "Autumn", **TIER, "intent": "save", **fields}
    return await visitor.submit(page, page, **what)


async def write_live(visitor: Visitor, page: str = SPEND, **fields: Any) -> str:
    """A promotion that is live; its address."""
    address = (await write(visitor, page, **fields)).headers["location"]
    published = await visitor.submit(address, f"{address}/publish")
    assert published.status_code == 303
    return address


def text_of(answer: httpx.Response) -> str:
    return " ".join(read(answer).text.split())


async def test_a_promotion_is_written_published_and_stopped_with_a_trace(visit: Visit, shop: Shop) -> None:
    manager = await visit("manager")
    answer = await write(manager, cap="5", quota="100", tags="autumn, food")
    assert answer.status_code == 303, text_of(answer)
    address = answer.headers["location"]
    [promotion] = await list_all(shop)
    assert promotion.state == "draft"
    assert promotion.terms.benefit == AmountOff((Tier(1000, 250),))
    assert (promotion.terms.cap_minor, promotion.terms.quota) == (500, 100)
    assert promotion.terms.tags == ("autumn", "food")
    assert "Draft" in text_of(await manager.get(address))
    assert (await manager.submit(address, f"{address}/publish")).status_code == 303
    assert "$2.50 off from $10.00" in text_of(await manager.get(PATH))
    assert (await list_all(shop))[0].state == "live"
    assert (await manager.submit(address, f"{address}/stop")).status_code == 303
    assert (await list_all(shop))[0].state == "stopped"
    for action in ("created", "published", "stopped"):
        assert (await shop.list_audit(f"promotion.{action}"))[-1]["actor"] == shop.email("manager")


async def test_the_same_form_twice_writes_one_promotion(visit: Visit, shop: Shop) -> None:
    manager = await visit("manager")
    form = next(form for form in read(await manager.get(SPEND)).forms if form.action == SPEND)
    fields = {"name": "Autumn", **TIER, "intent": "save"}
    first, second = await manager.send(form, **fields), await manager.send(form, **fields)
    assert first.headers["location"] == second.headers["location"]
    assert len(await list_all(shop)) == 1


@pytest.mark.parametrize("kind", [kind.code for kind in KINDS])
async def test_every_kind_has_its_form(visit: Visit, kind: str) -> None:
    manager = await visit("manager")
    page = await manager.get(f"{PATH}/new/{kind}")
    assert page.status_code == 200
    assert any(form.action == f"{PATH}/new/{kind}" for form in read(page).forms)


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("percent_off", {"tier_least_1": "10", "tier_benefit_1": "12.5"}),
        ("pieces_percent", {"tier_least_1": "2", "tier_benefit_1": "20"}),
        ("pieces_price", {"pieces": "3", "price": "10"}),
        ("nth_piece", {"nth": "2", "percent": "50"}),
        ("add_on", {"sku": "ICE-1", "price": "1", "least": "10", "most": "1"}),
        ("gift", {"sku": "ICE-1", "quantity": "1", "least": "10", "unit": "minor", "most": "1"}),
        ("bundle", {"components": "ICE-1 2", "price": "8"}),
        ("member", {"percent": "5", "levels": "gold"}),
        ("flash", {"prices": "ICE-1 3.99", "quota": "50", "per_user": "2"}),
        ("group", {"prices": "ICE-1 3.99", "people": "3", "hours": "24"}),
        ("shipping", {"amount": "", "least": "10"}),
        ("coupon_percent", {"tier_least_1": "0", "tier_benefit_1": "10"}),
        ("coupon_free", {"quantity": "1"}),
        ("coupon_shipping", {"amount": "3", "least": "0"}),
        ("cross_amount", {**TIER, "seller_percent": "20"}),
        ("cross_percent", {"tier_least_1": "10", "tier_benefit_1": "5", "seller_percent": ""}),
        ("cross_coupon", {**TIER, "seller_percent": "12.5"}),
    ],
)
async def test_a_kind_is_written_and_comes_back_the_same_in_its_form(
    visit: Visit, shop: Shop, kind: str, fields: dict[str, str]
) -> None:
    manager = await visit("manager")
    page = f"{PATH}/new/{kind}"
    answer = await manager.submit(page, page, name="Of its kind", intent="save", **fields)
    assert answer.status_code == 303, text_of(answer)
    address = answer.headers["location"]
    [before] = await list_all(shop)
    again = await manager.submit(f"{address}/edit", f"{address}/edit", intent="save")
    assert again.status_code == 303, text_of(again)
    [after] = await list_all(shop)
    assert (after.version, after.terms) == (2, before.terms)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": ""}, "Please give the promotion a name."),
        ({"tier_least_1": "", "tier_benefit_1": ""}, "Please give at least one tier."),
        ({"tier_least_1": "10", "tier_benefit_1": "20"}, "A tier takes off more than it asks for."),
        ({"tier_least_2": "5", "tier_benefit_2": "4"}, "Tier 2 is never reached"),
        ({"tier_least_1": "-1"}, "Please give an amount such as"),
        ({"tier_benefit_1": "1e99"}, "Please give an amount such as"),
        ({"scope": "some"}, "Please say which goods the promotion is about."),
        ({"scope": "some", "skus": "NOPE-1"}, "There is no SKU “NOPE-1”."),
        ({"starts_at": "2026-12-02T00:00", "ends_at": "2026-12-01T00:00"}, "would end before it starts"),
        ({"starts_at": "tomorrow"}, "Please give a date and a time."),
        ({"quota": "0"}, "Please give a whole number of at least 1."),
        ({"quota": "5", "per_user": "6"}, "One member may not take more than there is in total."),
        ({"budget": "1"}, "A single order could get more than the whole budget."),
        ({"priority": "5000"}, "from −1000 to 1000"),
        ({"tags": "x" * 90}, "That is too long."),
    ],
)
async def test_what_contradicts_itself_is_refused_at_its_field_and_comes_back_as_typed(
    visit: Visit, shop: Shop, fields: dict[str, str], words: str
) -> None:
    manager = await visit("manager")
    answer = await write(manager, **{"name": "Kept <b>words</b>", **fields})
    assert answer.status_code == 422
    assert words in text_of(answer)
    assert 'aria-invalid="true"' in answer.text or "scope" in fields
    assert "<b>words" not in answer.text
    assert await list_all(shop) == []


async def test_a_percentage_beyond_the_whole_is_refused(visit: Visit, shop: Shop) -> None:
    manager = await visit("manager")
    for percent in ("101", "-5", "abc", "0.001"):
        answer = await write(manager, f"{PATH}/new/nth_piece", nth="2", percent=percent)
        assert answer.status_code == 422, percent
        assert "percentage from 0 to 100" in text_of(answer)
    assert await list_all(shop) == []


async def test_a_price_names_known_goods(visit: Visit, shop: Shop) -> None:
    manager = await visit("manager")
    page = f"{PATH}/new/flash"
    wrong = await manager.submit(page, page, name="Flash", prices="ICE-1 cheap", intent="save")
    assert "Please write a SKU and its price on each line." in text_of(wrong)
    right = await manager.submit(page, page, name="Flash", prices="ICE-1 3.99", intent="save")
    assert right.status_code == 303
    [promotion] = await list_all(shop)
    assert isinstance(promotion.terms.benefit, UnitPrice)
    assert promotion.terms.benefit.prices[0].sku_id == shop.sku_id


async def test_it_is_tried_on_a_typed_cart_and_on_the_last_orders(visit: Visit, shop: Shop) -> None:
    manager = await visit("manager")
    order = await shop.place_order(3)
    typed = text_of(await write(manager, intent="try", cart="ICE-1 3"))
    assert "The cart you typed" in typed
    assert "$14.97" in typed
    assert "$12.47" in typed
    last = text_of(await write(manager, intent="try", cart=""))
    assert order.number in last
    few = text_of(await write(manager, intent="try", cart="ICE-1"))
    assert "The cart does not reach its threshold." in few
    assert "There is no SKU “X”." in text_of(await write(manager, intent="try", cart="X 3"))
    assert await list_all(shop) == []


async def test_goods_are_taken_without_losing_what_was_typed(visit: Visit, shop: Shop) -> None:
    manager = await visit("manager")
    answer = await manager.submit(SPEND, SPEND, name="Half typed", add_sku="ICE-1")
    assert answer.status_code == 200
    form = next(form for form in read(answer).forms if form.action == SPEND)
    assert form.values["name"] == "Half typed"
    assert "ICE-1" in answer.text


async def test_a_change_waits_until_it_is_published_and_an_old_page_is_refused(
    visit: Visit, shop: Shop
) -> None:
    manager = await visit("manager")
    address = await write_live(manager)
    stale = next(f for f in read(await manager.get(f"{address}/edit")).forms if f.action == f"{address}/edit")
    edited = await manager.submit(f"{address}/edit", f"{address}/edit", tier_benefit_1="3", intent="save")
    assert edited.status_code == 303
    assert "Carts get version 1; version 2 waits to be published." in text_of(await manager.get(address))
    refused = await manager.send(stale, tier_benefit_1="4", intent="save")
    assert refused.status_code == 409
    assert "Somebody else has changed this promotion." in text_of(refused)


async def test_a_copy_is_a_draft(visit: Visit, shop: Shop) -> None:
    manager = await visit("manager")
    address = await write_live(manager)
    answer = await manager.submit(address, f"{address}/copy")
    assert answer.headers["location"] != address
    assert sorted(p.state for p in await list_all(shop)) == ["draft", "live"]


async def test_tabs_and_search_find_a_promotion(visit: Visit, shop: Shop) -> None:
    manager = await visit("manager")
    await write_live(manager, name="Now")
    await write_live(manager, name="Later", starts_at="2999-01-01T00:00")
    await write(manager, name="Never")
    rows = {tab: text_of(await manager.get(f"{PATH}?state={tab}")) for tab in ("live", "planned", "draft")}
    assert ("Now" in rows["live"], "Later" in rows["live"]) == (True, False)
    assert ("Later" in rows["planned"], "Never" in rows["planned"]) == (True, False)
    assert "Never" in rows["draft"]
    assert "No promotion matches" in text_of(await manager.get(f"{PATH}?q=%25"))


async def test_coupons_are_shown_once_found_by_code_and_revoked(visit: Visit, shop: Shop) -> None:
    manager = await visit("manager")
    address = await write_live(manager, COUPON, name="Spring")
    issued = await manager.submit(address, f"{address}/coupons", code="SPRING", uses="3", intent="show")
    assert issued.status_code == 200
    assert "SPRING" in issued.text
    shown = await manager.get(address)
    assert "SPRING" not in shown.text
    assert "0 / 3" in text_of(shown)
    assert "0 / 3" in text_of(await manager.get(f"{address}/coupons?code=spring"))
    assert "This code is not known." in text_of(await manager.get(f"{address}/coupons?code=other"))
    taken = await manager.submit(address, f"{address}/coupons", code="SPRING", intent="show")
    assert taken.status_code == 409
    assert "There is a coupon with this code already." in text_of(taken)
    form = next(f for f in read(shown).forms if f.action.endswith("/revoke"))
    assert (await manager.send(form)).status_code == 303
    assert "Revoked" in text_of(await manager.get(address))


async def test_codes_come_as_a_file_and_the_same_form_makes_no_more(visit: Visit, shop: Shop) -> None:
    manager = await visit("manager")
    address = await write_live(manager, COUPON, name="Spring")
    form = next(
        f
        for f in read(await manager.get(address)).forms
        if f.action == f"{address}/coupons" and "count" in f.values
    )
    first = await manager.send(form, count="5", intent="csv")
    assert first.headers["content-type"].startswith("text/csv")
    codes = {row["code"] for row in csv.DictReader(io.StringIO(first.content.decode("utf-8-sig")))}
    assert len(codes) == 5
    again = await manager.send(form, count="5", intent="csv")
    assert again.content == first.content
    assert (await shop.fetch("SELECT count(*) AS n FROM commerce.coupon"))[0]["n"] == 5


@pytest.mark.parametrize(
    "fields",
    [
        {"count": "0"},
        {"count": "1001"},
        {"uses": "x"},
        {"code": "ab"},
        {"holder": "me"},
        {"expires_at": "2001-01-01T00:00"},
    ],
)
async def test_impossible_coupons_are_refused(visit: Visit, shop: Shop, fields: dict[str, str]) -> None:
    manager = await visit("manager")
    address = await write_live(manager, COUPON, name="Spring")
    answer = await manager.submit(address, f"{address}/coupons", intent="show", **fields)
    assert answer.status_code == 422
    assert (await shop.fetch("SELECT count(*) AS n FROM commerce.coupon"))[0]["n"] == 0


async def test_a_clerk_reads_and_changes_nothing(visit: Visit, shop: Shop) -> None:
    manager, clerk = await visit("manager"), await visit("clerk")
    address = await write_live(manager)
    page = await clerk.get(address)
    assert page.status_code == 200
    assert "Stop…" not in text_of(page)
    assert (await clerk.get(f"{PATH}/new")).status_code == 403
    assert (await clerk.get(SPEND)).status_code == 403
    for action in ("stop", "publish", "copy", "edit", "coupons"):
        assert (await clerk.post_plain(f"{address}/{action}", version="1")).status_code == 403, action
    assert (await list_all(shop))[0].state == "live"


async def test_the_promotion_of_another_merchant_is_out_of_reach(
    visit: Visit, shop: Shop, make_shop: MakeShop
) -> None:
    other = await make_shop()
    address = await write_live(await visit("manager", other))
    manager = await visit("manager")
    assert (await manager.get(address)).status_code == 404
    for action in ("stop", "publish", "copy", "edit", "coupons"):
        assert (await manager.post_plain(f"{address}/{action}", version="1")).status_code == 404, action
    assert (await list_all(other))[0].state == "live"


@pytest.mark.parametrize("name", ["nonsense", "01a20c7b-0000-7000-8000-000000000000", "%00"])
async def test_an_address_of_nothing_is_not_found(visit: Visit, name: str) -> None:
    manager = await visit("manager")
    assert (await manager.get(f"{PATH}/{name}")).status_code == 404
    assert (await manager.get(f"{PATH}/new/{name}")).status_code == 404


async def test_tabs_show_every_promotion_of_their_stand_over_all_pages_with_counts(
    visit: Visit, shop: Shop
) -> None:
    manager = await visit("manager")
    # Newest first, so that the wanted ones lie behind more than a page of others.
    for number in range(3):
        await write_live(manager, name=f"Runs {number}")
    await write_live(manager, name="Soon", starts_at="2099-01-01T08:00")
    await write_live(manager, name="Past", ends_at="2020-01-01T08:00")
    for number in range(promotion_page.PAGE_SIZE + 1):
        assert (await write(manager, name=f"Draft {number}")).status_code == 303

    async def read_tab(state: str) -> list[str]:
        named, address = [], f"{PATH}?state={state}"
        while address:
            page = (await manager.get(address)).text
            named += re.findall(r'class="row-link"[^>]*>([^<]+)<', page)
            following = re.search(r'rel="next" href="([^"]+)"', page)
            address = html.unescape(following[1]) if following else ""
        return named

    assert await read_tab("live") == ["Runs 2", "Runs 1", "Runs 0"]
    assert await read_tab("planned") == ["Soon"]
    assert await read_tab("over") == ["Past"]
    assert len(await read_tab("draft")) == promotion_page.PAGE_SIZE + 1
    said = text_of(await manager.get(PATH))
    for text in (f"All {promotion_page.PAGE_SIZE + 6}", "Live 3", "Scheduled 1", "Over 1", "Stopped 0"):
        assert text in said, text


async def test_a_live_promotion_stands_where_its_live_version_does(visit: Visit, shop: Shop) -> None:
    manager = await visit("manager")
    address = await write_live(manager, name="Runs")
    edit = f"{address}/edit"
    assert (await manager.submit(edit, edit, starts_at="2099-01-01T08:00", intent="save")).status_code == 303
    [promotion] = await list_all(shop)
    assert (promotion.version, promotion.live_version, promotion.stand) == (2, 1, "live")
    assert "Live 1Scheduled 0" in text_of(await manager.get(PATH))
