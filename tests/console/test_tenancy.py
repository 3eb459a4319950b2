"""What belongs to another merchant does not exist."""

from tests.console.conftest import MakeShop, Visit
from tests.console.shop import Shop


async def test_pages_of_another_merchants_things_are_not_found(visit: Visit, make_shop: MakeShop) -> None:
    other = await make_shop()
    order = await other.place_order()
    visitor = await visit("owner")
    for path in (
        f"/console/products/{other.product.product_id}",
        f"/console/stock/{other.sku_id}",
        f"/console/orders/{order.number}",
        f"/console/orders/{order.order_id}",
    ):
        assert (await visitor.get(path)).status_code == 404, path


async def test_lists_and_search_show_nothing_of_another_merchant(
    visit: Visit, make_shop: MakeShop, shop: Shop
) -> None:
    other = await make_shop()
    order = await other.place_order(email="stranger@example.com")
    visitor = await visit("owner")
    for path in (
        "/console",
        "/console/orders",
        "/console/audit",
        "/console/search?q=stranger",
        "/console/staff",
    ):
        shown = (await visitor.get(path)).text
        assert order.number not in shown
        assert "stranger@example.com" not in shown.replace("search?q=stranger", "")
        assert other.merchant.slug not in shown


async def test_changes_to_another_merchants_things_are_refused_and_change_nothing(
    visit: Visit, make_shop: MakeShop
) -> None:
    other = await make_shop()
    order = await other.place_order()
    visitor = await visit("owner")
    product, stock = f"/console/products/{other.product.product_id}", f"/console/stock/{other.sku_id}"
    staff_id = (await other.fetch("SELECT staff_id FROM identity.staff WHERE role = 'clerk'"))[0]["staff_id"]
    for path, fields in (
        (product, {"title": "Mine", "version": "1", "category_id": str(other.category.category_id)}),
        (f"{product}/prices", {"sku_id": str(other.sku_id), "amount": "0.01", "reason": "mine"}),
        (f"{product}/unpublish", {}),
        (f"{stock}/receive", {"place": "online", "quantity": "5", "reason": "mine"}),
        (f"{stock}/adjust", {"place": "online", "delta": "-5", "reason": "mine"}),
        (f"{stock}/transfer", {"from_place": "online", "to_place": "s1", "quantity": "5", "reason": "mine"}),
        (f"/console/orders/{order.number}/fulfil", {}),
        (f"/console/orders/{order.number}/cancel", {"reason": "mine"}),
        (f"/console/orders/{order.order_id}/refund", {"amount": "1.00", "reason": "mine"}),
        (f"/console/staff/{staff_id}/deactivate", {}),
    ):
        assert (await visitor.post_plain(path, **fields)).status_code == 404, path
    assert (await other.load_order(order.order_id)).state == "paid"
    assert await other.load_available() == 38
    assert (await other.fetch("SELECT title, published FROM commerce.product"))[0]["title"] == "Ice, crushed"
    assert (await other.fetch("SELECT active FROM identity.staff WHERE staff_id = $1", staff_id))[0]["active"]
