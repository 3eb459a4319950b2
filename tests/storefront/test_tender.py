"""Points, gift cards and red packets in the shop: entered at the checkout, told on orders, kept in the account."""

import re
from typing import Any
from uuid import UUID

import pytest
from tests.console.shop import Shop
from tests.storefront.cashier import Cashier
from tests.storefront.conftest import Enter
from tests.storefront.shopper import Shopper, forms_of, text_of

from serai.commerce.tender import api
from serai.commerce.tender.types import IssuedCard, TenderTerms
from serai.foundation.ids import new_id
from serai.storefront.attempt import PER_SESSION

SECRET = "correct horse battery"
TERMS = TenderTerms(points_block=100, block_minor=100, cap_percent=50, earn_points=10)


async def issue(shop: Shop, amount_minor: int = 300, **how: Any) -> IssuedCard:
    [card] = await api.issue_cards(
        shop.commerce,
        shop.merchant_id,
        count=1,
        amount_minor=amount_minor,
        by="test",
        **{"currency": "USD", **how},
    )
    return card


async def join(shopper: Shopper, shop: Shop, *, points: int = 0, wallet_minor: int = 0) -> UUID:
    """Open an account and fill its purse."""
    email = f"{new_id().hex}@example.org"
    await shopper.post("/account/register", email=email, name="Ada Li", password=SECRET)
    member_id: UUID = (await shop.fetch("SELECT member_id FROM identity.member WHERE email = $1", email))[0][
        0
    ]
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await api.save_terms(tx, terms=TERMS, by="test")
    for kind, units in (("points", points), ("wallet", wallet_minor)):
        if units:
            await api.adjust_balance(
                shop.commerce,
                shop.merchant_id,
                member_id=member_id,
                kind=kind,  # type: ignore[arg-type]
                units=units,
                currency="USD",
                reason="welcome",
                by="test",
                key=new_id(),
            )
    return member_id


async def test_a_gift_card_is_entered_taken_out_and_pays(shopper: Shopper, shop: Shop, till: Cashier) -> None:
    card = await issue(shop)
    await shopper.add()
    form = await shopper.open_checkout()
    page = await shopper.send_checkout(form, "gift_card", card_code=card.code.lower())
    end = card.code.replace("-", "")[-4:]
    assert re.search(rf"Gift card …{end} −\$3\.00", text_of(page))
    assert "Left to pay$7.98" in text_of(page)
    [form] = forms_of(page, "/checkout")
    page = await shopper.send_checkout(form, "", drop_tender=str(card.card_id))
    assert "Left to pay" not in text_of(page)
    [form] = forms_of(page, "/checkout")
    # A code that was typed but not entered is entered first: nobody pays without it.
    page = await shopper.send_checkout(form, "pay", card_code=card.code)
    assert "Left to pay$7.98" in text_of(page)
    assert await shopper.list_orders() == []
    [form] = forms_of(page, "/checkout")
    answer = await shopper.send_checkout(form)
    assert answer.status_code == 303
    [order] = await shopper.list_orders()
    assert (order.total_minor, order.tender_minor, order.payments[-1].amount_minor) == (1098, 300, 798)


async def test_an_order_that_is_paid_whole_goes_straight_to_its_page(shopper: Shopper, shop: Shop) -> None:
    card = await issue(shop, 5000)
    await shopper.add()
    page = await shopper.send_checkout(await shopper.open_checkout(), "gift_card", card_code=card.code)
    assert "Order: all of it is paid" in text_of(page)
    [form] = forms_of(page, "/checkout")
    said = text_of(await shopper.follow(await shopper.send_checkout(form)))
    assert "Thank you. Your order is placed." in said
    assert "−$10.98" in said
    [order] = await shopper.list_orders()
    assert (order.state, order.payments) == ("paid", ())


async def test_a_members_points_and_red_packets_are_offered_and_used(shopper: Shopper, shop: Shop) -> None:
    await join(shopper, shop, points=900, wallet_minor=120)
    await shopper.add()
    page = await shopper.get("/checkout")
    # Half of $10.98 in whole blocks of a hundred points.
    assert "Up to 500 here, worth $5.00" in text_of(page)
    form = await shopper.open_checkout()
    page = await shopper.send_checkout(form, "points", points="300")
    assert "300 points −$3.00" in text_of(page) or "300 points" in text_of(page)
    [form] = forms_of(page, "/checkout")
    page = await shopper.send_checkout(form, "wallet")
    said = text_of(page)
    assert "Red packets −$1.20" in said
    assert "Left to pay$6.78" in said
    assert "You earn 67 points with this order." in said
    for wrong in ("-5", "1.5", "abc", "9" * 30):
        [form] = forms_of(await shopper.get("/checkout"), "/checkout")
        form.values.pop("points", None)
        answer = await shopper.client.post(
            "/checkout", data={**form.values, "intent": "points", "points": wrong}
        )
        assert "Please give a whole number of points." in text_of(answer)
    assert "Left to pay$6.78" in text_of(await shopper.get("/checkout"))


async def test_a_guest_is_told_to_sign_in_and_uses_nothing(shopper: Shopper, shop: Shop) -> None:
    await shopper.add()
    for intent in ("points", "wallet"):
        page = await shopper.send_checkout(await shopper.open_checkout(), intent)
        assert "Please sign in to use your points and red packets." in text_of(page)
        assert "Left to pay" not in text_of(page)


@pytest.mark.parametrize("where", ["/checkout", "/gift-card", "/cart/coupons"])
async def test_guessing_codes_comes_to_an_end(shopper: Shopper, shop: Shop, where: str) -> None:
    await shopper.add()
    statuses = []
    for _ in range(PER_SESSION + 2):
        if where == "/checkout":
            form = await shopper.open_checkout()
            answer = await shopper.send_checkout(form, "gift_card", card_code="GUESS-GUESS")
        else:
            name = "card_code" if where == "/gift-card" else "code"
            answer = await shopper.post(where, **{name: "GUESS-GUESS"})
        statuses.append("too often" in text_of(answer))
    assert statuses == [False] * PER_SESSION + [True] * 2
    # The right code is no exception while it lasts.
    card = await issue(shop)
    assert "too often" in text_of(await shopper.post("/gift-card", card_code=card.code))


async def test_a_balance_is_told_by_the_code_alone(shopper: Shopper, shop: Shop) -> None:
    card = await issue(shop, 2345)
    page = await shopper.post("/gift-card", card_code=card.code.lower().replace("-", " "))
    said = text_of(page)
    assert "$23.45" in said
    assert card.code not in page.text
    for wrong, words in (("", "Please write the code"), ("' OR 1=1", "not known"), ("\0", "Please write")):
        answer = await shopper.post("/gift-card", card_code=wrong)
        assert words in text_of(answer)
        assert answer.status_code in (404, 422)


async def test_the_account_shows_what_there_is_and_where_it_came_from(
    enter: Enter, shopper: Shopper, shop: Shop
) -> None:
    await join(shopper, shop, points=900, wallet_minor=120)
    said = text_of(await shopper.get("/account/wallet"))
    assert "900" in said
    assert "worth $9.00 at the checkout" in said
    assert "+900" in said
    assert "+$1.20" in text_of(await shopper.get("/account/wallet?kind=wallet"))
    await shopper.add()
    page = await shopper.send_checkout(await shopper.open_checkout(), "points")
    [form] = forms_of(page, "/checkout")
    await shopper.send_checkout(form)
    assert "500 points wait for an order of yours to be paid." in text_of(
        await shopper.get("/account/wallet")
    )
    assert (await shopper.get("/account/wallet?cursor=nonsense")).status_code == 422
    stranger = await enter()
    assert (await stranger.get("/account/wallet")).status_code == 303


async def test_a_blocked_card_says_so_at_the_checkout(shopper: Shopper, shop: Shop) -> None:
    card = await issue(shop)
    await shopper.add()
    await shopper.send_checkout(await shopper.open_checkout(), "gift_card", card_code=card.code)
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await api.block_card(tx, card_id=card.card_id, blocked=True, by="test")
    said = text_of(await shopper.get("/checkout"))
    assert "It is blocked. Please ask us about it." in said
    assert "Order and pay $10.98" in said
    answer = await shopper.send_checkout(await shopper.open_checkout(), "gift_card", card_code=card.code)
    assert "This gift card is blocked." in text_of(answer)
