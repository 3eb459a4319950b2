"""Accounts over HTTP: register, sign in and out, own orders and nobody else's."""

from tests.console.shop import Shop
from tests.storefront.cashier import Cashier
from tests.storefront.conftest import Enter
from tests.storefront.shopper import Shopper, text_of

PASSWORD = "a calm sentence"


async def register(shopper: Shopper, email: str = "ada@example.org", name: str = "Ada Li") -> None:
    answer = await shopper.post(
        "/account/register", name=name, email=email, password=PASSWORD, next="/account"
    )
    assert answer.headers.get("location") == "/account", text_of(answer)


async def test_a_new_member_is_signed_in_by_a_cookie_that_scripts_cannot_read(shopper: Shopper) -> None:
    answer = await shopper.post(
        "/account/register", name="Ada Li", email="ada@example.org", password=PASSWORD, next="/cart"
    )
    assert answer.headers["location"] == "/cart"
    [cookie] = [c.lower() for c in answer.headers.get_list("set-cookie") if c.startswith("member=")]
    assert "httponly" in cookie
    assert "Hello, Ada Li" in text_of(await shopper.get("/account"))


async def test_a_form_with_faults_comes_back_with_them_and_without_the_password(shopper: Shopper) -> None:
    answer = await shopper.post("/account/register", name="", email="ada", password="short")
    said = text_of(answer)
    assert answer.status_code == 422
    assert "Please write your name." in said
    assert "That is not an e-mail address." in said
    assert "short" not in answer.text
    answer = await shopper.post("/account/register", name="Ada", email="ada@example.org", password="short")
    assert "at least 10 characters" in text_of(answer)


async def test_an_address_is_registered_once(shopper: Shopper, enter: Enter) -> None:
    await register(shopper)
    other = await enter()
    answer = await other.post("/account/register", name="Eve", email="ADA@example.org", password=PASSWORD)
    assert answer.status_code == 422
    assert "account with this e-mail address already" in text_of(answer)


async def test_which_part_was_wrong_is_not_told(shopper: Shopper, enter: Enter) -> None:
    await register(shopper)
    other = await enter()
    said = {
        text_of(await other.post("/account/sign-in", email=email, password="not this one"))
        for email in ("ada@example.org", "nobody@example.org")
    }
    assert len(said) == 1
    assert "do not match" in said.pop()


async def test_signing_out_ends_the_session(shopper: Shopper) -> None:
    await register(shopper)
    token = shopper.client.cookies["member"]
    assert "You are signed out." in text_of(await shopper.follow(await shopper.post("/account/sign-out")))
    shopper.client.cookies.set("member", token)
    answer = await shopper.get("/account")
    assert answer.headers["location"].startswith("/account/sign-in")


async def test_a_member_sees_own_orders_and_nobody_elses(
    shopper: Shopper, enter: Enter, shop: Shop, till: Cashier
) -> None:
    await register(shopper)
    await shopper.add(quantity=2)
    form = await shopper.open_checkout()
    assert (await shopper.send_checkout(form)).status_code == 303
    [order] = await shopper.list_orders()
    assert order.member_id is not None
    assert order.number in text_of(await shopper.get("/account"))
    path = f"/account/orders/{order.number}"
    assert (await shopper.get(path)).status_code == 200
    stranger = await enter()
    assert (await stranger.get(path)).headers["location"].startswith("/account/sign-in")
    await register(stranger, "eve@example.org", "Eve")
    assert order.number not in text_of(await stranger.get("/account"))
    assert (await stranger.get(path)).status_code == 404
    assert (await stranger.post(f"{path}/cancel")).status_code == 404
    await shopper.post(f"{path}/cancel")
    assert (await shop.load_order(order.order_id)).state == "cancelled"


async def test_the_checkout_knows_a_member(shopper: Shopper) -> None:
    await register(shopper)
    await shopper.add()
    page = await shopper.get("/checkout")
    assert 'value="ada@example.org"' in page.text
    assert 'value="Ada Li"' in page.text


async def test_a_member_changes_the_name(shopper: Shopper) -> None:
    await register(shopper)
    page = await shopper.follow(await shopper.post("/account/profile", name="Ada <King>"))
    assert "Hello, Ada <King>" in text_of(page)
    assert "<King>" not in page.text
    answer = await shopper.post("/account/profile", name=" ")
    assert answer.status_code == 422


async def test_a_stranger_cannot_change_a_name(shopper: Shopper) -> None:
    assert (await shopper.post("/account/profile", name="Eve")).status_code == 401
