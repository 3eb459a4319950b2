"""Products at the console: found, added, edited by two at once, priced with a trace, published."""

import asyncio

from tests.console.conftest import Visit
from tests.console.shop import Shop, find_form, read

from serai.commerce.catalogue.api import (
    Attribute,
    ProductOption,
    add_barcode,
    fill_matrix,
    save_attribute,
    set_facts,
    set_options,
    set_variant_facts,
)
from serai.foundation.ids import new_id


def page_of(shop: Shop) -> str:
    return f"/console/products/{shop.product.product_id}"


async def add(shop: Shop, visit: Visit, **fields: str) -> str:
    visitor = await visit("manager")
    page = "/console/products/new"
    wanted = {
        "title": "Oat milk",
        "sku": "OAT-1",
        "price": "2.50",
        "category_id": str(shop.category.category_id),
    }
    answer = await visitor.submit(page, page, **(wanted | fields))
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


async def test_a_product_is_found_by_title_and_sku_and_filtered_by_state(visit: Visit, shop: Shop) -> None:
    await add(shop, visit)
    visitor = await visit("clerk")
    for path, found in (
        ("/console/products?q=oat", ["Oat milk"]),
        ("/console/products?q=ICE-1", ["Ice, crushed"]),
        ("/console/products?shown=no", ["Oat milk"]),
        ("/console/products?shown=yes", ["Ice, crushed"]),
        ("/console/products?category=grocery", ["Oat milk", "Ice, crushed"]),
        ("/console/products?sort=price", ["Oat milk", "Ice, crushed"]),
        ("/console/products?q=nothing+like+it", []),
    ):
        shown = (await visitor.get(path)).text
        assert [title for title in ("Oat milk", "Ice, crushed") if f">{title}</a>" in shown] == found, path


async def test_hits_come_below_the_search_field_while_typing(visit: Visit, shop: Shop) -> None:
    visitor = await visit("clerk")
    answer = await visitor.get("/console/search?q=ice", **{"hx-request": "true"})
    assert answer.status_code == 200
    assert "<html" not in answer.text
    assert f'href="{page_of(shop)}"' in answer.text
    assert "Nothing found" in (await visitor.get("/console/search?q=zzz", **{"hx-request": "true"})).text


async def test_a_new_product_is_there_with_price_and_trace(visit: Visit, shop: Shop) -> None:
    location = await add(shop, visit, content_text="1 l", gtin="4006381333931", published="1")
    shown = (await (await visit("clerk")).get(location)).text
    for text in ("Oat milk", "$2.50", "1 l", "$0.25 / 100 ml", "4006381333931", "Published"):
        assert text in shown, text
    entry = (await shop.list_audit("product.created"))[-1]
    assert (entry["actor"], entry["after"]["price_minor"]) == (shop.email("manager"), 250)


async def test_a_product_sent_twice_at_once_is_added_once(visit: Visit, shop: Shop) -> None:
    visitor = await visit("manager")
    page = "/console/products/new"
    form = find_form(await visitor.get(page), page)
    fields = {
        "title": "Oat milk",
        "sku": "OAT-1",
        "price": "2.50",
        "category_id": str(shop.category.category_id),
    }
    answers = await asyncio.gather(*(visitor.send(form, **fields) for _n in range(3)))
    assert [answer.status_code for answer in answers] == [303] * 3
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert len(await shop.fetch("SELECT 1 FROM commerce.product WHERE title = 'Oat milk'")) == 1


async def test_what_is_wrong_stands_at_its_field_and_nothing_typed_is_lost(visit: Visit, shop: Shop) -> None:
    visitor = await visit("manager")
    page = "/console/products/new"
    answer = await visitor.submit(
        page,
        page,
        title="",
        sku="",
        price="1.234",
        gtin="12a",
        category_id="x",
        brand="Kept",
        description="Kept too",
    )
    assert answer.status_code == 422
    for message in (
        "Please give a title.",
        "Please give a SKU.",
        "Please give an amount such as 12.50.",
        "A GTIN has 8, 12, 13 or 14 digits.",
        "Please choose a category.",
    ):
        assert message in answer.text, message
    assert find_form(answer, page).values["brand"] == "Kept"
    assert "Kept too" in answer.text
    taken = await visitor.submit(
        page, page, title="Other", sku="ICE-1", price="1", category_id=str(shop.category.category_id)
    )
    assert taken.status_code == 409
    assert "Another product has this SKU already." in taken.text
    assert len(await shop.fetch("SELECT 1 FROM commerce.product")) == 1


async def test_a_text_with_markup_is_shown_and_not_run(visit: Visit, shop: Shop) -> None:
    location = await add(shop, visit, title="<script>alert(1)</script>", description="</textarea><script>")
    for path in (location, "/console/products?shown=no", "/console/audit"):
        shown = (await (await visit("manager")).get(path)).text
        assert "<script>alert" not in shown
        assert "</textarea><script>" not in shown
    assert "&lt;script&gt;alert(1)" in (await (await visit("manager")).get(location)).text


async def test_editing_saves_and_records_before_and_after(visit: Visit, shop: Shop) -> None:
    visitor = await visit("manager")
    fields = {"title": "Ice, crushed or cubed", "gtin": "96385074", "content_text": "5 kg"}
    answer = await visitor.submit(page_of(shop), page_of(shop), **fields)
    assert (answer.status_code, answer.headers["location"]) == (303, page_of(shop))
    shown = (await visitor.get(page_of(shop))).text
    assert "Saved." in shown
    assert "$0.10 / 100 g" in shown
    assert "<h1>Ice, crushed or cubed" in shown
    entry = (await shop.list_audit("product.edited"))[0]
    assert entry["before"] == {"title": "Ice, crushed", "gtin": None, "content_text": None}
    assert entry["after"] == fields
    log = (await visitor.get("/console/audit")).text
    assert "<del>Ice, crushed</del><ins>Ice, crushed or cubed</ins>" in log


async def test_who_edits_meanwhile_sees_both_versions_and_decides(visit: Visit, shop: Shop) -> None:
    visitor, other = await visit("manager"), await visit("owner")
    page = page_of(shop)
    mine = find_form(await visitor.get(page), page)
    assert (await other.submit(page, page, title="Theirs", brand="Their brand")).status_code == 303
    answer = await visitor.send(mine, title="Mine", content_text="5 kg")
    assert answer.status_code == 409
    text = " ".join(read(answer).text.split())
    assert "Edited meanwhile" in text
    assert "you had not changed it" in text
    assert "only you have changed it" in text
    assert (await shop.fetch("SELECT title FROM commerce.product"))[0]["title"] == "Theirs"
    kept = find_form(answer, page)
    assert kept.values["title"] == "Mine"
    assert kept.values["brand"] == "Their brand", "what this form had not touched is taken over"
    assert kept.values["content_text"] == "5 kg"
    assert (await visitor.send(kept)).status_code == 303
    row = (await shop.fetch("SELECT title, brand FROM commerce.product"))[0]
    assert (row["title"], row["brand"]) == ("Mine", "Their brand")


async def test_of_a_contradiction_either_side_can_be_chosen(visit: Visit, shop: Shop) -> None:
    visitor, other = await visit("manager"), await visit("owner")
    page = page_of(shop)
    for take, title in (("saved", "Theirs 1"), ("yours", "Mine 2")):
        mine = find_form(await visitor.get(page), page)
        n = title[-1]
        assert (await other.submit(page, page, title=f"Theirs {n}")).status_code == 303
        answer = await visitor.send(mine, title=f"Mine {n}")
        assert answer.status_code == 409
        form = find_form(answer, page)
        chosen = {"take_title": take, "saved_title": f"Theirs {n}", "yours_title": f"Mine {n}"}
        assert (await visitor.send(form, **chosen)).status_code == 303
        assert (await shop.fetch("SELECT title FROM commerce.product"))[0]["title"] == title


async def test_a_form_without_its_base_loses_nothing_silently(visit: Visit, shop: Shop) -> None:
    visitor, other = await visit("manager"), await visit("owner")
    page = page_of(shop)
    for base in ("", "no base64", "e30="):
        mine = find_form(await visitor.get(page), page)
        assert (await other.submit(page, page, brand=f"Brand {base}")).status_code == 303
        answer = await visitor.send(mine, title="Mine", base=base)
        assert answer.status_code == 409
        assert f"Brand {base}" in answer.text


async def test_a_price_change_keeps_history_reason_and_trace(visit: Visit, shop: Shop) -> None:
    visitor = await visit("manager")
    page = page_of(shop)
    answer = await visitor.submit(page, f"{page}/prices", amount="5.25", reason="Supplier raised")
    assert (answer.status_code, answer.headers["location"]) == (303, page)
    rows = await shop.fetch(
        "SELECT amount_minor, reason, created_by FROM commerce.price_entry ORDER BY valid_from, price_id"
    )
    assert [row["amount_minor"] for row in rows] == [499, 525]
    assert (rows[1]["reason"], rows[1]["created_by"]) == ("Supplier raised", shop.email("manager"))
    entry = (await shop.list_audit("price.changed"))[0]
    assert entry["actor"] == shop.email("manager")
    shown = (await visitor.get(page)).text
    for text in ("$5.25", "$4.99", "Supplier raised", 'class="steps"', "The new price holds from now on."):
        assert text in shown, text


async def test_a_price_sent_twice_at_once_is_set_once(visit: Visit, shop: Shop) -> None:
    visitor = await visit("manager")
    page = page_of(shop)
    form = find_form(await visitor.get(page), f"{page}/prices")
    answers = await asyncio.gather(*(visitor.send(form, amount="5.25", reason="r") for _n in range(4)))
    assert [answer.status_code for answer in answers] == [303] * 4
    assert len(await shop.fetch("SELECT 1 FROM commerce.price_entry")) == 2
    assert len(await shop.list_audit("price.changed")) == 1


async def test_a_price_needs_an_amount_a_reason_and_a_difference(visit: Visit, shop: Shop) -> None:
    visitor = await visit("manager")
    page = page_of(shop)
    for amount, reason, message in (
        ("-1", "r", "Please give an amount such as 12.50."),
        ("abc", "r", "Please give an amount such as 12.50."),
        ("99999999999999", "r", "Please give an amount such as 12.50."),
        ("5.25", "", "Please give a reason."),
        ("4.99", "r", "This is the price already."),
    ):
        answer = await visitor.submit(page, f"{page}/prices", amount=amount, reason=reason)
        assert answer.status_code == 422
        assert message in answer.text
        assert find_form(answer, f"{page}/prices").values["amount"] == amount
    assert len(await shop.fetch("SELECT 1 FROM commerce.price_entry")) == 1
    forged = await visitor.post_plain(f"{page}/prices", sku_id=str(new_id()), amount="1", reason="r")
    assert forged.status_code == 404


async def test_publishing_and_taking_out_again(visit: Visit, shop: Shop) -> None:
    visitor = await visit("manager")
    page = page_of(shop)
    assert (await visitor.submit(page, f"{page}/unpublish")).status_code == 303
    assert not await shop.fetch("SELECT 1 FROM commerce.product WHERE published")
    assert (await visitor.submit(page, f"{page}/publish")).status_code == 303
    assert await shop.fetch("SELECT 1 FROM commerce.product WHERE published")
    assert (
        len(await shop.list_audit("product.unpublished"))
        == len(await shop.list_audit("product.published"))
        == 1
    )


async def test_a_variant_takes_several_barcodes_and_names_who_has_one_already(
    visit: Visit, shop: Shop
) -> None:
    visitor = await visit("manager")
    page, own = page_of(shop), f"{page_of(shop)}/variants/{shop.sku_id}/barcodes"
    for gtin in ("4006381333931", "96385074", "2112345012346"):
        assert (await visitor.submit(page, own, gtin=gtin, drop="")).status_code == 303
    shown = " ".join(read(await visitor.get(page)).text.split())
    for text in ("4006381333931 GTIN-13", "96385074 GTIN-8", "2112345000008 scale label with price"):
        assert text in shown, text
    wrong = await visitor.submit(page, own, gtin="4006381333932", drop="")
    assert wrong.status_code == 422
    assert "is no GTIN" in wrong.text
    other = await add(shop, visit)
    location = f"{other}/variants/"
    sku_id = (await shop.fetch("SELECT sku_id FROM commerce.variant WHERE sku = 'OAT-1'"))[0]["sku_id"]
    taken = await visitor.submit(other, f"{location}{sku_id}/barcodes", gtin="96385074", drop="")
    assert taken.status_code == 409
    assert "“Ice, crushed” (ICE-1) has this barcode already." in taken.text
    foreign = await visitor.post_plain(f"{page}/variants/{sku_id}/barcodes", gtin="96385074")
    assert foreign.status_code == 404, "a variant is changed through its own product only"
    assert (await visitor.post_plain(own, drop="00000096385074")).status_code == 303
    assert len(await shop.fetch("SELECT 1 FROM commerce.barcode WHERE sku_id = $1", shop.sku_id)) == 2


async def test_a_product_is_duplicated_once_with_all_but_codes_and_photographs(
    visit: Visit, shop: Shop
) -> None:
    visitor = await visit("manager")
    page = page_of(shop)
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await save_attribute(tx, attribute=Attribute("melt", "number", "Melts in", unit="min"), by="test")
        product = await set_options(
            tx,
            product_id=shop.product.product_id,
            version=1,
            options=[ProductOption("Size", ("S", "L"))],
            by="test",
        )
        product = await fill_matrix(
            tx, product_id=product.product_id, version=product.version, by="test", price_minor=700
        )
        large = product.variants[1]
        product = await set_variant_facts(
            tx, sku_id=large.sku_id, version=product.version, attributes={"melt": 9}, by="test"
        )
        product = await set_facts(
            tx,
            product_id=product.product_id,
            version=product.version,
            attributes={"melt": 5},
            tags=["cold"],
            by="test",
        )
        await add_barcode(tx, sku_id=shop.sku_id, gtin="96385074", by="test")
    form = find_form(await visitor.get(page), f"{page}/copy")
    answers = await asyncio.gather(*(visitor.send(form) for _n in range(3)))
    assert len({answer.headers["location"] for answer in answers}) == 1
    rows = await shop.fetch(
        "SELECT title, published, tags, attributes FROM commerce.product ORDER BY created_at"
    )
    assert [tuple(row.values()) for row in rows][1:] == [
        ("Ice, crushed (copy)", False, ["cold"], {"melt": 5})
    ]
    rows = await shop.fetch(
        "SELECT v.sku, v.gtin, v.price_minor, v.choices, v.attributes FROM commerce.variant v JOIN commerce.product p"
        " ON p.product_id = v.product_id WHERE p.title LIKE '%(copy)' ORDER BY v.position"
    )
    assert [tuple(row.values()) for row in rows] == [
        ("ICE-1-2", None, 499, ["S"], {}),
        (f"{large.sku}-2", None, 700, ["L"], {"melt": 9}),
    ]
    again = await visitor.send(find_form(await visitor.get(page), f"{page}/copy"))
    assert again.headers["location"] != answers[0].headers["location"]
    assert await shop.fetch("SELECT 1 FROM commerce.variant WHERE sku = 'ICE-1-3'")
    clerk = await visit("clerk")
    assert (await clerk.post_plain(f"{page}/copy")).status_code == 403
