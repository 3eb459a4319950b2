"""What a role may not do is hidden, and refused when it is tried all the same."""

import pytest
from tests.console.conftest import Visit
from tests.console.shop import Shop, read

from serai.foundation.ids import new_id


@pytest.mark.parametrize(
    ("role", "hidden"),
    [
        ("manager", ["/console/staff", "/console/keys"]),
        ("clerk", ["/console/staff", "/console/keys", "/console/audit", "/console/products/new"]),
    ],
)
async def test_pages_past_the_role_are_neither_linked_nor_shown(
    visit: Visit, role: str, hidden: list[str]
) -> None:
    visitor = await visit(role)
    for page in ("/console", "/console/products"):
        shown = await visitor.get(page)
        assert shown.status_code == 200
        assert not [path for path in hidden if f'href="{path}"' in shown.text]
    for path in hidden:
        answer = await visitor.get(path)
        assert answer.status_code == 403
        assert "Your role does not allow this." in answer.text
        assert "Sign out" in answer.text, "the refusal keeps the navigation"


async def test_an_owner_sees_every_section(visit: Visit) -> None:
    visitor = await visit("owner")
    for path in (
        "",
        "/orders",
        "/products",
        "/products/new",
        "/stock",
        "/staff",
        "/keys",
        "/audit",
        "/password",
    ):
        assert (await visitor.get(f"/console{path}")).status_code == 200, path


async def test_a_clerk_changes_no_price(visit: Visit, shop: Shop) -> None:
    visitor = await visit("clerk")
    page = f"/console/products/{shop.product.product_id}"
    shown = await visitor.get(page)
    assert {form.action for form in read(shown).forms} == {
        "/console/search",
        "/console/locale",
        "/console/sign-out",
    }
    fields = {"sku_id": str(shop.sku_id), "amount": "0.01", "reason": "mine"}
    assert (await visitor.post_plain(f"{page}/prices", **fields)).status_code == 403
    assert (await visitor.post_plain(page, title="Mine", version="1")).status_code == 403
    assert (await visitor.post_plain(f"{page}/unpublish")).status_code == 403
    rows = await shop.fetch("SELECT price_minor FROM commerce.variant")
    assert [row["price_minor"] for row in rows] == [499]
    assert len(await shop.fetch("SELECT 1 FROM commerce.price_entry")) == 1


async def test_a_clerk_refunds_nothing_not_even_by_cancelling(visit: Visit, shop: Shop) -> None:
    order = await shop.place_order()
    visitor = await visit("clerk")
    page = f"/console/orders/{order.number}"
    actions = {form.action for form in read(await visitor.get(page)).forms}
    assert f"{page}/fulfil" in actions
    assert not {f"{page}/refund", f"{page}/cancel"} & actions
    assert (await visitor.post_plain(f"{page}/refund", amount="1.00", reason="gift")).status_code == 403
    assert (await visitor.post_plain(f"{page}/cancel", reason="gift")).status_code == 403
    after = await shop.load_order(order.order_id)
    assert (after.state, after.refunds) == ("paid", ())
    assert shop.till.asked == []


async def test_a_clerk_cancels_what_nobody_paid(visit: Visit, shop: Shop) -> None:
    order = await shop.place_order(paid=False)
    visitor = await visit("clerk")
    page = f"/console/orders/{order.number}"
    answer = await visitor.submit(page, f"{page}/cancel", reason="asked for it")
    assert (answer.status_code, answer.headers["location"]) == (303, page)
    assert (await shop.load_order(order.order_id)).state == "cancelled"
    assert await shop.load_available() == 40


async def test_a_manager_runs_no_staff_and_no_keys(visit: Visit, shop: Shop) -> None:
    visitor = await visit("manager")
    for path, fields in (
        ("/console/staff/invite", {"name": "X", "email": "x@example.com", "role": "owner"}),
        (f"/console/staff/{new_id()}/role", {"role": "owner"}),
        (f"/console/staff/{new_id()}/deactivate", {}),
        (f"/console/staff/{new_id()}/password", {}),
        ("/console/keys", {"name": "X", "scopes": "stock:read"}),
        (f"/console/keys/{new_id()}/revoke", {}),
    ):
        assert (await visitor.post_plain(path, **fields)).status_code == 403, path
    assert len(await shop.fetch("SELECT 1 FROM identity.staff")) == 3
    assert not await shop.fetch("SELECT 1 FROM identity.api_key")


async def test_somebody_let_out_is_out_with_the_next_click(visit: Visit, shop: Shop) -> None:
    owner, clerk = await visit("owner"), await visit("clerk")
    clerk_id = (await shop.fetch("SELECT staff_id FROM identity.staff WHERE role = 'clerk'"))[0]["staff_id"]
    answer = await owner.submit("/console/staff", f"/console/staff/{clerk_id}/deactivate")
    assert answer.status_code == 303
    assert (await clerk.get("/console")).headers["location"] == "/console/sign-in"
    assert (await clerk.sign_in(shop.email("clerk"))).status_code == 401
    answer = await owner.submit("/console/staff", f"/console/staff/{clerk_id}/activate")
    assert (await clerk.sign_in(shop.email("clerk"))).status_code == 303


async def test_a_new_role_holds_from_the_next_click(visit: Visit, shop: Shop) -> None:
    owner, clerk = await visit("owner"), await visit("clerk")
    assert (await clerk.get("/console/audit")).status_code == 403
    clerk_id = (await shop.fetch("SELECT staff_id FROM identity.staff WHERE role = 'clerk'"))[0]["staff_id"]
    await owner.submit("/console/staff", f"/console/staff/{clerk_id}/role", role="manager")
    assert (await clerk.get("/console/audit")).status_code == 200
    assert (await shop.list_audit("staff.changed"))[0]["after"] == {"role": "manager", "active": True}
