"""The market's settlement at the console: statements, a payout recorded once, its CSV, and calling it back."""

from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest
from tests.console.desk_app import make_app
from tests.console.shop import HtmlForm, read
from tests.market.conftest import Market
from tests.market.test_payout import sell

from serai.foundation.database import Database
from serai.identity.merchant.api import MerchantRegistry
from serai.identity.staff.api import invite_staff

Clean = Callable[[], Awaitable[None]]
PATH = "/console/settlement"


@pytest.fixture
async def owner_desk(market: Market, db: Database) -> AsyncIterator[httpx.AsyncClient]:
    """The market's owner, signed in at its console."""
    registry = MerchantRegistry(db)
    await registry.refresh()
    found = registry.find(market.market_id)
    assert found is not None
    email = f"owner@{found.slug}.example"
    async with db.transaction(market.market_id) as tx:
        _staff, password = await invite_staff(
            tx, email=email, name="Olive", role="owner", by="test", must_change=False
        )
    client = httpx.AsyncClient(
        transport=httpx.ASGITransport(app=make_app(market.commerce, registry)),
        base_url=f"http://{found.hostnames[0]}",
    )
    async with client:
        [form] = [f for f in read(await client.get("/console/sign-in")).forms if "password" in f.values]
        answer = await client.post(form.action, data={**form.values, "email": email, "password": password})
        assert answer.status_code == 303
        yield client


def form_to(page: httpx.Response, action: str) -> HtmlForm:
    return next(form for form in read(page).forms if form.action.endswith(action))


async def test_a_payout_is_recorded_once_read_exported_and_called_back(
    market: Market, owner_desk: httpx.AsyncClient, assert_clean: Clean
) -> None:
    await sell(market)
    page = await owner_desk.get(PATH)
    text = read(page).text
    for words in ("$180.00", "$16.00", "$19.60", "$176.40", "$264.60"):
        assert words in text
    form = form_to(page, "/payouts")
    paid = await owner_desk.post(form.action, data=form.values)
    assert paid.status_code == 303, read(paid).text
    again = await owner_desk.post(form.action, data=form.values)
    assert again.status_code in (303, 409)
    statement = await owner_desk.get(paid.headers["location"])
    assert "$264.60" in read(statement).text
    rows = (
        (await owner_desk.get(f"{paid.headers['location']}/statement.csv")).text.lstrip("\ufeff").splitlines()
    )
    assert rows[0] == "payout,paid_at,member,currency,sales,discounts,commission,refunds,net"
    assert sorted(row.split(",", 3)[3] for row in rows[1:]) == [
        "USD,180.00,16.00,-19.60,0.00,176.40",
        "USD,90.00,8.00,-9.80,0.00,88.20",
    ]
    back = form_to(statement, "/reverse")
    called = await owner_desk.get((await owner_desk.post(back.action, data=back.values)).headers["location"])
    assert "Called back" in read(called).text
    assert (await owner_desk.post(back.action, data=back.values)).status_code == 409
    assert "$264.60" in read(await owner_desk.get(PATH)).text
    await assert_clean()


async def test_only_the_markets_own_console_pays(market: Market, owner_desk: httpx.AsyncClient) -> None:
    page = await owner_desk.get(PATH)
    assert "Nothing was paid out yet." in read(page).text
    token = form_to(page, "/locale").values["_csrf_token"]
    answer = await owner_desk.post(f"{PATH}/payouts", data={"_csrf_token": token, "key": "x"})
    assert answer.status_code == 409
    assert "No member is owed anything" in read(answer).text
    unknown = await owner_desk.get(f"{PATH}/payouts/{market.market_id}")
    assert unknown.status_code == 404
    shop = market.shops[0]
    stranger = await owner_desk.get(PATH, headers={"host": shop.host})
    assert stranger.status_code in (303, 404)
