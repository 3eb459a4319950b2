"""The console's pages about webhooks: for owners, secrets once, private addresses refused."""

import pytest
from tests.console.conftest import MakeShop, Visit
from tests.console.shop import Shop, Visitor, read

from serai.commerce.webhook.api import add_endpoint, list_deliveries, list_endpoints, send_test
from serai.commerce.webhook.types import Delivery, Endpoint, EndpointTerms
from serai.foundation.ids import new_id

PAGE = "/console/webhooks"
PUBLIC = "https://93.184.216.34/hooks"
EVENTS = ["order.paid", "order.cancelled"]


@pytest.fixture
async def owner_at(visit: Visit) -> Visitor:
    return await visit("owner")


async def endpoints(shop: Shop) -> list[Endpoint]:
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        return await list_endpoints(tx)


async def deliveries(shop: Shop) -> tuple[Delivery, ...]:
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        return (await list_deliveries(tx)).items


async def test_an_endpoint_is_added_and_its_secret_is_shown_once(shop: Shop, owner_at: Visitor) -> None:
    answer = await owner_at.submit(
        f"{PAGE}/new", f"{PAGE}/new", url=PUBLIC, description="Warehouse", events=EVENTS
    )
    assert answer.status_code == 200
    assert "whsec_" in answer.text
    (endpoint,) = await endpoints(shop)
    assert (endpoint.url, set(endpoint.events)) == (PUBLIC, set(EVENTS))
    for path in (PAGE, f"{PAGE}/{endpoint.endpoint_id}", f"{PAGE}/{endpoint.endpoint_id}/edit"):
        shown = await owner_at.get(path)
        assert shown.status_code == 200
        assert "Warehouse" in shown.text
        assert "whsec_" not in shown.text
    (entry,) = await shop.list_audit("webhook.added")
    assert "whsec" not in str(entry)


@pytest.mark.parametrize(
    "url",
    [
        "http://93.184.216.34/plain",
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://[::ffff:10.0.0.1]/",
        "https://169.254.169.254/latest/meta-data",
        "https://user:secret@93.184.216.34/",
        "file:///etc/passwd",
        "",
    ],
)
async def test_addresses_that_lead_inside_are_refused_and_nothing_is_kept(
    shop: Shop, owner_at: Visitor, url: str
) -> None:
    answer = await owner_at.submit(f"{PAGE}/new", f"{PAGE}/new", url=url, events=EVENTS)
    assert answer.status_code == 422
    assert 'id="webhook-url-error"' in answer.text
    assert await endpoints(shop) == []


async def test_an_endpoint_is_changed_paused_resumed_tested_and_deleted(
    shop: Shop, owner_at: Visitor
) -> None:
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        made = await add_endpoint(
            tx, commerce=shop.commerce, terms=EndpointTerms(PUBLIC, "", tuple(EVENTS)), by="test"
        )
    page = f"{PAGE}/{made.endpoint.endpoint_id}"
    refused = await owner_at.submit(f"{page}/edit", f"{page}/edit", url="https://10.0.0.1/", events=EVENTS)
    assert refused.status_code == 422
    assert (await endpoints(shop))[0].url == PUBLIC
    changed = await owner_at.submit(
        f"{page}/edit", f"{page}/edit", description="New name", events=["stock.moved"]
    )
    assert changed.status_code == 303
    assert (await endpoints(shop))[0].events == ("stock.moved",)
    for what, state in (("pause", "paused"), ("resume", "active")):
        assert (await owner_at.post_plain(f"{page}/act", what=what)).status_code == 303
        assert (await endpoints(shop))[0].state == state
    key = str(new_id())
    for _ in range(2):
        assert (await owner_at.post_plain(f"{page}/act", what="test", key=key)).status_code == 303
    assert len(await deliveries(shop)) == 1, "a form sent twice is done once"
    assert (await owner_at.post_plain(f"{page}/act", what="burn")).status_code == 404
    secret = await owner_at.post_plain(f"{page}/secret", at_once="1")
    assert "signs until" not in secret.text
    assert secret.text.count("whsec_") == 1
    assert made.secret not in secret.text
    assert (await owner_at.post_plain(f"{page}/act", what="delete")).status_code == 303
    assert await endpoints(shop) == []
    (delivery,) = await deliveries(shop)
    assert delivery.state == "parked"
    assert (await owner_at.get(f"{PAGE}/messages/{delivery.delivery_id}")).status_code == 200


async def test_the_log_is_filtered_and_a_message_shown_and_sent_again(shop: Shop, owner_at: Visitor) -> None:
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        made = await add_endpoint(
            tx, commerce=shop.commerce, terms=EndpointTerms(PUBLIC, "", tuple(EVENTS)), by="test"
        )
        delivery = await send_test(tx, endpoint_id=made.endpoint.endpoint_id, by="test")
    page = f"{PAGE}/{made.endpoint.endpoint_id}"
    for query, found in (
        ("", True),
        ("?state=waiting&event=webhook.test", True),
        (f"?object={delivery.object_id}", True),
        ("?state=parked", False),
        ("?event=order.paid", False),
        ("?object=nothing", False),
        (f"?object={new_id()}", False),
        ("?cursor=x", None),
    ):
        answer = await owner_at.get(page + query)
        if found is None:
            assert answer.status_code == 422
            continue
        assert answer.status_code == 200
        assert (str(delivery.delivery_id) in answer.text) == found, query
    shown = await owner_at.get(f"{PAGE}/messages/{delivery.delivery_id}")
    assert f"evt_{delivery.event_id}" in shown.text
    again = await owner_at.post_plain(f"{PAGE}/messages/{delivery.delivery_id}/resend")
    assert again.status_code == 303
    assert len(await shop.list_audit("webhook.resent")) == 1


@pytest.mark.parametrize("role", ["manager", "clerk"])
async def test_others_than_owners_see_and_do_nothing(shop: Shop, visit: Visit, role: str) -> None:
    visitor = await visit(role)
    assert f'href="{PAGE}"' not in (await visitor.get("/console")).text
    for path in (PAGE, f"{PAGE}/new", f"{PAGE}/receiver", f"{PAGE}/{new_id()}"):
        assert (await visitor.get(path)).status_code == 403
    answer = await visitor.post_plain(f"{PAGE}/new", url=PUBLIC, events=EVENTS)
    assert answer.status_code == 403
    assert await endpoints(shop) == []


async def test_another_shops_endpoint_is_nobodys(shop: Shop, owner_at: Visitor, make_shop: MakeShop) -> None:
    other = await make_shop()
    async with other.commerce.db.transaction(other.merchant_id) as tx:
        made = await add_endpoint(
            tx, commerce=other.commerce, terms=EndpointTerms(PUBLIC, "", tuple(EVENTS)), by="test"
        )
        delivery = await send_test(tx, endpoint_id=made.endpoint.endpoint_id, by="test")
    page = f"{PAGE}/{made.endpoint.endpoint_id}"
    for path in (page, f"{page}/edit", f"{PAGE}/messages/{delivery.delivery_id}"):
        assert (await owner_at.get(path)).status_code == 404
    for path in (f"{page}/act", f"{page}/secret", f"{PAGE}/messages/{delivery.delivery_id}/resend"):
        assert (await owner_at.post_plain(path, what="delete")).status_code == 404
    assert [each.state for each in await endpoints(other)] == ["active"]


async def test_without_an_address_of_its_own_the_receiver_says_so(owner_at: Visitor) -> None:
    page = await owner_at.get(f"{PAGE}/receiver")
    assert "Nothing to receive yet" in page.text
    answer = await owner_at.submit(f"{PAGE}/receiver", f"{PAGE}/receiver")
    assert answer.status_code == 303
    assert "not available here" in " ".join(read(await owner_at.get(f"{PAGE}/receiver")).text.split())
