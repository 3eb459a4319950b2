"""The house itself: board, staff, keys, audit log, language, refusals."""

import re

from tests.console.conftest import Visit
from tests.console.shop import PASSWORD, Shop, find_form, read


async def test_the_board_tells_the_day_and_refreshes_its_figures_alone(visit: Visit, shop: Shop) -> None:
    paid = await shop.place_order(2)
    await shop.place_order(1, paid=False)
    visitor = await visit("clerk")
    whole = await visitor.get("/console")
    text = " ".join(read(whole).text.split())
    for piece in ("$26.95", "To fulfil", "Ice, crushed", paid.number):
        assert piece in text, piece
    part = await visitor.get("/console", **{"hx-request": "true"})
    assert "<html" not in part.text
    assert "$26.95" in part.text
    # A page that the browser takes back from its history must be whole.
    back = await visitor.get("/console", **{"hx-request": "true", "hx-history-restore-request": "true"})
    assert "<html" in back.text


async def test_the_chart_stands_in_the_page_without_script(visit: Visit, shop: Shop) -> None:
    await shop.place_order(2)
    shown = (await (await visit("clerk")).get("/console")).text
    bars = re.findall(r'<rect class="bar[^"]*"[^>]* height="([\d.]+)"', shown)
    assert len(bars) == 24
    assert sorted(float(height) for height in bars)[-2:] == [0.0, 142.0]


async def test_an_invited_person_gets_in_with_the_one_time_password_and_must_change_it(
    visit: Visit, shop: Shop
) -> None:
    owner = await visit("owner")
    page = "/console/staff/invite"
    form = find_form(await owner.get("/console/staff"), page)
    answer = await owner.send(form, name="Lin", email="Lin@Example.com", role="clerk")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    password = re.search(r'class="secret-value code" value="([^"]+)"', answer.text)
    assert password is not None
    again = await owner.send(form, name="Lin", email="Lin@Example.com", role="clerk")
    assert again.status_code == 303, "sent twice, invited once"
    assert password[1] not in (await owner.get("/console/staff")).text, "shown once"
    newcomer = await visit()
    assert (await newcomer.sign_in("lin@example.com", password[1])).status_code == 303
    assert (await newcomer.get("/console/orders")).headers["location"] == "/console/password"
    page = "/console/password"
    assert "one-time password" in (await newcomer.get(page)).text
    await newcomer.submit(page, page, current=password[1], new=PASSWORD, again=PASSWORD)
    assert (await newcomer.get("/console/orders")).status_code == 200
    assert len(await shop.list_audit("staff.invited")) == 1


async def test_an_invitation_that_cannot_be_says_why_at_the_field(visit: Visit, shop: Shop) -> None:
    owner = await visit("owner")
    page = "/console/staff/invite"
    for fields, message in (
        ({"name": "", "email": "a@example.com"}, "Please give a name."),
        ({"name": "A", "email": "nonsense"}, "That is not an e-mail address."),
        ({"name": "A", "email": shop.email("clerk")}, "Somebody with this e-mail address is here already."),
        ({"name": "A", "email": "a@example.com", "role": "king"}, "There is no such role."),
    ):
        answer = await owner.submit("/console/staff", page, **fields)
        assert answer.status_code in (409, 422)
        assert message in answer.text
        assert find_form(answer, page).values["email"] == fields["email"]
    assert len(await shop.fetch("SELECT 1 FROM identity.staff")) == 3


async def test_the_last_owner_stays_and_nobody_locks_themselves_out(visit: Visit, shop: Shop) -> None:
    owner = await visit("owner")
    staff_id = (await shop.fetch("SELECT staff_id FROM identity.staff WHERE role = 'owner'"))[0]["staff_id"]
    for path, fields in (
        (f"/console/staff/{staff_id}/deactivate", {}),
        (f"/console/staff/{staff_id}/role", {"role": "clerk"}),
    ):
        assert (await owner.post_plain(path, **fields)).status_code == 303
        assert "Ask another owner" in (await owner.get("/console/staff")).text
    assert (await owner.get("/console/staff")).status_code == 200


async def test_a_forgotten_password_is_replaced_by_a_new_one_shown_once(visit: Visit, shop: Shop) -> None:
    owner, clerk = await visit("owner"), await visit("clerk")
    staff_id = (await shop.fetch("SELECT staff_id FROM identity.staff WHERE role = 'clerk'"))[0]["staff_id"]
    answer = await owner.submit("/console/staff", f"/console/staff/{staff_id}/password")
    password = re.search(r'class="secret-value code" value="([^"]+)"', answer.text)
    assert password is not None
    assert (await clerk.get("/console")).status_code == 303, "the old session is over"
    assert (await clerk.sign_in(shop.email("clerk"))).status_code == 401
    assert (await clerk.sign_in(shop.email("clerk"), password[1])).status_code == 303


async def test_a_key_is_shown_once_stored_as_a_digest_and_ends_when_revoked(visit: Visit, shop: Shop) -> None:
    owner = await visit("owner")
    page = "/console/keys"
    form = find_form(await owner.get(page), page)
    answer = await owner.client.post(
        page, data={**form.values, "name": "Scanner", "scopes": ["stock:read", "stock:write"]}
    )
    secret = re.search(r'class="secret-value code" value="(sk_[^"]+)"', answer.text)
    assert secret is not None
    again = await owner.client.post(
        page, data={**form.values, "name": "Scanner", "scopes": ["stock:read", "stock:write"]}
    )
    assert again.status_code == 303
    shown = (await owner.get(page)).text
    assert secret[1] not in shown
    assert secret[1][:9] in shown
    rows = await shop.fetch("SELECT key_id, scopes, api_key::text AS row FROM identity.api_key")
    assert [row["scopes"] for row in rows] == [["stock:read", "stock:write"]]
    assert secret[1] not in rows[0]["row"]
    await owner.submit(page, f"{page}/{rows[0]['key_id']}/revoke")
    assert "Revoked" in (await owner.get(page)).text
    assert [e["subject_id"] for e in await shop.list_audit("apikey.revoked")] == [str(rows[0]["key_id"])]


async def test_a_key_needs_a_name_and_a_scope_that_exists(visit: Visit, shop: Shop) -> None:
    owner = await visit("owner")
    page = "/console/keys"
    answer = await owner.submit(page, page, name="")
    assert answer.status_code == 422
    assert "Please give the key a name." in answer.text
    assert "Please choose what the key may do." in answer.text
    assert (await owner.submit(page, page, name="X", scopes="everything")).status_code == 422
    assert not await shop.fetch("SELECT 1 FROM identity.api_key")


async def test_the_audit_log_filters_by_person_and_subject(visit: Visit, shop: Shop) -> None:
    clerk, owner = await visit("clerk"), await visit("owner")
    page = f"/console/stock/{shop.sku_id}"
    await clerk.submit(page, f"{page}/receive", quantity="5", reason="Note 881")
    text = (await owner.get(f"/console/audit?subject={shop.sku_id}")).text
    assert "Note 881" in text
    assert "Signed in" not in text
    text = (await owner.get(f"/console/audit?actor={shop.email('owner')}")).text
    assert "Note 881" not in text
    assert "Signed in" in text
    assert "No change matches" in (await owner.get("/console/audit?subject=nobody")).text
    assert (await owner.get("/console/audit?cursor=nonsense")).status_code == 422


async def test_the_language_is_chosen_and_kept_and_the_way_back_stays_inside(visit: Visit) -> None:
    visitor = await visit("clerk")
    page = await visitor.get("/console/orders?state=paid")
    assert '<html lang="en">' in page.text
    form = find_form(page, "/console/locale")
    answer = await visitor.send(form, locale="zh_Hans")
    assert answer.headers["location"] == "/console/orders?state=paid"
    assert '<html lang="zh-Hans">' in (await visitor.get("/console/orders")).text
    answer = await visitor.post_plain("/console/locale", locale="en", back="https://evil.example")
    assert answer.headers["location"] == "/console"


async def test_pages_hold_no_inline_script_or_handler(visit: Visit, shop: Shop) -> None:
    order = await shop.place_order()
    owner = await visit("owner")
    for path in (
        "/console", "/console/orders", f"/console/orders/{order.number}", "/console/products",
        f"/console/products/{shop.product.product_id}", f"/console/stock/{shop.sku_id}", "/console/staff",
        "/console/keys", "/console/audit",
    ):  # fmt: skip
        text = (await owner.get(path)).text
        assert not re.findall(r"<script(?![^>]* src=)", text), path
        assert not re.findall(r"<[^>]+\s(?:on\w+|style)=", text), path
        assert "javascript:" not in text


async def test_an_address_that_leads_nowhere_has_a_page_and_a_way_on(visit: Visit) -> None:
    visitor = await visit("clerk")
    answer = await visitor.get("/console/nowhere")
    assert answer.status_code == 404
    assert 'href="/console' in answer.text
