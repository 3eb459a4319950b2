"""Who gets in, who does not, and what a session is worth."""

import asyncio

from tests.console.conftest import MakeShop, Visit
from tests.console.shop import PASSWORD, Shop, find_form, read

from serai.identity.session.types import DEFAULTS


async def test_nobody_sees_the_console_without_signing_in(visit: Visit) -> None:
    visitor = await visit()
    answer = await visitor.get("/console/orders?state=paid")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/console/sign-in?next=%2Fconsole%2Forders%3Fstate%3Dpaid"


async def test_a_refresh_in_the_background_sends_the_whole_page_to_sign_in(visit: Visit) -> None:
    visitor = await visit()
    answer = await visitor.get("/console", **{"hx-request": "true"})
    assert (answer.status_code, answer.headers["hx-redirect"]) == (204, "/console/sign-in")


async def test_signing_in_leads_to_the_page_that_was_asked_for(visit: Visit, shop: Shop) -> None:
    visitor = await visit()
    form = find_form(await visitor.get("/console/sign-in?next=/console/stock"), "/console/sign-in")
    answer = await visitor.send(form, email=shop.email("clerk"), password=PASSWORD)
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/stock")
    cookie = next(c for c in answer.headers.get_list("set-cookie") if c.startswith("console_session="))
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Path=/console" in cookie


async def test_signing_in_never_leads_out_of_the_console(visit: Visit, shop: Shop) -> None:
    for evil in (
        "https://evil.example",
        "//evil.example",
        "/console/../..//evil",
        "/\\evil.example",
        "/consoles",
    ):
        visitor = await visit()
        form = find_form(await visitor.get("/console/sign-in"), "/console/sign-in")
        answer = await visitor.send(form, email=shop.email("clerk"), password=PASSWORD, next=evil)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/console")
        assert not answer.headers["location"].startswith("/consoles")


async def test_a_wrong_password_and_an_unknown_address_read_the_same(visit: Visit, shop: Shop) -> None:
    visitor = await visit()
    wrong = await visitor.sign_in(shop.email("clerk"), "not the password")
    unknown = await visitor.sign_in("nobody@example.com", "not the password")
    assert wrong.status_code == unknown.status_code == 401
    assert "E-mail address and password do not match." in wrong.text
    assert wrong.text.replace(shop.email("clerk"), "x") != ""
    assert read(wrong).text == read(unknown).text


async def test_the_typed_address_comes_back_and_the_password_does_not(visit: Visit, shop: Shop) -> None:
    answer = await (await visit()).sign_in(shop.email("clerk"), "not the password")
    assert find_form(answer, "/console/sign-in").values["email"] == shop.email("clerk")
    assert "not the password" not in answer.text


async def test_too_many_failures_lock_the_address_and_say_for_how_long(visit: Visit, shop: Shop) -> None:
    visitor = await visit()
    for _attempt in range(DEFAULTS.failures):
        assert (await visitor.sign_in(shop.email("clerk"), "wrong again")).status_code == 401
    locked = await visitor.sign_in(shop.email("clerk"))
    assert locked.status_code == 429
    assert f"try again in {DEFAULTS.lock_minutes} minutes" in locked.text
    assert int(locked.headers["retry-after"]) > 0
    assert (await visitor.get("/console")).status_code == 303
    # Somebody else is not locked out by it.
    assert (await visitor.sign_in(shop.email("owner"))).status_code == 303


async def test_a_form_without_its_token_is_refused_and_changes_nothing(visit: Visit, shop: Shop) -> None:
    visitor = await visit("owner")
    product = f"/console/products/{shop.product.product_id}"
    answer = await visitor.client.post(f"{product}/unpublish", data={})
    assert answer.status_code == 403
    assert "This form has expired" in answer.text
    assert await shop.fetch("SELECT 1 FROM commerce.product WHERE published")


async def test_signing_out_ends_the_session_for_good(visit: Visit) -> None:
    visitor = await visit("owner")
    token = visitor.client.cookies["console_session"]
    answer = await visitor.submit("/console", "/console/sign-out")
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/sign-in")
    visitor.client.cookies.set("console_session", token)
    assert (await visitor.get("/console")).status_code == 303


async def test_a_session_of_one_shop_opens_no_other(visit: Visit, make_shop: MakeShop) -> None:
    visitor = await visit("owner")
    stranger = await visit(at=await make_shop())
    stranger.client.cookies.set("console_session", visitor.client.cookies["console_session"])
    assert (await stranger.get("/console")).headers["location"] == "/console/sign-in"


async def test_a_new_password_ends_the_other_sessions(visit: Visit, shop: Shop) -> None:
    here, there = await asyncio.gather(visit("clerk"), visit("clerk"))
    new = "another calm sentence"
    page = "/console/password"
    answer = await here.submit(page, page, current=PASSWORD, new=new, again=new)
    assert (answer.status_code, answer.headers["location"]) == (303, "/console")
    assert "Your password is changed." in (await here.get("/console")).text
    assert (await there.get("/console")).status_code == 303
    assert (await there.sign_in(shop.email("clerk"))).status_code == 401
    assert (await there.sign_in(shop.email("clerk"), new)).status_code == 303


async def test_each_field_of_the_password_form_says_what_is_wrong(visit: Visit) -> None:
    visitor = await visit("clerk")
    answer = await visitor.post_plain("/console/password", current="wrong one", new="short", again="other")
    assert answer.status_code == 422
    assert "The two new passwords differ." in answer.text
    answer = await visitor.post_plain("/console/password", current=PASSWORD, new="short", again="short")
    assert "at least 10 characters" in answer.text
    answer = await visitor.post_plain(
        "/console/password", current="not it at all", new="a fine new sentence", again="a fine new sentence"
    )
    assert "This is not your present password." in answer.text
    assert "a fine new sentence" not in answer.text
