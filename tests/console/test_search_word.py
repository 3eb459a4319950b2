"""Search words at the console: synonyms one way and both ways, pinned results, what a query comes to; parked work."""

import asyncio
from typing import Any

import pytest
from tests.console.conftest import Visit
from tests.console.shop import Shop, find_form, read

from serai.commerce.catalogue.api import NewProduct, Product, create_product, search_products
from serai.foundation.database import Database
from serai.foundation.errors import Outside
from serai.foundation.job import enqueue, run_due_jobs

PAGE = "/console/search-words"
SYNONYMS, PINS = f"{PAGE}/synonyms", f"{PAGE}/pins"


async def add(shop: Shop, title: str, sku: str, published: bool = True) -> Product:
    new = NewProduct(
        title=title,
        sku=sku,
        category_id=shop.category.category_id,
        price_minor=100,
        currency="USD",
        published=published,
    )
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        return await create_product(tx, product=new, by="test")


async def find(shop: Shop, query: str, **narrowed: Any) -> list[str]:
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        found = await search_products(tx, query=query, **narrowed)
    assert found.facets.total >= len(found.page.items) or narrowed
    return [card.title for card in found.page.items]


async def test_words_that_mean_the_same_work_one_way_or_both(visit: Visit, shop: Shop) -> None:
    for title, sku in (("Soda water", "A"), ("Pop, cherry", "B"), ("Telephone", "C"), ("Handset", "D")):
        await add(shop, title, sku)
    visitor = await visit("manager")
    assert (await find(shop, "pop"), await find(shop, "handset")) == (["Pop, cherry"], ["Handset"])
    both = {"term": "soda", "also_means": "pop, 汽水", "both_ways": "1"}
    assert (await visitor.submit(PAGE, SYNONYMS, **both)).status_code == 303
    one = {"term": "handset", "also_means": "telephone", "both_ways": "0"}
    assert (await visitor.submit(PAGE, SYNONYMS, **one)).status_code == 303
    assert set(await find(shop, "soda")) == set(await find(shop, "pop")) == {"Soda water", "Pop, cherry"}
    assert set(await find(shop, "汽水")) == {"Soda water", "Pop, cherry"}, "found through both of the others"
    assert set(await find(shop, "handset")) == {"Telephone", "Handset"}
    assert await find(shop, "telephone") == ["Telephone"], "one way only"
    tried = " ".join(read(await visitor.get(f"{PAGE}?q=soda")).text.split())
    for text in ("soda = pop, 汽水", "2 products"):
        assert text in tried, text
    assert (await visitor.post_plain(SYNONYMS, term="soda", what="delete")).status_code == 303
    assert await find(shop, "pop") == ["Pop, cherry"]
    assert [entry["actor"] for entry in await shop.list_audit("synonym.set")] == [shop.email("manager")] * 3


async def test_words_that_make_no_sense_are_refused_and_change_nothing(visit: Visit, shop: Shop) -> None:
    visitor = await visit("manager")
    for fields in (
        {"term": "two words", "also_means": "pop"},
        {"term": "soda", "also_means": " , ,"},
        {"term": "!", "also_means": "pop"},
        {"term": "soda", "also_means": ",".join(f"w{n}" for n in range(11))},
        {"term": "soda", "also_means": "x" * 61},
    ):
        answer = await visitor.submit(PAGE, SYNONYMS, **fields)
        assert answer.status_code == 422, fields
        assert find_form(answer, SYNONYMS).values["term"] == fields["term"]
    assert not await shop.fetch("SELECT 1 FROM commerce.search_synonym")


async def test_of_two_who_change_a_word_the_second_is_told(visit: Visit, shop: Shop) -> None:
    visitor, other = await visit("manager"), await visit("owner")
    assert (await visitor.submit(PAGE, SYNONYMS, term="soda", also_means="pop")).status_code == 303
    mine = find_form(await visitor.get(f"{PAGE}?word=soda"), SYNONYMS)
    assert (await other.submit(f"{PAGE}?word=soda", SYNONYMS, also_means="pop, fizz")).status_code == 303
    answer = await visitor.send(mine, also_means="pop, cola")
    assert answer.status_code == 409
    assert "It reads now: pop, fizz." in answer.text
    rows = await shop.fetch("SELECT also_means FROM commerce.search_synonym")
    assert [row["also_means"] for row in rows] == [["pop", "fizz"]]
    assert (await visitor.send(find_form(answer, SYNONYMS))).status_code == 303


async def test_pinned_products_come_first_for_their_search_alone(visit: Visit, shop: Shop) -> None:
    names = ("Tea, black", "Tea, green", "Tea, white", "Mug")
    made = {title: await add(shop, title, title.upper()) for title in names}
    hidden = await add(shop, "Tea, secret", "SECRET", published=False)
    visitor = await visit("manager")
    found = await visitor.submit(PAGE, PINS, query="Tea", goods="white", intent="search")
    assert f'value="take:{made["Tea, white"].product_id}"' in found.text
    form = find_form(found, PINS)
    taken = await visitor.send(form, goods="", intent=f"take:{made['Tea, white'].product_id}")
    taken = await visitor.send(find_form(taken, PINS), intent=f"take:{made['Mug'].product_id}")
    taken = await visitor.send(find_form(taken, PINS), intent=f"take:{hidden.product_id}")
    moved = await visitor.send(find_form(taken, PINS), intent=f"up:{made['Mug'].product_id}")
    assert not await shop.fetch("SELECT 1 FROM commerce.search_pin"), "arranging saves nothing"
    assert (await visitor.send(find_form(moved, PINS), intent="save")).status_code == 303
    rest = {"Tea, black", "Tea, green"}
    listed = await find(shop, " tea ")
    assert listed[:2] == ["Mug", "Tea, white"]
    assert set(listed[2:]) == rest
    assert len(listed) == 4, "each once, and what is not published not at all"
    assert (await find(shop, "green tea"))[0] == "Tea, green", "another search is as before"
    assert "Mug" not in await find(shop, "tea", sort="price")
    assert "Mug" not in await find(shop, "tea", max_minor=100)
    shown = " ".join(read(await visitor.get(f"{PAGE}?q=tea")).text.split())
    assert "1Mugpinned2Tea, whitepinned" in shown.replace(" ", "").replace("Tea,white", "Tea, white")
    pages, cursor = [], None
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        for _page in range(6):
            page = (await search_products(tx, query="tea", limit=1, cursor=cursor)).page
            pages += [card.title for card in page.items]
            cursor = page.next_cursor
            if cursor is None:
                break
    assert sorted(pages) == sorted(["Mug", "Tea, white", *rest]), "page by page each comes once too"
    assert (await visitor.post_plain(PINS, query="tea", intent="delete")).status_code == 303
    assert "Mug" not in await find(shop, "tea")


async def test_pins_of_two_at_once_are_told_apart_and_nonsense_is_refused(visit: Visit, shop: Shop) -> None:
    tea = await add(shop, "Tea", "TEA")
    visitor, other = await visit("manager"), await visit("owner")
    for fields in ({"query": "tea", "order": ""}, {"query": " ! ", "order": str(tea.product_id)}):
        assert (await visitor.submit(PAGE, PINS, **fields, intent="save")).status_code == 422
    mine, theirs = [find_form(await each.get(PAGE), PINS) for each in (visitor, other)]
    fields = {"query": "ice", "intent": "save"}
    assert (await other.send(theirs, order=str(tea.product_id), **fields)).status_code == 303
    answer = await visitor.send(mine, order=str(shop.product.product_id), **fields)
    assert answer.status_code == 409
    rows = await shop.fetch("SELECT product_ids FROM commerce.search_pin")
    assert [row["product_ids"] for row in rows] == [[tea.product_id]]


async def park(shop: Shop, owner: Database, name: str, payload: dict[str, str]) -> Any:
    async def fail(_job: Any) -> None:
        raise Outside("post", "no such mailbox", retryable=False)

    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        job_id = await enqueue(tx, name, payload)
    await run_due_jobs(owner, {name: fail})
    return job_id


@pytest.mark.parametrize("role", ["manager", "clerk"])
async def test_parked_work_is_for_owners(visit: Visit, shop: Shop, role: str) -> None:
    visitor = await visit(role)
    assert (await visitor.get("/console/parked")).status_code == 403
    assert (await visitor.post_plain(f"/console/parked/{shop.sku_id}/retry")).status_code == 403
    assert (await visitor.post_plain(f"/console/parked/{shop.sku_id}/drop", reason="r")).status_code == 403


async def test_parked_letters_are_tried_again_or_given_up_with_a_trace(
    visit: Visit, shop: Shop, owner: Database
) -> None:
    letter = {"to": "ada@example.org", "subject": "Your order <b>"}
    first, second = [await park(shop, owner, f"test.{shop.merchant.slug}", letter) for _n in range(2)]
    visitor, page = await visit("owner"), "/console/parked"
    shown = await visitor.get(page)
    for text in ("2 are parked", "Letter: Your order &lt;b&gt;", "ada@example.org", "no such mailbox"):
        assert text in shown.text, text
    form = find_form(shown, f"{page}/{first}/retry")
    answers = await asyncio.gather(*(visitor.send(form) for _n in range(2)))
    assert {answer.status_code for answer in answers} == {303}
    rows = await shop.fetch("SELECT tries, parked_at FROM foundation.job WHERE job_id = $1", first)
    assert [tuple(row.values()) for row in rows] == [(0, None)]
    mute = await visitor.submit(page, f"{page}/{second}/drop", reason=" ")
    assert mute.status_code == 422
    assert "Please say why" in mute.text
    assert (await visitor.submit(page, f"{page}/{second}/drop", reason="moved away")).status_code == 303
    assert not await shop.fetch("SELECT 1 FROM foundation.job WHERE job_id = $1", second)
    dropped = (await shop.list_audit("job.dropped"))[0]
    assert (dropped["actor"], dropped["after"]) == (shop.email("owner"), {"reason": "moved away"})
    assert "ada@" not in str(dropped["before"]), "the log keeps no addresses of shoppers"
    assert len(await shop.list_audit("job.retried")) == 1
    gone = await visitor.post_plain(f"{page}/{second}/retry")
    assert gone.status_code == 303
    assert "not parked" in (await visitor.get(gone.headers["location"])).text
