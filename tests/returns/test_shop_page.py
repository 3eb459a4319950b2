"""A shopper's return on the site, by the guest's link: ask, follow, send, withdraw; others see nothing of it."""

import re

import httpx
import pytest

from serai.commerce.order.api import access_token
from serai.commerce.returns import api
from serai.foundation.ids import new_id


@pytest.fixture
async def browser(transport, shop):
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{shop.host}") as client:
        yield client


def link(counter, order, what="", key=None):
    key = access_token(counter.commerce.secret, order.order_id) if key is None else key
    return f"/orders/{order.order_id}{what}?key={key}"


async def send(browser, address, **values):
    page = await browser.get(address)
    token = re.search(r'name="_csrf_token" value="([^"]+)"', page.text)
    assert token, page.text[:500]
    return await browser.post(address, data={"_csrf_token": token[1], **values})


async def post(browser, page_address, address, **values):
    page = await browser.get(page_address)
    token = re.search(r'name="_csrf_token" value="([^"]+)"', page.text)
    assert token
    return await browser.post(address, data={"_csrf_token": token[1], **values})


async def ask(browser, counter, order, **values):
    form = {"form": str(new_id()), "wish": "refund", "quantity-1": "1", "reason-1": "fit", **values}
    return await send(browser, link(counter, order, "/returns"), **form)


async def test_a_guest_asks_follows_and_sends(shop, counter, browser, assert_clean):
    order = await counter.sell((await shop.add_product("Scarf, red", price_minor=2000), 2))
    page = await browser.get(link(counter, order))
    assert page.status_code == 200
    assert "Return or exchange" in page.text
    answer = await ask(browser, counter, order, words="Too <b>small</b>")
    assert answer.status_code == 303
    return_page = answer.headers["location"]
    page = await browser.get(return_page)
    assert "Thank you. We look at your return." in page.text
    assert "Too &lt;b&gt;small&lt;/b&gt;" in page.text
    assert "$20.00" in page.text
    async with counter.commerce.db.transaction(counter.merchant_id, "read") as tx:
        (found,) = await api.list_order_returns(tx, order_id=order.order_id)
    await counter.do("approve", found)
    page = await browser.get(return_page)
    assert "Please send it back" in page.text
    assert found.number in page.text
    base = f"/returns/{found.return_id}"
    sent = await post(
        browser, return_page, link(counter, order, f"{base}/sent"), carrier="Post", tracking="Z9"
    )
    assert sent.status_code == 303
    assert (await counter.load(found)).tracking == "Z9"
    kept = await post(browser, return_page, link(counter, order, f"{base}/withdraw"))
    assert kept.status_code == 303
    assert (await counter.load(found)).state == "sent"
    await counter.do("refund", await counter.do("receive", found))
    page = await browser.get(return_page)
    assert "$20.00 goes back to you" in page.text
    page = await browser.get(link(counter, order))
    assert found.number in page.text
    await assert_clean()


async def test_an_exchange_is_asked_for_by_the_products_versions(shop, counter, browser):
    sku_id = await shop.add_product("Scarf", price_minor=2000)
    order = await counter.sell((sku_id, 1))
    answer = await ask(browser, counter, order, wish="exchange", **{"replacement-1": str(sku_id)})
    assert answer.status_code == 303
    page = await browser.get(answer.headers["location"])
    assert "In exchange for: Scarf, $20.00 each" in page.text


async def test_the_same_form_twice_is_one_return(shop, counter, browser):
    order = await counter.sell((await shop.add_product(), 3))
    form = str(new_id())
    first = await ask(browser, counter, order, form=form)
    second = await ask(browser, counter, order, form=form)
    assert first.headers["location"] == second.headers["location"]
    async with counter.commerce.db.transaction(counter.merchant_id, "read") as tx:
        assert len(await api.list_order_returns(tx, order_id=order.order_id)) == 1


@pytest.mark.parametrize(
    "values",
    [
        {"quantity-1": "0"},
        {"quantity-1": "4"},
        {"quantity-1": "-1"},
        {"quantity-1": "1e3"},
        {"quantity-1": "٣" * 12},
        {"reason-1": ""},
        {"reason-1": "nonsense"},
        {"words": "x" * 1001},
        {"wish": "exchange", "replacement-1": "nonsense"},
    ],
)
async def test_what_cannot_be_comes_back_with_the_reason_and_what_was_typed(shop, counter, browser, values):
    order = await counter.sell((await shop.add_product(), 3))
    answer = await ask(browser, counter, order, **values)
    assert 400 <= answer.status_code < 500
    assert 'role="alert"' in answer.text
    async with counter.commerce.db.transaction(counter.merchant_id, "read") as tx:
        assert await api.list_order_returns(tx, order_id=order.order_id) == []


async def test_without_the_key_nothing_is_seen_and_nothing_is_done(shop, counter, browser):
    order, other = [await counter.sell((await shop.add_product(), 1)) for _ in range(2)]
    found = await counter.ask(order, (1, 1))
    for key in ("", "wrong", access_token(counter.commerce.secret, other.order_id)):
        for what in ("/returns", f"/returns/{found.return_id}"):
            assert (await browser.get(link(counter, order, what, key))).status_code == 404
        answer = await post(browser, "/", link(counter, order, f"/returns/{found.return_id}/withdraw", key))
        assert answer.status_code == 404
    # The key of one order does not open the return of another.
    assert (await browser.get(link(counter, other, f"/returns/{found.return_id}"))).status_code == 404
    assert (await browser.get("/account/orders/" + order.number + "/returns")).status_code in (303, 401, 404)
    assert (await counter.load(found)).state == "requested"
