"""Attributes at the console: defined, chosen for categories, filled in for products and variants, and two editors at once."""

import asyncio

from tests.console.conftest import Visit
from tests.console.shop import Shop, Visitor, find_form, read

from serai.commerce.catalogue.api import ProductOption, fill_matrix, set_options

LIST = "/console/attributes"


def page_of(shop: Shop) -> str:
    return f"/console/products/{shop.product.product_id}/facts"


async def define(visitor: Visitor, code: str, **fields: str) -> None:
    answer = await visitor.submit(
        f"{LIST}/new", f"{LIST}/new", code=code, **({"name": code.title(), "kind": "text"} | fields)
    )
    assert answer.status_code == 303, answer.text


async def choose(visitor: Visitor, shop: Shop, *codes: str) -> None:
    page = f"{LIST}?category={shop.category.slug}"
    answer = await visitor.submit(page, f"{LIST}/sets/{shop.category.slug}", code=list(codes))
    assert answer.status_code == 303, answer.text


async def values_of(shop: Shop) -> dict[str, object]:
    found: dict[str, object] = (await shop.fetch("SELECT attributes FROM commerce.product"))[0]["attributes"]
    return found


async def test_an_attribute_is_defined_chosen_for_a_category_and_filled_in(visit: Visit, shop: Shop) -> None:
    visitor = await visit("manager")
    await define(
        visitor, "melt", kind="number", unit="min", name="Melts in", name_zh="融化时间", filterable="1"
    )
    await define(visitor, "shape", kind="choice", choices="cube = 方冰\n\n crushed\nball", name="Shape")
    await define(visitor, "clear", kind="boolean", name="Clear")
    await choose(visitor, shop, "clear", "melt", "shape")
    listed = (await visitor.get(LIST)).text
    for text in ("Melts in", "Number · min", "cube, crushed, ball", "Grocery", "Filter"):
        assert text in listed, text
    page = page_of(shop)
    fields = {
        "attribute_melt": "12,5",
        "attribute_shape": "crushed",
        "attribute_clear": "yes",
        "tags": "Cold, Summer，cold",
    }
    assert (await visitor.submit(page, page, **fields)).status_code == 303
    assert await values_of(shop) == {"melt": 12.5, "shape": "crushed", "clear": True}
    shown = find_form(await visitor.get(page), page).values
    assert (shown["attribute_melt"], shown["attribute_shape"], shown["tags"]) == (
        "12.5",
        "crushed",
        "cold, summer",
    )
    assert [e["actor"] for e in await shop.list_audit("product.facts_changed")] == [shop.email("manager")]
    emptied = {"attribute_melt": "", "attribute_clear": ""}
    assert (await visitor.submit(page, page, **emptied)).status_code == 303
    assert await values_of(shop) == {"shape": "crushed"}


async def test_a_value_of_another_kind_stands_refused_at_its_field(visit: Visit, shop: Shop) -> None:
    visitor = await visit("manager")
    await define(visitor, "melt", kind="number", unit="min", name="Melts in")
    await define(visitor, "shape", kind="choice", choices="cube", name="Shape")
    await choose(visitor, shop, "melt", "shape")
    page = page_of(shop)
    for wrong in ({"attribute_melt": "soon"}, {"attribute_melt": "1e400"}, {"attribute_shape": "ball"}):
        answer = await visitor.submit(page, page, **wrong)
        assert answer.status_code == 422
        assert "cannot have that value" in answer.text
        assert find_form(answer, page).values[next(iter(wrong))] in (*wrong.values(), "")
    assert await values_of(shop) == {}


async def test_who_fills_in_meanwhile_sees_both_and_nothing_is_lost(visit: Visit, shop: Shop) -> None:
    visitor, other = await visit("manager"), await visit("owner")
    for code in ("origin", "maker"):
        await define(visitor, code)
    await choose(visitor, shop, "origin", "maker")
    page = page_of(shop)
    mine = find_form(await visitor.get(page), page)
    assert (await other.submit(page, page, attribute_maker="Theirs")).status_code == 303
    answer = await visitor.send(mine, attribute_origin="Mine")
    assert answer.status_code == 409
    assert "Edited meanwhile" in read(answer).text
    assert await values_of(shop) == {"maker": "Theirs"}
    merged = find_form(answer, page)
    assert (merged.values["attribute_origin"], merged.values["attribute_maker"]) == ("Mine", "Theirs")
    assert (await visitor.send(merged)).status_code == 303
    assert await values_of(shop) == {"maker": "Theirs", "origin": "Mine"}


async def test_of_two_who_redefine_an_attribute_the_second_is_told(visit: Visit, shop: Shop) -> None:
    visitor, other = await visit("manager"), await visit("owner")
    await define(visitor, "origin", name="Origin")
    page = f"{LIST}/origin"
    mine = find_form(await visitor.get(page), page)
    assert (await other.submit(page, page, name="Provenance")).status_code == 303
    answer = await visitor.send(mine, name="Country")
    assert answer.status_code == 409
    assert "It reads now: Provenance · Text." in answer.text
    assert (await shop.fetch("SELECT name FROM commerce.attribute"))[0]["name"] == "Provenance"
    assert (await visitor.send(find_form(answer, page))).status_code == 303
    assert (await shop.fetch("SELECT name FROM commerce.attribute"))[0]["name"] == "Country"


async def test_a_choice_that_a_product_has_cannot_go_and_neither_can_its_attribute(
    visit: Visit, shop: Shop
) -> None:
    visitor = await visit("manager")
    await define(visitor, "shape", kind="choice", choices="cube\nball", name="Shape")
    await choose(visitor, shop, "shape")
    page, own = page_of(shop), f"{LIST}/shape"
    assert (await visitor.submit(page, page, attribute_shape="cube")).status_code == 303
    answer = await visitor.submit(own, own, choices="ball")
    assert answer.status_code == 409
    assert "“cube”" in answer.text
    assert (await visitor.submit(own, own, kind="text")).status_code == 409
    gone = await visitor.post_plain(own, what="delete")
    assert gone.status_code == 303
    assert len(await shop.fetch("SELECT 1 FROM commerce.attribute")) == 1
    assert (await visitor.submit(page, page, attribute_shape="")).status_code == 303
    assert (await visitor.post_plain(own, what="delete")).headers["location"] == LIST
    assert not await shop.fetch("SELECT 1 FROM commerce.attribute")
    assert not await shop.fetch("SELECT 1 FROM commerce.category_attribute")


async def test_a_value_and_a_redefinition_at_once_never_leave_a_value_that_is_no_choice(
    visit: Visit, shop: Shop
) -> None:
    visitor, other = await visit("manager"), await visit("owner")
    await define(visitor, "shape", kind="choice", choices="cube\nball", name="Shape")
    await choose(visitor, shop, "shape")
    page, own = page_of(shop), f"{LIST}/shape"
    for turn in range(6):
        fill, redefine = find_form(await visitor.get(page), page), find_form(await other.get(own), own)
        filled, redefined = await asyncio.gather(
            visitor.send(fill, attribute_shape="cube"), other.send(redefine, choices="ball")
        )
        assert {filled.status_code, redefined.status_code} <= {303, 409, 422}
        choices = (await shop.fetch("SELECT choices FROM commerce.attribute"))[0]["choices"]
        assert (await values_of(shop)).get("shape", "ball") in choices, turn
        assert (await visitor.submit(page, page, attribute_shape="")).status_code == 303
        assert (await other.submit(own, own, choices="cube\nball")).status_code == 303


async def test_a_variant_differs_from_its_product_where_it_says_so(visit: Visit, shop: Shop) -> None:
    visitor = await visit("manager")
    await define(visitor, "weight", kind="number", unit="g", name="Weight")
    await choose(visitor, shop, "weight")
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        product = await set_options(
            tx,
            product_id=shop.product.product_id,
            version=shop.product.version,
            options=[ProductOption("Size", ("S", "L"))],
            by="test",
        )
        product = await fill_matrix(
            tx, product_id=product.product_id, version=product.version, by="test", price_minor=None
        )
    large = product.variants[1]
    page, own = page_of(shop), f"{page_of(shop)}/{large.sku_id}"
    assert (await visitor.submit(page, page, attribute_weight="500")).status_code == 303
    assert 'placeholder="500 g"' in (await visitor.get(page)).text
    stale = find_form(await visitor.get(page), own)
    assert (await visitor.submit(page, own, attribute_weight="900")).status_code == 303
    rows = await shop.fetch("SELECT attributes FROM commerce.variant ORDER BY position")
    assert [row["attributes"] for row in rows] == [{}, {"weight": 900}]
    assert (await visitor.send(stale, attribute_weight="1")).status_code == 409
    assert (await visitor.submit(page, own, attribute_weight="a lot")).status_code == 422


async def test_channels_show_and_hide_for_themselves(visit: Visit, shop: Shop) -> None:
    visitor = await visit("manager")
    page, own = page_of(shop), f"/console/products/{shop.product.product_id}/channels"
    stale = find_form(await visitor.get(page), own)
    assert (await visitor.submit(page, own, pos="hide", market="show")).status_code == 303
    rows = await shop.fetch("SELECT channel, published FROM commerce.listing ORDER BY channel")
    assert [tuple(row.values()) for row in rows] == [("market", True), ("pos", False)]
    assert (await visitor.send(stale, pos="show")).status_code == 409
    assert (await visitor.submit(page, own, pos="", market="")).status_code == 303
    assert not await shop.fetch("SELECT 1 FROM commerce.listing")


async def test_a_clerk_looks_and_changes_nothing(visit: Visit, shop: Shop) -> None:
    manager, clerk = await visit("manager"), await visit("clerk")
    await define(manager, "origin", name="Origin")
    await choose(manager, shop, "origin")
    for path in (LIST, f"{LIST}/origin", page_of(shop)):
        assert (await clerk.get(path)).status_code == 200
    for path in (f"{LIST}/new", f"{LIST}/origin", f"{LIST}/sets/{shop.category.slug}", page_of(shop)):
        assert (await clerk.post_plain(path, name="x", code="x", kind="text")).status_code == 403, path
