"""Gift cards and purses at the console: issued once, found, blocked, given and taken, by whom it may be."""

import csv
import io

import pytest
from tests.console.conftest import MakeShop, Visit
from tests.console.shop import Shop, find_form, read
from tests.console.test_member import join

from serai.commerce.tender import api
from serai.commerce.tender.types import TenderTerms

PAGE = "/console/gift-cards"


async def load_cards(shop: Shop):
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        return (await api.list_cards(tx)).items


async def test_cards_are_issued_once_and_their_codes_shown_once(visit: Visit, shop: Shop) -> None:
    manager = await visit("manager")
    form = find_form(await manager.get(PAGE), PAGE)
    first = await manager.send(form, count="3", amount="25.00", note="Autumn")
    again = await manager.send(form, count="3", amount="25.00", note="Autumn")
    assert (first.status_code, again.status_code) == (200, 200)
    cards = await load_cards(shop)
    assert [card.amount_minor for card in cards] == [2500] * 3
    for page in (first, again):
        assert all(f"{card.code_end[-1]}" in page.text for card in cards)
        assert "3 gift cards are ready" in read(page).text
    plain = await manager.get(PAGE)
    assert "gift cards are ready" not in read(plain).text
    assert len(await shop.list_audit("gift_card.issued")) == 1
    changed = await manager.send(form, count="4", amount="25.00", note="Autumn")
    assert changed.status_code == 409
    assert len(await load_cards(shop)) == 3


async def test_codes_leave_as_a_file_once(visit: Visit, shop: Shop) -> None:
    manager = await visit("manager")
    answer = await manager.submit(
        PAGE, PAGE, count="2", amount="5", intent="csv", expires_at="2099-01-31T10:00"
    )
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [(row["amount"], row["currency"], row["expires_at"]) for row in rows] == [
        ("5.00", shop.merchant.currency, "2099-01-31")
    ] * 2
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        for row in rows:
            assert str((await api.find_card_by_code(tx, code=row["code"])).card_id) == row["card_id"]


@pytest.mark.parametrize(
    "fields",
    [
        {"count": "0", "amount": "5"},
        {"count": "1001", "amount": "5"},
        {"count": "1", "amount": "-5"},
        {"count": "1", "amount": "5.001"},
        {"count": "1", "amount": "5", "expires_at": "2001-01-01T00:00"},
        {"count": "1", "amount": "5", "note": "x" * 500},
        {"count": "x", "amount": "NaN"},
    ],
)
async def test_a_wrong_issue_comes_back_with_its_reason(
    visit: Visit, shop: Shop, fields: dict[str, str]
) -> None:
    manager = await visit("manager")
    answer = await manager.submit(PAGE, PAGE, **fields)
    assert answer.status_code == 422
    assert await load_cards(shop) == ()


async def test_a_card_is_found_by_its_end_blocked_and_freed(visit: Visit, shop: Shop) -> None:
    manager = await visit("manager")
    await manager.submit(PAGE, PAGE, count="1", amount="5", note="lost one")
    [card] = await load_cards(shop)
    assert "lost one" in (await manager.get(f"{PAGE}?q={card.code_end.lower()}")).text
    assert "lost one" not in (await manager.get(f"{PAGE}?q=ZZZZ")).text
    action = f"{PAGE}/{card.card_id}/block"
    for state in ("blocked", "live"):
        answer = await manager.submit(PAGE, action, reason="lost")
        assert answer.status_code == 303
        assert (await load_cards(shop))[0].state == state
    assert len(await shop.list_audit("gift_card.blocked")) == 1


async def test_a_purse_is_filled_with_a_reason_and_never_falls_below_zero(visit: Visit, shop: Shop) -> None:
    ada = await join(shop, "ada@example.org", "Ada Li")
    manager = await visit("manager")
    page = f"/console/members/{ada.member_id}"
    form = find_form(await manager.get(page), f"{page}/purse")
    for _ in range(2):
        assert (await manager.send(form, kind="wallet", units="12.50", reason="sorry")).status_code == 303
    said = read(await manager.get(f"{page}?kind=wallet")).text
    assert "12.50" in said
    assert "sorry" in said
    for fields in (
        {"kind": "wallet", "units": "-12.51", "reason": "too much"},
        {"kind": "wallet", "units": "1", "reason": ""},
        {"kind": "points", "units": "1.5", "reason": "x"},
        {"kind": "points", "units": "0", "reason": "x"},
        {"kind": "points", "units": "9" * 30, "reason": "x"},
    ):
        answer = await manager.submit(page, f"{page}/purse", **fields)
        assert answer.status_code in (409, 422), fields
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        purse = await api.load_purse(tx, member_id=ada.member_id, currency=shop.merchant.currency)
    assert (purse.wallet_minor, purse.points) == (1250, 0)
    assert len(await shop.list_audit("wallet.adjusted")) == 1


async def test_terms_are_for_owners_and_kept(visit: Visit, shop: Shop) -> None:
    owner = await visit("owner")
    fields = {
        "points_block": "200",
        "block_minor": "1.00",
        "cap_percent": "30",
        "earn_points": "5",
        "points_days": "365",
        "card_days": "",
    }
    assert (await owner.submit(PAGE, f"{PAGE}/terms", **fields)).status_code == 303
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        assert await api.load_terms(tx) == TenderTerms(
            points_block=200, block_minor=100, cap_percent=30, earn_points=5, points_days=365
        )
    for wrong in (
        {"cap_percent": "101"},
        {"points_block": "0"},
        {"earn_points": "x"},
        {"block_minor": "0.001"},
    ):
        assert (await owner.submit(PAGE, f"{PAGE}/terms", **(fields | wrong))).status_code == 422
    assert len(await shop.list_audit("tender.terms_saved")) == 1


async def test_a_clerk_reads_only_and_nobody_reaches_another_shop(
    visit: Visit, shop: Shop, make_shop: MakeShop
) -> None:
    ada = await join(shop, "ada@example.org", "Ada Li")
    other = await make_shop()
    eve = await join(other, "eve@example.org", "Eve")
    manager, clerk = await visit("manager"), await visit("clerk")
    await manager.submit(PAGE, PAGE, count="1", amount="5")
    [card] = await load_cards(shop)
    assert "Issue gift cards" not in read(await clerk.get(PAGE)).text
    for path, fields in (
        (PAGE, {"count": "1", "amount": "5"}),
        (f"{PAGE}/{card.card_id}/block", {"blocked": "1"}),
        (f"{PAGE}/terms", {"cap_percent": "5"}),
        (f"/console/members/{ada.member_id}/purse", {"kind": "points", "units": "5", "reason": "x"}),
    ):
        assert (await clerk.post_plain(path, **fields)).status_code == 403, path
    assert (await manager.post_plain(f"{PAGE}/terms", cap_percent="5")).status_code == 403
    assert (await manager.get(f"/console/members/{eve.member_id}")).status_code == 404
    sent = await manager.post_plain(
        f"/console/members/{eve.member_id}/purse", kind="points", units="5", reason="x"
    )
    assert sent.status_code == 404
    assert len(await load_cards(shop)) == 1
