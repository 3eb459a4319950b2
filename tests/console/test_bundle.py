"""Bundles at the console: goods looked for and taken, priced, counted, saved once, and two editors at once."""

from uuid import UUID

from tests.console.conftest import Visit
from tests.console.shop import Shop, find_form, read

from serai.commerce.catalogue.api import (
    NewProduct,
    Product,
    VariantEdit,
    create_product,
    edit_variant,
    set_bundle,
    set_price,
)
from serai.commerce.stock.api import receive_stock
from serai.foundation.ids import new_id


async def add(shop: Shop, title: str, sku: str, price_minor: int, stock: int = 0) -> Product:
    new = NewProduct(
        title=title, sku=sku, category_id=shop.category.category_id, price_minor=price_minor, currency="USD"
    )
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        product = await create_product(tx, product=new, by="test")
    if stock:
        await stock_up(shop, product.variants[0].sku_id, stock)
    return product


async def stock_up(shop: Shop, sku_id: UUID, quantity: int) -> None:
    await receive_stock(
        shop.commerce,
        shop.merchant_id,
        sku_id=sku_id,
        place_id=shop.online.place_id,
        quantity=quantity,
        reason="opening",
        by="test",
        key=str(new_id()),
    )


def page_of(product: Product) -> str:
    return f"/console/products/{product.product_id}/bundle"


def field(product: Product) -> str:
    return f"quantity_{product.variants[0].sku_id}"


async def parts_of(shop: Shop, product: Product) -> list[tuple[str, int]]:
    rows = await shop.fetch(
        "SELECT v.sku, p.quantity FROM commerce.bundle_part p JOIN commerce.variant v ON v.sku_id = p.part_sku_id"
        " WHERE p.sku_id = $1 ORDER BY p.position",
        product.variants[0].sku_id,
    )
    return [tuple(row.values()) for row in rows]


async def price_of(shop: Shop, product: Product) -> int:
    sql = "SELECT price_minor FROM commerce.variant WHERE sku_id = $1"
    price: int = (await shop.fetch(sql, product.variants[0].sku_id))[0]["price_minor"]
    return price


async def test_goods_are_looked_for_taken_worked_out_and_saved(visit: Visit, shop: Shop) -> None:
    visitor = await visit("manager")
    tea, cup = await add(shop, "Green tea", "TEA", 1000, 9), await add(shop, "Cup", "CUP", 500, 4)
    gift = await add(shop, "Tea for two", "GIFT", 1600)
    page = page_of(gift)
    empty = await visitor.get(page)
    assert "Not a bundle" in empty.text
    found = await visitor.send(find_form(empty, page), goods="Green tea", intent="search")
    assert f'name="add_sku" value="{tea.variants[0].sku_id}"' in found.text
    taken = await visitor.send(find_form(found, page), add_sku=str(tea.variants[0].sku_id))
    taken = await visitor.send(find_form(taken, page), goods="CUP", add_sku=str(cup.variants[0].sku_id))
    assert await parts_of(shop, gift) == [], "looking and taking save nothing"
    worked = await visitor.send(find_form(taken, page), **{field(cup): "2"}, goods="", intent="preview")
    said = " ".join(read(worked).text.split())
    for text in ("$20.00", "$16.00", "$8.00", "$4.00", "Online warehouse2"):
        assert text in said, text
    saved = await visitor.send(find_form(worked, page), goods="", intent="save", amount="15.00")
    assert (saved.status_code, saved.headers["location"]) == (303, page)
    assert await parts_of(shop, gift) == [("TEA", 1), ("CUP", 2)]
    assert await price_of(shop, gift) == 1500
    entry = (await shop.list_audit("bundle.changed"))[-1]
    assert entry["actor"] == shop.email("manager")
    assert await visitor.send(find_form(worked, page), goods="", intent="save", amount="15.00") is not None
    assert len(await shop.list_audit("bundle.changed")) == 1, "sent twice, done once"


async def test_a_price_by_sum_follows_its_parts_with_the_discount(visit: Visit, shop: Shop) -> None:
    visitor = await visit("manager")
    tea, gift = await add(shop, "Green tea", "TEA", 1000), await add(shop, "Tea for two", "GIFT", 1)
    page = page_of(gift)
    form = find_form(await visitor.get(page), page)
    fields = {"order": str(tea.variants[0].sku_id), field(tea): "3", "pricing": "sum", "discount": "12,5"}
    assert (await visitor.send(form, **fields)).status_code == 303
    assert await price_of(shop, gift) == 2625
    shown = find_form(await visitor.get(page), page).values
    assert (shown["discount"], shown[field(tea)]) == ("12.5", "3")
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await set_price(tx, sku_id=tea.variants[0].sku_id, amount_minor=2000, reason="r", by="test")
    assert await price_of(shop, gift) == 5250


async def test_weighed_parts_are_typed_as_amounts(visit: Visit, shop: Shop) -> None:
    visitor = await visit("manager")
    apples, basket = await add(shop, "Apples", "APP", 400), await add(shop, "Basket", "BAS", 900)
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        edit = VariantEdit(unit="kg", scale=3, increment=50)
        await edit_variant(tx, sku_id=apples.variants[0].sku_id, version=1, edit=edit, by="test")
    await stock_up(shop, apples.variants[0].sku_id, 2600)
    page = page_of(basket)
    form = find_form(await visitor.get(page), page)
    order = str(apples.variants[0].sku_id)
    wrong = await visitor.send(form, order=order, **{field(apples): "a few"})
    assert wrong.status_code == 422
    assert "Please give an amount such as 0.25" in wrong.text
    assert (await visitor.send(form, order=order, **{field(apples): "1.25"})).status_code == 303
    assert await parts_of(shop, basket) == [("APP", 1250)]
    said = " ".join(read(await visitor.get(page)).text.split())
    assert "$5.00" in said
    assert "Online warehouse2" in said
    assert "Apart, its parts are cheaper." in said


async def test_of_two_who_change_a_bundle_the_second_sees_both(visit: Visit, shop: Shop) -> None:
    visitor, other = await visit("manager"), await visit("owner")
    tea, cup, pot = [
        await add(shop, title, sku, 500) for title, sku in (("Tea", "TEA"), ("Cup", "CUP"), ("Pot", "POT"))
    ]
    gift = await add(shop, "Tea for two", "GIFT", 1200)
    page = page_of(gift)
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        parts = [(tea.variants[0].sku_id, 1), (cup.variants[0].sku_id, 1)]
        await set_bundle(tx, sku_id=gift.variants[0].sku_id, version=1, parts=parts, pricing="own", by="test")
    mine, theirs = find_form(await visitor.get(page), page), find_form(await other.get(page), page)
    assert (await other.send(theirs, **{field(cup): "4"})).status_code == 303
    order = f"{mine.values['order']} {pot.variants[0].sku_id}"
    answer = await visitor.send(mine, order=order, **{field(tea): "2", field(pot): "1"})
    assert answer.status_code == 409
    assert "Edited meanwhile" in read(answer).text
    assert await parts_of(shop, gift) == [("TEA", 1), ("CUP", 4)]
    merged = find_form(answer, page)
    assert {name: merged.values[name] for name in (field(tea), field(cup), field(pot))} == {
        field(tea): "2",
        field(cup): "4",
        field(pot): "1",
    }
    assert (await visitor.send(merged, intent="save")).status_code == 303
    assert await parts_of(shop, gift) == [("TEA", 2), ("CUP", 4), ("POT", 1)]


async def test_what_cannot_be_a_bundle_is_refused_in_words_and_changes_nothing(
    visit: Visit, shop: Shop
) -> None:
    visitor = await visit("manager")
    tea, gift = await add(shop, "Tea", "TEA", 500), await add(shop, "Tea for two", "GIFT", 900)
    own = page_of(shop.product)
    form = find_form(await visitor.get(own), own)
    taken = {"order": str(tea.variants[0].sku_id), field(tea): "1"}
    stocked = await visitor.send(form, **taken)
    assert stocked.status_code == 409
    assert "There is stock of this variant itself." in stocked.text
    page = page_of(gift)
    form = find_form(await visitor.get(page), page)
    for fields, text in (
        ({"order": "", "pricing": "own"}, "at least one part"),
        (taken | {field(tea): "1.5"}, "whole number"),
        (taken | {field(tea): "-1"}, "whole number"),
        (taken | {"pricing": "sum", "discount": "101"}, "percentage from 0 to 100"),
        (taken | {"amount": "much"}, "Please give an amount such as 12.50."),
        ({"order": str(gift.variants[0].sku_id), field(gift): "1"}, "none of them itself"),
    ):
        answer = await visitor.send(form, **fields)
        assert answer.status_code == 422, fields
        assert text in answer.text, fields
    assert not await shop.fetch("SELECT 1 FROM commerce.bundle")
    assert (await visitor.send(form, **taken)).status_code == 303
    nested = page_of(tea)
    found = await visitor.send(find_form(await visitor.get(nested), nested), goods="Tea", intent="search")
    assert f'value="{gift.variants[0].sku_id}"' not in found.text, "bundles are not offered as parts"
    form = find_form(found, nested)
    answer = await visitor.send(form, goods="", order=str(gift.variants[0].sku_id), **{field(gift): "1"})
    assert answer.status_code == 409
    again = find_form(await visitor.get(page), page)
    assert (await visitor.send(again, **{field(tea): ""})).status_code == 303
    assert not await shop.fetch("SELECT 1 FROM commerce.bundle")


async def test_a_clerk_sees_a_bundle_and_cannot_change_it(visit: Visit, shop: Shop) -> None:
    clerk = await visit("clerk")
    page = page_of(shop.product)
    shown = await clerk.get(page)
    assert shown.status_code == 200
    assert "Save bundle" not in shown.text
    assert (await clerk.post_plain(page)).status_code == 403
